from __future__ import annotations

import os
import shlex
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glioscope.bundles import read_bundle
from glioscope.bundles.external_program import import_external
from glioscope.core import EngineMissing, InputUnreadable, MissingSequence, ProcessingFailed, Sequence, Volume
from glioscope.segmentation.external_segmenter import ExternalSegmenter

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
BEGIN = "import sys, glob, nibabel as nib, numpy as np\n"
THRESHOLD = (
    "i = nib.load(sys.argv[1]); nib.save(nib.Nifti1Image((i.get_fdata() > 5).astype('uint8') * 2, i.affine), sys.argv[2])"
)


def _segmenter(tmp_path: Path, code: str, arguments: str, **given: Any) -> ExternalSegmenter:
    script = tmp_path / "program.py"
    script.write_text(BEGIN + code)
    command = f"{shlex.quote(sys.executable)} {shlex.quote(str(script))} {arguments}"
    import_external(command, tmp_path / "bundle", name="theirs", **given)
    return ExternalSegmenter(read_bundle(tmp_path / "bundle"))


def _exam(orientation: str = "LPS") -> tuple[Mapping[Sequence, Volume], Volume]:
    rng = np.random.default_rng(0)
    images = {s: Volume.of(rng.uniform(1, 9, (5, 6, 7)).astype(np.float32), LPS) for s in Sequence}
    brain = Volume.of(np.ones((5, 6, 7), bool), LPS)
    return {s: v.reoriented(orientation) for s, v in images.items()}, brain.reoriented(orientation)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the scratch folders appear."""
    place = tmp_path / "scratch"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.mark.parametrize("orientation", ["LPS", "RAS", "SRA"])
def test_files_go_in_and_labels_come_out_on_the_grid_of_the_exam(tmp_path: Path, scratch: Path, orientation: str) -> None:
    segmenter = _segmenter(tmp_path, THRESHOLD, "{t2f} {out}")
    images, brain = _exam(orientation)
    found = segmenter.segment(images, brain)
    np.testing.assert_array_equal(found.labels.data, (images[Sequence.T2F].data > 5) * 2)
    assert found.labels.grid.same_as(brain.grid)
    assert found.probabilities == {}
    assert segmenter.needs == {Sequence.T2F}
    assert found.facts["exit_code"] == 0
    assert list(scratch.iterdir()) == []


def test_folder_layout_of_the_brats_containers(tmp_path: Path, scratch: Path) -> None:
    code = (
        "f = sorted(glob.glob(sys.argv[1] + '/*/*.nii.gz')); print(f)\n"
        "assert [p.rsplit('/', 2)[1:] for p in f] == [['BraTS-GLI-00000-000', f'BraTS-GLI-00000-000-{s}.nii.gz'] "
        "for s in ('t1c', 't1n', 't2f', 't2w')]\n"
        "i = nib.load(f[0])\n"
        "nib.save(nib.Nifti1Image((i.get_fdata() > 5).astype('uint8'), i.affine), sys.argv[2] + '/a.nii.gz')"
    )
    segmenter = _segmenter(tmp_path, code, "{in_folder} {out_folder}")
    images, brain = _exam()
    assert segmenter.needs == frozenset(Sequence)
    np.testing.assert_array_equal(segmenter.segment(images, brain).labels.data, images[Sequence.T1C].data > 5)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (
            "print('a'); sys.stderr.write('first\\nout of memory.\\n\\n'); sys.exit(3)",
            "exit code 3; its last words: out of memory.",
        ),
        ("import os; os.kill(os.getpid(), 15)", "was ended by signal 15 and said nothing."),
        ("pass", "did not write '{out}'."),
        ("open(sys.argv[2], 'w').write('x')", "is no label map"),
        (
            "i = nib.load(sys.argv[1]); nib.save(nib.Nifti1Image(np.zeros((5, 6, 8), 'uint8'), i.affine), sys.argv[2])",
            "another grid (5 x 6 x 8, LPS) than the images that it was given (5 x 6 x 7, LPS)",
        ),
        (
            "i = nib.load(sys.argv[1]); nib.save(nib.Nifti1Image(np.full((5, 6, 7), 4, 'uint8'), i.affine), sys.argv[2])",
            "the value 4, which scheme 'brats-2023' does not define",
        ),
    ],
)
def test_a_failure_costs_one_sentence_and_leaves_no_scratch(tmp_path: Path, scratch: Path, code: str, sentence: str) -> None:
    segmenter = _segmenter(tmp_path, code, "{t2f} {out}")
    with pytest.raises(ProcessingFailed) as caught:
        segmenter.segment(*_exam())
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(scratch.iterdir()) == []


def test_the_time_limit_ends_the_program_and_what_it_started(tmp_path: Path, scratch: Path) -> None:
    note = tmp_path / "child"
    code = (
        "import subprocess, time\n"
        f"p = subprocess.Popen(['sleep', '60']); open({str(note)!r}, 'w').write(str(p.pid)); print('loading', flush=True)\n"
        "time.sleep(60)"
    )
    segmenter = _segmenter(tmp_path, code, "{t2f} {out}", time_limit_s=8)
    started = time.monotonic()
    with pytest.raises(ProcessingFailed, match=r"stopped after 8 s, its time limit; its last words: loading\."):
        segmenter.segment(*_exam())
    assert time.monotonic() - started < 40
    child = int(note.read_text())
    for _ in range(100):
        if not _alive(child):
            break
        time.sleep(0.1)
    assert not _alive(child)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_program_that_is_not_there_and_a_missing_sequence(tmp_path: Path) -> None:
    import_external("no-such-program-here {t2f} {out}", tmp_path / "bundle", name="theirs")
    segmenter = ExternalSegmenter(read_bundle(tmp_path / "bundle"))
    images, brain = _exam()
    with pytest.raises(EngineMissing, match="'no-such-program-here', which is not installed"):
        segmenter.segment(images, brain)
    with pytest.raises(MissingSequence):
        segmenter.segment({Sequence.T1N: images[Sequence.T1N]}, brain)


def test_no_shell_reads_the_command(tmp_path: Path, scratch: Path) -> None:
    marker = tmp_path / "made-by-a-shell"
    segmenter = _segmenter(tmp_path, THRESHOLD, f"{{t2f}} {{out}} '; touch {marker}'")
    segmenter.segment(*_exam())
    assert not marker.exists()


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("seg {t1ce} {out}", r"placeholder '\{t1ce\}'; known are t1c"),
        ("seg {t1c}", "just one of"),
        ("seg {t1c} {out} {out_folder}", "just one of"),
        ("seg 'open {out}", "cannot be split"),
        ("seg {out}", "does not name the sequences"),
    ],
)
def test_a_wrong_command_is_refused_when_it_is_imported(tmp_path: Path, command: str, sentence: str) -> None:
    with pytest.raises(InputUnreadable, match=sentence):
        import_external(command, tmp_path / "bundle", name="theirs")
    assert not (tmp_path / "bundle").exists()
