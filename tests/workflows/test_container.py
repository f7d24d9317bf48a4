"""A BraTS container by a command template, with a stand-in for the engine that does as one: it mounts and runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from glioscope.cli.main import _guarded as cli
from tests.training.tiny_cohort import write_tiny_exam

ENGINE = """#!{python}
import json, os, pathlib, sys
import nibabel as nib, numpy as np
arguments = sys.argv[1:]
mounts = dict(a.split(":")[1::-1] for n, a in enumerate(arguments) if arguments[n - 1] == "-v")
given = pathlib.Path(mounts["/input"])
seen = sorted(str(p.relative_to(given)) for p in given.rglob("*") if p.is_file())
(case,) = given.iterdir()
flair = nib.load(case / f"{{case.name}}-t2f.nii.gz")
labels = np.where(flair.get_fdata() > 12, 2, 0).astype(np.uint8)
writable = os.stat(mounts["/output"]).st_mode & 0o777
nib.save(nib.Nifti1Image(labels, flair.affine), pathlib.Path(mounts["/output"]) / f"{{case.name}}.nii.gz")
note = {{"arguments": arguments, "cwd": os.getcwd(), "seen": seen, "axes": nib.aff2axcodes(flair.affine), "mode": writable}}
pathlib.Path({note!r}).write_text(json.dumps(note))
"""
COMMAND = (
    "{engine} run --rm --network none --gpus device=0 -v {in_folder}:/input:ro -v {out_folder}:/output "
    "brainles/brats23-gli:latest infer.sh --note 'two words'"
)


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    """A `docker` that writes down how it was called; by its path, so that never a real one is run instead."""
    engine = tmp_path / "bin" / "docker"
    engine.parent.mkdir()
    engine.write_text(ENGINE.format(python=sys.executable, note=str(tmp_path / "note.json")))
    engine.chmod(0o755)
    return engine


def test_a_container_is_given_folders_and_gives_a_label_map(
    tmp_path: Path, engine: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    exam = write_tiny_exam(tmp_path / "exams", "BraTS-GLI-00007-000", 0)
    bundle, out = tmp_path / "container", tmp_path / "out"
    assert (
        cli(
            ["import-model", "external", COMMAND.replace("{engine}", str(engine)), "-o", str(bundle), "--licence", "Apache-2.0"]
        )
        == 0
    )
    assert cli(["segment", str(exam), str(out), "--segmenter", str(bundle)]) == 0, capfd.readouterr().err

    told = json.loads((tmp_path / "note.json").read_text())
    case = "BraTS-GLI-00000-000"
    assert told["seen"] == [f"{case}/{case}-{sequence}.nii.gz" for sequence in ("t1c", "t1n", "t2f", "t2w")]
    assert told["axes"] == ["L", "P", "S"]
    assert told["mode"] == 0o777  # the user inside is another one
    arguments = told["arguments"]
    assert arguments[:6] == ["run", "--rm", "--network", "none", "--gpus", "device=0"]
    assert arguments[-4:] == ["brainles/brats23-gli:latest", "infer.sh", "--note", "two words"]
    (mounted,) = [word for word in arguments if word.endswith(":/input:ro")]
    assert Path(mounted.partition(":")[0]).is_absolute()
    assert not Path(mounted.partition(":")[0]).exists()  # the scratch folder goes

    (labels,) = out.rglob("*_dseg.nii.gz")
    written = nib.load(labels)
    flair = nib.load(exam / f"{exam.name}-t2f.nii.gz")
    np.testing.assert_allclose(written.affine, flair.affine, atol=1e-4)
    np.testing.assert_array_equal(np.asarray(written.dataobj) == 2, flair.get_fdata() > 12)


def test_an_engine_that_is_not_there(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    exam = write_tiny_exam(tmp_path / "exams", "a", 0)
    command = COMMAND.replace("{engine}", "no-such-engine")
    assert cli(["import-model", "external", command, "-o", str(tmp_path / "container")]) == 0
    assert cli(["segment", str(exam), str(tmp_path / "out"), "--segmenter", str(tmp_path / "container")]) == 8
    assert "needs the program 'no-such-engine', which is not installed here" in " ".join(capfd.readouterr().err.split())
    assert not list((tmp_path / "out").rglob("*_dseg.nii.gz"))
