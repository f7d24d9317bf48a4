"""`glioscope demo`: a synthetic exam, made here and run from raw images to the report."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from glioscope.workflows.outcome import Outcomes
from glioscope.workflows.progress import Progress
from glioscope.workflows.run import run

__all__ = ["demo"]


def demo(out: str | PathLike[str] = "glioscope-demo", *, seed: int = 4, progress: Progress | None = None) -> Outcomes:
    """Make a synthetic exam in `out/exam` and run it into `out/results`.

    Args:
        out: Folder to write to.
        seed: Another seed makes another head and another tumour.
        progress: Listener.

    Raises:
        EngineMissing: the SRI24 atlas, from which the head is made, is not installed.
        OutputUnwritable: `out` cannot be written.
    """
    from glioscope.atlas import atlas_volume
    from glioscope.core.files import ensure_folder
    from glioscope.synthesis import synthesise_exam

    progress = progress or Progress()
    exam = ensure_folder(Path(out) / "exam" / f"synthetic{seed}")
    progress.decided(f"Making a synthetic exam in '{exam}'.")
    synthesise_exam(exam, maps={key: atlas_volume("SRI24", key) for key in ("csf", "gm", "wm")}, seed=seed)
    return run(exam, Path(out) / "results", progress=progress)
