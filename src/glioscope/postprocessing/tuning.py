"""Post-processing fitted to held-out exams by a tree-structured Parzen search, cross-validated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from glioscope.core import InvalidImage, Scheme
from glioscope.core.counting import counted, were
from glioscope.core.workers import in_working_folder
from glioscope.postprocessing.chain import Chain
from glioscope.postprocessing.fitting import Fit, Score, Scorer, Start, fit_chain, import_optuna
from glioscope.postprocessing.search import TUNABLE, Search
from glioscope.postprocessing.studies import Studies
from glioscope.postprocessing.tuning_case import TuningCase

__all__ = ["Fold", "Tuned", "tune_chain"]


@dataclass(frozen=True)
class Fold:
    """Exams that were held out, and how post-processing fitted to the others did on them.

    Attributes:
        held_out: Their names.
        fit: Made without them.
        default: Their mean score with the published settings.
        tuned: Their mean score with `fit.chain`.
        best: Their mean score with `fit.best`, the setting that suits the other exams most: what tuning without caution gives.
    """

    held_out: tuple[str, ...]
    fit: Fit
    default: float
    tuned: float
    best: float

    @property
    def chain(self) -> Chain:
        """Fitted without them."""
        return self.fit.chain


@dataclass(frozen=True)
class Tuned:
    """What tuning found.

    Attributes:
        fit: Made with all exams.
        default: Mean score of all exams with the published settings.
        fitted: Mean score of all exams with `chain`: optimistic, it was fitted to them.
        folds: Cross-validation: the honest figures.
    """

    fit: Fit
    default: float
    fitted: float
    folds: tuple[Fold, ...]

    @property
    def chain(self) -> Chain:
        """Fitted on all exams; the published one where no setting was better for sure."""
        return self.fit.chain

    @property
    def held_out(self) -> tuple[float, float]:
        """Mean score of all exams, each held out once: with the published settings, and tuned."""
        return self._mean([fold.default for fold in self.folds]), self._mean([fold.tuned for fold in self.folds])

    @property
    def held_out_best(self) -> float:
        """The same for the setting that suits the other exams most, taken without caution."""
        return self._mean([fold.best for fold in self.folds])

    def _mean(self, values: Sequence[float]) -> float:
        return float(np.average(values, weights=[len(fold.held_out) for fold in self.folds]))


def tune_chain(
    cases: Sequence[TuningCase],
    score: Score,
    scheme: Scheme,
    *,
    tunable: Sequence[str] = TUNABLE,
    folds: int = 5,
    trials: int = 60,
    seed: int = 0,
    jobs: int = 1,
    start: Start | None = None,
    studies: Studies | None = None,
    told: Callable[[str], None] = lambda sentence: None,
) -> Tuned:
    """Find thresholds, sizes and weights that score best, and say what they are worth on exams they were not fitted to.

    The published settings are the first point that is tried, and they stay unless another is better by more than its standard
    error on exams that had no part in its choice (`choose_setting`). The same call gives the same result, whatever `jobs` is.

    Source: thresholds by TPE on cross-validation predictions as in the nnSegNet entry to BraTS 2021 (there the median over the
    folds; here one fit to all exams); weights for each label as in the BraTS 2024 post-treatment ensemble, section 2.5.

    Args:
        cases: At least 2, best held out from training; cropped ones are faster.
        score: Called as `score(labels, case)`; picklable where `jobs` is above 1.
        scheme: Numbering of the references.
        tunable: What to tune, of TUNABLE.
        folds: Parts of cross-validation; as many as there are exams where that is less.
        trials: Points tried in each fit.
        seed: Of the search and of the parts.
        jobs: Fits at a time, each in a process of its own.
        start: Guesses weights from the exams of a fit, its second trial; picklable where `jobs` is above 1.
        studies: Where finished trials are kept, so that a killed tuning goes on; nowhere where None.
        told: Hears what is done.

    Raises:
        EngineMissing: Optuna is not installed.
        InvalidImage: fewer than 2 exams, a name given twice, or raters that differ between exams.
        OutputUnwritable: `studies` cannot be written.
    """
    import_optuna()
    names = [case.id for case in cases]
    if len(names) < 2 or len(set(names)) != len(names) or folds < 2 or trials < 1:
        raise InvalidImage("Tuning needs at least 2 exams with names of their own, 2 folds and 1 trial.")
    ordered = sorted(cases, key=lambda case: case.id)
    search = Search.of(ordered, scheme, tunable)
    if not search.parameters:
        raise InvalidImage(
            f"With these predictions there is nothing to tune in '{', '.join(tunable)}'; weights need several raters, small-et "
            "needs ET and TC."
        )
    parts = _parts(len(ordered), min(folds, len(ordered)), seed)
    fits = [[ordered[n] for n in range(len(ordered)) if n not in part] for part in (*parts, ())]
    scorer = Scorer(score, scheme)
    default = search.chain()
    if studies is not None:
        studies.prepare()
    fitted = _fit_all(fits, search, scorer, trials, seed, jobs, start, studies)
    results: list[Fold] = []
    for number, part in enumerate(parts, start=1):
        fit, out = next(fitted), [ordered[n] for n in part]
        means = (scorer.mean(chain, out) for chain in (default, fit.chain, fit.best))
        fold = Fold(tuple(case.id for case in out), fit, *means)
        known = f" ({counted(fit.known, 'trial')} {were(fit.known)} known)" if fit.known else ""
        told(f"Fold {number} of {len(parts)}: held-out score {fold.default:.4f} as published, {fold.tuned:.4f} tuned{known}.")
        results.append(fold)
    whole = next(fitted)
    return Tuned(whole, scorer.mean(default, ordered), scorer.mean(whole.chain, ordered), tuple(results))


def _parts(cases: int, folds: int, seed: int) -> list[tuple[int, ...]]:
    """Indices of the exams that each fold holds out: shuffled, of sizes that differ by at most one."""
    order = np.random.default_rng(seed).permutation(cases)
    return [tuple(sorted(int(n) for n in order[fold::folds])) for fold in range(folds)]


def _fit_all(
    fits: Sequence[Sequence[TuningCase]],
    search: Search,
    scorer: Scorer,
    trials: int,
    seed: int,
    jobs: int,
    start: Start | None,
    studies: Studies | None,
) -> Iterator[Fit]:
    if jobs == 1:  # what one fit scored the next one knows
        yield from (fit_chain(cases, search, scorer, trials, seed, start, studies) for cases in fits)
        return
    from joblib import Parallel, delayed

    yield from Parallel(n_jobs=jobs, return_as="generator")(
        delayed(in_working_folder(fit_chain))(cases, search, scorer, trials, seed, start, studies) for cases in fits
    )
