"""What lowers trust in a result, in sentences; one statement of how far it can be trusted; and the evidence for it."""

from glioscope.quality.agreement import AGREEMENT_DEFINITIONS, RegionAgreement, agreement_remarks, rater_agreement
from glioscope.quality.alarm_calibration import AlarmCalibration, calibrate_alarms, check_alphas
from glioscope.quality.alarm_threshold import alarm_threshold
from glioscope.quality.alarms import Alarm, AlarmAssessment, alarm_remarks, raise_alarms
from glioscope.quality.alignment import displaced_sequences, overlap, overlap_remarks
from glioscope.quality.alpha import ALPHAS, AlphaRow, ChooseBy, alpha_table, choose_alpha, count_entropy, pearson
from glioscope.quality.brain import brain_remarks
from glioscope.quality.calibration_curve import Bins, CalibrationCurve, calibration_curve
from glioscope.quality.entropy import binary_entropy, ensemble_entropy
from glioscope.quality.evidence import EVIDENCE, with_evidence
from glioscope.quality.exam import exam_remarks
from glioscope.quality.flat import flat_remarks
from glioscope.quality.measured import measured_remarks
from glioscope.quality.region_uncertainty import UNCERTAINTY_DEFINITIONS, RegionUncertainty, region_uncertainty
from glioscope.quality.remark import Remark, Severity
from glioscope.quality.second_opinion import SecondOpinion, second_opinion
from glioscope.quality.segmentation import segmentation_remarks
from glioscope.quality.similarity import MEASURES, METRICS, Measure, Metric, Similarities, dice, pool_regions, similarities
from glioscope.quality.statement import Quality, Verdict, judge
from glioscope.quality.swapped import enhancement, swapped_remarks
from glioscope.quality.work_list import work_list, work_list_csv

__all__ = [
    "AGREEMENT_DEFINITIONS",
    "ALPHAS",
    "EVIDENCE",
    "MEASURES",
    "METRICS",
    "UNCERTAINTY_DEFINITIONS",
    "Alarm",
    "AlarmAssessment",
    "AlarmCalibration",
    "AlphaRow",
    "Bins",
    "CalibrationCurve",
    "ChooseBy",
    "Measure",
    "Metric",
    "Quality",
    "RegionAgreement",
    "RegionUncertainty",
    "Remark",
    "SecondOpinion",
    "Severity",
    "Similarities",
    "Verdict",
    "agreement_remarks",
    "alarm_remarks",
    "alarm_threshold",
    "alpha_table",
    "binary_entropy",
    "brain_remarks",
    "calibrate_alarms",
    "calibration_curve",
    "check_alphas",
    "choose_alpha",
    "count_entropy",
    "dice",
    "displaced_sequences",
    "enhancement",
    "ensemble_entropy",
    "exam_remarks",
    "flat_remarks",
    "judge",
    "measured_remarks",
    "overlap",
    "overlap_remarks",
    "pearson",
    "pool_regions",
    "raise_alarms",
    "rater_agreement",
    "region_uncertainty",
    "second_opinion",
    "segmentation_remarks",
    "similarities",
    "swapped_remarks",
    "with_evidence",
    "work_list",
    "work_list_csv",
]
