"""Every recipe trains from end to end, with a small network on tiny exams."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from glioscope.bundles import read_bundle
from glioscope.core import InputUnreadable, InvalidImage
from glioscope.training import final_validation, fold_loop, train_fold
from glioscope.training.machine import Machine
from glioscope.training.recipe import list_recipes, load_recipe
from glioscope.workflows.train import train
from tests.training.tiny_cohort import SMALLER, TINY, write_follow_up_cohort, write_tiny_cohort

# One of each network and target; the others differ from these in a few keys.
FAST = (
    "nnunet",
    "gli-2021-loss-choice",
    "gli-2021-res-unet",
    "gli-2021-unpooling",
    "gli-2023-unet",
    "gli-2024-resenc-l-subtraction",
    "gli-2024-segresnet",
    "residual-agunet-d",
)
TRAINED = [name for name in list_recipes() if load_recipe(name).ensemble is None]
ENSEMBLES = [name for name in list_recipes() if load_recipe(name).ensemble is not None]


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


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in FAST else [pytest.mark.slow]) for n in TRAINED])
def test_a_recipe_trains_to_a_bundle(name: str, cohorts: dict[str, Path], tmp_path: Path) -> None:
    recipe = load_recipe(name)
    if recipe.transfer.freeze != "none":
        with pytest.raises(InputUnreadable, match=r"transfer\.from=FOLDER"):
            train(name, cohorts["brats-2023"], tmp_path / "run")
        return
    data = cohorts.get(recipe.target.scheme, cohorts["brats-2023"])
    overrides = [*TINY, "folds.by=patient", "folds.hold_out=null", "training.epochs=1", "training.accumulate=1"]
    run = train(
        name,
        data,
        tmp_path / "run",
        fold=1,
        overrides=[*overrides, *SMALLER[recipe.network.name]],
        machine=Machine(device="cpu"),
        memory_gib=4,
        jobs=1,
    )
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


@pytest.mark.parametrize("name", ENSEMBLES[:1])
def test_an_ensemble_says_what_to_train(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidImage, match=r"trains nothing itself. Train its members \(.*glioscope bundle RUN-.*--ensemble"):
        train(name, tmp_path, tmp_path / "run")
    assert not (tmp_path / "run").exists()
