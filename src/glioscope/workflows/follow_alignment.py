"""Bringing each follow-up to the baseline, once: a step of the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from glioscope.core import (
    REFERENCE_ORDER,
    Grid,
    InvalidImage,
    Ledger,
    Scheme,
    Step,
    Transform,
    Volume,
    read_labels,
    read_volume,
)
from glioscope.workflows.follow_exams import FollowedExam

__all__ = ["Placement", "Register", "align_files", "place_follow_up", "way_of"]

Register = Literal["auto", "none", "rigid", "syn"]


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a follow-up lies.

    Attributes:
        way: `one grid` (nothing was to be done), `world` (world points are the same), `rigid` or `syn`.
        transform: Baseline world points to follow-up world points; None for the same.
        inverse: The way back.
        rigid: The rigid transform alone, where one was looked for.
    """

    way: Literal["one grid", "world", "rigid", "syn"]
    transform: Transform | None = None
    inverse: Transform | None = None
    rigid: Transform | None = None


def way_of(baseline: FollowedExam, exam: FollowedExam, grids: tuple[Grid, Grid], register: Register) -> str:
    """How a follow-up comes to the baseline: `one grid`, `world`, `rigid` or `syn`.

    Two exams with images are registered (unless `none`). Label maps alone are not: on one grid they lie in one space.

    Raises:
        InvalidImage: they have no image of one sequence to register by, and their grids differ, or `rigid` or `syn` is
            asked for.
    """
    one_grid = grids[0].same_as(grids[1], 0.01)
    common = common_sequence(baseline, exam)
    if register == "none" or (register == "auto" and common is None and one_grid):
        return "one grid" if one_grid else "world"
    if common is None:
        raise InvalidImage(
            f"'{exam.labels.name}' and the baseline's label map have no images of one sequence to register them by"
            f"{'' if one_grid else ', and their grids differ'}; give folders with images, or --register none where both lie in "
            "one space."
        )
    return "rigid" if register == "rigid" else "syn"


def common_sequence(baseline: FollowedExam, exam: FollowedExam) -> str | None:
    """The most telling sequence that both exams have."""
    return next((str(s) for s in REFERENCE_ORDER if s in baseline.images and s in exam.images), None)


def place_follow_up(
    baseline: FollowedExam,
    exam: FollowedExam,
    number: int,
    way: str,
    folder: Path,
    ledger: Ledger,
    *,
    schemes: tuple[Scheme, Scheme],
    quick: bool = False,
) -> Placement:
    """Register a follow-up, or say that nothing is to be done.

    Args:
        baseline: The first exam.
        exam: The follow-up.
        number: Its place in time, for the names of the transforms' files.
        way: As `way_of` says.
        folder: Where transforms are written.
        ledger: Does it once.
        schemes: Of the baseline's and the follow-up's label map.
        quick: See `align_follow_up`.

    Raises:
        ProcessingFailed: the registration cannot be right.
        InputUnreadable, InvalidImage: an image cannot be read.
    """
    from glioscope.preprocessing.transform_files import read_transform

    if way in ("one grid", "world"):
        return Placement("one grid" if way == "one grid" else "world")
    names = ["rigid", *(("syn", "inverse") if way == "syn" else ())]
    outputs: dict[str, Path | Mapping[str, Path]] = {name: folder / _file(name, number) for name in names}
    contrast = common_sequence(baseline, exam)
    images = {name: e.images[s] for name, e in (("fixed", baseline), ("moving", exam)) for s in e.images if str(s) == contrast}
    inputs: dict[str, Path | Mapping[str, Path]] = {**images, "lesions": baseline.labels, "later_lesions": exam.labels}
    if baseline.brain is not None:
        inputs["brain"] = baseline.brain
    ledger.run(
        Step(
            f"align-{number:02d}",
            f"Registering exam {number} to the baseline ({way})",
            align_files,
            inputs,
            {"quick": quick, "oedema": [oedema_values(scheme) for scheme in schemes]},
            outputs,
            packages=("antspyx", "numpy", "scipy"),
        )
    )
    found = {name: read_transform(path) for name, path in outputs.items() if isinstance(path, Path)}
    rigid = found["rigid"]
    if way == "rigid":
        return Placement("rigid", rigid, rigid.inverse(), rigid)
    return Placement("syn", found["syn"], found["inverse"], rigid)


def _file(name: str, number: int) -> str:
    here, there = "baseline", f"exam{number:02d}"
    source, target = (here, there) if name == "inverse" else (there, here)
    return f"from-{source}_to-{target}_desc-{'rigid' if name == 'rigid' else 'syn'}_mode-image_xfm.h5"


def oedema_values(scheme: Scheme) -> list[int]:
    """Label values of oedema or infiltrated tissue."""
    return [value for value, label in scheme.labels.items() if label.name in ("ED", "SNFH")]


def _core(labels: Volume, oedema: Sequence[int]) -> Volume:
    core = (labels.data > 0) & ~np.isin(labels.data, list(oedema))
    return labels.with_data(core if core.any() else labels.data > 0)


def align_files(
    *,
    fixed: Path,
    moving: Path,
    lesions: Path,
    later_lesions: Path,
    rigid: Path,
    brain: Path | None = None,
    syn: Path | None = None,
    inverse: Path | None = None,
    quick: bool = False,
    oedema: Sequence[Sequence[int]] = ((), ()),
) -> dict[str, Any]:
    """Register two images and write the transforms; facts about them.

    The core and the cavity are left out. Oedema is not, as long as there is anything else: its tissue is there in both
    exams, and what is asked about lies in and beside it.
    """
    from glioscope.preprocessing.registration import align_follow_up
    from glioscope.preprocessing.transform_files import write_transform

    found = align_follow_up(
        read_volume(fixed),
        read_volume(moving),
        lesions=_core(read_labels(lesions), oedema[0]),
        later_lesions=_core(read_labels(later_lesions), oedema[1]),
        brain=None if brain is None else read_labels(brain),
        deform=syn is not None,
        quick=quick,
    )
    write_transform(rigid, found.rigid)
    facts: dict[str, Any] = {
        "excluded_ml": round(float(found.excluded.data.sum()) * found.excluded.grid.voxel_volume / 1000, 2)
    }
    shift = found.rigid.apply(np.zeros((1, 3)))[0]
    facts["rigid_shift_mm"] = [round(float(v), 2) for v in shift]
    if found.deformed is not None and syn is not None and inverse is not None:
        write_transform(syn, found.deformed.transform)
        write_transform(inverse, found.deformed.inverse)
    return facts
