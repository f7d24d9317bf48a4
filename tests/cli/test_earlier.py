"""Issue 6: `--earlier` on the command line, and what the lists say of segmenters that want it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glioscope.bundles import bundles_folder
from glioscope.cli.main import _guarded as cli
from tests.workflows.earlier_exams import write_after, write_back, write_before

pytest.importorskip("torch")
pytest.importorskip("dynamic_network_architectures")


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    from glioscope.inference import variant

    monkeypatch.setattr(variant, "openvino_installed", lambda: False)


def test_run_with_an_earlier_exam(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    after, before, bundle = write_after(tmp_path), write_before(tmp_path), str(write_back(tmp_path / "back"))
    out = str(tmp_path / "out")
    code = cli(["run", str(after), out, "--segmenter", bundle, "--earlier", str(before), "--json", "--jobs", "1"])
    (exam,) = json.loads(capfd.readouterr().out)["exams"]
    assert (code, exam["status"]) == (0, "done")
    assert Path(exam["files"]["report_html"]).is_file()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--segmenter", "back"], 5, "give that exam with --earlier"),
        (["--segmenter", "subtraction", "--earlier", "past"], 6, "looks at no earlier exam"),
        (["--segmenter", "back", "--earlier", "nowhere"], 3, "does not exist"),
    ],
)
def test_one_sentence_and_a_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], options: list[str], code: int, words: str
) -> None:
    write_back(bundles_folder() / "back")
    after, before = write_after(tmp_path), write_before(tmp_path)
    options = [str(before) if option == "past" else option for option in options]
    assert cli(["segment", str(after), str(tmp_path / "out"), "--json", *options]) == code
    document = json.loads(capfd.readouterr().out)
    error = document.get("error") or document["exams"][0]["error"]
    assert words in error
    assert "\n" not in error


def test_the_lists_say_what_is_needed_of_an_earlier_exam(capfd: pytest.CaptureFixture[str]) -> None:
    write_back(bundles_folder() / "back")
    assert cli(["segmenters"]) == 0
    shown = capfd.readouterr().out
    assert "t1c pre-mask pre-t1c" in shown
    assert "--earlier EARLIER" in shown
    assert cli(["segmenters", "show", "back"]) == 0
    assert "needs_earlier pre-mask, pre-t1c" in capfd.readouterr().out


def test_preprocess_takes_none(tmp_path: Path) -> None:
    assert cli(["preprocess", str(tmp_path), str(tmp_path / "out"), "--earlier", str(tmp_path)]) == 2
