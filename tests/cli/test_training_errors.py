"""Issue 4, bad input: one plain sentence that names key or file, an exit code of its own, nothing half-written."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from glioscope.bundles import read_bundle, write_bundle
from glioscope.cli.main import _guarded as cli
from glioscope.core import OutputUnwritable, read_labels, write_volume
from glioscope.core.files import sha256
from glioscope.training import load_recipe
from tests.bundles.foreign import write_monai, write_nnunet
from tests.bundles.toy import document_of, write_toy
from tests.training.tiny_cohort import TINY_UNET, write_tiny_cohort

QUICK = (*TINY_UNET, "training.epochs=1", "augmentation.name=none", "folds.count=2")
ON_CPU = ("--device", "cpu", "--memory", "4", "-j", "1")

Said = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Said:
    def run(*arguments: object) -> tuple[int, str]:
        code = cli([str(argument) for argument in arguments])
        told = capfd.readouterr()
        assert "Traceback" not in told.out + told.err
        assert "fault in Glioscope" not in told.out + told.err
        sentence = told.err.partition("Error: ")[2].strip()
        assert not sentence or (sentence[-1] in ".?" and "\n" not in sentence), sentence
        return code, sentence

    return run


def files_below(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()) if folder.exists() else []


@pytest.mark.parametrize(
    ("change", "code", "sentence"),
    [
        ("training.clip=-1", 3, "'training.clip' is a number above 0 (or null), not -1."),
        ("training.clip=.nan", 3, "'training.clip'"),
        ("training.patience=0", 3, "'training.patience' is at least 1 (or null), not 0."),
        ("training.seed=-1", 3, "'training.seed' is at least 0, not -1."),
        ("optimiser.lr=.inf", 3, "'optimiser.lr' is above 0, not inf."),
        ("target.names=[WT,WT]", 3, "'target.names' names 'WT' twice."),
        ("inputs.reference={t1c: abc}", 3, "'inputs.reference.t1c' is a list"),
        ("tune=[everything]", 3, "'tune' cannot have 'everything'"),
        ("postprocess={a: b}", 6, "Recipe 'nnunet'"),
        ("choose={training.batch: [1,two]}", 3, "alternative of 'choose': 'training.batch' is a whole number"),
        ("augmentation.parameters.wings=1", 3, "no key 'augmentation.parameters.wings'; there are none."),
        ("loss.0.weight=-1", 6, "The weight of loss 'dice'"),
        ("network.parameters.wings=1", 6, "Network 'plain-unet' has no parameter 'wings'"),
        ("network.parameters.features_per_stage=[4,-8]", 6, "Network 'plain-unet' cannot be built"),
        ("network.parameters.kernel_sizes=0", 6, "layers without any weight"),
        (
            "postprocess={format: glioscope-postprocessing, version: 1, thresholds: {WT: 0.5, TC: 0.5}, steps: []}",
            6,
            "by its 'postprocess.thresholds' ET is never found",
        ),
        (
            "postprocess={format: glioscope-postprocessing, version: 1, thresholds: {RC: 0.5}, steps: []}",
            6,
            "'postprocess' does not fit 'target': ",
        ),
        ("transfer.from=nowhere", 3, "There is no folder 'nowhere'"),
        ("--fold=99", 3, "There is no fold '99'; the recipe has 2"),
        ("--scheme=brats-1999", 6, "There is no label scheme 'brats-1999'"),
        ("--device=cuda", 6, "There is no GPU"),
    ],
)
def test_a_wrong_recipe_is_told_before_an_exam_is_read(
    cohort: Path, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch, change: str, code: int, sentence: str
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for module in ("training_data", "plan"):
        monkeypatch.setattr(f"glioscope.workflows.{module}.labelled_cohort", lambda *a, **k: pytest.fail("exams were read"))
    found, told = said("train", "nnunet", "--data", cohort, "--out", tmp_path / "run", *ON_CPU, *QUICK, change)
    assert (found, sentence in told) == (code, True), told
    assert not (tmp_path / "run").exists()
    if not change.startswith(("--fold", "--device")):
        found, told = said("plan", "nnunet", "--data", cohort, "--memory", "4", *QUICK, change)
        assert (found, sentence in told) == (code, True), told


def test_what_a_recipe_gives_by_stage_is_judged_by_the_real_cohort(cohort: Path, tmp_path: Path, said: Said) -> None:
    """A kernel for each of the three stages that are planned for brains of 22 voxels, where most cohorts make six."""
    given = ("plan", "nnunet", "--data", cohort, "--memory", "4", "-j", "1", "grid.spacing=auto")
    code, told = said(*given, "network.parameters.kernel_sizes=[3,3,3]")
    assert code == 0, told
    code, told = said(*given, "network.parameters.kernel_sizes=[3,3,3,3]")
    assert code == 6
    assert "has 3 levels: 'kernel_sizes' needs 3 entries, not 4" in told


@pytest.mark.parametrize(
    ("place", "sentence"), [("nowhere", "does not exist; --data names"), ("empty", "no prepared exam with a label map")]
)
def test_without_exams_nothing_is_written(tmp_path: Path, said: Said, place: str, sentence: str) -> None:
    (tmp_path / "empty").mkdir()
    code, told = said("train", "nnunet", "--data", tmp_path / place, "--out", tmp_path / "run", *ON_CPU, *QUICK)
    assert code == 3
    assert sentence in told
    assert not (tmp_path / "run").exists()


def test_a_folder_is_no_recipe_and_a_name_has_no_spaces(tmp_path: Path, said: Said) -> None:
    assert "is a folder; a recipe is a YAML file" in said("recipes", tmp_path)[1]
    (tmp_path / "my recipe.yaml").write_text("extends: nnunet\n")
    assert "'name' has letters, digits" in said("recipes", tmp_path / "my recipe.yaml")[1]


def test_a_sequence_that_no_exam_has(cohort: Path, tmp_path: Path, said: Said) -> None:
    shutil.copytree(cohort, tmp_path / "poor")
    for file in (tmp_path / "poor").rglob("*-t1c.nii.gz"):
        file.unlink()
    code, told = said("plan", "nnunet", "--data", tmp_path / "poor", "--memory", "4", "-j", "1", *QUICK)
    assert code == 5
    assert "No exam of the cohort has t1c" in told
    assert (
        said("plan", "nnunet", "--data", tmp_path / "poor", "--memory", "4", "-j", "1", *QUICK, "inputs.optional=[t1c]")[0] == 0
    )


def test_the_numbering_of_label_maps_can_be_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A map with 3 and no 4 reads as brats-2023 by itself, in which 3 is the enhancing tumour; brats-ped calls it a cyst."""
    write_tiny_cohort(tmp_path / "c", 2)
    for file in (tmp_path / "c").rglob("*-seg.nii.gz"):
        labels = read_labels(file)
        write_volume(file, labels.with_data(np.where(labels.data == 3, 4, labels.data).astype(np.uint8)))
    given = ["plan", "nnunet", "--data", str(tmp_path / "c"), "--memory", "4", "-j", "1", "--json", *QUICK]
    assert cli(given) == 0
    by_values = json.loads(capfd.readouterr().out)["cohort"]["regions"]["ET"]
    assert by_values["exams"] == 2
    assert cli([*given, "--scheme", "brats-2021"]) == 0
    assert json.loads(capfd.readouterr().out)["cohort"]["regions"]["ET"] == by_values
    assert cli([*given, "--scheme", "brats-2023"]) == 6
    assert "has the value 4, which scheme 'brats-2023' does not define" in capfd.readouterr().out


