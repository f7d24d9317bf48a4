"""From a segmenter's answer to the final label map: named steps, their record, and tuning."""

from glioscope.postprocessing.catalogue import STEPS, step_of
from glioscope.postprocessing.chain import Chain, load_postprocessing, published_chain, save_postprocessing
from glioscope.postprocessing.fill_holes import FillHoles
from glioscope.postprocessing.fitting import Fit, Score
from glioscope.postprocessing.keep_largest import KeepLargest
from glioscope.postprocessing.label_step import LabelStep
from glioscope.postprocessing.minimum_volume import MinimumVolume
from glioscope.postprocessing.rater_weights import RaterWeights
from glioscope.postprocessing.record import Change, Record
from glioscope.postprocessing.remove_dust import RemoveDust
from glioscope.postprocessing.size import Size
from glioscope.postprocessing.small_et_to_core import SmallEnhancingToCore
from glioscope.postprocessing.studies import Studies
from glioscope.postprocessing.thresholds import PUBLISHED_THRESHOLDS, Thresholds
from glioscope.postprocessing.tuning import Fold, Tuned, tune_chain
from glioscope.postprocessing.tuning_case import TuningCase

__all__ = [
    "PUBLISHED_THRESHOLDS",
    "STEPS",
    "Chain",
    "Change",
    "FillHoles",
    "Fit",
    "Fold",
    "KeepLargest",
    "LabelStep",
    "MinimumVolume",
    "RaterWeights",
    "Record",
    "RemoveDust",
    "Score",
    "Size",
    "SmallEnhancingToCore",
    "Studies",
    "Thresholds",
    "Tuned",
    "TuningCase",
    "load_postprocessing",
    "published_chain",
    "save_postprocessing",
    "step_of",
    "tune_chain",
]
