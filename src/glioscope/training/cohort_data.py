"""A labelled exam: its files, and its arrays as a recipe wants them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glioscope.bundles.channels import parse_inputs
from glioscope.bundles.placing import read_earlier, working_grid
from glioscope.core import (
    Grid,
    InvalidImage,
    MissingSequence,
    Scheme,
    Volume,
    convert_labels,
    get_scheme,
    numbering_of,
    read_labels,
    read_volume,
)
from glioscope.core.boxes import box_of
from glioscope.core.label_resampling import resample_labels, resample_mask
from glioscope.core.transform import resample
from glioscope.training.recipe_schema import GridRules, Recipe

__all__ = ["ExamArrays", "LabelledExam", "placed", "read_exam"]

ORIENTATION = "RAS"
"""Axes of all arrays that are learnt from."""


@dataclass(frozen=True)
class LabelledExam:
    """One exam to learn from, as files.

    Attributes:
        name: Its name in the cohort, fit for a folder.
        patient: Whose exam it is; exams of one patient are never divided between training and validation.
        images: `t1n` …, and of the pre-operative exam `pre-t1c` …, `pre-mask` -> skull-stripped volume.
        labels: The reference label map.
        site: Where it was acquired, where that is known.
        scheme: Scheme of the label map; `auto` takes brats-2021 where it has a 4 and no 3 and the recipe's is brats-2023, else
            the recipe's.
        train_only: Whether every fold learns from it and none is scored on it, such as a synthetic exam beside real ones.
    """

    name: str
    patient: str
    images: Mapping[str, Path]
    labels: Path
    site: str | None = None
    scheme: str = "auto"
    train_only: bool = False

    @property
    def files(self) -> tuple[Path, ...]:
        """All its files."""
        return (*self.images.values(), self.labels)


@dataclass(frozen=True, eq=False)
class ExamArrays:
    """The voxels of one exam on one grid.

    Attributes:
        images: Source -> float32 (X, Y, Z), not normalised.
        brain: bool (X, Y, Z).
        labels: uint8 (X, Y, Z) in the recipe's scheme.
        grid: Of them all, axes to the right, front and top.
    """

    images: Mapping[str, NDArray[np.float32]]
    brain: NDArray[np.bool_]
    labels: NDArray[np.uint8]
    grid: Grid

    @property
    def box(self) -> tuple[slice, ...]:
        """The smallest box around brain and labels."""
        inside = self.brain | (self.labels > 0)
        return box_of(inside)


def read_exam(exam: LabelledExam, recipe: Recipe) -> ExamArrays:
    """The exam on its own grid, with the images that the recipe's channels are made of, as far as it has them.

    Raises:
        InputUnreadable: a file cannot be read.
        InvalidImage: images and labels lie on different grids, labels that the scheme lacks, or no brain at all.
        MissingSequence: it has none of the recipe's images.
    """
    sources = [source for source in parse_inputs(recipe.inputs).sources if source in exam.images]
    own = sorted(source for source in sources if not source.startswith("pre-"))
    if not own:
        raise MissingSequence(f"Exam '{exam.name}' has none of the images that recipe '{recipe.name}' learns from.")
    labels = read_labels(exam.labels).reoriented(ORIENTATION)
    grid = labels.grid
    volumes = {source: read_volume(exam.images[source]).reoriented(ORIENTATION) for source in own}
    for source, volume in volumes.items():
        if not volume.grid.same_as(grid):
            raise InvalidImage(
                f"'{exam.images[source].name}' and '{exam.labels.name}' of exam '{exam.name}' lie on different grids; "
                "pre-process the exam first."
            )
    brain = np.any([volume.data != 0 for volume in volumes.values()], axis=0)
    if not brain.any():
        raise InvalidImage(f"The images of exam '{exam.name}' are zero everywhere.")
    for source in sorted(set(sources) - set(own)):
        volumes[source] = read_earlier(source, exam.images[source], grid)
    scheme = get_scheme(recipe.target.scheme)
    return ExamArrays(
        {source: np.asarray(volume.data, np.float32) for source, volume in volumes.items()},
        brain,
        _converted(labels.data, exam, scheme),
        grid,
    )


def placed(arrays: ExamArrays, rules: GridRules, spacing: tuple[float, float, float], scheme: Scheme) -> ExamArrays:
    """The arrays on the grid that a network of these rules works on: cut to the box of brain and labels, and resampled where
    the spacing (in mm) differs by more than 1 % or the rules give a size.
    """
    box = arrays.box
    lower, upper = [s.start for s in box], [s.stop for s in box]
    part = arrays.grid.cropped(lower, upper)
    images = {source: np.ascontiguousarray(image[box]) for source, image in arrays.images.items()}
    brain, labels = arrays.brain[box], arrays.labels[box]
    grid = working_grid(part, spacing, rules.size)
    if grid is None:
        return ExamArrays(images, brain, labels, part)
    return ExamArrays(
        {
            source: resample_mask(Volume(image, part), grid).data.astype(np.float32)
            if source.endswith("mask")
            else resample(Volume(image, part), grid).data
            for source, image in images.items()
        },
        resample_mask(Volume(brain, part), grid).data,
        resample_labels(Volume(labels, part), grid, scheme).data,
        grid,
    )


def _converted(labels: NDArray[np.uint8], exam: LabelledExam, target: Scheme) -> NDArray[np.uint8]:
    source = numbering_of(labels, target) if exam.scheme == "auto" else get_scheme(exam.scheme)
    try:
        return convert_labels(labels, source, target)
    except InvalidImage as error:
        raise InvalidImage(f"'{exam.labels.name}' of exam '{exam.name}': {error}") from None
