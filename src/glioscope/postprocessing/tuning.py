"""Post-processing fitted to held-out exams by a tree-structured Parzen search, cross-validated."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import EngineMissing, InvalidImage, Scheme
from glioscope.postprocessing.chain import Chain
from glioscope.postprocessing.search import TUNABLE, Parameter, Search
from glioscope.postprocessing.tuning_case import TuningCase

if TYPE_CHECKING:
    from optuna.trial import Trial

__all__ = ["Fold", "Score", "Start", "Tuned", "tune_chain"]

Score = Callable[[NDArray[np.uint8], TuningCase], float]
"""How good a label map is for a case; more is better."""
Start = Callable[[Sequence[TuningCase]], Mapping[str, Mapping[str, float]]]
"""Weights that look good for these cases (region -> rater -> weight, the largest 1), to try early."""


@dataclass(frozen=True)
class Fold:
    """Exams that were held out, and how post-processing fitted to the others did on them.

    Attributes:
        held_out: Their names.
        chain: Fitted without them.
        default: Their mean score with the published settings.
        tuned: Their mean score with `chain`.
    """

    held_out: tuple[str, ...]
    chain: Chain
    default: float
    tuned: float


@dataclass(frozen=True)
class Tuned:
    """What tuning found.

    Attributes:
        chain: Fitted on all exams.
        default: Mean score of all exams with the published settings.
        fitted: Mean score of all exams with `chain`: optimistic, it was fitted to them.
        folds: Cross-validation: the honest figures.
    """

    chain: Chain
    default: float
    fitted: float
    folds: tuple[Fold, ...]

    @property
    def held_out(self) -> tuple[float, float]:
        """Mean score of all exams, each held out once: with the published settings, and tuned."""
        sizes = [len(fold.held_out) for fold in self.folds]
        return (
            float(np.average([fold.default for fold in self.folds], weights=sizes)),
            float(np.average([fold.tuned for fold in self.folds], weights=sizes)),
        )


class _Scorer:
    """Mean score of a chain, each label map scored once."""

    def __init__(self, score: Score, scheme: Scheme) -> None:
        self._score, self._scheme = score, scheme
        self._known: dict[tuple[str, bytes], float] = {}

    def __call__(self, chain: Chain, cases: Sequence[TuningCase]) -> float:
        return float(np.mean([self._one(chain, case) for case in cases]))

    def _one(self, chain: Chain, case: TuningCase) -> float:
        labels, _ = chain.from_probabilities(chain.fuse(case.raters), self._scheme, case.voxel_mm3)
        key = (case.id, hashlib.blake2b(labels.tobytes(), digest_size=16).digest())
        if key not in self._known:
            self._known[key] = self._score(labels, case)
        return self._known[key]


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
    told: Callable[[str], None] = lambda sentence: None,
) -> Tuned:
    """Find thresholds, sizes and weights that score best, and say what they are worth on exams they were not fitted to.

    The published settings are the first point that is tried, so that what is fitted never does worse than they on the exams it
    is fitted to; of equal points the first one stays. The same call gives the same result, whatever `jobs` is.

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
        told: Hears what is done.

    Raises:
        EngineMissing: Optuna is not installed.
        InvalidImage: fewer than 2 exams, a name given twice, or raters that differ between exams.
    """
    _import_optuna()
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
    scorer = _Scorer(score, scheme)
    default = search.chain()
    results: list[Fold] = []
    fitted = default
    for number, chain in enumerate(_fit_all(fits, search, scorer, trials, seed, jobs, start), start=1):
        if number > len(parts):
            fitted = chain
            break
        out = [ordered[n] for n in parts[number - 1]]
        fold = Fold(tuple(case.id for case in out), chain, scorer(default, out), scorer(chain, out))
        told(f"Fold {number} of {len(parts)}: held-out score {fold.default:.4f} as published, {fold.tuned:.4f} tuned.")
        results.append(fold)
    return Tuned(fitted, scorer(default, ordered), scorer(fitted, ordered), tuple(results))


def _import_optuna() -> Any:  # noqa: ANN401
    try:
        import optuna
    except ImportError:
        raise EngineMissing("Tuning needs Optuna, which is not installed: pip install 'glioscope[tune]'.") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _parts(cases: int, folds: int, seed: int) -> list[tuple[int, ...]]:
    """Indices of the exams that each fold holds out: shuffled, of sizes that differ by at most one."""
    order = np.random.default_rng(seed).permutation(cases)
    return [tuple(sorted(int(n) for n in order[fold::folds])) for fold in range(folds)]


def _fit_all(
    fits: Sequence[Sequence[TuningCase]],
    search: Search,
    scorer: _Scorer,
    trials: int,
    seed: int,
    jobs: int,
    start: Start | None,
) -> Iterator[Chain]:
    if jobs == 1:
        yield from (
            _fit(cases, search, scorer, trials, seed, start) for cases in fits
        )  # what one fit scored the next one knows
        return
    from joblib import Parallel, delayed

    yield from Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_fit)(cases, search, scorer, trials, seed, start) for cases in fits
    )


def _fit(cases: Sequence[TuningCase], search: Search, scorer: _Scorer, trials: int, seed: int, start: Start | None) -> Chain:
    """The best chain of `trials`; the earliest of several such."""
    optuna = _import_optuna()
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial({parameter.name: parameter.default for parameter in search.parameters})
    if start is not None and search.weighs:
        study.enqueue_trial(search.with_weights(start(cases)))

    def chain_of(trial: Trial) -> Chain:
        def choose(parameter: Parameter) -> float:
            return parameter.values[trial.suggest_int(parameter.name, 0, len(parameter.values) - 1)]

        return search.chain(choose)

    study.optimize(lambda trial: scorer(chain_of(trial), cases), n_trials=trials)
    best = max(study.trials, key=lambda trial: (trial.value, -trial.number))
    return search.chain(lambda parameter: parameter.values[best.params[parameter.name]])
