"""One search: the chain that suits some exams, found by a tree-structured Parzen search and held to the published settings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import EngineMissing, Scheme
from glioscope.postprocessing.chain import Chain
from glioscope.postprocessing.search import Parameter, Search
from glioscope.postprocessing.selection import choose_setting
from glioscope.postprocessing.studies import Studies
from glioscope.postprocessing.tuning_case import TuningCase

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

__all__ = ["Fit", "Score", "Scorer", "Start", "fit_chain", "import_optuna"]

Score = Callable[[NDArray[np.uint8], TuningCase], float]
"""How good a label map is for a case; more is better."""
Start = Callable[[Sequence[TuningCase]], Mapping[str, Mapping[str, float]]]
"""Weights that look good for these cases (region -> rater -> weight, the largest 1), to try early."""

_SCORES = "scores"
_MIXED = 3
"""From this trial on every second one mixes the best so far with the published settings."""


@dataclass(frozen=True)
class Fit:
    """What one search found.

    Attributes:
        chain: The one to take; the published one where nothing better was found for sure.
        best: The one with the highest mean on the exams of the search.
        gain: Cross-validated gain of an exam's score over the published settings, see `choose_setting`.
        error: Its standard error; None where it has none.
        kept_published: Whether `chain` is the published one.
        known: How many trials an earlier run had finished.
    """

    chain: Chain
    best: Chain
    gain: float
    error: float | None
    kept_published: bool
    known: int = 0


class Scorer:
    """Scores of chains, each label map scored once."""

    def __init__(self, score: Score, scheme: Scheme) -> None:
        self._score, self._scheme = score, scheme
        self._known: dict[tuple[str, bytes], float] = {}

    def mean(self, chain: Chain, cases: Sequence[TuningCase]) -> float:
        """Mean score of `cases`."""
        return float(np.mean([self(chain, case) for case in cases]))

    def __call__(self, chain: Chain, case: TuningCase) -> float:
        """Score of one case."""
        labels, _ = chain.from_probabilities(chain.fuse(case.raters), self._scheme, case.voxel_mm3)
        key = (case.id, hashlib.blake2b(labels.tobytes(), digest_size=16).digest())
        if key not in self._known:
            self._known[key] = self._score(labels, case)
        return self._known[key]


def import_optuna() -> Any:  # noqa: ANN401
    """Optuna, told to keep quiet; raises EngineMissing where it is not installed."""
    try:
        import optuna
    except ImportError:
        raise EngineMissing("Tuning needs Optuna, which is not installed: pip install 'glioscope[tune]'.") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def fit_chain(
    cases: Sequence[TuningCase],
    search: Search,
    scorer: Scorer,
    trials: int,
    seed: int,
    start: Start | None = None,
    studies: Studies | None = None,
) -> Fit:
    """Try `trials` settings on `cases`, the published ones first, and choose among them by `choose_setting`.

    A tree-structured Parzen estimator proposes settings that may be good. Every second trial takes some of the parameters of
    the best setting so far and leaves the others as published, so that among what is tried there are settings no further from
    the published ones than their score asks for.

    A trial depends on the seed and the finished trials before it, on nothing else; so a search that was killed gives, when it
    is called again with the same `studies`, what it would have given.

    Raises:
        EngineMissing: Optuna is not installed.
        OutputUnwritable: `studies` cannot be written.
    """
    optuna = import_optuna()
    with _kept(studies, cases, search, seed) as kept:
        study = optuna.create_study(direction="maximize")
        study.add_trials(kept.trials[:trials])
        known = len(study.trials)
        for number in range(known, trials):
            # Sampler and points belong to the number of the trial, not to the process that does it.
            seeds = np.random.SeedSequence([seed, number])
            study.sampler = optuna.samplers.TPESampler(seed=int(seeds.generate_state(1)[0]))
            if number == 0:
                study.enqueue_trial(search.published)
            elif number == 1 and start is not None and search.weighs:
                study.enqueue_trial(search.with_weights(start(cases)))
            elif number >= _MIXED and number % 2:
                mixed = _mixed(study.best_trial.params, search, np.random.default_rng(seeds))
                if all(mixed != trial.params for trial in study.trials):
                    study.enqueue_trial(mixed)
            trial = study.ask()
            indices = {p.name: trial.suggest_int(p.name, 0, len(p.values) - 1) for p in search.parameters}
            chain = search.chain(lambda parameter, at=indices: parameter.values[at[parameter.name]])  # type: ignore[misc]
            scores = [scorer(chain, case) for case in cases]
            trial.set_user_attr(_SCORES, scores)
            kept.add_trial(study.tell(trial, float(np.mean(scores))))
        return _chosen(study.trials, search, known)


@contextmanager
def _kept(studies: Studies | None, cases: Sequence[TuningCase], search: Search, seed: int) -> Iterator[Study]:
    if studies is None:
        yield import_optuna().create_study(direction="maximize")
        return
    with studies.study(cases, search, seed) as study:
        yield study


def _chosen(trials: Sequence[FrozenTrial], search: Search, known: int) -> Fit:
    def chain(row: int) -> Chain:
        return search.chain(lambda parameter: parameter.values[trials[row].params[parameter.name]])

    distances = [sum(_steps(p, trial.params[p.name]) for p in search.parameters) for trial in trials]
    choice = choose_setting([trial.user_attrs[_SCORES] for trial in trials], distances)
    error = None if np.isnan(choice.error) else choice.error
    return Fit(chain(choice.setting), chain(choice.best), choice.gain, error, choice.setting == 0, known)


def _mixed(best: Mapping[str, int], search: Search, rng: np.random.Generator) -> dict[str, int]:
    """The published point with some, at least one, of the parameters in which the best differs from it."""
    other = [name for name, index in search.published.items() if best[name] != index]
    taken = rng.permutation(other)[: rng.integers(1, max(len(other), 2))].tolist()
    return search.published | {name: best[name] for name in taken}


def _steps(parameter: Parameter, index: int) -> float:
    """How far a value is from the published one, as a share of all values."""
    return abs(index - parameter.default) / (len(parameter.values) - 1)
