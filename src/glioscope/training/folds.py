"""How a cohort is divided: patients stay together, sites are spread or held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from glioscope.core import InputUnreadable
from glioscope.core.counting import are, counted
from glioscope.training.recipe_parsing import nearest
from glioscope.training.recipe_schema import Recipe

__all__ = ["Fold", "FoldMember", "split"]


class FoldMember(Protocol):
    """What is divided: a LabelledExam or a CachedExam."""

    @property
    def name(self) -> str:
        """Of the exam."""

    @property
    def patient(self) -> str:
        """Whose it is."""

    @property
    def site(self) -> str | None:
        """Where it was acquired."""

    @property
    def train_only(self) -> bool:
        """Whether it is never held out."""


@dataclass(frozen=True)
class Fold:
    """Names of the exams of one fold, sorted.

    Attributes:
        number: From 0.
        train: What is learnt from.
        validation: What models are chosen by.
        held_out: The exams of the held-out site: seen by no fold, for the test of their ensemble.
    """

    number: int
    train: tuple[str, ...]
    validation: tuple[str, ...]
    held_out: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """JSON-ready."""
        return {
            "number": self.number,
            "train": list(self.train),
            "validation": list(self.validation),
            "held_out": list(self.held_out),
        }


def split(exams: Sequence[FoldMember], recipe: Recipe) -> list[Fold]:
    """The folds of cross-validation.

    By patient, each site's patients are dealt out in turn, so that every fold has its share of every site; by site, whole
    sites are laid in the fold with the fewest patients, the largest first, as in the residual-tumour study of twelve hospitals
    (Helland et al., Scientific Reports 2023, 2.3.1, table 2). The same exams, rules and seed give the same folds, in whatever
    order the exams come. Exams that are `train_only` are in the training part of every fold that does not hold out
    their patient. By site, no exam of a site is learnt from in the fold that holds it out: neither a `train_only` one nor one
    of a patient who belongs to another site.

    Raises:
        InputUnreadable: a site is held out or divided by and not known, or a fold would be empty.
    """
    rules = recipe.folds
    always = [exam for exam in exams if exam.train_only]
    exams = [exam for exam in exams if not exam.train_only]
    if not always and recipe.training.train_only_share is not None:
        raise InputUnreadable("'training.train_only_share' is given, but no exam of the cohort is marked train_only.")
    held_out = [exam for exam in exams if rules.hold_out is not None and exam.site == rules.hold_out]
    if rules.hold_out is not None and not held_out:
        sites = sorted({exam.site for exam in exams if exam.site})
        told = nearest(rules.hold_out, sites) if sites else "the cohort names no sites."
        raise InputUnreadable(f"'folds.hold_out' is '{rules.hold_out}', a site without exams; {told}")
    away = {exam.patient for exam in held_out}
    # What is only learnt from may come from the held-out site too.
    always = [exam for exam in always if exam.patient not in away and (rules.hold_out is None or exam.site != rules.hold_out)]
    rest = sorted((exam for exam in exams if exam.patient not in away), key=lambda exam: exam.name)
    site_of = {exam.patient: exam.site or "" for exam in reversed(rest)}
    if rules.by == "site" and "" in site_of.values():
        bare = next(exam.name for exam in rest if not exam.site)
        raise InputUnreadable(f"'folds.by' is 'site', but exam '{bare}' names no site.")
    rng = np.random.default_rng(recipe.training.seed)
    by_site = {site: sorted(p for p, s in site_of.items() if s == site) for site in sorted(set(site_of.values()))}
    part_of_site = _by_site(by_site, rules.count) if rules.by == "site" else {}
    part_of = {p: part_of_site[s] for p, s in site_of.items()} if part_of_site else _by_patient(by_site, rules.count, rng)
    folds = []
    for number in range(rules.count):
        learnt, beside = (
            [exam for exam in listed if number not in (part_of.get(exam.patient), part_of_site.get(exam.site))]
            for listed in (rest, always)
        )
        if recipe.training.train_only_share is not None and not beside:
            raise InputUnreadable(
                f"'training.train_only_share' is given, but fold {number} has no train_only exam to learn from: it holds out "
                "their patients or their site."
            )
        train = tuple(sorted(exam.name for exam in [*learnt, *beside])) if learnt else ()
        validation = tuple(exam.name for exam in rest if part_of[exam.patient] == number)
        if not train or not validation:
            units = len(by_site) if rules.by == "site" else len(site_of)
            raise InputUnreadable(
                f"Fold {number} would have no exam to {'validate on' if train else 'learn from'}: there "
                f"{are(units)} {counted(units, rules.by)} for {rules.count} folds; set folds.count to at most {max(2, units)}."
            )
        folds.append(Fold(number, train, validation, tuple(sorted(exam.name for exam in held_out))))
    return folds


def _by_patient(by_site: dict[str, list[str]], count: int, rng: np.random.Generator) -> dict[str, int]:
    dealt = [patients[n] for patients in by_site.values() for n in rng.permutation(len(patients))]
    return {patient: n % count for n, patient in enumerate(dealt)}


def _by_site(by_site: dict[str, list[str]], count: int) -> dict[str | None, int]:
    sizes, part_of = [0] * count, dict[str | None, int]()
    for site in sorted(by_site, key=lambda site: (-len(by_site[site]), by_site[site])):
        part_of[site] = sizes.index(min(sizes))
        sizes[part_of[site]] += len(by_site[site])
    return part_of
