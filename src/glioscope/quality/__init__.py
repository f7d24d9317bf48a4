"""What lowers trust in a result, in sentences; and one statement of how far it can be trusted."""

from glioscope.quality.alignment import displaced_sequences, overlap, overlap_remarks
from glioscope.quality.brain import brain_remarks
from glioscope.quality.exam import exam_remarks
from glioscope.quality.remark import Remark, Severity
from glioscope.quality.segmentation import segmentation_remarks
from glioscope.quality.statement import Quality, Verdict, judge

__all__ = [
    "Quality",
    "Remark",
    "Severity",
    "Verdict",
    "brain_remarks",
    "displaced_sequences",
    "exam_remarks",
    "judge",
    "overlap",
    "overlap_remarks",
    "segmentation_remarks",
]
