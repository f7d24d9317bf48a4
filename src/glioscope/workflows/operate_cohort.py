"""`glioscope synthesize --operate`: the exams of a labelled cohort after virtual operations."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from glioscope.core import Sequence, read_labels, read_volume, write_volume
from glioscope.core.files import ensure_folder, sweep, write_text
from glioscope.training.cohort_data import LabelledExam
from glioscope.workflows.labelled_cohort import labelled_cohort
from glioscope.workflows.processes import at_a_time, in_processes
from glioscope.workflows.progress import Progress
from glioscope.workflows.synthesize import MEMORY_GIB, RECORD, Synthesized, check_residual, draw_residual, same_settings

__all__ = ["MANIFEST", "operate_cohort"]

MANIFEST = "cohort.csv"
"""Names each exam's files and its patient, so that folds keep the exams of one patient together."""


@dataclass(frozen=True)
class Operation:
    """One exam to make."""

    exam: LabelledExam
    folder: Path
    seed: int
    residual_ml: float | None

    @property
    def files(self) -> dict[str, Path]:
        """Sequence, or `labels` as the last to be written -> file."""
        images = {str(s): self.folder / f"{self.folder.name}-{s}.nii.gz" for s in Sequence if str(s) in self.exam.images}
        return {**images, "labels": self.folder / f"{self.folder.name}-seg.nii.gz"}


def operate_cohort(
    cohort: str | PathLike[str],
    out: str | PathLike[str],
    *,
    exams: int = 10,
    seed: int = 0,
    residual: tuple[float, float] | None = None,
    jobs: int | None = 1,
    progress: Progress | None = None,
) -> Synthesized:
    """Operate on the labelled exams of `cohort` in turn until there are `exams` of them in `out`; see `synthesis.operate`.

    Goes on after an interruption, as `synthesize` does. `cohort.csv` in `out` names the patient of each exam: train on it, not
    on the folder, or one patient lies in several folds.

    Args:
        cohort: Skull-stripped exams with label maps, as `glioscope train --data` takes them.
        out: Folder to write to; one folder an exam, of the exam's name and `-OP000` and so on.
        exams: How many.
        seed: Another seed makes other operations.
        residual: The enhancing tumour left is drawn between these two, in ml; None leaves what lies beyond a plane, or nothing.
        jobs: Exams made at a time; None for all cores.
        progress: Listener.

    Raises:
        InputUnreadable: no exam with a label map, or `residual` is no range.
        OutputUnwritable: `out` cannot be written, or holds a cohort made with other settings.
    """
    from joblib import cpu_count

    check_residual(residual)
    progress, folder = progress or Progress(), Path(out)
    with TemporaryDirectory() as unpacked:
        given = labelled_cohort(Path(cohort), Path(unpacked), told=progress.decided)
        orders = [_operation(given, folder, seed, number, residual) for number in range(exams)]
        ensure_folder(folder)
        sweep(folder)
        names = [exam.name for exam in given]
        same_settings(folder / RECORD, {"seed": seed, "operated": names, "residual_ml": residual and list(residual)})
        waiting = [order for order in orders if not all(file.is_file() for file in order.files.values())]
        together = at_a_time(jobs or cpu_count(), len(waiting), MEMORY_GIB)
        done: Iterable[str] = in_processes(_operate, waiting, together) if together > 1 else map(_operate, waiting)
        for number, name in enumerate(done, start=1):
            progress.exam_started(name, number, len(waiting))
    write_text(folder / MANIFEST, _manifest(orders))
    return Synthesized(folder, tuple(order.folder for order in orders), len(waiting))


def _operation(
    given: list[LabelledExam], folder: Path, seed: int, number: int, residual: tuple[float, float] | None
) -> Operation:
    exam, rng = given[number % len(given)], np.random.default_rng([seed, number])
    made_by = int(rng.integers(2**62))
    return Operation(exam, folder / f"{exam.name}-OP{number:03d}", made_by, draw_residual(residual, rng))


def _operate(order: Operation) -> str:
    from glioscope.synthesis import operate

    files = order.files
    images = {Sequence(name): read_volume(order.exam.images[name]) for name in files if name != "labels"}
    made = operate(images, read_labels(order.exam.labels), np.random.default_rng(order.seed), order.residual_ml)
    ensure_folder(order.folder)
    for sequence, image in made.images.items():
        write_volume(files[str(sequence)], image)
    write_volume(files["labels"], made.labels)
    return order.folder.name


def _manifest(orders: list[Operation]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, ("id", "patient", *map(str, Sequence), "labels"), restval="", lineterminator="\n")
    writer.writeheader()
    for order in orders:
        files = {key: str(file.relative_to(order.folder.parent)) for key, file in order.files.items()}
        writer.writerow({"id": order.folder.name, "patient": order.exam.patient, **files})
    return stream.getvalue()
