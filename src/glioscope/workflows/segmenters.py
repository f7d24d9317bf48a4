"""`glioscope segmenters`: what can segment an exam."""

from __future__ import annotations

from glioscope.segmentation import Entry, list_segmenters

__all__ = ["segmenters"]


def segmenters() -> list[Entry]:
    """All segmenters that are installed, the best first, each with what it needs and what it gives."""
    return list_segmenters()
