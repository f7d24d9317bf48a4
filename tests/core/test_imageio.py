from __future__ import annotations

import hashlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from glioscope.core import InvalidImage, Volume, read_header, read_labels, read_volume, write_volume

AFFINE = np.array([[-0.9, 0.1, 0, 80], [0.1, 0.9, 0.2, -70], [0, -0.2, 5.5, -40], [0, 0, 0, 1]])


def ramp() -> Volume:
    return Volume.of(np.arange(60, dtype=np.float32).reshape(3, 4, 5), AFFINE)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_what_is_written_is_read_back(tmp_path: Path, name: str) -> None:
    write_volume(tmp_path / name, ramp())
    back = read_volume(tmp_path / name)
    assert np.array_equal(back.data, ramp().data)
    assert back.grid.same_as(ramp().grid, 1e-4)
    assert read_header(tmp_path / name).grid.same_as(back.grid, 0)


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.nii.gz", "b.nii.gz"):
        write_volume(tmp_path / name, ramp())
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir()}
    assert len(digests) == 1


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".mhd", ".nhdr"])
def test_an_itk_file_has_the_world_points_that_itk_gives(tmp_path: Path, suffix: str) -> None:
    image = sitk.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(5, 4, 3))
    image.SetSpacing([0.5, 2, 6])
    image.SetDirection([0, 1, 0, 0, 0, 1, 1, 0, 0])
    image.SetOrigin([10, 20, 30])
    path = tmp_path / f"image{suffix}"
    sitk.WriteImage(image, str(path))

    volume = read_volume(path)

    assert volume.data.shape == (3, 4, 5)
    for index in ([0, 0, 0], [2, 1, 3]):
        lps = image.TransformIndexToPhysicalPoint(index)
        assert volume.grid.to_world(index) == pytest.approx([-lps[0], -lps[1], lps[2]])
        assert volume.data[tuple(index)] == image.GetPixel(index)


def test_intensity_scaling_of_the_header_is_applied(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4))
    image.header.set_slope_inter(2, -1)
    nib.save(image, tmp_path / "a.nii")
    assert read_volume(tmp_path / "a.nii").data.max() == pytest.approx(2 * 23 - 1)


def test_a_trailing_singleton_axis_is_dropped(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4, 1), np.eye(4)), tmp_path / "a.nii")
    assert read_volume(tmp_path / "a.nii").grid.shape == (2, 3, 4)


@pytest.mark.parametrize(
    ("values", "valid"),
    [([0, 0, 0], True), ([0, 3, 255], True), ([0, 0.5, 1], False), ([0, 256, 1], False), ([0, -1, 1], False)],
)
def test_label_maps_hold_whole_numbers_from_0_to_255(tmp_path: Path, values: list[float], valid: bool) -> None:
    data = np.resize(np.array(values, np.float32), (2, 3, 4))
    nib.save(nib.Nifti1Image(data, np.eye(4)), tmp_path / "a.nii")
    if valid:
        assert np.array_equal(read_labels(tmp_path / "a.nii").data, data)
    else:
        with pytest.raises(InvalidImage, match=r"'a\.nii' is not a label map"):
            read_labels(tmp_path / "a.nii")
