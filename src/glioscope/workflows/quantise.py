"""`quantise`: an INT8 version of a bundle's networks for this machine, kept only where it costs no accuracy to speak of."""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from glioscope.bundles import Bundle, find_bundle, read_bundle
from glioscope.core import InputUnreadable, InvalidImage, ProcessingFailed
from glioscope.core.counting import counted
from glioscope.inference.int8 import check_int8
from glioscope.inference.model_store import ModelStore
from glioscope.workflows.quantise_measure import Measured, measure_exam, windows_of

__all__ = ["Quantised", "quantise"]

CALIBRATION_EXAMS = 2
WINDOWS = 8
"""Windows that the ranges of values are taken from, over all calibration exams."""


@dataclass(frozen=True)
class Quantised:
    """What came of it.

    Attributes:
        accepted: Whether the INT8 version is used from now on.
        loss: Largest drop of a region's mean Dice.
        limit: What it had to stay below.
        spared: Which convolutions stayed in floating point: `none` or `ends`.
        before: Each exam as it was.
        after: Each exam in INT8.
        calibration: Names of the exams that the ranges of values come from; they are not scored, unless there was no other.
    """

    accepted: bool
    loss: float
    limit: float
    spared: str
    before: tuple[Measured, ...]
    after: tuple[Measured, ...]
    calibration: tuple[str, ...]

    def table(self) -> list[dict[str, Any]]:
        """Two rows, before and after: mean Dice and HD95 (mm) of each region, seconds an exam and peak memory in MB."""
        return [_row("before", self.before), _row("INT8", self.after)]

    def document(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "accepted": self.accepted,
            "dice_loss": round(self.loss, 6),
            "limit": self.limit,
            "spared": self.spared,
            "calibration": list(self.calibration),
            "table": self.table(),
            "exams": {"before": [m.document() for m in self.before], "after": [m.document() for m in self.after]},
        }


