"""One patient over time: which lesion became which, change maps, and a category of response."""

from glioscope.longitudinal.change_map import CHANGE_COLOURS, CHANGE_LABELS, change_map, change_volumes
from glioscope.longitudinal.correspondence import LEAST_OVERLAP, REACH_MM, corresponding, in_baseline
from glioscope.longitudinal.history import CHANGE_PERCENT, Change, Event, History, trace_lesions
from glioscope.longitudinal.landmarks import landmark_distances, read_landmarks
from glioscope.longitudinal.lesions import MEASURABLE_MM, Lesion, LesionMap, find_lesions
from glioscope.longitudinal.response import EDITION, LIMITS, Category, Response, assess_responses

__all__ = [
    "CHANGE_COLOURS",
    "CHANGE_LABELS",
    "CHANGE_PERCENT",
    "EDITION",
    "LEAST_OVERLAP",
    "LIMITS",
    "MEASURABLE_MM",
    "REACH_MM",
    "Category",
    "Change",
    "Event",
    "History",
    "Lesion",
    "LesionMap",
    "Response",
    "assess_responses",
    "change_map",
    "change_volumes",
    "corresponding",
    "find_lesions",
    "in_baseline",
    "landmark_distances",
    "read_landmarks",
    "trace_lesions",
]