def test_overrides_do_not_claim_a_published_result() -> None:
    assert load_recipe("gli-2024-nnunet").published
    assert load_recipe("gli-2024-nnunet", ["training.precision=fp32", "training.seed=3"]).published
    assert load_recipe("gli-2024-nnunet", ["optimiser.momentum=0.99"]).published  # as it is anyway
    assert load_recipe("gli-2024-nnunet", ["training.epochs=3"]).published is None
    assert load_recipe("gli-2024-nnunet", ["training.epochs=3", "published=mine"]).published == "mine"


@pytest.fixture(scope="module")
def run(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "run"
    assert cli(["train", "nnunet", "--data", str(cohort), "--out", str(folder), "--json", *ON_CPU, *QUICK]) == 0
    return folder


@pytest.mark.parametrize("harm", ["{}", "[1]", ""])
@pytest.mark.parametrize("name", ["recipe.yaml", "plan.json", "data.json", "fold-0/validation.json"])
def test_a_run_with_a_damaged_file(run: Path, tmp_path: Path, said: Said, name: str, harm: str) -> None:
    spoilt = tmp_path / "run"
    shutil.copytree(run, spoilt, ignore=shutil.ignore_patterns("cache", "bundle"))
    (spoilt / name).write_text(harm)
    code, told = said("bundle", spoilt, "-o", tmp_path / "bundle")
    assert code == 3
    assert Path(name).name in told
    assert not (tmp_path / "bundle").exists()


def test_damaged_predictions_and_lost_versions(run: Path, tmp_path: Path, said: Said) -> None:
    spoilt = tmp_path / "run"
    shutil.copytree(run, spoilt, ignore=shutil.ignore_patterns("cache", "bundle"))
    (spoilt / "versions.json").write_text("{")
    assert said("bundle", spoilt, "-o", tmp_path / "bundle")[0] == 0
    shutil.rmtree(tmp_path / "bundle")
    file = next(spoilt.rglob("predictions/*.npz"))
    file.write_bytes(file.read_bytes()[:300])
    code, told = said("bundle", spoilt, run, "--ensemble", "mean", "-o", tmp_path / "bundle")
    assert code == 3
    assert f"'{file}' is damaged" in told
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [(["--tune", "all"], "'all' cannot be tuned"), (["--name", "a b"], "the name 'a b'")],
)
def test_wrong_options_of_bundle(run: Path, tmp_path: Path, said: Said, options: list[str], sentence: str) -> None:
    assert sentence in said("bundle", run, "-o", tmp_path / "bundle", *options)[1]
    assert sentence in said("bundle", run, run, "--ensemble", "mean", "-o", tmp_path / "bundle", *options)[1]
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("inputs.optional", 5, "'inputs.optional' is not a list"),
        ("inputs.reference", {"t1c": "ab"}, "'inputs.reference' is not a table"),
        ("grid.spacing", [1, "a", 1], "'grid.spacing'"),
        ("grid.spacing", [1, float("nan"), 1], "'grid.spacing'"),
        ("grid.orientation", "XYZ", "'grid.orientation' is three letters"),
        ("grid.orientation", "LRS", "'grid.orientation' is three letters"),
        ("grid.orientation", 5, "'grid.orientation' is three letters"),
        ("target.names", ["WT", "WT", "ET"], "'target.names' names 'WT' twice"),
        ("network.name", ["plain-unet"], "no network"),
        ("network.parameters", 5, "'network.parameters' is not a table"),
        ("inference.overlap", "a", "'inference.overlap'"),
        ("inference.overlap", 1, "'inference.overlap'"),
        ("inference.mirror", "a", "'inference.mirror'"),
        ("inference.mirror", [3], "'inference.mirror'"),
        ("inference.batch", 0, "'inference.batch'"),
    ],
)
def test_a_bundle_with_a_wrong_value(tmp_path: Path, said: Said, key: str, value: Any, sentence: str) -> None:
    bundle = write_toy(tmp_path / "toy").folder
    document = yaml.safe_load((bundle / "bundle.yaml").read_text())
    part, last = key.split(".")
    document[part][last] = value
    (bundle / "bundle.yaml").write_text(yaml.safe_dump(document))
    code, told = said("export", "onnx", bundle, "-o", tmp_path / "onnx")
    assert code == 3
    assert sentence in told


