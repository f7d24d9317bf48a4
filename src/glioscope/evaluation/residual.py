"""Residual tumour against gross total resection, patient by patient, and Dice over those who have residual tumour."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glioscope.core.errors import InvalidImage
from glioscope.evaluation.statistics import finite_or_none

__all__ = ["RESIDUAL_DEFINITIONS", "ResidualPatient", "ResidualScores", "ResidualStudy", "Spread", "residual_study"]

RESIDUAL_DEFINITIONS = {
    "positive": "Residual tumour: at least the threshold volume (0.175 ml unless told otherwise); less: gross total resection.",
    "tp": "Reference and prediction both positive, with a Dice of at least the smallest Dice (0.01 unless told otherwise).",
    "tn": "Reference and prediction both negative.",
    "fn": "Reference positive and not tp: too little was predicted, or all of it elsewhere.",
    "fp": "Reference negative, prediction positive.",
    "sensitivity, recall": "tp / (tp + fn).",
    "specificity": "tn / (tn + fp).",
    "balanced_accuracy": "Mean of sensitivity and specificity.",
    "precision": "tp / (tp + fp).",
    "f1": "Harmonic mean of precision and recall, 2 tp / (2 tp + fp + fn).",
    "dice_positive": "Dice over patients with a positive reference; SD over patients (n - 1).",
    "dice_true_positive": "Dice over true positives; SD over patients (n - 1).",
    "over_folds, over_sites": "Rates: mean over the groups weighted by their patients, and SD between the groups (n). "
    "Dice: the groups' means weighted by the patients they are taken over, and the pooled SD within groups, "
    "sqrt(sum((n - 1) sd^2) / sum(n - 1)). A group in which a number is not defined is left out of it.",
}

RATES = ("sensitivity", "specificity", "balanced_accuracy", "recall", "precision", "f1")
DICES = ("dice_positive", "dice_true_positive")


@dataclass(frozen=True)
class ResidualPatient:
    """One patient: tumour volumes after surgery (ml), their Dice, and the fold and site the patient belongs to."""

    id: str
    reference_ml: float
    predicted_ml: float
    dice: float
    fold: str | None = None
    site: str | None = None


@dataclass(frozen=True)
class Spread:
    """A mean, its standard deviation (NaN for fewer than two), and over how many."""

    mean: float
    sd: float
    count: int

    def document(self) -> dict[str, Any]:
        """JSON-ready values, null where not defined."""
        return {"mean": finite_or_none(self.mean), "sd": finite_or_none(self.sd), "count": self.count}


@dataclass(frozen=True)
class ResidualScores:
    """The numbers of one group of patients; RESIDUAL_DEFINITIONS says what each is, NaN where it is not defined."""

    patients: int
    tp: int
    tn: int
    fp: int
    fn: int
    dice_positive: Spread
    dice_true_positive: Spread

    @property
    def recall(self) -> float:
        """Share of patients with residual tumour who are found."""
        return _ratio(self.tp, self.tp + self.fn)

    sensitivity = recall

    @property
    def specificity(self) -> float:
        """Share of patients with gross total resection who are recognised."""
        return _ratio(self.tn, self.tn + self.fp)

    @property
    def balanced_accuracy(self) -> float:
        """Mean of sensitivity and specificity."""
        return (self.recall + self.specificity) / 2

    @property
    def precision(self) -> float:
        """Share of patients called positive who are, with an overlap."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    def document(self) -> dict[str, Any]:
        """JSON-ready values, null where not defined."""
        counts = {name: getattr(self, name) for name in ("patients", "tp", "tn", "fp", "fn")}
        rates = {name: finite_or_none(getattr(self, name)) for name in RATES}
        return counts | rates | {name: getattr(self, name).document() for name in DICES}


@dataclass(frozen=True)
class ResidualStudy:
    """A whole study.

    Attributes:
        threshold_ml: From which volume on there is residual tumour.
        minimum_dice: Below which a found tumour is not the one that is there.
        overall: All patients as one group.
        folds, sites: Name -> that group's scores; empty where patients have none.
        over_folds, over_sites: Rate or Dice -> mean and SD over the groups; empty where there are none.
    """

    threshold_ml: float
    minimum_dice: float
    overall: ResidualScores
    folds: Mapping[str, ResidualScores]
    sites: Mapping[str, ResidualScores]
    over_folds: Mapping[str, Spread]
    over_sites: Mapping[str, Spread]

    def document(self) -> dict[str, Any]:
        """JSON-ready values, with the definitions."""
        out: dict[str, Any] = {
            "threshold_ml": self.threshold_ml,
            "minimum_dice": self.minimum_dice,
            "definitions": RESIDUAL_DEFINITIONS,
            "overall": self.overall.document(),
        }
        for groups, over in (("folds", "over_folds"), ("sites", "over_sites")):
            if getattr(self, groups):
                out[groups] = {name: scores.document() for name, scores in getattr(self, groups).items()}
                out[over] = {name: spread.document() for name, spread in getattr(self, over).items()}
        return out


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def _spread(values: Sequence[float]) -> Spread:
    array = np.asarray(values, np.float64)
    mean = float(array.mean()) if array.size else math.nan
    return Spread(mean, float(array.std(ddof=1)) if array.size > 1 else math.nan, int(array.size))


