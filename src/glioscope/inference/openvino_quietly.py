"""OpenVINO without its telemetry."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

from glioscope.core import EngineMissing

__all__ = ["openvino", "openvino_core", "openvino_installed"]


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


@cache
def openvino_core() -> Any:  # noqa: ANN401
    """The one core of this process, which is never let go.

    A core gives the thread that first compiles with it another stack for signals, and when it is let go that stack is freed and
    may stay in use: the next signal with a handler in Python (Ctrl-C, say, or a worker of a data loader that ends) then kills
    the process.

    Raises:
        EngineMissing: OpenVINO is not installed.
    """
    return openvino().Core()


def openvino_installed() -> bool:
    """Whether OpenVINO can be imported; it is not."""
    from importlib.util import find_spec

    return find_spec("openvino") is not None


def _nothing(*_: object, **__: object) -> None:
    return None
