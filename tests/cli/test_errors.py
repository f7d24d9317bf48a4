"""Issue 2, bad input: one plain sentence, the documented exit code, nothing half-written, never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from glioscope.cli.main import _guarded as cli


def nifti(path: Path, data: np.ndarray | None = None) -> Path:
    data = np.random.default_rng(0).normal(100, 20, (12, 14, 10)).astype(np.float32) if data is None else data
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(data, np.diag([2.0, 2, 3, 1])), path)
    return path


def left_behind(out: Path) -> list[str]:
    """Files below `out` other than the dataset's own description."""
    if not out.is_dir():
        return []
    own = {"dataset_description.json", ".bidsignore"}
    return [str(p.relative_to(out)) for p in out.rglob("*") if p.is_file() and p.name not in own]


def spoil(folder: Path, fault: str) -> None:
    t1c = nifti(folder / "case_t1c.nii.gz")
    if fault == "truncated":
        t1c.write_bytes(t1c.read_bytes()[:900])
    elif fault == "zero bytes":
        t1c.write_bytes(b"")
    elif fault == "wrong magic":
        t1c.write_bytes(b"PNG" * 200)
    elif fault == "2-D":
        nifti(t1c, np.ones((12, 14), np.float32))
    elif fault == "4-D":
        nifti(t1c, np.random.default_rng(0).normal(size=(6, 7, 8, 3)).astype(np.float32))
    elif fault == "all zero":
        nifti(t1c, np.zeros((12, 14, 10), np.float32))
    elif fault == "NaN":
        data = np.ones((12, 14, 10), np.float32)
        data[3] = np.nan
        nifti(t1c, data)
    elif fault == "NaN affine":
        image = nib.load(t1c)
        image.header["srow_x"][1] = np.nan
        image.header["sform_code"] = 1
        raw = bytearray(image.to_bytes())
        raw[280:284] = np.float32(np.nan).tobytes()
        t1c.unlink()
        (folder / "case_t1c.nii").write_bytes(bytes(raw))
    elif fault == "two T1c":
        nifti(folder / "other_t1c.nii.gz", np.random.default_rng(1).normal(size=(9, 9, 9)).astype(np.float32))
    elif fault == "nothing":
        t1c.unlink()
        (folder / "notes.txt").write_text("no image here")


CODES = {
    "truncated": {3, 6},
    "zero bytes": {3, 6},
    "wrong magic": {3, 6},
    "2-D": {6},
    "4-D": {6},
    "all zero": {6},
    "NaN": {6},
    "NaN affine": {6},
    "two T1c": {4},
    "nothing": {3, 5},
}


@pytest.mark.parametrize("fault", CODES)
def test_a_bad_exam_costs_one_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str], fault: str) -> None:
    exam, out = tmp_path / "exam", tmp_path / "out"
    exam.mkdir()
    spoil(exam, fault)

    code = cli(["preprocess", str(exam), str(out), "--json"])

    captured = capfd.readouterr()
    document = json.loads(captured.out)
    sentence = document["error"] if "error" in document else document["exams"][0]["error"]
    assert code in CODES[fault], sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "Traceback" not in captured.out + captured.err
    assert left_behind(out) == []


def test_an_output_that_cannot_be_written_is_said_before_any_work(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    nifti(tmp_path / "exam" / "case_t1c.nii.gz")
    (tmp_path / "out").write_text("a file, not a folder")

    code = cli(["run", str(tmp_path / "exam"), str(tmp_path / "out" / "results")])

    assert code == 7
    assert "cannot be written" in capfd.readouterr().err


def test_an_exam_that_does_not_exist(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli(["run", str(tmp_path / "nowhere"), str(tmp_path / "out")]) == 3
    assert "nowhere" in capfd.readouterr().err


def test_an_override_that_does_not_exist(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    nifti(tmp_path / "exam" / "case_t1c.nii.gz")
    assert cli(["run", str(tmp_path / "exam"), str(tmp_path / "out"), "--t1c", str(tmp_path / "x.nii")]) == 3
    assert "given with --t1c" in capfd.readouterr().err


def test_a_segmenter_that_needs_more_than_the_exam_has(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    nifti(tmp_path / "exam" / "case_t2w.nii.gz")
    assert cli(["run", str(tmp_path / "exam"), str(tmp_path / "out"), "--segmenter", "subtraction"]) == 5
    assert left_behind(tmp_path / "out") == []
    assert "needs T1, T1 + contrast and FLAIR" in capfd.readouterr().err


@pytest.mark.parametrize("arguments", [["run"], ["segmenters", "fly"], ["run", "a", "b", "--jobs", "0"], ["nonsense"]])
def test_wrong_usage_has_exit_code_2(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert cli(arguments) == 2
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["segmenters"], ["atlases"], ["info"], *([c, "--help"] for c in ("run", "inspect", "report"))],
)
def test_what_only_lists_loads_no_engine(arguments: list[str]) -> None:
    script = (
        "import sys; from glioscope.cli.main import _guarded; code = _guarded(sys.argv[1:]);"
        "heavy = {'torch', 'ants', 'SimpleITK', 'matplotlib', 'reportlab', 'deepbet'} & set(sys.modules);"
        "sys.exit(code or (','.join(heavy) or 0))"
    )
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("command", [["segmenters"], ["atlases"], ["info"]])
def test_json_is_one_document_and_nothing_else(command: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert cli([*command, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)


def test_an_interrupt_costs_a_sentence_regression(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Newer versions of Typer give exit code 130 in place of an exception, and nothing was said."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("glioscope.segmenters", interrupted)
    assert cli(["segmenters"]) == 130
    assert "Interrupted. Run the same command again" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("surgery", "Interrupted. Run the same command again to begin anew; nothing is half-written.\n"),
        ("run", "Interrupted. Run the same command again to continue where it stopped.\n"),
    ],
)
@pytest.mark.parametrize("disguised", [False, True])
def test_an_interrupt_says_what_the_next_call_does(
    command: str, words: str, disguised: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`surgery` began again and said that it would go on; Ctrl-C while SciPy was imported was told as a fault (ImportError)."""

    def interrupted(*_: object, **__: object) -> None:
        if disguised:
            raise ImportError("initialization failed") from KeyboardInterrupt()
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules[cli.__module__], "app", interrupted)
    assert cli([command, "x"]) == 130
    assert capfd.readouterr().err == words


def test_commands_that_go_on_exist() -> None:
    import typer

    from glioscope.cli.main import GO_ON, app

    assert set(typer.main.get_command(app).commands) >= GO_ON  # type: ignore[attr-defined]


def test_an_interrupt_of_the_imports_costs_a_sentence() -> None:
    """A traceback, where Ctrl-C came in the first second."""
    code = "import sys; sys.modules['glioscope.cli.main'] = None\n" + (
        "import builtins; real = builtins.__import__\n"
        "def stop(name, *rest):\n"
        "    if name == 'glioscope.cli.main': raise KeyboardInterrupt\n"
        "    return real(name, *rest)\n"
        "builtins.__import__ = stop\n"
        "import glioscope.cli"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "Interrupted. Nothing was begun.\n")
