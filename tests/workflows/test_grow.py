"""`grow` and `grow-score` from files to files."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from glioscope.core import Grid, InputUnreadable, InvalidImage, OutputUnwritable, Volume, read_volume, write_volume
from glioscope.growth import GrowthParameters
from glioscope.workflows import growth_tissue
from glioscope.workflows.grow import grow
from glioscope.workflows.grow_score import grow_score, read_times
from glioscope.workflows.growth_start import read_region
from glioscope.workflows.growth_tensors import read_tensors
from glioscope.workflows.growth_tissue import TissueFiles
from glioscope.workflows.progress import Progress

AFFINE = np.array([[-2.0, 0, 0, 40], [0, -2.0, 0, 36], [0, 0, 2.0, -20], [0, 0, 0, 1]])
SHAPE = (40, 36, 30)
FAST = GrowthParameters(rho=0.05, white=0.5, grey=0.1)


def ball(centre: tuple[int, int, int], radius: float) -> NDArray[np.bool_]:
    return np.asarray(sum((g - c) ** 2 for g, c in zip(np.ogrid[:40, :36, :30], centre, strict=True)) <= radius**2)


def save(path: Path, data: NDArray[np.generic], affine: NDArray[np.float64] = AFFINE) -> Path:
    write_volume(path, Volume.of(np.asarray(data), affine))
    return path


@pytest.fixture
def head(tmp_path: Path) -> TissueFiles:
    """A ball of a brain, white inside and grey outside, in LPS."""
    white, brain = ball((20, 18, 15), 9), ball((20, 18, 15), 13)
    return TissueFiles(
        save(tmp_path / "wm.nii.gz", white.astype(np.float32)),
        save(tmp_path / "gm.nii.gz", (brain & ~white).astype(np.float32)),
    )


def test_a_place_in_mm_and_in_voxels_is_the_same_place(tmp_path: Path, head: TissueFiles) -> None:
    mm = ",".join(str(v) for v in Grid(SHAPE, AFFINE).to_world((22, 18, 14)))
    for start, name in (("voxel:22,18,14", "a"), (f"mm:{mm}", "b")):
        grow(start, tmp_path / name, parameters=FAST, tissue=head, until_volume_ml=6)
    first, second = ((tmp_path / name / "invasion_time.nii.gz").read_bytes() for name in "ab")
    assert first == second
    numbers = json.loads((tmp_path / "a" / "growth.json").read_text())
    times, density = read_times(tmp_path / "a" / "invasion_time.nii.gz"), read_volume(tmp_path / "a" / "density.nii.gz")
    assert numbers["visible_ml"] == pytest.approx(np.isfinite(times.data).sum() * 0.008, abs=1e-3)
    assert times.data[22, 18, 14] == times.data.min()
    assert density.grid.same_as(Grid(SHAPE, AFFINE))
    assert (tmp_path / "a" / "growth.png").stat().st_size > 10_000


def test_forward_counts_new_growth_outside_the_cavity(tmp_path: Path, head: TissueFiles) -> None:
    before, cavity = ball((20, 18, 15), 3), ball((20, 18, 19), 2)
    start = save(tmp_path / "t1.nii.gz", np.where(cavity, 4, 3 * before).astype(np.uint8))
    later = ball((20, 18, 15), 6)
    after = save(tmp_path / "t2.nii.gz", np.where(cavity, 4, 3 * later).astype(np.uint8))
    found = grow(start, tmp_path / "out", parameters=FAST, tissue=head, follow_up=after)
    score = found.numbers["follow_up"]
    assert score["reference"] == (later & ~before & ~cavity).sum()
    assert score["never_invaded"] == 0
    assert score["average_precision"] > 0.95
    times = read_times(tmp_path / "out" / "invasion_time.nii.gz").data
    assert np.isinf(times[cavity & ~before]).all()
    brain = save(tmp_path / "brain.nii.gz", ball((20, 18, 15), 13).astype(np.uint8))
    again = grow_score(tmp_path / "out" / "invasion_time.nii.gz", after, brain=brain, exclude=[start], out=tmp_path / "score")
    assert again.ranking.average_precision == pytest.approx(score["average_precision"])
    assert {p.name for p in (tmp_path / "score").iterdir()} == {"agreement.nii.gz", "precision_recall.png", "ranking.json"}
    assert read_volume(tmp_path / "score" / "agreement.nii.gz").data.max() <= 1
    assert (tmp_path / "out" / "agreement.nii.gz").is_file()
    grow(start, tmp_path / "out", parameters=FAST, tissue=head, until_time=50.0)  # an old agreement would be of another growth
    assert not (tmp_path / "out" / "agreement.nii.gz").exists()


def test_bidirectional_fits_the_seed_and_covers_the_tumour(tmp_path: Path, head: TissueFiles) -> None:
    mask = save(tmp_path / "mask.nii.gz", ball((22, 17, 14), 5).astype(np.uint8))
    sharp = GrowthParameters(rho=0.05, white=0.1, grey=0.05)  # a front that is thin for so small a head
    found = grow(mask, tmp_path / "out", parameters=sharp, tissue=head, protocol="bidirectional", restarts=2)
    assert found.numbers["seed"]["voxel"] == pytest.approx([22, 17, 14], abs=1)
    assert found.numbers["fit"]["never_invaded"] == 0
    assert found.numbers["fit"]["volume_matched_dice"] > 0.85


def test_a_follow_up_on_another_grid_goes_through_the_world(tmp_path: Path, head: TissueFiles) -> None:
    start = save(tmp_path / "t1.nii.gz", ball((20, 18, 15), 3).astype(np.uint8))
    later = Volume.of(ball((20, 18, 15), 6).astype(np.uint8), AFFINE).reoriented("RAS")
    found = {}
    for name, volume in (("same", later.reoriented("LPS")), ("turned", later)):
        write_volume(tmp_path / f"{name}.nii.gz", volume)
        found[name] = grow(start, tmp_path / name, parameters=FAST, tissue=head, follow_up=tmp_path / f"{name}.nii.gz").numbers
    assert found["turned"]["follow_up"] == found["same"]["follow_up"]
    assert "another grid" in found["turned"]["remarks"][0]
    assert found["same"]["remarks"] == []


@pytest.mark.parametrize("order", ["fsl", "mrtrix"])
@pytest.mark.parametrize("mirrored", [False, True])
def test_tensors_are_turned_to_the_axes_of_the_grid(tmp_path: Path, order: str, mirrored: bool) -> None:
    along = np.array([2.0, 1.0, 0.5]) / np.sqrt(5.25)
    world = np.outer(along, along)
    affine = np.diag([-2.0 if mirrored else 2.0, 2.0, 2.0, 1.0])
    frame = np.diag([-1.0, 1, 1]) if order == "fsl" else np.eye(3)  # FSL counts x to the left whichever way voxels run
    local = frame @ world @ frame * 3e-3
    six = {"fsl": [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)], "mrtrix": [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]}
    data = np.broadcast_to([local[i] for i in six[order]], (20, 20, 20, 6)).astype(np.float32)
    nib.save(nib.Nifti1Image(data, affine), tmp_path / "dti.nii.gz")
    spot = affine[:3, :3] @ [10, 10, 10]
    grid = Grid((3, 3, 3), np.array([[0, 1.0, 0, spot[0]], [-1.0, 0, 0, spot[1]], [0, 0, 1.0, spot[2]], [0, 0, 0, 1]]))
    turn = np.array([[0, -1.0, 0], [1.0, 0, 0], [0, 0, 1.0]])
    assert read_tensors(tmp_path / "dti.nii.gz", order, grid)[1, 1, 1] == pytest.approx(turn @ world @ turn.T, abs=1e-5)


def test_a_volume_that_the_brain_does_not_hold_is_said(tmp_path: Path, head: TissueFiles) -> None:
    """It ended with less, and without a word."""
    found = grow("voxel:20,18,15", tmp_path / "out", parameters=FAST, tissue=head, until_volume_ml=200)
    brain_ml = ball((20, 18, 15), 13).sum() * 0.008  # 73 ml
    assert found.numbers["visible_ml"] == pytest.approx(brain_ml, abs=0.1)
    assert found.numbers["remarks"][-1] == f"It ends at {brain_ml:.1f} ml, not at 200: it has no more brain to grow into."


def test_faults_are_told_in_a_sentence(tmp_path: Path, head: TissueFiles) -> None:
    mask = save(tmp_path / "mask.nii.gz", ball((20, 18, 15), 3).astype(np.uint8))
    out = tmp_path / "out"
    with pytest.raises(InvalidImage, match="how far"):
        grow(mask, out, tissue=head)
    with pytest.raises(InputUnreadable, match="three numbers"):
        grow("mm:1,2", out, tissue=head, until_time=1)
    with pytest.raises(InputUnreadable, match="no label map, no folder"):
        grow(str(tmp_path / "none.nii.gz"), out, tissue=head, until_time=1)
    with pytest.raises(InvalidImage, match="no region 'XX'"):
        grow(mask, out, tissue=head, until_time=1, region="XX")
    # the brain is a ball of 13 voxels around (20, 18, 15): voxels 7 to 33, 5 to 31, 2 to 28, and 2 mm each from (40, 36, -20)
    with pytest.raises(InvalidImage, match="seed lies outside the brain, which lies between mm:-28,-28,-16 and mm:26,26,38"):
        grow("voxel:0,0,0", out, tissue=head, until_time=1)
    with pytest.raises(InvalidImage, match="give one with --tensor"):
        grow(mask, out, tissue=head, until_time=1, parameters=GrowthParameters(tau=1))
    assert not out.exists()  # an empty folder was left
    with pytest.raises(InputUnreadable, match="belong together"):
        TissueFiles(white=mask)
    with pytest.raises(OutputUnwritable):
        grow(mask, mask, tissue=head, until_time=1)
    empty = save(tmp_path / "empty.nii.gz", np.zeros(SHAPE, np.uint8))
    with pytest.raises(InvalidImage, match="no voxel of WT"):
        read_region(empty, "WT", "auto")
    with pytest.raises(InvalidImage, match="same time everywhere"):
        grow_score(empty, mask, brain=mask)
    (tmp_path / "cut.nii.gz").write_bytes(mask.read_bytes()[:200])
    with pytest.raises(InputUnreadable, match=r"cut\.nii\.gz"):
        grow_score(tmp_path / "cut.nii.gz", mask, brain=mask)
    with pytest.raises(InvalidImage, match="Without a follow-up nothing is compared"):  # was passed over, whatever it was
        grow(mask, out, tissue=head, until_time=1, exclude=(tmp_path / "none.nii.gz",))
    with pytest.raises(InvalidImage, match="six components"):
        read_tensors(mask, "fsl", Grid(SHAPE, AFFINE))


def test_labels_3_and_4_together_mean_a_cavity(tmp_path: Path) -> None:
    data = np.zeros(SHAPE, np.uint8)
    data[1:4, 1, 1] = [2, 3, 4]
    found = read_region(save(tmp_path / "post.nii.gz", data), "WT", "auto")
    assert (found.tumour.sum(), found.cavity.sum()) == (2, 1)
    data[2, 1, 1] = 2
    found = read_region(save(tmp_path / "pre.nii.gz", data), "WT", "auto")
    assert (found.tumour.sum(), found.cavity.sum()) == (3, 0)


@pytest.mark.slow
def test_a_real_exam_grows_in_its_own_tissue(test_data: Path, tmp_path: Path) -> None:
    exam = test_data / "exams" / "glioma-labelled" / "BraTS2021_01476"
    found = grow(exam, tmp_path, protocol="bidirectional", restarts=2)
    assert found.numbers["fit"]["average_precision"] > 0.6
    assert found.numbers["fit"]["volume_matched_dice"] > 0.65


@pytest.mark.parametrize(("move", "words"), [((0, 0, 0), "on the same grid"), ((30, 0, 0), "another origin")])
def test_the_atlas_is_taken_on_its_grid_wherever_its_origin(
    tmp_path: Path, head: TissueFiles, monkeypatch: pytest.MonkeyPatch, move: tuple[int, int, int], words: str
) -> None:
    files = {"wm": head.white, "gm": head.grey, "csf": save(tmp_path / "csf.nii.gz", np.eye(40, 36)[..., None] * np.ones(30))}
    monkeypatch.setattr(growth_tissue, "atlas_volume", lambda atlas, key: files[key])
    affine = AFFINE.copy()
    affine[:3, 3] += move
    mask = save(tmp_path / "mask.nii.gz", ball((20, 18, 15), 3).astype(np.uint8), affine)
    told: list[str] = []
    listener = Progress()
    monkeypatch.setattr(listener, "decided", told.append)
    found = grow(mask, tmp_path / "out", parameters=FAST, until_volume_ml=3, progress=listener)
    assert words in told[0]
    assert found.numbers["visible_ml"] == pytest.approx(3, abs=0.3)
    affine[:3, 3] += 90
    far = save(tmp_path / "far.nii.gz", np.pad(ball((20, 18, 15), 3), 2).astype(np.uint8), affine)
    with pytest.raises(InvalidImage, match="does not lie in the space"):
        grow(far, tmp_path / "out", parameters=FAST, until_volume_ml=3)
