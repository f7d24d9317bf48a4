"""Exams with planted answers."""

from __future__ import annotations

import numpy as np

from glioscope.postprocessing import TuningCase
from glioscope.postprocessing.rater_weights import Regions


def planted(number: int, *, threshold: float = 0.75, dust: bool = True) -> TuningCase:
    """A ball of whole tumour whose probability falls off so that `threshold` cuts it right, and specks as certain as it is."""
    rng = np.random.default_rng(number)
    place = np.indices((24, 24, 24)) - np.array([12, 12, 12])[:, None, None, None]
    distance = np.sqrt((place**2).sum(axis=0))
    radius = 6 + number % 3
    values = np.clip(threshold + 0.01 - 0.12 * (distance - radius), 0, 1).astype(np.float32)
    values[distance > radius + 5] = 0
    if dust:
        for corner in rng.permutation([(1, 1, 1), (20, 1, 1), (1, 20, 20)])[:2]:
            values[tuple(slice(c, c + 3) for c in corner)] = 1  # 27 mm3
    reference = np.where(distance <= radius, 2, 0).astype(np.uint8)
    return TuningCase(f"case{number}", {"one": {"WT": values}}, reference, (1.0, 1.0, 1.0))


def with_a_poor_rater(case: TuningCase) -> TuningCase:
    """The same with a second rater who sees nothing but noise."""
    noise = np.random.default_rng(99).random(case.reference.shape, np.float32)
    raters: dict[str, Regions] = {"good": case.raters["one"], "poor": {"WT": noise}}
    return TuningCase(case.id, raters, case.reference, case.spacing)
