"""What everything else stands on: exams, sequences, label schemes, volumes and grids, transforms, files, steps, errors."""

from glioscope.core.errors import (
    AmbiguousExam,
    EngineMissing,
    GlioscopeError,
    InputUnreadable,
    InvalidImage,
    MissingSequence,
    OutputUnwritable,
    ProcessingFailed,
    SomeExamsFailed,
    TransferFailed,
)
from glioscope.core.exam import REFERENCE_ORDER, Exam, bids_name
from glioscope.core.grid import Grid
from glioscope.core.imageio import (
    ImageHeader,
    is_image,
    read_header,
    read_labels,
    read_probabilities,
    read_volume,
    write_volume,
)
from glioscope.core.label_resampling import resample_fraction, resample_labels, resample_mask
from glioscope.core.labels import SCHEMES, Label, Scheme, convert_labels, get_scheme, implied_regions, numbering_of, region_mask
from glioscope.core.ledger import Ledger, Record, Step
from glioscope.core.prepared import Prepared
from glioscope.core.sequence import Sequence, parse_sequence
from glioscope.core.transform import Interpolation, Transform, resample
from glioscope.core.volume import Volume

__all__ = [
    "REFERENCE_ORDER",
    "SCHEMES",
    "AmbiguousExam",
    "EngineMissing",
    "Exam",
    "GlioscopeError",
    "Grid",
    "ImageHeader",
    "InputUnreadable",
    "Interpolation",
    "InvalidImage",
    "Label",
    "Ledger",
    "MissingSequence",
    "OutputUnwritable",
    "Prepared",
    "ProcessingFailed",
    "Record",
    "Scheme",
    "Sequence",
    "SomeExamsFailed",
    "Step",
    "TransferFailed",
    "Transform",
    "Volume",
    "bids_name",
    "convert_labels",
    "get_scheme",
    "implied_regions",
    "is_image",
    "numbering_of",
    "parse_sequence",
    "read_header",
    "read_labels",
    "read_probabilities",
    "read_volume",
    "region_mask",
    "resample",
    "resample_fraction",
    "resample_labels",
    "resample_mask",
    "write_volume",
]
