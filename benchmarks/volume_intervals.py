"""How often the 95 % interval of a volume holds the true volume.

    python benchmarks/cut_exams.py pre-operative OUT --seed 1 --by default subtraction
    python benchmarks/volume_intervals.py OUT [--seed 1]

Reads what benchmarks/cut_exams.py has kept of exams, and asks of each region of `default` whether the true volume lies in the
interval of `glioscope measure` (from its probabilities, and widened as the model that ships says), and in that from what both
`default` and `subtraction` mark to what any of them marks. Exams without the region are left out, and told. Writes Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from glioscope.core import Sequence
from glioscope.measurement import Widening, volume_interval
from glioscope.segmentation import get_segmenter

REGIONS = ("WT", "TC", "ET")
ML = 0.001
Interval = Callable[[Any, str], tuple[float, float]]


def by_probability(exam: Any, region: str) -> tuple[float, float]:  # noqa: ANN401
    return volume_interval(exam[f"{region}-default-p"], ML)


def widened(exam: Any, region: str) -> tuple[float, float]:  # noqa: ANN401
    interval = by_probability(exam, region)
    return shipped().applied(region, interval) or interval


@cache
def shipped() -> Widening:
    """Of `default` with four sequences."""
    measured = get_segmenter("default").measured(list(Sequence))
    told = measured.widening() if measured else None
    return Widening(**told) if told else Widening(dict.fromkeys(REGIONS, 1.0), 0, "no exams")


def by_raters(exam: Any, region: str) -> tuple[float, float]:  # noqa: ANN401
    one, other = exam[f"{region}-default"], exam[f"{region}-subtraction"]
    return len(np.intersect1d(one, other)) * ML, len(np.union1d(one, other)) * ML


def row(kept: list[Any], region: str, title: str, interval: Interval) -> str:
    """Coverage, the sides on which the truth lies, the width, and the error of the volume itself."""
    found = np.array([interval(exam, region) for exam in kept])
    truth = np.array([len(exam[f"{region}-true"]) * ML for exam in kept])
    told = np.array([len(exam[f"{region}-default"]) * ML for exam in kept])
    below, above = truth < found[:, 0] - 1e-9, truth > found[:, 1] + 1e-9
    width = np.median((found[:, 1] - found[:, 0]) / truth)
    error = np.median(np.abs(told - truth) / truth)
    held = f"{(~below & ~above).sum()} of {len(kept)}"
    return f"| {region}, {title} | {held} | {below.sum()} | {above.sum()} | {100 * width:.0f} % | {100 * error:.0f} % |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exams", type=Path)
    parser.add_argument("--seed", type=int, default=None, help="only the exams of this seed")
    options = parser.parse_args()
    pattern = "*.npz" if options.seed is None else f"{options.seed}-*.npz"
    exams = [np.load(file) for file in sorted(options.exams.glob(pattern)) if ".part" not in file.name]
    print("| region, interval of | holds the truth | truth below | above | width | error of the volume |")
    print("|---|---|---|---|---|---|")
    for region in REGIONS:
        kept = [exam for exam in exams if len(exam[f"{region}-true"])]
        print(row(kept, region, "probabilities", by_probability))
        print(row(kept, region, f"the same, widened to {shipped().percent} %", widened))
        kept = [exam for exam in kept if f"{region}-subtraction" in exam]
        if kept:
            print(row(kept, region, "two segmenters", by_raters))
        if empty := [exam for exam in exams if not len(exam[f"{region}-true"])]:
            zero = sum(by_probability(exam, region)[0] == 0 for exam in empty)
            print(f"| {region} where there is none, probabilities | {zero} of {len(empty)} from 0 ml on | | | | |")


if __name__ == "__main__":
    main()
