"""Recipes: what they say, what may be changed, and what is said of a wrong one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from glioscope.core import InputUnreadable
from glioscope.losses import build_loss
from glioscope.postprocessing import Chain
from glioscope.postprocessing.search import TUNABLE
from glioscope.training import Recipe, arms, list_recipes, load_recipe, recipe_of, with_changes


@pytest.mark.parametrize("name", list_recipes())
def test_each_recipe_is_whole(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.source
    assert recipe.published
    assert recipe_of(recipe.document()) == recipe
    assert set(recipe.tune) <= set(TUNABLE)
    if recipe.postprocess is not None:
        assert set(Chain.of_document(recipe.postprocess).thresholds.values) == set(recipe.target.names)  # type: ignore[union-attr]
    for arm in arms(recipe):
        build_loss(arm.loss, recipe.target.activation)


def test_ensembles_name_recipes_of_the_same_target() -> None:
    ensembles = [recipe for name in list_recipes() if (recipe := load_recipe(name)).ensemble]
    assert {recipe.name: len(recipe.ensemble.members) for recipe in ensembles} == {  # type: ignore[union-attr]
        "gli-2024-staple-four": 4,
        "gli-2024-staple-subtraction": 4,
        "gli-2024-staple-all": 8,
        "gli-2024-weighted-four": 4,
        "gli-2024-weighted-subtraction": 4,
        "gli-2024-weighted-all": 8,
    }
    for recipe in ensembles:
        assert {load_recipe(member).target for member in recipe.ensemble.members} == {recipe.target}  # type: ignore[union-attr]


def test_the_networks_of_the_recipes_can_be_built() -> None:
    """On the meta device, which holds no weights."""
    import torch

    from glioscope.networks import build_network

    seen = set()
    for name in list_recipes():
        recipe = load_recipe(name)
        key = (recipe.network.name, str(recipe.network.parameters))
        parameters = dict(recipe.network.parameters)
        if recipe.network.name == "swin-unetr" or key in seen:
            continue  # its constructor reads values, which meta tensors do not have
        seen.add(key)
        if parameters.get("variational"):
            parameters["patch"] = recipe.training.patch
        with torch.device("meta"):
            build_network(recipe.network.name, len(recipe.inputs.channels), recipe.target.channels, parameters)
    assert len(seen) == 10


def test_published_hyperparameters() -> None:
    nnunet = load_recipe("gli-2024-nnunet")
    assert (nnunet.optimiser.name, nnunet.optimiser.lr, nnunet.optimiser.momentum) == ("sgd", 0.01, 0.99)
    assert nnunet.training.epochs * nnunet.training.iterations == 250_000
    assert nnunet.published["internal_validation"]["lesion_dice"]["ET"] == 0.7717
    five = load_recipe("gli-2024-segresnet-subtraction")
    assert five.inputs.channels[4] == "t1c-t1n"
    assert five.network.parameters["variational"] is True
    transfer = load_recipe("ssa-2023-transfer-decoder")
    assert (transfer.optimiser.lr, transfer.schedule.name, transfer.transfer.freeze) == (6e-5, "exponential", "decoder")
    mse = load_recipe("gli-2023-unet-mse")
    assert [(term["name"], term["weight"]) for term in mse.loss] == [("mse", 0.25), ("ce", 0.0044), ("edge", 0.00015)]
    agunet = load_recipe("residual-agunet-e")
    assert agunet.training.batch == 2
    assert agunet.training.accumulate == 16
    assert agunet.training.patience == 30
    assert agunet.inputs.channels == ("t1c", "t1n", "t2f", "pre-t1c", "pre-mask")
    assert agunet.folds.by == "site"


def test_the_arms_of_a_choice() -> None:
    recipe = load_recipe("gli-2021-loss-choice")
    found = arms(recipe)
    assert [[term["name"] for term in arm.loss] for arm in found] == [["dice", "bce"], ["dice", "topk"]]
    assert found[1].loss[1]["percent"] == 10
    assert all(arm.choose is None for arm in found)
    assert arms(found[0]) == [found[0]]


def test_overrides() -> None:
    recipe = load_recipe(
        "nnunet",
        ["training.batch=4", "training.patch=[32, 32, 16]", "loss.0.weight=2", "optimiser.lr=1e-3", "folds.hold_out=AMS"],
    )
    assert recipe.training.batch == 4
    assert recipe.training.patch == (32, 32, 16)
    assert recipe.loss[0]["weight"] == 2
    assert recipe.optimiser.lr == 0.001  # which YAML 1.1 takes for text
    assert recipe.folds.hold_out == "AMS"
    assert load_recipe("nnunet", ["transfer.from=/a/bundle"]).transfer.from_ == "/a/bundle"


def test_another_name_leaves_the_parameters_behind() -> None:
    assert load_recipe("gli-2021-swin-unetr", ["network.name=res-unet-3d"]).network.parameters == {}
    assert load_recipe("gli-2021-swin-unetr", ["network.name=swin-unetr"]).network.parameters["window"] == 7


def test_with_changes() -> None:
    recipe = with_changes(load_recipe("nnunet"), {"training.ema": 0.9, "augmentation.parameters.p_noise": 0.5})
    assert recipe.training.ema == 0.9
    assert recipe.augmentation.parameters == {"p_noise": 0.5}


def test_a_file_extends_another(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extends: nnunet\ntitle: Mine\ntraining: {epochs: 3}\ninputs: {channels: [t1c]}\n")
    mine = load_recipe(tmp_path / "mine.yaml")
    assert (mine.name, mine.title, mine.training.epochs, mine.training.iterations) == ("mine", "Mine", 3, 250)
    assert mine.inputs.channels == ("t1c",)
    (tmp_path / "child.yaml").write_text("extends: mine\n")
    with pytest.raises(InputUnreadable, match="extends 'mine', which extends 'nnunet'; extend that one"):
        load_recipe(tmp_path / "child.yaml")


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("training.pach=1", "There is no key 'training.pach'; did you mean 'patch'?"),
        ("lss=[]", "There is no key 'lss'; did you mean 'loss'?"),
        ("network.name=plan-unet", "'network.name' cannot be 'plan-unet'; did you mean 'plain-unet'?"),
        ("loss.1.name=bec", "'loss.1.name' cannot be 'bec'; did you mean"),
        ("loss.7.name=bce", "'loss.7.name' names none of the 2 items"),
        ("loss=[]", "'loss' has no terms"),
        ("optimiser.name=sdg", "'optimiser.name' cannot be 'sdg'; did you mean 'sgd'?"),
        ("augmentation.name=nnunnet", "did you mean 'nnunet'?"),
        ("target.names=[WT, RC]", "scheme 'brats-2023' has no region 'RC'; known are ET, TC, WT."),
        ("target.scheme=brats-2022", "'target.scheme' cannot be 'brats-2022'; did you mean 'brats-2023'?"),
        ("target.needs={ET: [t2x]}", "'target.needs.ET' has 't2x', which no channel is made of; did you mean 't2w'"),
        ("target.needs={RC: [t1c]}", "'target.needs' has 'RC', which is not found;"),
        ("target.kind=labels", "scheme 'brats-2023' has no label 'WT'"),
        ("inputs.channels=[t1c, t3]", "There is no channel 't3'"),
        ("inputs.channels=[t1c, t1c]", "names 't1c' twice"),
        ("inputs.normalisation=z-score", "There is no normalisation 'z-score'; did you mean 'zscore'"),
        (
            "network.parameters.in_channels=5",
            "'network.parameters.in_channels' is 5, but the recipe's inputs and target make it 4",
        ),
        ("training.batch=two", "'training.batch' is a whole number, not 'two' (or 'auto')."),
        ("training.batch=true", "'training.batch' is a whole number, not True"),
        ("training.patch=[16, 16]", "'training.patch' has 3 values, not 2 (or 'auto')."),
        ("training.train_only_share=1", "'training.train_only_share' lies between 0 and 1 (or is null), not 1."),
        ("training.foreground=1.5", "'training.foreground' is from 0 to 1, not 1.5."),
        ("optimiser.lr=0", "'optimiser.lr' is above 0, not 0."),
        ("grid.spacing=[1, 1, 0]", "'grid.spacing' is above 0 mm"),
        ("folds.count=1", "'folds.count' is at least 2, not 1."),
        ("training=3", "'training' is a table of keys and values, not 3."),
        ("title.a=3", "'title.a' goes into a value that has no keys of its own."),
        ("training.batch", "'training.batch' is not of the form key=value"),
        ("choose={lose: [1, 2]}", "There is no key 'lose' for 'choose'; did you mean 'loss'?"),
    ],
)
def test_a_wrong_key_or_value_costs_one_sentence(override: str, told: str) -> None:
    with pytest.raises(InputUnreadable) as error:
        load_recipe("nnunet", [override])
    sentence = str(error.value)
    assert sentence.startswith("Recipe 'nnunet': ")
    assert told in sentence
    assert "\n" not in sentence


def test_a_missing_key_and_files_that_are_no_recipe(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("title: A\n")
    with pytest.raises(InputUnreadable, match="The key 'source' is missing"):
        load_recipe(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").write_text("title: [A\n")
    with pytest.raises(InputUnreadable, match=r"'b.yaml' is not YAML \(line 2\)"):
        load_recipe(tmp_path / "b.yaml")
    (tmp_path / "c.yaml").write_text("just words\n")
    with pytest.raises(InputUnreadable, match="no keys and values"):
        load_recipe(tmp_path / "c.yaml")
    with pytest.raises(InputUnreadable, match="did you mean 'nnunet'"):
        load_recipe("nnunnet")
    with pytest.raises(InputUnreadable, match="does not exist"):
        load_recipe(tmp_path / "none.yaml")


def test_listing_and_loading_import_no_engine() -> None:
    code = (
        "import sys; from glioscope.training import list_recipes, load_recipe; load_recipe(list_recipes()[0]);"
        "print(sorted({'torch', 'monai', 'lightning', 'batchgeneratorsv2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_target_channels_and_activation() -> None:
    recipe: Recipe = load_recipe("nnunet")
    assert (recipe.target.channels, recipe.target.activation) == (3, "sigmoid")
    labels = load_recipe("gli-2024-nnunet").target
    assert (labels.channels, labels.activation) == (5, "softmax")


def test_a_published_result_belongs_to_one_system() -> None:
    """Inherited, or cut short where a `#` begins a comment, it would be a false claim."""
    recipes = [load_recipe(name) for name in list_recipes()]
    published = [str(recipe.published) for recipe in recipes]
    assert len(set(published)) == len(published)
    assert len({recipe.title for recipe in recipes}) == len(recipes)
    assert load_recipe("gli-2023-unet-zscore").published == {"mean_dice_of_ED_ET_NCR": 0.7432}
    ensemble = load_recipe("gli-2024-staple-subtraction")
    assert ensemble.title == "STAPLE of the models 5 to 8 for gliomas after treatment"
    assert ensemble.published["hold_out_validation"]["lesion_dice"]["RC"] == 0.6843
    assert ensemble.source.endswith("section 2.5, rows 10 and 16 of tables 1 to 4")
    assert load_recipe("gli-2024-nnunet").source.endswith("model 1")


def test_sections_that_are_whole(tmp_path: Path) -> None:
    chain = "{format: glioscope-postprocessing, version: 1, steps: []}"
    (tmp_path / "mine.yaml").write_text(f"extends: gli-2023-unet\npostprocess: {chain}\n")
    mine = load_recipe(tmp_path / "mine.yaml")
    assert mine.postprocess == {"format": "glioscope-postprocessing", "version": 1, "steps": []}
    assert mine.published is None


def test_the_documentation_names_every_recipe() -> None:
    text = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()
    assert [name for name in list_recipes() if f"| `{name}` |" not in text] == []


def test_each_image_may_have_a_normalisation_of_its_own() -> None:
    """The table that the schema promises was refused as no text."""
    given = {"t1n": "zscore", "t1c": "none", "t2w": "zscore", "t2f": "zscore"}
    recipe = load_recipe("nnunet", [f"inputs.normalisation={given}"])
    assert recipe.inputs.normalisation == given
