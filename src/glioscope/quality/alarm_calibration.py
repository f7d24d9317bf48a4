"""What a cohort teaches of the discord that is usual between raters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InputUnreadable
from glioscope.quality.alarm_threshold import alarm_threshold, median_and_mad
from glioscope.quality.similarity import METRICS, Similarities, finite_or_none, number_or_nan

__all__ = ["AlarmCalibration", "Key", "calibrate_alarms", "check_alphas"]

_KIND = "glioscope ensemble alarms"


class Key(NamedTuple):
    """What has a threshold of its own."""

    rater: str
    region: str
    metric: str


@dataclass(frozen=True, eq=False)
class AlarmCalibration:
    """Similarities of a cohort's raters to their fusion, and the thresholds that follow.

    Attributes:
        keys: Rater, region and metric of each column.
        values: Exams x keys in the metrics' own units; NaN where a value was not finite or a rater had no mask.
        alpha: How many median absolute deviations below the median an alarm begins.
        alphas: Another alpha for a rater, region or metric, by its name; where several apply, the smallest counts.
        settings: How the similarities were made (fusion, scheme …); the same has to be done with a new exam.
        chosen_by: How alpha was found: `hand`, `entropy`, `correlation` or `both`.
    """

    keys: tuple[Key, ...]
    values: NDArray[np.float64]
    alpha: float
    alphas: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    chosen_by: str = "hand"

    def __post_init__(self) -> None:
        check_alphas(self.alpha, self.alphas)

    @property
    def raters(self) -> tuple[str, ...]:
        """Names of the raters."""
        return tuple(dict.fromkeys(key.rater for key in self.keys))

    @property
    def regions(self) -> tuple[str, ...]:
        """Names of the regions."""
        return tuple(dict.fromkeys(key.region for key in self.keys))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics."""
        return tuple(dict.fromkeys(key.metric for key in self.keys))

    @cached_property
    def thresholds(self) -> dict[Key, float]:
        """Where alarms begin, in each metric's own unit; NaN where the cohort has no finite value."""
        return {
            key: alarm_threshold(column, self.alpha_of(key), higher_is_better=METRICS[key.metric].higher_is_better)
            for key, column in zip(self.keys, self.values.T, strict=True)
        }

    @cached_property
    def risks(self) -> NDArray[np.intp]:
        """Number of alarms of each exam of the cohort."""
        return np.asarray(self.flags(self.values).sum(axis=1))

    def alpha_of(self, key: Key) -> float:
        """The alpha that counts for `key`."""
        return min((self.alphas[name] for name in key if name in self.alphas), default=self.alpha)

    def flags(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which values, of shape (..., keys), raise an alarm: those below their threshold, and those that are not finite."""
        signs = np.array([METRICS[key.metric].sign for key in self.keys])
        limits = np.array([self.thresholds[key] for key in self.keys])
        with np.errstate(invalid="ignore"):
            return np.asarray(~np.isfinite(values) | (signs * values < signs * limits))

    def row(self, table: Similarities) -> NDArray[np.float64]:
        """The similarities of one exam in the order of the keys; NaN for a rater that is missing."""
        return np.array([table.get(k.rater, {}).get(k.region, {}).get(k.metric, np.nan) for k in self.keys], np.float64)

    def with_alpha(self, alpha: float) -> AlarmCalibration:
        """The same cohort under another alpha for all."""
        return replace(self, alpha=alpha, alphas={}, chosen_by="hand")

    def document(self) -> dict[str, Any]:
        """JSON-ready values: definitions, thresholds, alarm counts, the cohort's values without names."""
        thresholds: dict[str, dict[str, dict[str, Any]]] = {}
        for key, column in zip(self.keys, self.values.T, strict=True):
            median, mad = median_and_mad(column)
            entry = {"threshold": self.thresholds[key], "median": median, "mad": mad}
            told = {name: finite_or_none(value) for name, value in entry.items()}
            told |= {"alpha": self.alpha_of(key), "not_finite": int((~np.isfinite(column)).sum())}
            thresholds.setdefault(key.rater, {}).setdefault(key.region, {})[key.metric] = told
        return {
            "kind": _KIND,
            "alpha": self.alpha,
            "alphas": dict(sorted(self.alphas.items())),
            "alpha_chosen_by": self.chosen_by,
            "definition": "alarm: a similarity below median - alpha x MAD of the cohort (a distance above median + alpha x "
            "MAD), or not finite, or of a rater without a mask; risk: number of alarms",
            "metrics": {name: METRICS[name].definition for name in self.metrics},
            "settings": dict(self.settings),
            "cases": len(self.values),
            "raters": list(self.raters),
            "regions": list(self.regions),
            "thresholds": thresholds,
            "alarm_counts": np.bincount(self.risks, minlength=len(self.keys) + 1).tolist(),
            "columns": [list(key) for key in self.keys],
            "values": [[finite_or_none(float(v)) for v in row] for row in self.values],
        }

    @staticmethod
    def from_document(document: Mapping[str, Any], name: str) -> AlarmCalibration:
        """The calibration that `document`, read from the file `name`, describes; raises InputUnreadable for anything else."""
        try:
            if document["kind"] != _KIND:
                raise ValueError(document["kind"])
            keys = tuple(Key(*map(str, key)) for key in document["columns"])
            values = np.array([[number_or_nan(v) for v in row] for row in document["values"]], np.float64)
            values = values.reshape(len(document["values"]), len(keys))
            alphas = {str(key): float(alpha) for key, alpha in document["alphas"].items()}
            if not keys or {key.metric for key in keys} - METRICS.keys():
                raise ValueError(keys)
            alpha, settings, chosen = float(document["alpha"]), dict(document["settings"]), str(document["alpha_chosen_by"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputUnreadable(
                f"'{name}' is not a calibration of ensemble alarms; make one with `glioscope quality calibrate`."
            ) from error
        return AlarmCalibration(keys, values, alpha, alphas, settings, chosen)


def check_alphas(alpha: float, alphas: Mapping[str, float]) -> None:
    """Raise InputUnreadable for an alpha that is not finite, since it has no threshold."""
    for value in (alpha, *alphas.values()):
        if not math.isfinite(value):
            raise InputUnreadable(f"Alpha has to be a finite number, such as 0.1, not {value}.")


def calibrate_alarms(
    cohort: Mapping[str, Similarities],
    alpha: float = 0.1,
    *,
    alphas: Mapping[str, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    chosen_by: str = "hand",
) -> AlarmCalibration:
    """Thresholds from a cohort, for each rater, region and metric (Kofler et al. 2021, section 2.1).

    Args:
        cohort: Exam -> its similarities, with the same regions and metrics in all; a rater may lack exams.
        alpha: How many median absolute deviations below the median an alarm begins.
        alphas: Other alphas for single raters, regions or metrics, by name.
        settings: How the similarities were made, to be kept.
        chosen_by: How alpha was found.

    Raises:
        InputUnreadable: fewer than two exams, or no rater in them; or a name in `alphas` that nothing has.
    """
    if len(cohort) < 2:
        raise InputUnreadable(f"A calibration needs several exams, and there {'is one' if cohort else 'are none'}.")
    found = {
        Key(rater, region, metric)
        for table in cohort.values()
        for rater, rs in table.items()
        for region in rs
        for metric in rs[region]
    }
    first = next((table for table in cohort.values() if table), {})
    regions = [region for rs in list(first.values())[:1] for region in rs]
    keys = tuple(
        sorted(found, key=lambda k: (k.rater, regions.index(k.region) if k.region in regions else len(regions), k[1:]))
    )
    unknown = set(alphas or {}) - {name for key in keys for name in key}
    if not keys or unknown:
        words = f"No rater, region or metric is called {', '.join(sorted(unknown))}." if keys else "The exams have no raters."
        raise InputUnreadable(words)
    own = {name: float(value) for name, value in (alphas or {}).items()}
    empty = AlarmCalibration(keys, np.empty((0, len(keys))), float(alpha), own, dict(settings or {}), chosen_by)
    return replace(empty, values=np.stack([empty.row(cohort[name]) for name in sorted(cohort)]))