def test_weights_that_are_a_folder(tmp_path: Path, said: Said) -> None:
    file = write_toy(tmp_path / "toy").files[0]
    file.unlink()
    file.mkdir()
    assert "cannot be read (Is a directory)" in said("export", "onnx", tmp_path / "toy", "-o", tmp_path / "onnx")[1]


def test_a_bundle_that_cannot_be_replaced_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = write_toy(tmp_path / "toy", (0, 1))
    state = {name: bundle.network(0).state_dict() for name in ("fold-0.safetensors", "fold-1.safetensors")}
    written: list[int] = []

    def full(weights: Any, file: str) -> None:
        if written:
            from safetensors import SafetensorError

            raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
        written.append(Path(file).write_bytes(b"half"))

    monkeypatch.setattr("safetensors.torch.save_file", full)
    for folder in (tmp_path / "toy", tmp_path / "new"):
        written.clear()
        with pytest.raises(OutputUnwritable, match=r"The disk is full: 'fold-1\.safetensors'"):
            write_bundle(folder, document_of(), state)
    assert read_bundle(tmp_path / "toy").checksum == sha256(tmp_path / "toy" / "bundle.yaml") == bundle.checksum
    assert files_below(tmp_path / "toy") == ["bundle.yaml", "fold-0.safetensors", "fold-1.safetensors"]
    assert not (tmp_path / "new").exists()


