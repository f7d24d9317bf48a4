"""Issue 2: whatever grid an exam comes on, the result lands on that very grid and the same world points."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

import glioscope
from glioscope.core import Volume, read_labels, read_volume, resample_labels, write_volume
from glioscope.core.labels import get_scheme


def _dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def _flipped(volume: Volume) -> Volume:
    return volume.reoriented("RPI")


def _permuted(volume: Volume) -> Volume:
    return volume.reoriented("SLA")


def _turned(volume: Volume) -> Volume:
    """Another position in the scanner: the same voxels in a world turned by 17 degrees and shifted."""
    angle = np.radians(17)
    turn = np.eye(4)
    turn[:3, :3] = [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    turn[:3, 3] = [12, -30, 25]
    return Volume.of(volume.data, turn @ volume.grid.affine)


def _write_nrrd(path: Path, volume: Volume) -> None:
    image = sitk.GetImageFromArray(volume.data.T)
    lps = np.diag([-1, -1, 1, 1]) @ volume.grid.affine
    image.SetSpacing(volume.grid.spacing.tolist())
    image.SetDirection((lps[:3, :3] / volume.grid.spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    sitk.WriteImage(image, str(path), useCompression=True)


@pytest.fixture(scope="module")
def plain(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The raw exam, T1c T1n and FLAIR, and the native label map of its plain run."""
    exam = test_data / "exams" / "raw" / "TCGA-FG-6692"
    out = tmp_path_factory.mktemp("plain")
    outcomes = glioscope.segment(exam, out, exam_id="plain")
    outcomes.check()
    return exam, outcomes.exams[0].files["labels"]


CHANGES: dict[str, tuple[Callable[[Volume], Volume], str]] = {
    "flipped": (_flipped, ".nii.gz"),
    "permuted": (_permuted, ".nii"),
    "turned": (_turned, ".nii.gz"),
    "nrrd": (lambda volume: volume, ".nrrd"),
    "permuted mha": (_permuted, ".mha"),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_the_result_lands_on_the_grid_that_came_in(plain: tuple[Path, Path], tmp_path: Path, change: str) -> None:
    alter, suffix = CHANGES[change]
    source, labels_file = plain
    exam = tmp_path / "exam"
    exam.mkdir()
    for path in source.glob("*.nii.gz"):
        write = write_volume if suffix.startswith(".nii") else _write_nrrd
        write(exam / path.name.replace(".nii.gz", suffix), alter(read_volume(path)))

    outcomes = glioscope.segment(exam, tmp_path / "out")
    outcomes.check()

    labels = read_labels(outcomes.exams[0].files["labels"])
    given = next(exam.glob("*POST_GAD*"))
    assert labels.grid.same_as(read_volume(given).grid)
    expected = alter(read_labels(labels_file))
    assert expected.grid.same_as(labels.grid)
    for region, values in get_scheme("brats-2023").regions.items():
        a, b = np.isin(labels.data, values), np.isin(expected.data, values)
        assert _dice(a, b) >= 0.98, region


def test_a_prepared_exam_gets_its_results_on_its_own_grid(brats_exam: Path, tmp_path: Path) -> None:
    outcomes = glioscope.segment(brats_exam, tmp_path / "plain")
    outcomes.check()
    plain_labels = read_labels(outcomes.exams[0].files["labels"])

    turned = tmp_path / "turned"
    turned.mkdir()
    for path in brats_exam.glob("*.nii.gz"):
        read = read_labels if "seg" in path.name else read_volume
        write_volume(turned / path.name, read(path).reoriented("ASR"))
    outcomes = glioscope.segment(turned, tmp_path / "out")
    outcomes.check()
    labels = read_labels(outcomes.exams[0].files["labels"])

    assert labels.grid.orientation == "ASR"
    assert plain_labels.data.any()
    back = resample_labels(labels, plain_labels.grid, get_scheme("brats-2023"))
    assert _dice(back.data > 0, plain_labels.data > 0) >= 0.98
