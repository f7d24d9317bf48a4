"""Synthetic exams with known answers: anatomy, tumour, contrast and acquisition, each in a module of its own."""

from glioscope.synthesis.anatomy import Anatomy, deformed_anatomy
from glioscope.synthesis.exam import Style, SyntheticExam, synthesise_exam
from glioscope.synthesis.tumour import grow_tumour

__all__ = ["Anatomy", "Style", "SyntheticExam", "deformed_anatomy", "grow_tumour", "synthesise_exam"]
