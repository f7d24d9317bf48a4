"""`glioscope synthesize`: a cohort of synthetic exams with exact labels."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from glioscope.core import (
    InputUnreadable,
    InvalidImage,
    OutputUnwritable,
    Sequence,
    is_image,
    read_header,
    read_labels,
    write_volume,
)
from glioscope.core.files import ensure_folder, sweep, write_bytes, write_json
from glioscope.synthesis import Kind, Mode, Style
from glioscope.workflows.processes import at_a_time, in_processes
from glioscope.workflows.progress import Progress

__all__ = ["MEMORY_GIB", "RECORD", "Synthesized", "check_residual", "draw_residual", "same_settings", "synthesize"]

RECORD = "synthetic.json"
"""What the cohort was made with."""

FIGURE = "labels.png"
"""Its label maps beside those that shapes were taken from."""

LABELS = "labels"
"""Folder of the label maps of raw exams; those of BraTS cases lie beside the images."""

MEMORY_GIB = 1.5
"""What making an exam needs."""

MAPS = {"SRI24": ("csf", "gm", "wm"), "MNI152": ("t1", "brain_mask")}
"""Atlas -> the volumes that heads are made from."""


@dataclass(frozen=True)
class Order:
    """One exam to make; see `synthesize`."""

    folder: Path
    labels: Path
    maps: Mapping[str, Path]
    seed: int
    sequences: tuple[Sequence, ...]
    style: Style
    mode: Mode
    kind: Kind
    shape: Path | None
    residual_ml: float | None


@dataclass(frozen=True)
class Synthesized:
    """A cohort that was made.

    Attributes:
        folder: Where it is.
        exams: Folders of its exams, in order.
        made: How many of them were made now; the others were there.
        figure: Its label maps beside those that shapes were taken from, as PNG; None without such.
    """

    folder: Path
    exams: tuple[Path, ...]
    made: int
    figure: Path | None = None

    def document(self) -> dict[str, Any]:
        """As plain numbers and text."""
        figure = None if self.figure is None else str(self.figure)
        return {"folder": str(self.folder), "exams": [e.name for e in self.exams], "made": self.made, "figure": figure}


def synthesize(
    out: str | PathLike[str],
    *,
    exams: int = 10,
    seed: int = 0,
    style: Style = "brats",
    mode: Mode = "realistic",
    kind: Kind = "pre-operative",
    atlas: str = "SRI24",
    shapes: str | PathLike[str] | None = None,
    share: float = 0.5,
    missing: float = 0.0,
    residual: tuple[float, float] | None = None,
    jobs: int | None = 1,
    progress: Progress | None = None,
) -> Synthesized:
    """Make a cohort of synthetic exams in `out`, each with the same bytes whatever the number of jobs.

    An exam of which all files are there is not made again, so an interrupted run goes on where it stopped, and a larger number
    adds exams to a cohort.

    Args:
        out: Folder to write to; one folder an exam, `SYN-GLI-00000-000` and so on.
        exams: How many.
        seed: Another seed makes another cohort.
        style: `brats` (skull-stripped on the 240 x 240 x 155 grid, label map beside them) or `raw` (as a scanner exports them,
            label maps in the folder `labels`).
        mode: `realistic` or `random` contrast.
        kind: `pre-operative`, `non-enhancing` (grown tumours have a large core of which at most a third enhances),
            `post-operative` (label scheme `brats-2024-gli`) or `healthy`.
        atlas: What heads are made from: `SRI24` or `MNI152`.
        shapes: Label maps (a file, or a folder that holds some at any depth) whose tumours are used besides grown ones.
        share: Part of the exams that get one of `shapes`.
        missing: Probability that a sequence is left out; one of them always stays.
        residual: Of `post-operative` exams: about so much enhancing tumour is left, in one place, drawn between these two (ml);
            None leaves pieces of a rim, what lies beyond a plane, or nothing.
        jobs: Exams made at a time; None for all cores.
        progress: Listener.

    Raises:
        EngineMissing: the atlas is not installed.
        InputUnreadable: there is no such atlas, `shapes` is not there or holds no label map, or `residual` is no range.
        InvalidImage: one of `shapes` has labels that the schemes of BraTS lack, or no tumour.
        OutputUnwritable: `out` cannot be written, or holds a cohort made with other settings.
        ProcessingFailed: the system ended a process; what is done stays.
    """
    from glioscope.atlas import atlas_volume

    progress = progress or Progress()
    if atlas not in MAPS:
        raise InputUnreadable(f"Heads are not made from '{atlas}'; choose one of {', '.join(MAPS)}.")
    check_residual(residual)
    maps = {key: atlas_volume(atlas, key) for key in MAPS[atlas]}
    files = _label_maps(Path(shapes)) if shapes is not None else []
    folder = Path(out)
    settings: dict[str, Any] = {"seed": seed, "style": style, "mode": mode, "kind": kind, "atlas": atlas, "missing": missing}
    orders = []
    for number in range(exams):
        rng = np.random.default_rng([seed, number])
        shape = files[int(rng.integers(len(files)))] if files and rng.random() < share else None
        place = folder / f"SYN-GLI-{number:05d}-000"
        labels = place / f"{place.name}-seg.nii.gz" if style == "brats" else folder / LABELS / f"{place.name}-seg.nii.gz"
        kept = tuple(sequence for sequence in Sequence if rng.random() >= missing) or (list(Sequence)[int(rng.integers(4))],)
        made_by = int(rng.integers(2**62))
        orders.append(Order(place, labels, maps, made_by, kept, style, mode, kind, shape, draw_residual(residual, rng)))
    waiting = [order for order in orders if not _made_before(order)]
    for file in sorted({order.shape for order in waiting if order.shape is not None}):
        _check_shape(file)
    ensure_folder(folder)
    sweep(folder)
    settings |= {} if residual is None else {"residual_ml": list(residual)}
    same_settings(folder / RECORD, {**settings, "share": share if files else 0.0, "shapes": [file.name for file in files]})
    for number, name in enumerate(_made(waiting, jobs), start=1):
        progress.exam_started(name, number, len(waiting))
    figure = _compare(folder / FIGURE, files, orders) if files and (waiting or not (folder / FIGURE).is_file()) else None
    return Synthesized(folder, tuple(order.folder for order in orders), len(waiting), figure)


def check_residual(residual: tuple[float, float] | None) -> None:
    """Raise InputUnreadable for volumes between which nothing can be drawn."""
    if residual is not None and not 0 <= residual[0] <= residual[1] < np.inf:
        low, high = residual
        raise InputUnreadable(f"Residual tumour is drawn from one volume to a larger one, not from {low:g} to {high:g} ml.")


def draw_residual(residual: tuple[float, float] | None, rng: np.random.Generator) -> float | None:
    """How much an operation leaves, ml."""
    return None if residual is None else float(rng.uniform(*residual))


def _made_before(order: Order) -> bool:
    """Whether all files of an exam are there; its label map is the last to be written."""
    from glioscope.synthesis.exam import image_files

    files = image_files(order.folder, order.style, order.sequences)
    return order.labels.is_file() and all(file.is_file() for file in files.values())


def _made(orders: list[Order], jobs: int | None) -> Iterable[str]:
    """Make the exams; the name of each when it is done, in order."""
    from joblib import cpu_count

    together = at_a_time(jobs or cpu_count(), len(orders), MEMORY_GIB)
    return in_processes(_make, orders, together) if together > 1 else map(_make, orders)


def _make(order: Order) -> str:
    from glioscope.synthesis import synthesise_exam

    exam = synthesise_exam(
        order.folder,
        maps=order.maps,
        seed=order.seed,
        style=order.style,
        sequences=order.sequences,
        mode=order.mode,
        kind=order.kind,
        shape=order.shape,
        residual_ml=order.residual_ml,
    )
    if order.style == "raw":
        write_volume(order.labels, exam.labels)
    return order.folder.name


def _label_maps(path: Path) -> list[Path]:
    """The label maps at `path`: the file itself, or the images below it whose name says that they are one; all have headers."""
    if not path.exists():
        raise InputUnreadable(f"There is no '{path}'; give a label map, or a folder of some.")
    found = (
        [path] if path.is_file() else sorted(file for file in path.rglob("*") if is_image(file) and "seg" in file.name.lower())
    )
    if not found:
        raise InputUnreadable(f"'{path}' holds no label map; their names have 'seg' in them, such as ID-seg.nii.gz.")
    for file in found:
        read_header(file)  # a file that is no image is told before minutes of work
    return found


def _check_shape(file: Path) -> None:
    """Raise InvalidImage, naming the file, where it gives no tumour; some minutes later it would be too late."""
    from glioscope.synthesis.placed import shape_labels

    try:
        shape_labels(read_labels(file))
    except InvalidImage as error:
        raise InvalidImage(f"'{file.name}' cannot be one of the shapes: {error}") from None


def same_settings(record: Path, settings: Mapping[str, Any]) -> None:
    """Keep the settings, or prove that they are those of the cohort that is there; raises OutputUnwritable."""
    document = {"format": "glioscope-synthetic-1", **settings}
    if not record.is_file():
        write_json(record, document)
        return
    try:
        there = json.loads(record.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        there = None
    if there != document:
        raise OutputUnwritable(
            f"'{record.parent}' holds a cohort made with other settings (see {RECORD}); choose another folder."
        )


def _compare(figure: Path, files: list[Path], orders: list[Order]) -> Path:
    """Draw the label maps that were made beside those that were given."""
    from glioscope.synthesis.label_figure import label_figure
    from glioscope.synthesis.label_statistics import label_statistics

    given, made = ([label_statistics(read_labels(f)) for f in maps] for maps in (files, [order.labels for order in orders]))
    write_bytes(figure, label_figure({"given": given, "synthetic": made}))
    return figure
