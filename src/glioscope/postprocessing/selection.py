"""Which of the settings that were tried is worth leaving the published ones for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_EXAMS", "Choice", "choose_setting"]

LEAST_EXAMS = 3
"""With fewer there is nothing to tell a gain from chance by, and the published settings stay."""

Table = NDArray[np.floating]


@dataclass(frozen=True)
class Choice:
    """The setting to take.

    Attributes:
        setting: Its row; 0 is the published one.
        best: The row with the highest mean, which is what fits these exams and not what to take.
        gain: By how much the mean of an exam rises over the published setting when the choice is made without that exam.
        error: Standard error of `gain`; NaN for a single exam.
    """

    setting: int
    best: int
    gain: float
    error: float


def choose_setting(scores: Sequence[Sequence[float]] | Table, distances: Sequence[float] | Table) -> Choice:
    """The setting nearest to the published one that cannot be told from the best, if leaving the published one pays.

    Two guards against fitting chance. First the rule of one standard error: of all settings whose mean is within one standard
    error (of the paired differences) of the best, the nearest to the published one is the candidate; that may be the published
    one itself. Then the whole rule is cross-validated: made without an exam, its choice is scored on that exam beside the
    published setting. Only where the mean of these gains exceeds their standard error is the candidate taken.

    Source: one standard error: Breiman, Friedman, Olshen, Stone: Classification and Regression Trees (1984), 3.4.3.

    Args:
        scores: Settings x exams, more is better; the first row is the published setting.
        distances: How far each setting is from the published one, 0 for itself.

    Returns:
        The choice; of equal settings the nearest, and of equally near ones the earliest.
    """
    table = np.asarray(scores, float)
    exams = table.shape[1]
    far = np.asarray(distances, float)
    best = int(np.argmax(table.mean(axis=1)))
    if exams < LEAST_EXAMS:
        return Choice(0, best, 0.0, float("nan"))
    picks = [_candidate(np.delete(table, out, axis=1), far) for out in range(exams)]
    gains = np.array([table[pick, out] - table[0, out] for out, pick in enumerate(picks)])
    gain, error = float(gains.mean()), float(_error(gains))
    return Choice(_candidate(table, far) if gain > error else 0, best, gain, error)


def _candidate(table: Table, far: Table) -> int:
    """The nearest setting that is within one standard error of the best."""
    means = table.mean(axis=1)
    behind = table[int(np.argmax(means))] - table
    close = np.flatnonzero(behind.mean(axis=1) <= _error(behind)).tolist()
    return int(min(close, key=lambda row: (far[row], -means[row], row)))


def _error(differences: Table) -> Table:
    """Standard error of the mean over the last axis."""
    return np.asarray(differences.std(axis=-1, ddof=1) / np.sqrt(differences.shape[-1]))
