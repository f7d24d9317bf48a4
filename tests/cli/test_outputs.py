"""Where results cannot go: one sentence and exit code 7, before any work, and nothing is left of the attempt."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glioscope.cli.main import _guarded as cli
from glioscope.core import Volume, write_volume
from tests.training.tiny_cohort import write_tiny_exam

Said = Callable[..., tuple[int, str]]

FOLDERS = {
    "run": ["run", "exam", "OUT"],
    "preprocess": ["preprocess", "exam", "OUT"],
    "segment": ["segment", "exam", "OUT"],
    "synthesize": ["synthesize", "OUT", "--exams", "1"],
    "measure": ["measure", "a.nii.gz", "--out", "OUT"],
    "train": ["train", "nnunet", "--data", "exams", "--out", "OUT", "--device", "cpu"],
    "bundle": ["bundle", "exam", "-o", "OUT"],
    "follow": ["follow", "a.nii.gz", "b.nii.gz", "--scheme", "brats-2023", "--dates", "0,90", "--out", "OUT"],
    "surgery": ["surgery", "a.nii.gz", "--scheme", "brats-2023", "--out", "OUT"],
    "study": ["study", "study.csv", "--out", "OUT"],
    "dicom": ["dicom", "exam", "--source", "exam", "--dest", "OUT"],
    "deidentify": ["deidentify", "exam", "--out", "OUT", "--key", "k", "--table", "t"],
    "demo": ["demo", "OUT"],
    "grow": ["grow", "a.nii.gz", "OUT", "--until-time", "1"],
    "postprocess": ["postprocess", "a.nii.gz", "-o", "OUT"],
    "evaluate": ["evaluate", "a.nii.gz", "b.nii.gz", "--plots", "OUT"],
}
FILES = {
    "fuse": ["fuse", "a.nii.gz", "b.nii.gz", "-m", "majority", "-o", "OUT.nii.gz"],
    "postprocess": ["postprocess", "a.nii.gz", "-o", "OUT.nii.gz"],
    "evaluate": ["evaluate", "a.nii.gz", "b.nii.gz", "--csv", "OUT.csv"],
    "key": ["deidentify", "exam", "--out", "o", "--key", "OUT", "--table", "t"],
    "table": ["deidentify", "exam", "--out", "o", "--key", "k", "--table", "OUT"],
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    data = np.zeros((12, 14, 10), np.uint8)
    data[3:8, 3:8, 3:8] = 1
    for name in ("a", "b"):
        write_volume(tmp_path / f"{name}.nii.gz", Volume.of(data, np.diag([2.0, 2, 3, 1])))
    write_tiny_exam(tmp_path, "exam", 0)
    (tmp_path / "exams").mkdir()
    (tmp_path / "exams" / "exam").symlink_to(tmp_path / "exam")
    (tmp_path / "study.csv").write_text("id,reference,prediction\np,a.nii.gz,b.nii.gz\n")
    for name in ("file", "file.csv", "file.nii.gz"):
        (tmp_path / name).write_text("mine")
    for name in ("dangling", "dangling.csv", "dangling.nii.gz"):
        (tmp_path / name).symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Said:
    def run(*arguments: str) -> tuple[int, str]:
        code = cli(list(arguments))
        told = capfd.readouterr()
        assert "Traceback" not in told.out + told.err
        assert "fault in Glioscope" not in told.out + told.err
        return code, told.err

    return run


def everything(folder: Path) -> dict[str, int]:
    """Each name below `folder` with its size, but for the lock of a table of pseudonyms, which stays."""
    found = (path for path in folder.rglob("*") if not path.name.endswith(".lock"))
    return {str(path.relative_to(folder)): path.lstat().st_size for path in found}


@pytest.mark.parametrize("command", FOLDERS)
@pytest.mark.parametrize("out", ["file", "file/x", "dangling", "loop/x", "new/" + "n" * 300, "/proc/nowhere"])
def test_no_folder_can_be_made_there(place: Path, said: Said, command: str, out: str) -> None:
    """Loops of links and names too long were faults, and `new` stayed behind."""
    if out.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("no /proc here")
    before = everything(place)
    code, told = said(*[out if word == "OUT" else word for word in FOLDERS[command]])
    assert (code, "cannot be written" in told) == (7, True), told
    assert everything(place) == before


@pytest.mark.parametrize("command", FILES)
@pytest.mark.parametrize("out", ["file/x", "loop/x", "new/" + "n" * 300, "/proc/nowhere"])
def test_no_file_can_be_made_there(place: Path, said: Said, command: str, out: str) -> None:
    """A table with too long a name was refused when all was scored."""
    if out.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("no /proc here")
    before = everything(place)
    code, told = said(*[word.replace("OUT", out) for word in FILES[command]])
    assert (code, "cannot be written" in told) == (7, True), told
    assert everything(place) == before


@pytest.mark.parametrize("command", FILES)
def test_a_pipe_or_device_is_no_file_to_write(place: Path, said: Said, command: str) -> None:
    """They were replaced by a file, which for root may be /dev/null, and a pipe or /dev/zero as a key was read without end."""
    arguments = [word.replace("OUT", "pipe") for word in FILES[command]]
    pipe = Path(next(word for word in arguments if word.startswith("pipe")))
    os.mkfifo(pipe)
    code, told = said(*arguments)
    assert (code, "is a pipe or a device" in told) == (7, True), told
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    ("out", "why"),
    [
        ("file", "'file' cannot be written (it is no folder)"),
        ("file/x", "'file/x' cannot be written ('file' is no folder)"),
        ("dangling/x", "'dangling/x' cannot be written ('dangling' is a link that leads nowhere)"),
    ],
)
def test_what_is_in_the_way_is_named(place: Path, said: Said, out: str, why: str) -> None:
    assert why in said("segment", "exam", out)[1].replace("\n", " ")


@pytest.mark.parametrize("arguments", [["segment", "exam", ""], ["segment", "", "out"], ["segment", "exam", "out", "--id="]])
def test_an_empty_argument_is_wrong_usage(place: Path, said: Said, arguments: list[str]) -> None:
    """The results of `run EXAM "$OUT"` went to the working folder where the variable had no value."""
    before = everything(place)
    code, told = said(*arguments)
    assert (code, "An argument is empty" in told) == (2, True), told
    assert everything(place) == before


@pytest.mark.parametrize("name", ["with space", "Übergröße", "😀", "two\nlines", "-dash", "[bold]x[", "100%"])
def test_any_name_will_do(place: Path, said: Said, name: str) -> None:
    code, told = said("measure", "a.nii.gz", f"--out={name}")
    assert code == 0, told
    assert (place / name / "measurements.json").is_file()


def test_results_inside_the_exam_are_no_images_of_it(place: Path, said: Said) -> None:
    """The second run refused the exam: masks and label maps of the first were taken for further exams."""
    assert said("segment", "exam", "exam/out")[0] == 0
    before = everything(place)
    assert said("inspect", "exam")[0] == 0
    code, told = said("segment", "exam", "exam/out")
    assert code == 0, told
    assert everything(place).keys() == before.keys()


def test_an_exam_is_no_output_folder(place: Path, said: Said) -> None:
    before = everything(place)
    code, told = said("segment", "exam", "exams/exam")
    assert (code, "is the exam itself" in told) == (7, True), told
    assert everything(place) == before


def test_results_of_another_exam_of_the_same_name_stay(place: Path, said: Said) -> None:
    """`run a/mri OUT` and `run b/mri OUT` lost the results of the first without a word."""
    write_tiny_exam(place / "other", "exam", 1)
    code, told = said("segment", "exam", "out")
    assert code == 0, told
    kept = everything(place / "out" / "sub-exam")
    code, told = said("segment", "other/exam", "out")
    assert (code, "holds the results of another exam" in told) == (7, True), told
    assert everything(place / "out" / "sub-exam") == kept
    (place / "exam" / "exam-t2w.nii.gz").write_bytes((place / "other" / "exam" / "exam-t2w.nii.gz").read_bytes())
    assert said("segment", "exam", "out")[0] == 0, "an exam with a file replaced is the same exam"
