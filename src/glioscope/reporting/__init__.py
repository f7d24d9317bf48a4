"""The report of an exam: one model, rendered as HTML and as PDF; figures; the table of a cohort."""

from glioscope.reporting.figures import montage_figure, overview_figure
from glioscope.reporting.html import render_html
from glioscope.reporting.lesion_table import LESION_COLUMNS, write_lesion_table
from glioscope.reporting.lesions import foci_words, interval_words, main_region, rano_words
from glioscope.reporting.model import DISCLAIMER, Key, Picture, ReportModel, Section, Table
from glioscope.reporting.model_of_exam import model_of_exam
from glioscope.reporting.outlines import Outline, outlines
from glioscope.reporting.pdf import render_pdf
from glioscope.reporting.processing import lineage
from glioscope.reporting.table import COLUMNS, cohort_row, write_cohort_table
from glioscope.reporting.views import Scene, make_scene

__all__ = [
    "COLUMNS",
    "DISCLAIMER",
    "LESION_COLUMNS",
    "Key",
    "Outline",
    "Picture",
    "ReportModel",
    "Scene",
    "Section",
    "Table",
    "cohort_row",
    "foci_words",
    "interval_words",
    "lineage",
    "main_region",
    "make_scene",
    "model_of_exam",
    "montage_figure",
    "outlines",
    "overview_figure",
    "rano_words",
    "render_html",
    "render_pdf",
    "write_cohort_table",
    "write_lesion_table",
]
