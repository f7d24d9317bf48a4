"""Every recipe trains from end to end, with a small network on tiny exams."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from glioscope.bundles import read_bundle
from glioscope.core import InputUnreadable, InvalidImage
from glioscope.training import final_validation, fold_loop, train_fold
from glioscope.training.machine import Machine
from glioscope.training.recipe import list_recipes, load_recipe
from glioscope.workflows.train import TrainingRun, train
from tests.training.tiny_cohort import SMALLER, TINY, write_follow_up_cohort, write_tiny_cohort

TRAINED = [name for name in list_recipes() if load_recipe(name).ensemble is None]
ENSEMBLES = [name for name in list_recipes() if load_recipe(name).ensemble is not None]
ONE_STEP = (
    "training.epochs=1",
    "training.iterations=1",
    "training.accumulate=1",
    "training.batch=1",
    "inference.overlap=0",
    "folds.by=patient",
    "folds.hold_out=null",
)


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("cohorts")
    return {
        "residual": write_follow_up_cohort(folder / "after"),
        "brats-2021": write_tiny_cohort(folder / "2021", enhancing=4),
        "brats-2023": write_tiny_cohort(folder / "2023"),
    }


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take longer than all the rest, and have tests of their own."""
    for room, name in ((fold_loop, "write_curves"), (train_fold, "write_curves"), (final_validation, "write_overlay")):
        monkeypatch.setattr(room, name, lambda *given: None)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recipes that see the same channels share their exams."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def gliomas(cohorts: dict[str, Path], cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle that the recipes of transfer start from."""
    made = _train("gli-2023-unet", cohorts, cache, tmp_path_factory.mktemp("gliomas")).bundle
    assert made is not None
    return made


def _train(name: str, cohorts: dict[str, Path], cache: Path, out: Path, *overrides: str) -> TrainingRun:
    recipe = load_recipe(name)
    return train(
        name,
        cohorts.get(recipe.target.scheme, cohorts["brats-2023"]),
        out,
        fold=1,
        overrides=[*TINY, *ONE_STEP, *SMALLER[recipe.network.name], *overrides],
        cache=cache,
        machine=Machine(device="cpu"),
        memory_gib=4,
        jobs=1,
    )


@pytest.mark.parametrize("name", TRAINED)
def test_a_recipe_trains_to_a_bundle(
    name: str, cohorts: dict[str, Path], cache: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    recipe = load_recipe(name)
    carried = "-transfer-" in name
    start = [f"transfer.from={request.getfixturevalue('gliomas')}"] if carried else []
    run = _train(name, cohorts, cache, tmp_path / "run", *start)
    assert list(run.folds) == ["1"]
    assert 0 <= run.folds["1"]["score"] <= 1
    assert run.bundle is not None
    bundle = read_bundle(run.bundle)
    network = bundle.network(0)
    with torch.no_grad():
        side = bundle.document["inference"]["patch"]
        answer = network(torch.zeros(1, len(recipe.inputs.channels), *side))
    assert answer.shape == (1, recipe.target.channels, *side)
    card = bundle.document["training"]
    assert card["recipe"]["name"] == name
    assert card["data"]["exams"] == 3
    if recipe.choose:
        assert card["validation"]["arms"]["1"] in (0, 1)
    if carried:
        _check_what_was_kept(network, read_bundle(request.getfixturevalue("gliomas")).network(0), recipe.transfer.freeze)


def _check_what_was_kept(network: Any, start: Any, freeze: str) -> None:
    """What was frozen is as it was, and something else has learnt."""
    frozen = {id(one) for part in network.parts().get(freeze, []) for one in part.parameters()}
    pairs = list(zip(network.parameters(), start.parameters(), strict=True))
    assert bool(frozen) is (freeze != "none")
    assert all(torch.equal(one, other) for one, other in pairs if id(one) in frozen)
    assert any(not torch.equal(one, other) for one, other in pairs if id(one) not in frozen)


@pytest.mark.parametrize("name", [name for name in TRAINED if load_recipe(name).transfer.freeze != "none"])
def test_a_recipe_that_freezes_says_what_it_needs(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputUnreadable, match=r"transfer\.from=FOLDER"):
        train(name, tmp_path, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ENSEMBLES)
def test_an_ensemble_says_what_to_train(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidImage, match=r"trains nothing itself. Train its members \(.*glioscope bundle RUN-.*--ensemble"):
        train(name, tmp_path, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    ensemble = load_recipe(name).ensemble
    assert ensemble is not None
    assert set(ensemble.members) <= set(TRAINED)
