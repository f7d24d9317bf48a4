"""OpenVINO without its telemetry."""

from __future__ import annotations

import sys
from typing import Any

from glioscope.core import EngineMissing

__all__ = ["openvino", "openvino_installed"]


def openvino() -> Any:  # noqa: ANN401
    """The module openvino, imported in such a way that it cannot report its use.

    OpenVINO (and NNCF) send an event as soon as they are imported, through the package openvino_telemetry; where that cannot be
    imported they do nothing instead. So it is hidden from them, for the rest of the process.

    Raises:
        EngineMissing: OpenVINO is not installed.
    """
    told = sys.modules.get("openvino_telemetry")
    if told is not None and "openvino" in sys.modules:  # imported by somebody else before; the senders are still ours to stop
        for name in [name for name in vars(told.Telemetry) if name.startswith(("send", "start", "force"))]:
            setattr(told.Telemetry, name, _nothing)
    else:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # an import of it raises ImportError now
    try:
        import openvino as module
    except ImportError:
        raise EngineMissing("OpenVINO is not installed; run `pip install openvino`.") from None
    return module


def openvino_installed() -> bool:
    """Whether OpenVINO can be imported; it is not."""
    from importlib.util import find_spec

    return find_spec("openvino") is not None


def _nothing(*_: object, **__: object) -> None:
    return None