def test_a_full_disk_while_exams_are_prepared(
    cohort: Path, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        """A stream of a disk without space; `np.save` would hide why it cannot write to a real one."""

        def __init__(self, stream: Any) -> None:
            self.stream = stream

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.stream.close()

        def write(self, content: Any) -> int:
            if memoryview(content).nbytes > 1000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return int(self.stream.write(content))

    whole = Path.open
    monkeypatch.setattr(
        Path, "open", lambda self, *a, **k: Full(whole(self, *a, **k)) if "image" in self.name else whole(self, *a, **k)
    )
    code, told = said("train", "nnunet", "--data", cohort, "--out", tmp_path / "run", *ON_CPU, *QUICK)
    assert code == 7
    assert "The disk is full: 'image.npy' could not be written" in told
    assert not list((tmp_path / "run").rglob("*.npy")) + list((tmp_path / "run").rglob("*.part*"))


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        ({"channels": {"a": "T1"}}, "dataset.json' is not laid out as nnU-Net does it"),
        ({"labels": {"background": 0, "WT": {}}}, "dataset.json' is not laid out as nnU-Net does it"),
        ({"checkpoint": {"network_weights": 5}}, "is not a checkpoint of nnU-Net v2"),
        ({"checkpoint": {"init_args": {}}}, "is not a checkpoint of nnU-Net v2"),
        ({"checkpoint": {"inference_allowed_mirroring_axes": 5}}, "checkpoint_final.pth' is not laid out"),
        ({"plan": {"inherits_from": "3d_fullres"}}, "plans.json' refers to itself"),
    ],
)
def test_a_strange_nnunet(tmp_path: Path, said: Said, harm: dict[str, Any], sentence: str) -> None:
    source = write_nnunet(tmp_path / "in", **harm)
    code, told = said("import-model", "nnunet", source, "-o", tmp_path / "out")
    assert code == 3
    assert sentence in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("file", "key", "value"),
    [
        ("inference", "inferer", 5),
        ("inference", "inferer", {"roi_size": ["a", 1, 1]}),
        ("inference", "inferer", {"roi_size": [8, 8, 8], "overlap": "$1"}),
        ("inference", "preprocessing", 5),
        ("inference", "postprocessing", 5),
        ("metadata", "network_data_format", 5),
        ("metadata", "references", 5),
    ],
)
def test_a_strange_monai_bundle(tmp_path: Path, said: Said, file: str, key: str, value: Any) -> None:
    pytest.importorskip("monai")
    place = write_monai(tmp_path / "in") / "configs" / f"{file}.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), key: value}))
    code, told = said("import-model", "monai", tmp_path / "in", "-o", tmp_path / "out")
    assert code == 3
    assert f"{file}.json' is not laid out as MONAI does it" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [(["--orientation", "XYZ"], "'grid.orientation' is three letters"), (["--channels", "t1c,t1c"], "two channels 't1c'")],
)
def test_wrong_options_of_an_import(tmp_path: Path, said: Said, options: list[str], sentence: str) -> None:
    source = write_nnunet(tmp_path / "in")
    for given in (["nnunet", source], ["external", "seg {t1c} {out}"]):
        assert sentence in said("import-model", *given, "-o", tmp_path / "out", *options)[1]
        assert not (tmp_path / "out").exists()


def test_half_a_raw_dataset_does_not_stay(cohort: Path, tmp_path: Path, said: Said) -> None:
    code, told = said("export", "nnunet-raw", cohort, "-o", tmp_path / "raw", "--from", "residual")
    assert code == 6
    assert "residual" in told
    assert files_below(tmp_path / "raw") == []


def test_the_table_of_quantise_has_a_place_before_it_is_made(tmp_path: Path, said: Said) -> None:
    code, told = said("quantise", tmp_path / "nowhere", "--data", tmp_path, "-o", tmp_path)
    assert code == 7
    assert "is a folder; name the file to write" in told


def test_a_search_that_cannot_begin_leaves_nothing(cohort: Path, tmp_path: Path, said: Said) -> None:
    pytest.importorskip("optuna")
    given = ["search", "nnunet", "--data", cohort, "--out", tmp_path / "s", *ON_CPU, *QUICK]
    assert "There is no fold '9'" in said(*given, "optimiser.lr=1e-3..1e-1", "--fold", "9")[1]
    assert "has no parameter 'wings'" in said(*given, "network.parameters.wings=1,2")[1]
    assert not (tmp_path / "s").exists()
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "study.log").write_bytes(b"no journal\n")
    code, told = said(*given, "optimiser.lr=1e-3..1e-1")
    assert code == 3
    assert "study.log' is damaged" in told
