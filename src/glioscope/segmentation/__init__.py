"""From images to regions: the interface that every segmenter implements, and those that need no training."""

from glioscope.segmentation.fake import FakeSegmenter
from glioscope.segmentation.registry import Entry, choose_segmenter, find_entry, get_segmenter, list_segmenters
from glioscope.segmentation.segmenter import Segmentation, Segmenter

__all__ = [
    "Entry",
    "FakeSegmenter",
    "Segmentation",
    "Segmenter",
    "choose_segmenter",
    "find_entry",
    "get_segmenter",
    "list_segmenters",
]
