"""What is asked after surgery: is tumour left, how much was taken, which class of resection it was, what of it may be blood."""

from glioscope.measurement.surgery.blood import BLOOD_DEFINITIONS, bright_on_t1n
from glioscope.measurement.surgery.cut_probability import (
    CUT_MODELS,
    CutProbability,
    independent_voxels,
    nested_outlines,
    rater_share,
)
from glioscope.measurement.surgery.extent import Extent, extent_of_resection
from glioscope.measurement.surgery.measured_cut import MeasuredCut, fit_measured_cut
from glioscope.measurement.surgery.rano_resect import (
    RESECT_DEFINITIONS,
    RESECT_SOURCE,
    ResectClass,
    rano_resect_class,
    resection_category_2021,
)
from glioscope.measurement.surgery.residual import RESIDUAL_CUT_ML, Residual, residual_verdict

__all__ = [
    "BLOOD_DEFINITIONS",
    "CUT_MODELS",
    "RESECT_DEFINITIONS",
    "RESECT_SOURCE",
    "RESIDUAL_CUT_ML",
    "CutProbability",
    "Extent",
    "MeasuredCut",
    "ResectClass",
    "Residual",
    "bright_on_t1n",
    "extent_of_resection",
    "fit_measured_cut",
    "independent_voxels",
    "nested_outlines",
    "rano_resect_class",
    "rater_share",
    "resection_category_2021",
    "residual_verdict",
]
