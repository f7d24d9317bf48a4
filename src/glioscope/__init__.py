"""Glioscope: from a raw brain-tumour MRI exam to sub-regions, volumes, a quality statement and a report.

Every command has a function of the same name here: `glioscope.run("exam", "out")` is `glioscope run exam out`.
Not a medical device.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"

if TYPE_CHECKING:
    from glioscope.workflows.atlases import atlases as atlases
    from glioscope.workflows.demo import demo as demo
    from glioscope.workflows.info import info as info
    from glioscope.workflows.inspect import inspect as inspect
    from glioscope.workflows.preprocess import preprocess as preprocess
    from glioscope.workflows.report import report as report
    from glioscope.workflows.run import run as run
    from glioscope.workflows.segment import segment as segment
    from glioscope.workflows.segmenters import segmenters as segmenters

_COMMANDS = ("atlases", "demo", "info", "inspect", "preprocess", "report", "run", "segment", "segmenters")
__all__ = ["__version__", *_COMMANDS]  # noqa: PLE0604


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import a command when it is first used, so that `import glioscope` costs nothing."""
    if name in _COMMANDS:
        return getattr(importlib.import_module(f"glioscope.workflows.{name}"), name)
    raise AttributeError(f"module 'glioscope' has no attribute '{name}'")
