"""Registration: where each point of one image lies in another; several engines behind one interface."""

from glioscope.preprocessing.registration.catalogue import ENGINES, EngineEntry, get_engine
from glioscope.preprocessing.registration.engine import Alignment, Kind, RegistrationEngine
from glioscope.preprocessing.registration.follow_up import FollowUpAlignment, align_follow_up
from glioscope.preprocessing.registration.rough import rough_alignment

__all__ = [
    "ENGINES",
    "Alignment",
    "EngineEntry",
    "FollowUpAlignment",
    "Kind",
    "RegistrationEngine",
    "align_follow_up",
    "get_engine",
    "rough_alignment",
]
