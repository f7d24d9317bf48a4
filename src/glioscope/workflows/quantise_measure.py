"""One labelled exam segmented by one version of a bundle: how well, how long, how much memory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.bundles import Bundle, build_channels, read_bundle
from glioscope.bundles.placing import read_earlier
from glioscope.core import (
    SCHEMES,
    Scheme,
    Sequence,
    Volume,
    convert_labels,
    numbering_of,
    read_labels,
    read_volume,
)
from glioscope.training.cohort_data import LabelledExam

__all__ = ["Measured", "measure_exam", "windows_of"]


@dataclass(frozen=True)
class Measured:
    """An exam.

    Attributes:
        name: Of the exam.
        dice: Region -> Dice against the reference; 1 where both are empty.
        hd95: Region -> 95th percentile of the surface distance in mm; without regions for which there is none.
        seconds: Wall time from images in memory to the label map.
        peak_mb: Largest resident memory of the process.
        ran_by: How the networks ran.
    """

    name: str
    dice: Mapping[str, float]
    hd95: Mapping[str, float]
    seconds: float
    peak_mb: float
    ran_by: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def measure_exam(folder: Path, exam: LabelledExam, precision: str, store: Path | None) -> Measured:
    """Segment and score `exam` in this process; `store` is where an INT8 version on trial lies."""
    from glioscope.evaluation import evaluate_pair, get_protocol
    from glioscope.inference.model_store import ModelStore
    from glioscope.segmentation.bundle_segmenter import BundleSegmenter

    segmenter = BundleSegmenter(read_bundle(folder), precision=precision, store=ModelStore(store) if store else None)
    images, brain, earlier = _read(exam)
    started = time.perf_counter()
    found = segmenter.segment(images, brain, earlier)
    seconds = time.perf_counter() - started
    scheme = segmenter.scheme
    reference = _reference(exam, scheme)
    scores = evaluate_pair(found.labels.data, reference, brain.grid.spacing.tolist(), get_protocol("general", scheme.name))
    regions = {region: scores.regions[region].values for region in segmenter.regions}
    dice = {region: float(values.get("dice", 1.0)) for region, values in regions.items()}
    hd95 = {region: float(values["hd95"]) for region, values in regions.items() if "hd95" in values}
    return Measured(exam.name, dice, hd95, seconds, _peak_mb(), tuple(found.facts["ran_by"]))


def windows_of(bundle: Bundle, exam: LabelledExam, count: int) -> list[NDArray[np.float32]]:
    """At most `count` windows (C, x, y, z) of the exam that hold brain, the one in the middle first."""
    from glioscope.inference.predict import central_window
    from glioscope.segmentation.bundle_segmenter import window_settings

    images, brain, earlier = _read(exam)
    sources = {**{s.value: volume.data for s, volume in images.items()}, **{s: volume.data for s, volume in earlier.items()}}
    channels = build_channels(sources, brain.data, bundle.inputs, brain.grid.affine)
    settings = window_settings(bundle)
    rng = np.random.default_rng(0)
    windows = [central_window(channels, brain.data, settings)]
    inside = np.argwhere(brain.data)
    for centre in inside[rng.choice(len(inside), count - 1)]:
        near = np.zeros_like(brain.data)
        box = tuple(slice(max(0, c - side // 2), c - side // 2 + side) for c, side in zip(centre, settings.window, strict=True))
        near[box] = True
        windows.append(central_window(channels, near, settings))
    return windows


def _read(exam: LabelledExam) -> tuple[dict[Sequence, Volume], Volume, dict[str, Volume]]:
    """Images, brain, and what there is of an earlier exam."""
    images = {Sequence(name): read_volume(path).reoriented("RAS") for name, path in exam.images.items() if "-" not in name}
    first = next(iter(images.values()))
    earlier = {s: read_earlier(s, path, first.grid) for s, path in exam.images.items() if s.startswith("pre-")}
    return images, first.with_data(np.any([volume.data != 0 for volume in images.values()], axis=0)), earlier


def _reference(exam: LabelledExam, scheme: Scheme) -> NDArray[np.uint8]:
    labels = read_labels(exam.labels).reoriented("RAS").data
    given = numbering_of(labels, scheme) if exam.scheme == "auto" else SCHEMES[exam.scheme]
    return convert_labels(labels, given, scheme)


def _peak_mb() -> float:
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
