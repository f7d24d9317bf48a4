"""`glioscope search`: keys of a recipe tried out by Optuna, on one fold or all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import yaml

from glioscope.core import InputUnreadable, InvalidImage, OutputUnwritable, ProcessingFailed
from glioscope.core.files import ensure_folder, write_json, write_text
from glioscope.postprocessing.fitting import import_optuna
from glioscope.training.alone import alone
from glioscope.training.machine import Machine
from glioscope.training.progress import TrainingProgress
from glioscope.training.recipe import load_recipe
from glioscope.training.run_folder import RunFolder
from glioscope.training.search_space import Choice, parse_choice
from glioscope.workflows.train import check_before_training, refuse_ensemble, train, wanted_folds
from glioscope.workflows.trial_progress import TrialProgress

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

__all__ = ["SearchResult", "search"]

JOURNAL, SUMMARY, BEST = "study.log", "study.json", "best.yaml"


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        folder: Of the study.
        trials: One document a trial: `number`, `state`, `score`, `values`, `run`.
        best: The one with the best score, or None where none was finished.
    """

    folder: Path
    trials: tuple[Mapping[str, Any], ...]
    best: Mapping[str, Any] | None

    def document(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"study": str(self.folder), "best": self.best, "trials": list(self.trials)}


def search(
    recipe: str | PathLike[str],
    data: str | PathLike[str],
    out: str | PathLike[str],
    space: Sequence[str],
    *,
    trials: int = 20,
    fold: int | str = 0,
    overrides: Sequence[str] = (),
    labels: str = "auto",
    seed: int = 0,
    machine: Machine | None = None,
    memory_gib: float | None = None,
    jobs: int | None = None,
    progress: TrainingProgress | None = None,
) -> SearchResult:
    """Try values of recipe keys; a search that was ended goes on, its last trial from where that one was.

    Trials that do worse than half of the others at the same validation are cut off. All share one cache.

    Args:
        recipe: A name from `recipes()`, or a YAML file.
        data: A labelled cohort.
        out: Folder of the study: `study.log` (Optuna's journal), a run for each trial, `study.json`, and `best.yaml`, the
            recipe with the best values.
        space: `key=low..high` (whole numbers alone where the key takes no others; a range over two powers of ten or more is
            searched by its logarithm) or `key=a,b,c`.
        trials: Altogether, earlier ones included.
        fold: What each trial trains: a number, `all` or `full`.
        overrides: `key=value`, the same for all trials.
        labels: Scheme of the cohort's label maps; see `train`.
        seed: Of the search.
        machine: Devices and processes.
        memory_gib: That a step may take.
        jobs: Exams prepared at a time.
        progress: Listener.

    Raises:
        InputUnreadable: as `train`.
        InvalidImage: a key or range that cannot be searched.
        OutputUnwritable: the folder holds another study, or one of other exams.
        EngineMissing: Optuna or the packages of training are not installed.
    """
    optuna = import_optuna()
    choices = [parse_choice(text) for text in space]
    if not choices:
        raise InvalidImage("There is nothing to search; name keys, such as optimiser.lr=1e-4..1e-2 or training.batch=2,4.")
    if twice := next((choice.key for n, choice in enumerate(choices) if choice.key in {c.key for c in choices[:n]}), None):
        raise InvalidImage(f"'{twice}' is given two times; name each key once.")
    chosen, told, devices = load_recipe(os.fspath(recipe), overrides), progress or TrainingProgress(), machine or Machine()
    refuse_ensemble(chosen)
    wanted_folds(fold, chosen)

    def check(key: str, value: Any) -> None:  # noqa: ANN401
        tried = load_recipe(os.fspath(recipe), [*overrides, f"{key}={value}"])
        check_before_training(tried, Path(data), labels, devices)

    fractions = _check_choices(choices, check)
    folder = ensure_folder(Path(out))
    facts = {"recipe": chosen.document(), "space": sorted(space), "fold": str(fold)}
    if fractions:  # a study of the time when such a range had whole numbers alone is another
        facts["fractions"] = fractions
    with alone(folder, "searching"), _study(optuna, folder, facts, told) as study:
        while (number := len(_finished(study, optuna))) < trials:
            study.sampler = optuna.samplers.TPESampler(seed=int(np.random.SeedSequence([seed, number]).generate_state(1)[0]))
            trial = study.ask()
            values = {choice.key: choice.suggest(trial) for choice in choices}
            place = folder / _folder_of(values)
            trial.set_user_attr("run", place.name)
            told.decided(f"Trial {number + 1} of {trials}: " + ", ".join(f"{key}={value}" for key, value in values.items()))
            given = [*overrides, *(f"{key}={value}" for key, value in values.items())]
            watch = TrialProgress(told, trial if devices.world == 1 else None)
            try:
                _check_together(recipe, given, Path(data), labels, devices)
                run = train(
                    recipe,
                    data,
                    place,
                    fold=fold,
                    overrides=given,
                    labels=labels,
                    cache=folder / "cache",
                    machine=devices,
                    memory_gib=memory_gib,
                    jobs=jobs,
                    progress=watch,
                    bundled=False,
                )
            except optuna.TrialPruned:
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                told.decided("Cut off: it does worse than half of the trials before.")
            except ProcessingFailed as error:
                trial.set_user_attr("failure", str(error))
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
                told.warned(str(error))
            else:
                _check_exams(study, RunFolder(place))
                score = float(np.mean([found["score"] for found in run.folds.values()]))
                study.tell(trial, score)
                told.decided(f"Score {score:.4f}.")
            _write(study, folder, os.fspath(recipe), overrides, optuna)
        return _write(study, folder, os.fspath(recipe), overrides, optuna)


