"""What was measured of the segmenter that made a results folder's label map, with the sequences that its exam has."""

from __future__ import annotations

from pathlib import Path

from glioscope.bundles import Measured
from glioscope.core import GlioscopeError, bids_name
from glioscope.core.files import read_json
from glioscope.segmentation import Segmenter

__all__ = ["installed_segmenter", "measured_accuracy"]


def installed_segmenter(name: str) -> Segmenter | None:
    """The segmenter whose name files have as `name`; None where it is not installed on this machine."""
    from glioscope.segmentation import get_segmenter, list_segmenters

    entry = next((entry for entry in list_segmenters() if bids_name(entry.name) == name), None)
    try:
        return get_segmenter(entry.name) if entry else None
    except GlioscopeError:
        return None


def measured_accuracy(folder: Path, name: str) -> Measured | None:
    """Of the exam's `folder` in a results dataset and the segmenter whose name its files have; None where it is not known."""
    segmenter = installed_segmenter(name)
    try:
        sequences = read_json(folder / "inspection.json")["chosen"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return segmenter.measured(sequences) if segmenter and sequences else None
