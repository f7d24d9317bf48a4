"""From a path to exams: which file is which sequence, why, and what would go wrong."""

from glioscope.inspection.candidate import Candidate
from glioscope.inspection.inspect_path import inspect_path
from glioscope.inspection.inspection import Inspection

__all__ = ["Candidate", "Inspection", "inspect_path"]
