"""`glioscope train`, `bundle`, `plan`, `recipes` and `search` on tiny exams."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
import yaml
from typer.testing import CliRunner

from glioscope.bundles import read_bundle
from glioscope.cli import training as command
from glioscope.core import GlioscopeError, InputUnreadable, InvalidImage, OutputUnwritable
from glioscope.core.files import write_json
from glioscope.training.alone import alone
from glioscope.training.machine import Machine
from glioscope.training.progress import TrainingProgress
from glioscope.training.run_folder import RunFolder
from glioscope.workflows.bundle_run import bundle
from glioscope.workflows.plan import plan
from glioscope.workflows.recipes import recipes
from glioscope.workflows.search import search
from glioscope.workflows.train import TrainingRun, train
from tests.training.tiny_cohort import TINY_UNET, write_tiny_cohort

CPU = Machine(device="cpu")
QUICK = (*TINY_UNET, "training.epochs=1", "augmentation.name=none", "folds.count=2")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return write_tiny_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def _train(cohort: Path, cache: Path, out: Path, *overrides: str, fold: int | str = "all", machine: Machine = CPU) -> Any:
    return train(
        "nnunet", cohort, out, fold=fold, overrides=[*QUICK, *overrides], cache=cache, machine=machine, memory_gib=4, jobs=1
    )


class Heard(TrainingProgress):
    """Keeps the warnings."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def warned(self, sentence: str) -> None:
        self.told.append(sentence)


