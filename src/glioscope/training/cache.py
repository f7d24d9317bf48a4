"""Exams prepared once: normalised, cut to the brain, stored so that a patch is read without the rest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.bundles.channels import build_channels, parse_inputs
from glioscope.core import Grid, InputUnreadable, get_scheme
from glioscope.core.files import atomic, ensure_folder, sha256, sweep, write_json
from glioscope.core.workers import in_working_folder
from glioscope.training.cohort_data import LabelledExam, placed, read_exam
from glioscope.training.plan import Plan
from glioscope.training.recipe_parsing import document_of
from glioscope.training.recipe_schema import Recipe

__all__ = ["CachedExam", "open_cached", "prepare_cache"]

FORMAT = 2
IMAGE, TARGET, FOREGROUND, RECORD = "image.npy", "target.npy", "foreground.npz", "exam.json"
LOCATIONS = 10_000
"""Foreground voxels kept of each label: enough to choose a centre from."""
HALF_PRECISION = 64.0
"""Normalised images stay far below it; there float16 is exact to 1/32. Anything larger is stored as float32."""
REBUILT = "prepared again"
"""What is told of an exam whose files in the cache were damaged."""
BLOCKS, BLOCK = 64, 4096


@dataclass(frozen=True)
class CachedExam:
    """One prepared exam; its arrays are opened when they are asked for, so that it travels to worker processes as a path.

    Attributes:
        folder: With image.npy, target.npy, foreground.npz and exam.json; named after the content of the exam's files.
        name, patient, site, train_only: As in the cohort.
        sources: Images that the exam has, of those that the channels are made of.
        shape: Voxels along each axis.
        affine: Of the cut and resampled grid (RAS, mm), as nested tuples.
        counts: Label -> its voxels.
    """

    folder: Path
    name: str
    patient: str
    site: str | None
    sources: tuple[str, ...]
    shape: tuple[int, int, int]
    affine: tuple[tuple[float, ...], ...]
    counts: Mapping[int, int]
    train_only: bool = False

    @property
    def image(self) -> NDArray[np.floating[Any]]:
        """Normalised channels (C, X, Y, Z), float16 or float32, memory-mapped; 0 outside the brain."""
        return np.asanyarray(np.load(self.folder / IMAGE, mmap_mode="c"))

    @property
    def target(self) -> NDArray[np.uint8]:
        """Label map (X, Y, Z) in the recipe's scheme, memory-mapped."""
        return np.asanyarray(np.load(self.folder / TARGET, mmap_mode="c"))

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Where the brain is (X, Y, Z)."""
        return np.asarray((self.image != 0).any(axis=0))

    @property
    def grid(self) -> Grid:
        """The grid of image and target."""
        return Grid(self.shape, np.asarray(self.affine))

    def locations(self, label: int) -> NDArray[np.int16]:
        """Voxels (n, 3) that have `label`: all of them, or a fixed random choice of LOCATIONS."""
        with np.load(self.folder / FOREGROUND) as stored:
            return np.asarray(stored[str(label)] if str(label) in stored else np.zeros((0, 3), np.int16))


def prepare_cache(
    exams: Sequence[LabelledExam],
    recipe: Recipe,
    plan: Plan,
    folder: Path,
    *,
    jobs: int = 1,
    told: Callable[[str], None] = lambda sentence: None,
) -> list[CachedExam]:
    """The exams in the cache at `folder`, those that are not there yet prepared, damaged ones prepared again.

    A file appears under its name only when it is complete, and `exam.json` last, so that a process may be killed at any
    moment. Recipes that see the same channels on the same grid share their exams. An exam is known by the content of its files:
    others under the same name are prepared beside it, since a training may be learning from it.

    Args:
        exams: Of the cohort.
        recipe: Says which channels, normalisation, grid and scheme.
        plan: Says the spacing.
        folder: Of the cache; 30 MB an exam of four sequences at 1 mm.
        jobs: Exams prepared at a time, each in a process of its own.
        told: Hears a sentence for each exam that is done.

    Returns:
        One for each exam, in their order.

    Raises:
        OutputUnwritable: the folder cannot be written or the disk is full.
        GlioscopeError: as `read_exam` raises it, for the first exam that cannot be used.
    """
    from joblib import Parallel, delayed

    settings = _settings(recipe, plan)
    below = ensure_folder(folder / _checksum(settings)[:12])
    sweep(below)
    work = (delayed(in_working_folder(_prepared))(exam, recipe, plan, below) for exam in exams)
    found = []
    for cached, sentence in Parallel(n_jobs=max(1, min(jobs, len(exams))), return_as="generator")(work):
        found.append(cached)
        told(sentence)
    return found


def open_cached(folder: Path) -> CachedExam:
    """The prepared exam in `folder`, its files checked against their record (size, header and 64 blocks spread over each).

    Raises:
        InputUnreadable: a file is missing or damaged; the sentence names it.
    """
    record = folder / RECORD
    try:
        document = json.loads(record.read_text("utf-8"))
        checksums = {str(name): str(value) for name, value in document["files"].items()}
        cached = CachedExam(
            folder,
            document["name"],
            document["patient"],
            document["site"],
            tuple(document["sources"]),
            (document["shape"][0], document["shape"][1], document["shape"][2]),
            tuple(tuple(row) for row in document["affine"]),
            {int(label): int(count) for label, count in document["counts"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise InputUnreadable(f"'{record}' of the cache is missing or damaged; prepare the exam again.") from None
    for name in (IMAGE, TARGET, FOREGROUND):
        if _digest(folder / name) != checksums.get(name):
            raise InputUnreadable(f"'{folder / name}' of the cache is missing or damaged; prepare the exam again.")
    return cached


def _settings(recipe: Recipe, plan: Plan) -> dict[str, Any]:
    inputs = document_of(recipe.inputs)
    return {
        "format": FORMAT,
        "channels": inputs["channels"],
        "normalisation": inputs["normalisation"],
        "reference": inputs["reference"],
        "size": document_of(recipe.grid.size),
        "spacing": list(plan.spacing),
        "scheme": recipe.target.scheme,
    }


def _prepared(exam: LabelledExam, recipe: Recipe, plan: Plan, below: Path) -> tuple[CachedExam, str]:
    used = {source: exam.images[source] for source in parse_inputs(recipe.inputs).sources if source in exam.images}
    content = {name: sha256(path) for name, path in {**used, "labels": exam.labels}.items() if path.is_file()}
    folder = below / exam.name / _checksum({"files": content, "scheme": exam.scheme})[:12]
    damaged = ""
    if (folder / RECORD).is_file():
        try:
            return _as_in_cohort(open_cached(folder), exam), f"{exam.name}: in the cache"
        except InputUnreadable as error:
            damaged = f" ({str(error).partition(';')[0]})"
        (folder / RECORD).unlink(missing_ok=True)
    _write(exam, recipe, plan, folder)
    return _as_in_cohort(open_cached(folder), exam), f"{exam.name}: {REBUILT + damaged if damaged else 'prepared'}"


def _as_in_cohort(cached: CachedExam, exam: LabelledExam) -> CachedExam:
    return replace(cached, patient=exam.patient, site=exam.site, train_only=exam.train_only)


def _write(exam: LabelledExam, recipe: Recipe, plan: Plan, folder: Path) -> None:
    scheme = get_scheme(recipe.target.scheme)
    arrays = placed(read_exam(exam, recipe), recipe.grid, plan.spacing, scheme)
    inputs = parse_inputs(recipe.inputs)
    image = build_channels(arrays.images, arrays.brain, replace(inputs, optional=inputs.sources), arrays.grid.affine)
    image = image.astype(np.float16 if np.abs(image).max() <= HALF_PRECISION else np.float32)
    rng = np.random.default_rng(0)
    labels = [value for value in scheme.labels if (arrays.labels == value).any()]
    voxels = {value: np.argwhere(arrays.labels == value).astype(np.int16) for value in labels}
    chosen = {
        str(value): found if len(found) <= LOCATIONS else found[np.sort(rng.choice(len(found), LOCATIONS, replace=False))]
        for value, found in voxels.items()
    }
    for name, array in ((IMAGE, image), (TARGET, arrays.labels)):
        with atomic(folder / name) as scratch, scratch.open("wb") as stream:
            # As np.save does it, which on a full disk does not say so.
            whole = np.ascontiguousarray(array)
            header = np.lib.format.header_data_from_array_1_0(whole)  # type: ignore[no-untyped-call]
            np.lib.format.write_array_header_1_0(stream, header)  # type: ignore[no-untyped-call]
            stream.write(whole.data)
    with atomic(folder / FOREGROUND) as scratch, scratch.open("wb") as stream:
        np.savez(stream, **chosen)  # type: ignore[arg-type]
    write_json(
        folder / RECORD,
        {
            "name": exam.name,
            "patient": exam.patient,
            "site": exam.site,
            "scheme": scheme.name,
            "sources": sorted(arrays.images),
            "shape": list(arrays.grid.shape),
            "affine": arrays.grid.affine.tolist(),
            "counts": {str(value): len(found) for value, found in voxels.items()},
            "files": {name: _digest(folder / name) for name in (IMAGE, TARGET, FOREGROUND)},
        },
    )


def _checksum(document: Any) -> str:  # noqa: ANN401
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _digest(path: Path) -> str | None:
    """Checksum of a file's size, its first and last block and what lies evenly between; None where it cannot be read.

    Reading all of a large cache before each run would take as long as the first epochs.
    """
    try:
        size = path.stat().st_size
        found = hashlib.sha256(str(size).encode())
        with path.open("rb") as stream:
            for start in np.unique(np.linspace(0, max(0, size - BLOCK), BLOCKS).astype(np.int64)).tolist():
                stream.seek(start)
                found.update(stream.read(BLOCK))
    except OSError:
        return None
    return found.hexdigest()
