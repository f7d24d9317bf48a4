"""One patient over time: which lesion became which, change maps, and a category of response."""

from glioscope.longitudinal.change_map import CHANGE_COLOURS, CHANGE_LABELS, change_map, change_volumes
from glioscope.longitudinal.charts import Curve, Panel, curves_picture, slices_picture
from glioscope.longitudinal.confirmation import CONFIRM_DAYS, Confirmation, confirm
from glioscope.longitudinal.correspondence import LEAST_OVERLAP, REACH_MM, corresponding, in_baseline
from glioscope.longitudinal.history import CHANGE_PERCENT, Change, Event, History, trace_lesions
from glioscope.longitudinal.landmarks import landmark_distances, read_landmarks
from glioscope.longitudinal.lesions import MEASURABLE_MM, Lesion, LesionMap, find_lesions
from glioscope.longitudinal.response import EDITION, LIMITS, Category, Response, assess_responses

__all__ = [
    "CHANGE_COLOURS",
    "CHANGE_LABELS",
    "CHANGE_PERCENT",
    "CONFIRM_DAYS",
    "EDITION",
    "LEAST_OVERLAP",
    "LIMITS",
    "MEASURABLE_MM",
    "REACH_MM",
    "Category",
    "Change",
    "Confirmation",
    "Curve",
    "Event",
    "History",
    "Lesion",
    "LesionMap",
    "Panel",
    "Response",
    "assess_responses",
    "change_map",
    "change_volumes",
    "confirm",
    "corresponding",
    "curves_picture",
    "find_lesions",
    "in_baseline",
    "landmark_distances",
    "read_landmarks",
    "slices_picture",
    "trace_lesions",
]
