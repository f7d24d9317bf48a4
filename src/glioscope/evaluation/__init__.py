"""Segmentations against a reference: arrays in, numbers out; cohorts, rankings of systems, studies of patients and raters."""

from glioscope.evaluation.inter_rater import InterRater, inter_rater, majority_consensus
from glioscope.evaluation.pair import evaluate_pair
from glioscope.evaluation.protocol import Protocol
from glioscope.evaluation.protocol_definitions import OFFICIAL_NAMES
from glioscope.evaluation.protocols import PROTOCOLS, get_protocol
from glioscope.evaluation.qubiq import QubiqScore, qubiq_score
from glioscope.evaluation.ranking import Ranking, rank_systems
from glioscope.evaluation.residual import ResidualPatient, ResidualStudy, residual_study
from glioscope.evaluation.scores import CaseScores, LesionScores, RegionScores
from glioscope.evaluation.statistics import Summary, summarise, summarise_cases

__all__ = [
    "OFFICIAL_NAMES",
    "PROTOCOLS",
    "CaseScores",
    "InterRater",
    "LesionScores",
    "Protocol",
    "QubiqScore",
    "Ranking",
    "RegionScores",
    "ResidualPatient",
    "ResidualStudy",
    "Summary",
    "evaluate_pair",
    "get_protocol",
    "inter_rater",
    "majority_consensus",
    "qubiq_score",
    "rank_systems",
    "residual_study",
    "summarise",
    "summarise_cases",
]
