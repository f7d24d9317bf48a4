from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from glioscope.cli import models
from glioscope.core import InputUnreadable
from glioscope.segmentation import get_segmenter
from glioscope.workflows.import_model import import_model
from tests.bundles.foreign import write_nnunet

app = typer.Typer()
models.register(app)


def test_an_imported_model_is_a_segmenter_and_can_be_exported(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    source, out = write_nnunet(tmp_path / "in"), tmp_path / "mine"
    done = CliRunner().invoke(app, ["import-model", "nnunet", str(source), "-o", str(out), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["name"] == "mine"
    assert get_segmenter(str(out)).regions == ("WT", "TC", "ET")
    done = CliRunner().invoke(app, ["export", "onnx", str(out), "-o", str(tmp_path / "onnx")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "onnx" / "mine-fold-0.onnx").is_file()


def test_an_external_program_is_a_segmenter(tmp_path: Path) -> None:
    out = tmp_path / "theirs"
    done = CliRunner().invoke(
        app, ["import-model", "external", "seg {t1c} {t2f} -o {out}", "-o", str(out), "--time-limit", "5"]
    )
    assert done.exit_code == 0, done.output
    segmenter = get_segmenter(str(out))
    assert sorted(segmenter.needs) == ["t1c", "t2f"]
    assert segmenter.outputs == "labels"


@pytest.mark.parametrize(
    ("kind", "given", "sentence"),
    [
        ("keras", {}, "nothing to import of kind 'keras'"),
        ("monai", {"folds": ["0"]}, "'--fold' is for nnU-Net"),
        ("nnunet", {"time_limit_s": 3.0}, "'--time-limit' is for external programs"),
        ("nnunet", {"space": "moon"}, "'--space' is atlas, native or any"),
        ("nnunet", {}, "There is no folder 'nowhere'"),
        ("cascade", {"scheme": "brats-2023"}, "give none of them"),
    ],
)
def test_wrong_options_cost_a_sentence(tmp_path: Path, kind: str, given: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputUnreadable, match=sentence):
        import_model(kind, "nowhere", tmp_path / "out", **given)  # type: ignore[arg-type]


def test_a_folder_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious.txt").touch()
    with pytest.raises(InputUnreadable, match="exists already"):
        import_model("external", "seg {t1c} {out}", tmp_path / "out")
