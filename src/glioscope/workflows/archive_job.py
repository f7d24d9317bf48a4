"""What a listener does with a study that is complete. The one place that knows which commands those are."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence

__all__ = ["study_commands"]


def study_commands(run_options: Sequence[str] = ()) -> list[list[str]]:
    """The words of the commands, in order: `glioscope run`, then the export to DICOM objects where highdicom is installed.

    Whatever DICOM files are in the results folder afterwards are stored back. `{study}`, `{out}` and `{key}` are filled in
    by the job.

    Args:
        run_options: Further words for `glioscope run`.
    """
    glioscope = [sys.executable, "-m", "glioscope"]
    commands = [[*glioscope, "run", "{study}", "{out}", "--id", "{key}", "--json", *run_options]]
    if importlib.util.find_spec("highdicom") is not None:
        commands.append([*glioscope, "dicom", "{out}", "--source", "{study}", "--json"])
    return commands
