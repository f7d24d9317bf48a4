"""Synthetic exams with known answers: anatomy, tumour, contrast and acquisition, each in a module of its own."""

from glioscope.synthesis.contrast import Mode
from glioscope.synthesis.exam import Style, SyntheticExam, synthesise_exam
from glioscope.synthesis.operated import OperatedExam, operate
from glioscope.synthesis.patient import Kind

__all__ = ["Kind", "Mode", "OperatedExam", "Style", "SyntheticExam", "operate", "synthesise_exam"]