def quantise(
    bundle: str | PathLike[str],
    cohort: str | PathLike[str],
    limit: float = 0.002,
    *,
    told: Callable[[str], None] = lambda sentence: None,
) -> Quantised:
    """Try to run a bundle in INT8 on this machine, and keep that only if Dice stays.

    The networks are converted to INT8 with the ranges of values in a few windows of the first exams (post-training
    quantisation, as in Thakur et al., BrainLes 2021, for BrainMaGe). All other exams are segmented before and after, each in a
    process of its own, and scored against their labels. The INT8 version is accepted where no region's mean Dice falls by
    `limit` or more; else once more with the first and last convolution spared; else nothing changes. An accepted one is kept in
    the user's data folder and taken from then on where it is also the fastest. The bundle itself stays as it is.

    Args:
        bundle: Folder or name of a bundle of kind `network`.
        cohort: Labelled exams, prepared (skull-stripped on one grid); they should not be those that it learnt from.
        limit: Above 0.
        told: Hears what is going on.

    Raises:
        InvalidImage: a limit that is none, or a bundle of another kind.
        InputUnreadable: there is no such bundle, or no labelled exam.
        EngineMissing: OpenVINO or NNCF is not installed.
        ProcessingFailed: the system ended the process of an exam.
    """
    from glioscope.workflows.labelled_cohort import labelled_cohort

    if not 0 < limit < 1:
        raise InvalidImage(f"The limit of the Dice loss is above 0 and below 1, not {limit}.")
    folder = find_bundle(bundle)
    if folder is None:
        raise InputUnreadable(f"There is no bundle '{bundle}'.")
    read = read_bundle(folder)
    if read.kind != "network":
        raise InvalidImage(f"Bundle '{read.name}' is of kind {read.kind}; only networks can be quantised.")
    with tempfile.TemporaryDirectory(prefix="glioscope-") as scratch:
        exams = labelled_cohort(Path(cohort), Path(scratch) / "unpacked", told=told)
        count = min(CALIBRATION_EXAMS, max(1, len(exams) // 2))
        calibration, scored = exams[:count], exams[count:] or exams
        check_int8()
        told(f"Scoring {counted(len(scored), 'exam')} as it is now.")
        before = _measured(folder, scored, "float", None)
        windows = [window for exam in calibration for window in windows_of(read, exam, -(-WINDOWS // count))]
        for spared in ("none", "ends"):
            trial = ModelStore(Path(scratch) / spared)
            told("Converting to INT8." if spared == "none" else "Once more, with the first and last convolution spared.")
            files = _convert(read, windows, spared, trial)
            after = _measured(folder, scored, "int8", trial.folder)
            loss = _loss(before, after)
            names = tuple(exam.name for exam in calibration)
            result = Quantised(loss < limit, loss, limit, spared, before, after, names)
            told(f"Dice falls by {loss:.4f}; the limit is {limit:g}.")
            if result.accepted:
                _keep(files, read, result)
                break
    return result


def _convert(bundle: Bundle, windows: Sequence[Any], spared: str, trial: ModelStore) -> list[Path]:
    """INT8 models of all members, in the trial store."""
    import torch

    from glioscope.inference.backend import make_forward
    from glioscope.inference.int8 import to_int8

    example = torch.from_numpy(windows[0])[None]
    files = []
    for member, key in enumerate(bundle.member_keys):
        make_forward(
            lambda member=member: bundle.network(member),  # type: ignore[misc]
            backend="openvino",
            precision="fp32",
            example=example,
            key=key,
            store=trial,
        )
        file = trial.model(key, example.shape, "int8")
        trial.save(to_int8(trial.model(key, example.shape), windows, spared), file)
        files.append(file)
    return files


def _measured(folder: Path, exams: Sequence[Any], precision: str, store: Path | None) -> tuple[Measured, ...]:
    """Each exam in a fresh process, so that its peak of memory is its own; the first time of all is not counted."""
    found = []
    for number, exam in enumerate(exams):
        for _ in range(1 if number else 2):  # once before, for what is measured and converted at first use
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
                try:
                    measured = pool.submit(measure_exam, folder, exam, precision, store).result()
                except BrokenExecutor as error:
                    raise ProcessingFailed(
                        f"The system ended the process that segmented '{exam.name}', probably because memory ran out; close "
                        "other programs and run again."
                    ) from error
        found.append(measured)
    return tuple(found)


def _loss(before: Sequence[Measured], after: Sequence[Measured]) -> float:
    drops = [
        np.mean([one.dice[region] - other.dice[region] for one, other in zip(before, after, strict=True)])
        for region in before[0].dice
    ]
    return float(max(drops))


def _keep(files: Sequence[Path], bundle: Bundle, result: Quantised) -> None:
    from glioscope.core.files import write_json
    from glioscope.segmentation.bundle_segmenter import window_settings

    store, shape = ModelStore(), (1, len(bundle.inputs.channels), *window_settings(bundle).window)
    for file, key in zip(files, bundle.member_keys, strict=True):
        place = store.model(key, shape, "int8")
        write_json(file.parent / "quantised.json", result.document())
        shutil.rmtree(place.parent, ignore_errors=True)
        place.parent.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(file.parent, place.parent)


def _row(name: str, exams: Sequence[Measured]) -> dict[str, Any]:
    def mean(values: list[float]) -> float | None:
        return round(float(np.mean(values)), 4) if values else None

    return {
        "": name,
        **{f"Dice {region}": mean([exam.dice[region] for exam in exams]) for region in exams[0].dice},
        **{f"HD95 {r}": mean([exam.hd95[r] for exam in exams if r in exam.hd95]) for r in exams[0].dice},
        "seconds": mean([exam.seconds for exam in exams]),
        "peak_mb": mean([exam.peak_mb for exam in exams]),
        "ran_by": sorted({way for exam in exams for way in exam.ran_by}),
    }
