"""`glioscope tune`: from folders to a file that `postprocess` takes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from glioscope.cli import tune as command
from glioscope.core import InputUnreadable, InvalidImage, OutputUnwritable, Volume, read_labels, write_volume
from glioscope.postprocessing import load_postprocessing
from glioscope.workflows.fuse import fuse
from glioscope.workflows.postprocess import postprocess
from glioscope.workflows.tune import ProtocolScore, tune
from tests.postprocessing.cohort import planted

AFFINE = np.diag([-1.0, -1, 1, 1])


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    pytest.importorskip("optuna")
    for number in range(4):
        case = planted(number)
        name = f"sub-case{number}"
        place = tmp_path / "results" / name / "anat" / f"{name}_space-orig_seg-x_label-WT_probseg.nii.gz"
        write_volume(place, Volume.of(case.raters["one"]["WT"], AFFINE))
        write_volume(tmp_path / "experts" / f"Case-{number}_seg.nii.gz", Volume.of(case.reference, AFFINE))
    return tmp_path


def test_the_file_it_writes_makes_better_label_maps(cohort: Path) -> None:
    out = cohort / "tuned.json"
    done = tune(cohort / "results", cohort / "experts", out, protocol="general", metric="dice", folds=4, trials=30)
    chain = load_postprocessing(out)
    assert chain.thresholds is not None
    assert chain.thresholds.values["WT"] == pytest.approx(0.75)
    assert chain.steps == done.tuned.chain.steps
    told = json.loads(out.read_text())["tuning"]
    assert told == done.facts
    assert (told["protocol"], told["metric"], told["exams"], len(told["folds"])) == ("general", "dice", 4, 4)
    assert told["held_out"]["tuned"] > told["held_out"]["published"]
    for found in postprocess(cohort / "results", cohort / "out", steps=out):
        reference = read_labels(cohort / "experts" / f"Case-{found.id[-1]}_seg.nii.gz").data
        labels = read_labels(found.labels).data
        assert 2 * ((labels > 0) & (reference > 0)).sum() / ((labels > 0).sum() + (reference > 0).sum()) > 0.97
    first = out.read_bytes()
    assert (cohort / "tuned.trials.db").is_file()
    out.unlink()
    heard: list[str] = []
    tune(
        cohort / "results",
        cohort / "experts",
        out,
        protocol="general",
        metric="dice",
        folds=4,
        trials=30,
        jobs=2,
        told=heard.append,
    )
    assert out.read_bytes() == first
    assert "(30 trials were known)" in heard[-1]


def test_weights_of_several_raters_go_to_fuse(cohort: Path) -> None:
    rng = np.random.default_rng(0)
    for path in sorted((cohort / "results").rglob("*.nii.gz")):
        poor = cohort / "poor" / path.relative_to(cohort / "results")
        write_volume(poor, Volume.of(rng.random((24, 24, 24), np.float32), AFFINE))
    out = cohort / "w.json"
    raters = [cohort / "results", cohort / "poor"]
    tune(raters, cohort / "experts", out, protocol="general", metric="dice", folds=4, trials=2, tunable=["weights"])
    weights = load_postprocessing(out).weights
    assert weights is not None
    assert weights.values["WT"]["results"] > 0.8  # the second trial already knows
    maps = [next(folder.rglob("sub-case0*.nii.gz")) for folder in raters]
    done = fuse(maps, cohort / "f.nii.gz", method="weighted-mean", weights=out)
    assert [rater["name"] for rater in done.report["raters"]] == ["results", "poor"]


def test_the_command(cohort: Path) -> None:
    app = typer.Typer()
    command.register(app)
    arguments = ["tune", str(cohort / "results"), str(cohort / "experts"), "-p", "general", "-o", str(cohort / "t.json")]
    arguments += ["--metric", "dice", "--folds", "2", "--trials", "2", "--jobs", "1"]
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 0, told.output
    assert "on held-out exams" in told.stdout
    document = json.loads(CliRunner().invoke(app, [*arguments, "--json", "--tune", "dust"]).stdout)
    assert document["thresholds"] == {"WT": 0.45}
    assert document["tuning"]["exams"] == 4
    told = CliRunner().invoke(app, [*arguments, "--trials", "1", "--storage", str(cohort / "kept.db")])
    assert "No setting was better than the published ones for sure" in told.stdout
    assert (cohort / "kept.db").is_file()


def test_what_is_wrong_costs_a_sentence(cohort: Path) -> None:
    results, experts, out = cohort / "results", cohort / "experts", cohort / "t.json"
    with pytest.raises(InvalidImage, match="no protocol 'nonsense'"):
        tune(results, experts, out, protocol="nonsense")
    with pytest.raises(InvalidImage, match=r"cannot be tuned for 'specificity'; it can for .*dice"):
        tune(results, experts, out, protocol="general", metric="specificity")
    with pytest.raises(OutputUnwritable, match=r"results' is a folder; name the file"):
        tune(results, experts, results, protocol="general")
    with pytest.raises(OutputUnwritable, match=r"experts' is a folder; name the file to keep trials in"):
        tune(results, experts, out, protocol="general", storage=experts)
    with pytest.raises(InputUnreadable, match="is not a folder"):
        tune(results, experts / "Case-0_seg.nii.gz", out, protocol="general")
    with pytest.raises(InputUnreadable, match="does not exist"):
        tune(cohort / "none", experts, out, protocol="general")
    with pytest.raises(InputUnreadable, match="Two raters are called 'results'"):
        tune([results, results], experts, out, protocol="general")
    write_volume(experts / "Case-0_seg.nii.gz", Volume.of(np.ones((24, 24, 24), np.uint8), np.eye(4)))
    with pytest.raises(
        InvalidImage, match=r"WT of 'results' for 'sub-case0' and reference 'Case-0_seg\.nii\.gz' lie on different"
    ):
        tune(results, experts, out, protocol="general")
    (experts / "Case-0_seg.nii.gz").unlink()
    with pytest.raises(InputUnreadable, match="no reference for 'sub-case0'"):
        tune(results, experts, out, protocol="general")
    assert not out.exists()


def test_less_distance_is_a_better_score() -> None:
    case = planted(0, dust=False)
    near, far = (np.roll(case.reference, n, axis=0) for n in (1, 4))
    score = ProtocolScore.of("general", "hd95", case)
    assert score(case.reference, case) == pytest.approx(0)
    assert 0 > score(near, case) > score(far, case)
