"""Brain extraction: which voxels of a head are brain; several engines behind one interface."""

from glioscope.preprocessing.brain_extraction.extraction import (
    ENGINES,
    Extraction,
    extract_brain,
    find_brain,
    get_extractor,
)
from glioscope.preprocessing.brain_extraction.extractor import BrainExtractor
from glioscope.preprocessing.brain_extraction.plausibility import implausible

__all__ = ["ENGINES", "BrainExtractor", "Extraction", "extract_brain", "find_brain", "get_extractor", "implausible"]
