"""Glioscope: from a raw brain-tumour MRI exam to sub-regions, volumes, a quality statement and a report.

Every command has a function of the same name here: `glioscope.run("exam", "out")` is `glioscope run exam out`.
Not a medical device.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"

if TYPE_CHECKING:
    from glioscope.workflows.agreement import agreement as agreement
    from glioscope.workflows.assess_quality import assess_quality as assess_quality
    from glioscope.workflows.assess_quality import calibrate_quality as calibrate_quality
    from glioscope.workflows.assess_uncertainty import assess_uncertainty as assess_uncertainty
    from glioscope.workflows.atlases import atlases as atlases
    from glioscope.workflows.bundle_run import bundle as bundle
    from glioscope.workflows.deidentify import deidentify as deidentify
    from glioscope.workflows.demo import demo as demo
    from glioscope.workflows.evaluate import evaluate as evaluate
    from glioscope.workflows.export_dicom import export_dicom as export_dicom
    from glioscope.workflows.export_model import export_cohort as export_cohort
    from glioscope.workflows.export_model import export_network as export_network
    from glioscope.workflows.follow import follow as follow
    from glioscope.workflows.fuse import fuse as fuse
    from glioscope.workflows.import_model import import_model as import_model
    from glioscope.workflows.info import info as info
    from glioscope.workflows.inspect import inspect as inspect
    from glioscope.workflows.listen import listen as listen
    from glioscope.workflows.measure import measure as measure
    from glioscope.workflows.plan import plan as plan
    from glioscope.workflows.postprocess import postprocess as postprocess
    from glioscope.workflows.postprocess import undo_postprocess as undo_postprocess
    from glioscope.workflows.preprocess import preprocess as preprocess
    from glioscope.workflows.quantise import quantise as quantise
    from glioscope.workflows.rank import rank as rank
    from glioscope.workflows.receive import receive as receive
    from glioscope.workflows.recipes import recipes as recipes
    from glioscope.workflows.report import report as report
    from glioscope.workflows.run import run as run
    from glioscope.workflows.search import search as search
    from glioscope.workflows.second_opinion import ask_second_opinion as ask_second_opinion
    from glioscope.workflows.segment import segment as segment
    from glioscope.workflows.segmenters import segmenters as segmenters
    from glioscope.workflows.send import echo as echo
    from glioscope.workflows.send import send as send
    from glioscope.workflows.study import study as study
    from glioscope.workflows.surgery import surgery as surgery
    from glioscope.workflows.train import train as train
    from glioscope.workflows.tune import tune as tune

_COMMANDS = (
    "agreement atlases deidentify demo evaluate follow fuse import_model info inspect listen measure plan postprocess "
    "preprocess quantise rank receive recipes report run search segment segmenters send study surgery train tune"
)
_MODULES = {name: name for name in _COMMANDS.split()} | {
    "ask_second_opinion": "second_opinion",
    "assess_quality": "assess_quality",
    "assess_uncertainty": "assess_uncertainty",
    "calibrate_quality": "assess_quality",
    "bundle": "bundle_run",
    "export_cohort": "export_model",
    "export_dicom": "export_dicom",
    "export_network": "export_model",
    "undo_postprocess": "postprocess",
    "echo": "send",
}
__all__ = ["__version__", *_MODULES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import a command when it is first used, so that `import glioscope` costs nothing."""
    if name in _MODULES:
        return getattr(importlib.import_module(f"glioscope.workflows.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'glioscope' has no attribute '{name}'")