def _check_choices(choices: list[Choice], check: Callable[[str, Any], None]) -> list[str]:
    """Have the ends of all choices checked; ranges between whole numbers get what lies between them, where the key takes it.

    Returns:
        The keys of these ranges.
    """
    fractions = []
    for number, choice in enumerate(choices):
        for value in choice.ends:
            check(choice.key, value)
        if choice.between is not None:
            with contextlib.suppress(InputUnreadable, InvalidImage):  # a key of whole numbers
                check(choice.key, choice.between)
                choices[number] = choice.with_fractions()
                fractions.append(choice.key)
    return sorted(fractions)


def _check_exams(study: Study, run: RunFolder) -> None:
    """Raise OutputUnwritable where a trial learnt from other exams than those before: their scores cannot be compared."""
    found = {exam["name"]: exam.get("content") for exam in run.exams()}
    # Trials may differ in the images that they learn from.
    key = " ".join(["exams", *sorted(run.read(run.data_file).get("present", ()))])
    known = study.user_attrs.get(key, found)
    if changed := sorted(name for name in found.keys() | known.keys() if found.get(name) != known.get(name)):
        raise OutputUnwritable(
            f"Exam '{changed[0]}' is another one than in the trials before, or new, or gone; put its files back, or choose "
            "another --out."
        )
    study.set_user_attr(key, found)


def _check_together(recipe: str | PathLike[str], given: Sequence[str], data: Path, labels: str, devices: Machine) -> None:
    """Raise ProcessingFailed for values that are right each by itself, and not together: the trial fails, not the search."""
    try:
        check_before_training(load_recipe(os.fspath(recipe), given), data, labels, devices)
    except (InputUnreadable, InvalidImage) as error:
        raise ProcessingFailed(str(error)) from error


def _finished(study: Study, optuna: Any) -> list[FrozenTrial]:  # noqa: ANN401
    """The trials that came to an end; those that were cut short say nothing of why they failed."""
    states = optuna.trial.TrialState
    ended = study.get_trials(states=(states.COMPLETE, states.PRUNED, states.FAIL))
    return [trial for trial in ended if trial.state != states.FAIL or "failure" in trial.user_attrs]


@contextlib.contextmanager
def _study(optuna: Any, folder: Path, facts: Mapping[str, Any], told: TrainingProgress) -> Iterator[Study]:  # noqa: ANN401
    """The study in `folder`; a trial that was running when the process ended is taken up again."""
    study = _opened(optuna, folder / JOURNAL)
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    if study.user_attrs.get("key", key) != key:
        states = optuna.trial.TrialState
        if study.get_trials(states=(states.COMPLETE, states.PRUNED)):
            raise OutputUnwritable(f"'{folder}' holds a study of another recipe, space or fold; choose another --out.")
        (folder / JOURNAL).unlink()  # it came to nothing, such as by a cohort that was too small
        study = _opened(optuna, folder / JOURNAL)
    study.set_user_attr("key", key)
    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        # Its run is found again by its values, and goes on from its checkpoint.
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        study.enqueue_trial(trial.params)
        told.decided(f"The trial that was cut short ({', '.join(f'{k}={v}' for k, v in trial.params.items())}) goes on.")
    yield study


def _opened(optuna: Any, journal: Path) -> Study:  # noqa: ANN401
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    try:
        return cast(
            "Study",
            optuna.create_study(
                study_name="glioscope",
                storage=JournalStorage(JournalFileBackend(str(journal))),
                direction="maximize",
                load_if_exists=True,
                pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
            ),
        )
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError):
        raise InputUnreadable(f"'{journal}' is damaged or no journal of Optuna; choose another --out, or remove it.") from None


def _folder_of(values: Mapping[str, Any]) -> str:
    return "trial-" + hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:10]


def _write(study: Study, folder: Path, recipe: str, overrides: Sequence[str], optuna: Any) -> SearchResult:  # noqa: ANN401
    documents = [
        {
            "number": trial.number,
            "state": trial.state.name.lower(),
            "score": trial.value,
            "values": dict(trial.params),
            **{key: trial.user_attrs[key] for key in ("run", "failure") if key in trial.user_attrs},
        }
        for trial in _finished(study, optuna)
    ]
    complete = [trial for trial in documents if trial["state"] == "complete"]
    best = max(complete, key=lambda trial: (trial["score"], -trial["number"]), default=None)
    if best is not None:
        given = [*overrides, *(f"{key}={value}" for key, value in best["values"].items())]
        document = load_recipe(recipe, given).document()
        write_text(folder / BEST, yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=128))
    result = SearchResult(folder, tuple(documents), best)
    write_json(folder / SUMMARY, result.document())
    return result
