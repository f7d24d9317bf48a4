from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from glioscope.cli import models
from glioscope.core import InputUnreadable, InvalidImage, OutputUnwritable
from glioscope.segmentation import get_segmenter
from glioscope.workflows import quantise
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
    with pytest.raises(OutputUnwritable, match="exists already"):
        import_model("external", "seg {t1c} {out}", tmp_path / "out")


@pytest.mark.parametrize(("after", "told"), [(0.899, "INT8 is used from now on"), (0.8, "Nothing changes")])
def test_quantise_tells_what_was_measured(after: float, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from glioscope.workflows.quantise_measure import Measured

    def pretended(bundle: str, data: Path, limit: float, *, told: Callable[[str], None]) -> quantise.Quantised:
        before, now = (
            Measured("a", {"WT": dice}, hd95, seconds, 900.0, (way,))
            for dice, hd95, seconds, way in ((0.9, {"WT": 2.5}, 8.0, "torch-fp32"), (after, {}, 3.0, "openvino-int8"))
        )
        loss = 0.9 - after
        return quantise.Quantised(loss < limit, loss, limit, "none", (before,), (now,), ("b",))

    monkeypatch.setattr(quantise, "quantise", pretended)
    out = tmp_path / "new" / "table.json"
    given = ["quantise", "mine", "--data", str(tmp_path), "--limit", "0.01", "-o", str(out)]
    done = CliRunner().invoke(app, given, env={"COLUMNS": "120"})
    assert done.exit_code == 0, done.output
    assert told in done.stdout
    for word in ("Dice WT", "0.9", str(after), "torch-fp32", "openvino-int8", "the limit 0.01"):
        assert word in done.stdout
    written = json.loads(out.read_text())
    assert [row["HD95 WT"] for row in written["table"]] == [2.5, None]
    assert json.loads(CliRunner().invoke(app, [*given, "--json"]).stdout) == written


def test_quantise_refuses_a_limit_that_is_none(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["quantise", "mine", "--data", str(tmp_path), "--limit", "0"])
    assert isinstance(done.exception, InvalidImage)
    assert "above 0 and below 1" in str(done.exception)