def _scores(patients: Sequence[ResidualPatient], threshold_ml: float, minimum_dice: float) -> ResidualScores:
    positives = [p for p in patients if p.reference_ml >= threshold_ml]
    found = [p for p in positives if p.predicted_ml >= threshold_ml and p.dice >= minimum_dice]
    false = sum(p.reference_ml < threshold_ml <= p.predicted_ml for p in patients)
    return ResidualScores(
        patients=len(patients),
        tp=len(found),
        tn=len(patients) - len(positives) - false,
        fp=false,
        fn=len(positives) - len(found),
        dice_positive=_spread([p.dice for p in positives]),
        dice_true_positive=_spread([p.dice for p in found]),
    )


def _over(groups: Iterable[ResidualScores]) -> dict[str, Spread]:
    listed = list(groups)
    out = {}
    for name in RATES if listed else ():
        known = [(getattr(g, name), g.patients) for g in listed if math.isfinite(getattr(g, name))]
        sd = float(np.std([value for value, _ in known])) if len(known) > 1 else math.nan
        mean = _ratio(sum(value * weight for value, weight in known), sum(weight for _, weight in known))
        out[name] = Spread(mean, sd, len(known))
    for name in DICES if listed else ():
        spreads: list[Spread] = [getattr(g, name) for g in listed if getattr(g, name).count]
        mean = _ratio(sum(s.mean * s.count for s in spreads), sum(s.count for s in spreads))
        within = sum((s.count - 1) * s.sd**2 for s in spreads if s.count > 1)
        out[name] = Spread(mean, math.sqrt(_ratio(within, sum(s.count - 1 for s in spreads))), len(spreads))
    return out


def residual_study(
    patients: Iterable[ResidualPatient], *, threshold_ml: float = 0.175, minimum_dice: float = 0.01
) -> ResidualStudy:
    """Classify each patient as residual tumour or gross total resection, and score the classification and the overlap.

    The paper calls a patient true positive where both volumes reach the threshold "for any given Dice score (i.e., >= 0.01)";
    its printed recall and sensitivity agree in every row of tables 3 and 4, so one rule serves both. It does not say what a
    patient is whose two volumes are large enough but do not meet; here that tumour was missed (fn). `minimum_dice=0` drops
    the condition. The formula of its "pooled estimates" is not printed either; RESIDUAL_DEFINITIONS states the one used here.
    For rates it can be checked: with the patients of table 1 in the folds of table 2, three printed sensitivities (nnU-Net with
    inputs A, B and D) come out of whole numbers of missed patients by the mean weighted by patients with the SD over n, where
    the SD over n - 1 or the plain mean give none. For Dice it cannot.

    Args:
        patients: At least one, volumes in ml, Dice in [0, 1].
        threshold_ml: The clinical cut-off, 0.175 ml.
        minimum_dice: The smallest overlap that counts as found.

    Raises:
        InvalidImage: no patients, a volume that is negative or not finite, or a Dice outside [0, 1].

    Source: Helland et al., Scientific Reports 2023, sections 2.1 (cut-off), 2.3.2 (metrics) and 3.1 to 3.2 (tables 3 and 4).
    """
    listed = list(patients)
    if not listed:
        raise InvalidImage("There are no patients to study.")
    for patient in listed:
        volumes = (patient.reference_ml, patient.predicted_ml)
        if not all(math.isfinite(v) and v >= 0 for v in volumes) or (
            max(volumes) >= threshold_ml and not 0 <= patient.dice <= 1
        ):
            raise InvalidImage(
                f"Patient '{patient.id}' has volumes or a Dice that are not possible ({volumes}, {patient.dice})."
            )

    def by(key: Callable[[ResidualPatient], str | None]) -> dict[str, ResidualScores]:
        names = sorted({name for p in listed if (name := key(p)) is not None})
        return {name: _scores([p for p in listed if key(p) == name], threshold_ml, minimum_dice) for name in names}

    folds, sites = by(lambda p: p.fold), by(lambda p: p.site)
    return ResidualStudy(
        threshold_ml,
        minimum_dice,
        _scores(listed, threshold_ml, minimum_dice),
        folds,
        sites,
        _over(folds.values()),
        _over(sites.values()),
    )