@pytest.fixture(scope="module")
def runs(cohort: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same cohort, twice, from two seeds and in the same folds."""
    folder = tmp_path_factory.mktemp("runs")
    for name, lr in (("one", "0.01"), ("two", "0.02")):
        _train(cohort, cache, folder / name, f"optimiser.lr={lr}")
    return [folder / "one", folder / "two"]


def test_a_run_says_what_it_is_and_where_it_comes_from(runs: list[Path], cohort: Path) -> None:
    run = RunFolder(runs[0])
    assert run.recipe().optimiser.lr == 0.01
    folds = run.read(run.folds_file)["folds"]
    assert sorted(name for fold in folds for name in fold["validation"]) == [f"BraTSGLI0000{n}000" for n in range(3)]
    assert len(run.read(run.data_file)["exams"]) == 3
    (sitting,) = json.loads(run.versions_file.read_text())
    assert sitting["packages"]["torch"] == torch.__version__.partition("+")[0] or "torch" in sitting["packages"]
    assert len(sitting["source_sha256"]) == 64
    validation = run.read(run.fold(0).validation)
    assert {"dice", "hd95"} <= validation["exams"][0]["regions"]["WT"].keys()
    assert validation["summary"]["WT"]["dice"]["count"] == len(folds[0]["validation"])
    assert validation["score"] == pytest.approx(validation["dice"]["dice"], abs=1e-6)
    assert not list(runs[0].rglob("*.part*"))
    assert not (runs[0] / "fold-0" / "lightning_logs").exists()


def test_the_bundle_of_a_run(runs: list[Path]) -> None:
    document = read_bundle(runs[0] / "bundle").document
    assert [member["file"] for member in document["members"]] == ["fold-0.safetensors", "fold-1.safetensors"]
    assert document["inference"]["patch"] == [16, 16, 16]
    assert document["grid"]["spacing"] == [6, 6, 6]
    assert set(document["postprocess"]["thresholds"]) == {"WT", "TC", "ET"}
    card = document["training"]
    assert card["data"]["exams"] == 3
    assert all(len(one) == 64 for one in card["data"]["ids_sha256"])
    assert "BraTS" not in json.dumps(card["data"])
    assert card["seconds"] > 0
    exams = [exam for n in (0, 1) for exam in RunFolder(runs[0]).read(runs[0] / f"fold-{n}" / "validation.json")["exams"]]
    best = max(sum(exam["dice_by_threshold"]["WT"][n] for exam in exams) for n in range(19))
    chosen = round(document["postprocess"]["thresholds"]["WT"] * 20) - 1
    assert sum(exam["dice_by_threshold"]["WT"][chosen] for exam in exams) == pytest.approx(best, abs=1e-5)


@pytest.mark.parametrize("method", ["mean", "weighted", "staple"])
def test_an_ensemble_of_runs(runs: list[Path], tmp_path: Path, method: str) -> None:
    made = bundle(runs, tmp_path / "ensemble", ensemble=method)
    assert made.bundle.kind == "ensemble"
    told = made.bundle.document
    assert told["members"] == [{"bundle": "nnunet"}, {"bundle": "nnunet-2"}]
    assert read_bundle(tmp_path / "ensemble" / "nnunet-2").kind == "network"
    assert told["ensemble"]["method"] == method
    if method == "weighted":
        assert {region: max(weights) for region, weights in told["ensemble"]["weights"].items()} == {"WT": 1, "TC": 1, "ET": 1}
    assert (told["postprocess"] is None) is (method == "staple")


def test_a_prediction_that_is_missing_is_named_before_anything_is_fitted(runs: list[Path], tmp_path: Path) -> None:
    """The exam was left out of the fit without a word."""
    copy = tmp_path / "one"
    shutil.copytree(runs[0], copy)
    next(copy.glob("fold-0/predictions/*.npz")).unlink()
    with pytest.raises(InputUnreadable, match=r"npz' is missing; remove '.*\.json' beside it"):
        bundle([copy, runs[1]], tmp_path / "ensemble", ensemble="mean")


def test_a_run_that_is_there_is_left_as_it_is(runs: list[Path], cohort: Path, cache: Path) -> None:
    kept = {file: file.stat().st_mtime_ns for file in runs[0].rglob("fold-*/*.ckpt")}
    again = _train(cohort, cache, runs[0], "optimiser.lr=0.01")
    assert list(again.folds) == ["0", "1"]
    assert kept == {file: file.stat().st_mtime_ns for file in kept}
    assert len(json.loads((runs[0] / "versions.json").read_text())) == 1


def test_epochs_that_come_too_late_are_told(runs: list[Path], cohort: Path, cache: Path, tmp_path: Path) -> None:
    """The recipe of the run said two epochs then, and nobody that only one was trained."""
    copy, heard = tmp_path / "run", Heard()
    shutil.copytree(runs[0], copy)
    given: Any = {
        "overrides": [*QUICK, "optimiser.lr=0.01", "training.epochs=2"],
        "cache": cache,
        "machine": CPU,
        "memory_gib": 4,
    }
    train("nnunet", cohort, copy, fold=0, progress=heard, **given)
    assert heard.told[-1] == "fold 0 ended after 2 of now 4 steps; for a longer training choose another --out."


@pytest.mark.parametrize(
    ("overrides", "kind", "sentence"),
    [
        (["training.batch=3"], OutputUnwritable, r"holds a run of another recipe \(training\.batch is 3 now and was 2\)"),
        (["training.bach=3"], InputUnreadable, r"training\.bach.*batch"),
        (["target.scheme=brats-2021"], OutputUnwritable, "holds a run of another recipe"),
    ],
)
def test_another_recipe_is_refused(
    runs: list[Path], cohort: Path, overrides: list[str], kind: type[GlioscopeError], sentence: str
) -> None:
    before = (runs[0] / "recipe.yaml").read_bytes()
    with pytest.raises(kind, match=sentence):
        train("nnunet", cohort, runs[0], overrides=[*QUICK, "optimiser.lr=0.01", *overrides], machine=CPU)
    assert (runs[0] / "recipe.yaml").read_bytes() == before


def test_other_exams_are_refused(runs: list[Path], cache: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputUnwritable, match=r"begun with other exams \(3 there, 4 now; 'BraTSGLI00003000'"):
        _train(write_tiny_cohort(tmp_path / "more", 4), cache, runs[0], "optimiser.lr=0.01")


def test_an_exam_of_other_files_is_refused(runs: list[Path], cohort: Path, cache: Path, tmp_path: Path) -> None:
    """The run went on with them, one half of it learnt from the old ones and one from the new."""
    changed = tmp_path / "cohort"
    shutil.copytree(cohort, changed)
    assert _train(changed, cache, runs[0], "optimiser.lr=0.01").folds  # a copy is the same exam
    first, second, _ = sorted(changed.iterdir())
    shutil.copy(next(second.glob("*-seg.nii.gz")), next(first.glob("*-seg.nii.gz")))
    kept = (runs[0] / "data.json").read_bytes()
    with pytest.raises(
        OutputUnwritable, match=r"files of exam 'BraTSGLI00000000' are others than those that '.*' was begun with"
    ):
        _train(changed, cache, runs[0], "optimiser.lr=0.01")
    assert (runs[0] / "data.json").read_bytes() == kept


def test_other_folds_are_refused(cohort: Path, cache: Path, tmp_path: Path) -> None:
    """A patient that was corrected in the manifest took exams that were learnt from to the side that is scored."""
    table = tmp_path / "cohort.csv"
    names = [place.name for place in sorted(cohort.iterdir())]

    def write(patients: list[str]) -> None:
        files = [[f"{cohort}/{name}/{name}-{part}.nii.gz" for part in ("t1n", "t1c", "t2w", "t2f", "seg")] for name in names]
        rows = [",".join([name, patient, *five]) for name, patient, five in zip(names, patients, files, strict=True)]
        table.write_text("\n".join(["id,patient,t1n,t1c,t2w,t2f,labels", *rows]))

    write(["p", "q", "r"])
    _train(table, cache, tmp_path / "run", fold=0)
    write(["p", "q", "q"])
    kept = (tmp_path / "run" / "folds.json").read_bytes()
    with pytest.raises(OutputUnwritable, match=r"begun with other folds \(fold \d would (now|no longer) learn from 'BraTSGLI"):
        _train(table, cache, tmp_path / "run", fold=1)
    assert (tmp_path / "run" / "folds.json").read_bytes() == kept


def test_transfer_keeps_what_is_frozen(runs: list[Path], cohort: Path, cache: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    given = ["transfer.freeze=encoder", f"transfer.from={runs[0] / 'bundle'}", "target.names=[WT,TC]"]
    _train(cohort, cache, tmp_path / "run", *given, fold=1)
    one, other = (load_file(str(folder / "bundle" / "fold-1.safetensors")) for folder in (runs[0], tmp_path / "run"))
    encoder = [name for name in one if ".encoder." in f".{name}"]
    assert encoder
    assert all(torch.equal(one[name], other[name]) for name in encoder)
    rest = [name for name in one if name not in encoder and one[name].shape == other[name].shape]
    assert any(not torch.equal(one[name], other[name]) for name in rest)
    before, after = (read_bundle(folder / "bundle").document["training"]["data"] for folder in (runs[0], tmp_path / "run"))
    assert after["before_sha256"] == before["ids_sha256"]  # the card did not tell of them


def test_transfer_to_other_channels_learns_the_first_convolution(
    runs: list[Path], cohort: Path, cache: Path, tmp_path: Path
) -> None:
    """It was kept at random, without a word."""
    heard, out = Heard(), tmp_path / "run"
    given = ["transfer.freeze=encoder", f"transfer.from={runs[0] / 'bundle'}", "inputs.channels=[t2f,t1c]"]
    train("nnunet", cohort, out, fold=1, overrides=[*QUICK, *given], cache=cache, machine=CPU, memory_gib=4, progress=heard)
    one, other = (read_bundle(folder / "bundle").network(-1).state_dict() for folder in (runs[0], out))
    encoder = [name for name in one if name.startswith("network.encoder.")]
    learnt = sorted(name for name in encoder if not torch.equal(one[name], other[name]))
    first = "network.encoder.stages.0.0.convs.0"
    assert learnt == [f"{first}.{layer}.{what}" for layer in ("all_modules.0", "conv") for what in ("bias", "weight")]
    honest = [sentence for sentence in heard.told if "honest" in sentence]
    assert honest
    assert "held out in fold 1 ('BraTSGLI" in honest[0]
    (sentence,) = [sentence for sentence in heard.told if "freeze" in sentence]
    assert sentence == (
        f"transfer.freeze=encoder leaves 1 layer to be learnt ('{first}.conv'), for which the bundle has no weights, or not "
        "for all channels."
    )


def test_transfer_from_another_network_is_refused(runs: list[Path], cohort: Path, cache: Path, tmp_path: Path) -> None:
    given = [f"transfer.from={runs[0] / 'bundle'}", "network.parameters.features_per_stage=[6,12]"]
    with pytest.raises(InvalidImage, match=r"'transfer.from': only \d+ of the network's \d+ weights fit"):
        _train(cohort, cache, tmp_path / "run", *given, fold=0)


def test_all_exams_without_a_fold(cohort: Path, cache: Path, tmp_path: Path) -> None:
    """Thresholds were fitted on the exams that were learnt from, and other steps ended the command without a bundle."""
    run = _train(cohort, cache, tmp_path / "run", "tune=[thresholds,dust]", fold="full")
    assert run.folds["full"]["seen_in_training"] is True
    assert len(run.folds["full"]["exams"]) == 3
    document = read_bundle(run.bundle).document
    assert "these same exams" in document["description"]
    assert document["postprocess"]["thresholds"] == {"WT": 0.5, "TC": 0.5, "ET": 0.5}


def test_tuning_a_bundle_keeps_or_tells_of_the_recipe_s_own_steps(cohort: Path, cache: Path, tmp_path: Path) -> None:
    """The least means were lost with new thresholds, and steps with others, without a word."""
    pytest.importorskip("optuna")
    own = (
        "postprocess={format: glioscope-postprocessing, version: 1, thresholds: {WT: 0.5, TC: 0.5, ET: 0.5}, "
        "least_mean: {WT: 0.1}, steps: [{step: small-et-to-core, below: {mm3: 200}}]}"
    )
    run = _train(cohort, cache, tmp_path / "run", own, fold=0).folder
    kept = bundle([run], tmp_path / "kept", tune=["thresholds"]).bundle.document["postprocess"]
    assert (kept["least_mean"], kept["steps"][0]["step"]) == ({"WT": 0.1}, "small-et-to-core")
    told: list[str] = []
    bundle([run], tmp_path / "made", tune=["thresholds", "dust"], told=told.append)
    assert told[-1].endswith("own post-processing; gone is least_mean, small-et-to-core.")


@pytest.mark.parametrize(("fold", "sentence"), [("2", "There is no fold '2'; the recipe has 2"), ("x", "There is no fold 'x'")])
def test_a_fold_that_is_not_there(cohort: Path, cache: Path, tmp_path: Path, fold: str, sentence: str) -> None:
    with pytest.raises(InputUnreadable, match=sentence):
        _train(cohort, cache, tmp_path / "run", fold=fold)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["folds.count=5"], "would have no exam to validate on"),
        (["network.parameters.wings=2"], "wings"),
        (["loss=[{name: dice, wings: 2}]"], "wings"),
        (["transfer.from=nowhere"], "nowhere"),
        (["transfer.freeze=encoder"], r"transfer\.from=FOLDER"),
    ],
)
def test_a_recipe_that_cannot_work_is_told_before_exams_are_prepared(
    cohort: Path, tmp_path: Path, overrides: list[str], sentence: str
) -> None:
    with pytest.raises(GlioscopeError, match=sentence):
        _train(cohort, tmp_path / "cache", tmp_path / "run", *overrides)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("names", "options", "sentence"),
    [
        (["nothing"], {}, "is not a run of `glioscope train`"),
        (["one", "two"], {}, "2 runs make an ensemble; say how with --ensemble mean, weighted, staple"),
        (["one", "two"], {"ensemble": "vote"}, "no ensemble method 'vote'"),
        (["one"], {"ensemble": "mean"}, "at least two runs"),
    ],
)
def test_what_cannot_be_bundled(
    runs: list[Path], tmp_path: Path, names: list[str], options: dict[str, str], sentence: str
) -> None:
    with pytest.raises(GlioscopeError, match=sentence):
        bundle([runs[0].parent / name for name in names], tmp_path / "bundle", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "bundle").exists()


def test_a_folder_of_other_things_is_not_overwritten(runs: list[Path], cohort: Path) -> None:
    with pytest.raises(OutputUnwritable, match="holds something that is no bundle"):
        bundle(runs[:1], cohort)


@pytest.mark.parametrize("logger", ["tensorboard", "mlflow"])
def test_loggers_write_below_the_run(cohort: Path, cache: Path, tmp_path: Path, logger: str) -> None:
    pytest.importorskip(logger)
    _train(cohort, cache, tmp_path / "run", fold=0, machine=Machine(device="cpu", logger=logger))
    place = tmp_path / "run" / ("tensorboard/fold-0" if logger == "tensorboard" else "mlruns")
    named = [file.name for file in place.rglob("*") if file.is_file()]
    assert any(name.startswith("events.out") for name in named) if logger == "tensorboard" else "dice_WT" in named
    assert [file.name for file in tmp_path.iterdir()] == ["run"]


def test_plan(cohort: Path) -> None:
    found = plan("nnunet", cohort, memory_gib=4, overrides=["grid.spacing=auto"], jobs=1)
    assert found.exams == 3
    assert list(found.plan.spacing) == [6.0, 6.0, 6.0]
    assert found.plan.reasons
    assert json.loads(json.dumps(found.document()))["cohort"]["present"]["t1c"] == 3


def test_recipes() -> None:
    names = [recipe["name"] for recipe in recipes()]
    assert "nnunet" in names
    (full,) = recipes("nnunet")
    assert full["network"]["name"] == "plain-unet"


def test_search_goes_on_where_it_ended(cohort: Path, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    space = ["optimiser.lr=1e-3..1e-1", "training.batch=1,2"]
    options: dict[str, Any] = {"overrides": QUICK, "machine": CPU, "memory_gib": 4, "jobs": 1}
    first = search("nnunet", cohort, tmp_path / "study", space, trials=1, **options)
    assert [trial["state"] for trial in first.trials] == ["complete"]
    again = search("nnunet", cohort, tmp_path / "study", space, trials=2, **options)
    assert again.trials[:1] == first.trials
    whole = search("nnunet", cohort, tmp_path / "whole", space, trials=2, **options)
    assert [(trial["values"], trial["score"]) for trial in whole.trials] == [
        (trial["values"], trial["score"]) for trial in again.trials
    ]
    assert again.best is not None
    recipe = yaml.safe_load((tmp_path / "study" / "best.yaml").read_text())
    assert recipe["optimiser"]["lr"] == pytest.approx(again.best["values"]["optimiser.lr"])
    with pytest.raises(OutputUnwritable, match="holds a study of another recipe, space or fold"):
        search("nnunet", cohort, tmp_path / "study", space[:1], trials=3, **options)
    with pytest.raises(InputUnreadable, match=r"optimiser\.rl"):
        search("nnunet", cohort, tmp_path / "other", ["optimiser.rl=1..2"], **options)


def test_search_tries_what_lies_between_whole_numbers_where_the_key_takes_it(cohort: Path, tmp_path: Path) -> None:
    """Between whole numbers as ends, only whole numbers were tried."""
    pytest.importorskip("optuna")
    space = ["training.channel_dropout=0..1", "loss.0.weight=1..3", "training.batch=1..2", "training.epochs=1..2"]
    found = search(
        "nnunet",
        cohort,
        tmp_path / "study",
        space,
        trials=1,
        overrides=[*QUICK, "training.iterations=1"],
        machine=CPU,
        memory_gib=4,
    )
    (trial,) = found.trials
    dropout, weight, batch, epochs = (trial["values"][text.partition("=")[0]] for text in space)
    assert 0 < dropout < 1
    assert 1 < weight < 3
    assert weight != 2
    assert isinstance(batch, int)
    assert isinstance(epochs, int)


def _scored(*arguments: Any, content: str = "a", **options: Any) -> TrainingRun:
    sources = {"t1c": 1} | ({"t2f": 1} if any("t2f" in text for text in options.get("overrides", ())) else {})
    exams = [{"name": "exam", "content": content + " ".join(sources)}]
    write_json(Path(arguments[2]) / "data.json", {"present": sources, "exams": exams})
    return TrainingRun(Path(arguments[2]), "nnunet", {"0": {"score": 0.5}}, None)


def test_the_last_trial_goes_on_where_it_was_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counted as one that had failed, so that the search was over."""
    pytest.importorskip("optuna")
    tried: list[str] = []

    def interrupted(*arguments: Any, **options: Any) -> TrainingRun:
        tried.append(arguments[2].name)
        if len(tried) == 2:
            raise KeyboardInterrupt
        return _scored(*arguments)

    monkeypatch.setattr("glioscope.workflows.search.train", interrupted)
    given: Any = ("nnunet", tmp_path, tmp_path / "study", ["optimiser.lr=1e-3..1e-1"])
    with pytest.raises(KeyboardInterrupt):
        search(*given, trials=2, machine=CPU)
    found = search(*given, trials=2, machine=CPU)
    assert tried[1] == tried[2] != tried[0]
    assert [trial["state"] for trial in found.trials] == ["complete", "complete"]


def test_values_that_do_not_go_together_fail_their_trial_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They ended the search, and again whenever it went on."""
    pytest.importorskip("optuna")
    monkeypatch.setattr("glioscope.workflows.search.train", _scored)
    space = ["inputs.channels=[t1c],[t1c,t2f]", "target.needs={},{ET: [t2f]}"]
    found = search("nnunet", tmp_path, tmp_path / "study", space, trials=6, machine=CPU)
    failed = [tuple(trial["values"].values()) for trial in found.trials if trial["state"] == "fail"]
    assert set(failed) == {("[t1c]", "{ET: [t2f]}")}
    assert len(found.trials) == 6 > len(failed)
    assert "'target.needs.ET' has 't2f'" in next(trial["failure"] for trial in found.trials if trial["state"] == "fail")


def test_trials_of_other_exams_are_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("optuna")
    given: Any = ("nnunet", tmp_path, tmp_path / "study", ["optimiser.lr=1e-3..1e-1"])
    monkeypatch.setattr("glioscope.workflows.search.train", _scored)
    search(*given, trials=2, machine=CPU)
    monkeypatch.setattr("glioscope.workflows.search.train", partial(_scored, content="b"))
    with pytest.raises(OutputUnwritable, match="Exam 'exam' is another one than in the trials before"):
        search(*given, trials=3, machine=CPU)
    monkeypatch.setattr("glioscope.workflows.search.train", _scored)
    assert [trial["state"] for trial in search(*given, trials=3, machine=CPU).trials] == ["complete"] * 3


def test_a_study_that_another_process_works_on_is_left_to_it(tmp_path: Path) -> None:
    """The other one's trial was taken for one that had ended, which ended that search."""
    pytest.importorskip("optuna")
    with alone(tmp_path, "searching"), pytest.raises(OutputUnwritable, match="Another process is searching in"):
        search("nnunet", tmp_path, tmp_path, ["optimiser.lr=1e-3..1e-1"], machine=CPU)
    assert not (tmp_path / "study.log").exists()


def test_the_commands(runs: list[Path], cohort: Path, cache: Path, tmp_path: Path) -> None:
    app = typer.Typer()
    command.register(app)

    def said(*arguments: str) -> Any:
        told = CliRunner().invoke(app, list(arguments))
        assert told.exit_code == 0, told.output
        return told

    options = ["--data", str(cohort), "--cache", str(cache), "--device", "cpu", "--memory", "4", "-j", "1"]
    told = said("train", "nnunet", *options, "--out", str(runs[0]), "--fold", "0", *QUICK, "optimiser.lr=0.01")
    assert "fold 0 was finished before." in told.stderr
    assert "Dice WT" in told.stdout
    document = json.loads(said("train", "nnunet", *options, "-o", str(runs[0]), "--json", *QUICK, "optimiser.lr=0.01").stdout)
    assert list(document["folds"]) == ["0", "1"]
    assert "nnunet" in said("recipes").stdout
    assert yaml.safe_load(said("recipes", "nnunet").stdout)["optimiser"]["lr"] == 0.01
    assert json.loads(said("recipes", "--json").stdout)[0]["name"]
    assert "Patch" in said("plan", "nnunet", "--data", str(cohort), "--memory", "4", "-j", "1").stdout
    assert "network of 2" in said("bundle", str(runs[0]), "-o", str(tmp_path / "b"), "--name", "mine").stdout
    assert read_bundle(tmp_path / "b").name == "mine"
