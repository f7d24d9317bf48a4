"""What a cohort looks like: the facts that patch, depth and batch are planned from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from glioscope.core import InputUnreadable, get_scheme
from glioscope.core.workers import in_working_folder
from glioscope.training.cohort_data import LabelledExam, read_exam
from glioscope.training.recipe_schema import Recipe

__all__ = ["ExamPrint", "Fingerprint", "take_fingerprint"]

Triple = tuple[int, int, int]
Floats = tuple[float, float, float]
PERCENTILES = (0.5, 50, 99.5)


@dataclass(frozen=True)
class ExamPrint:
    """One exam.

    Attributes:
        name: Of the exam.
        shape: Voxels of its volume.
        spacing: mm.
        box: Voxels of the box around brain and labels.
        intensities: Image -> mean, standard deviation and the 0.5th, 50th and 99.5th percentile inside the brain.
        regions_ml: Region or label of the recipe -> volume in ml.
    """

    name: str
    shape: Triple
    spacing: Floats
    box: Triple
    intensities: Mapping[str, tuple[float, ...]]
    regions_ml: Mapping[str, float]


@dataclass(frozen=True)
class Fingerprint:
    """A cohort, exam by exam."""

    exams: tuple[ExamPrint, ...]

    @property
    def spacing(self) -> Floats:
        """Median spacing in mm."""
        x, y, z = np.median([exam.spacing for exam in self.exams], axis=0).tolist()
        return round(x, 4), round(y, 4), round(z, 4)

    def box(self, spacing: Floats) -> Triple:
        """Median box around brain and labels, in voxels of `spacing` mm."""
        sizes = [np.asarray(exam.box) * np.asarray(exam.spacing) / np.asarray(spacing) for exam in self.exams]
        x, y, z = (max(1, round(n)) for n in np.median(sizes, axis=0).tolist())
        return x, y, z

    @property
    def present(self) -> dict[str, int]:
        """Image -> how many exams have it."""
        return {
            source: sum(source in exam.intensities for exam in self.exams)
            for source in sorted({source for exam in self.exams for source in exam.intensities})
        }

    @property
    def regions(self) -> dict[str, dict[str, float]]:
        """Region -> how many exams have it, and its median volume (ml) among these."""
        out = {}
        for region in self.exams[0].regions_ml:
            volumes = [exam.regions_ml[region] for exam in self.exams if exam.regions_ml[region] > 0]
            out[region] = {"exams": len(volumes), "median_ml": round(float(np.median(volumes)), 3) if volumes else 0.0}
        return out

    def document(self) -> dict[str, Any]:
        """JSON-ready; `of_document` reads it."""
        return {"exams": [asdict(exam) for exam in self.exams]}

    @staticmethod
    def of_document(document: Mapping[str, Any]) -> Fingerprint:
        """What `document` wrote."""
        return Fingerprint(
            tuple(
                ExamPrint(
                    exam["name"],
                    tuple(exam["shape"]),
                    tuple(exam["spacing"]),
                    tuple(exam["box"]),
                    {source: tuple(values) for source, values in exam["intensities"].items()},
                    dict(exam["regions_ml"]),
                )
                for exam in document["exams"]
            )
        )


def take_fingerprint(
    exams: Sequence[LabelledExam], recipe: Recipe, *, jobs: int = 1, told: Callable[[str], None] = lambda sentence: None
) -> Fingerprint:
    """Read every exam once.

    Args:
        exams: At least one.
        recipe: Says which images and regions matter.
        jobs: Exams read at a time, each in a process of its own.
        told: Hears the name of each exam that is done.

    Raises:
        InputUnreadable: no exams.
        GlioscopeError: as `read_exam` raises it.
    """
    from joblib import Parallel, delayed

    if not exams:
        raise InputUnreadable("There are no labelled exams to plan for.")
    found: list[ExamPrint] = []
    work = delayed(in_working_folder(_print))
    for done in Parallel(n_jobs=min(jobs, len(exams)), return_as="generator")(work(exam, recipe) for exam in exams):
        found.append(done)
        told(done.name)
    return Fingerprint(tuple(found))


def _print(exam: LabelledExam, recipe: Recipe) -> ExamPrint:
    arrays = read_exam(exam, recipe)
    box = tuple(s.stop - s.start for s in arrays.box)
    intensities = {}
    for source, image in arrays.images.items():
        if not source.endswith("mask"):
            values = image[arrays.brain]
            numbers = [values.mean(dtype=np.float64), values.std(dtype=np.float64), *np.percentile(values, PERCENTILES)]
            intensities[source] = tuple(round(float(n), 4) for n in numbers)
    counts = np.bincount(arrays.labels.ravel(), minlength=256)
    x, y, z = (round(float(n), 4) for n in arrays.grid.spacing)
    return ExamPrint(
        exam.name,
        arrays.grid.shape,
        (x, y, z),
        (box[0], box[1], box[2]),
        intensities,
        {
            name: round(float(counts[list(values)].sum() * arrays.grid.voxel_volume / 1000), 4)
            for name, values in target_values(recipe).items()
        },
    )


def target_values(recipe: Recipe) -> dict[str, tuple[int, ...]]:
    """Region or label of the recipe's target -> the values in a label map that make it."""
    scheme = get_scheme(recipe.target.scheme)
    if recipe.target.kind == "regions":
        return {name: scheme.regions[name] for name in recipe.target.names}
    return {name: (scheme.value_of(name),) for name in recipe.target.names}
