"""Folders that hold DICOM, other images, BIDS and zips beside each other (issue 2): never two cases in one, and none unseen."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import SimpleITK as sitk

from glioscope.core import AmbiguousExam, Sequence, Volume, write_volume
from glioscope.inspection import Inspection, dicom_folder, images, inspect_path
from glioscope.inspection.explore import explore
from tests.dicom_factory import STYLES, oblique_affine, phantom, write_series
from tests.inspection.exams import write

T1N, T1C, T2W, T2F = Sequence


def _dicom(folder: Path, *sequences: str, patient: str = "A") -> None:
    for number, name in enumerate(sequences, 1):
        write_series(folder / f"S{number}", phantom(), oblique_affine(), STYLES[name], series=number, patient=patient)


def _zip(folder: Path) -> None:
    """Put `folder.zip` in place of `folder`."""
    with zipfile.ZipFile(folder.with_name(f"{folder.name}.zip"), "w") as bundle:
        for file in sorted(folder.rglob("*")):
            bundle.write(file, file.relative_to(folder))
    shutil.rmtree(folder)


def _nrrd(folder: Path, *names: str) -> None:
    write(folder, *(f"{name}.nii.gz" for name in names))
    for name in names:
        sitk.WriteImage(sitk.ReadImage(str(folder / f"{name}.nii.gz")), str(folder / f"{name}.nrrd"))
        (folder / f"{name}.nii.gz").unlink()


def _found(root: Path, exam_id: str | None = None) -> dict[str, Inspection]:
    return {found.name: found for found in inspect_path(root, workdir=root.parent / "work", exam_id=exam_id)}


def _kinds(found: dict[str, Inspection]) -> dict[str, set[str]]:
    """Name -> kinds of what was chosen."""
    assert all(exam.problem is None for exam in found.values())
    return {name: {c.kind for c in exam.chosen.values()} for name, exam in found.items()}


@pytest.mark.parametrize("images", [("t1", "t2", "flair"), ("t1", "t1ce", "t2", "flair"), ("t2",)])
def test_dicom_in_one_folder_and_nifti_in_another_are_two_exams(tmp_path: Path, images: tuple[str, ...]) -> None:
    """Once the one with fewer sequences was set aside."""
    root = tmp_path / "root"
    _dicom(root / "p1", "t1n", "t1c", "t2f")
    write(root / "p2", *(f"{name}.nii.gz" for name in images))

    assert _kinds(_found(root)) == {"sub-p1": {"dicom"}, "sub-p2": {"image"}}


def test_a_cohort_of_every_kind(tmp_path: Path) -> None:
    """Once BIDS hid all others, several patients of DICOM hid the images, and zips were not looked into."""
    root = tmp_path / "root"
    _dicom(root / "p1", "t1n", "t2f")
    _dicom(root / "p2", "t1n", "t2f", patient="B")
    _nrrd(root / "p3", "t1", "flair")
    _dicom(root / "p4", "t1n", "t2f", patient="C")
    _zip(root / "p4")
    expected = {"sub-p1": {"dicom"}, "sub-p2": {"dicom"}, "sub-p3": {"image"}, "sub-p4": {"dicom"}}
    assert _kinds(_found(root)) == expected

    write(root, "sub-05/anat/sub-05_T1w.nii.gz", "sub-05/anat/sub-05_FLAIR.nii.gz")
    _dicom(root / "sub-05/ses-2", "t1n", "t2f", patient="D")
    _dicom(root / "sourcedata/sub-05", "t1n", "t2f", patient="D")
    assert _kinds(_found(root)) == {**expected, "sub-05": {"image"}, "sub-05_ses-2": {"dicom"}}


def test_zips_in_a_folder_are_exams_and_a_bad_one_harms_none(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for patient in "AB":
        _dicom(root / f"p{patient}", "t1n", "t2f", patient=patient)
        _zip(root / f"p{patient}")
    (root / "viewer").mkdir()
    (root / "viewer/setup.exe").write_bytes(b"MZ" * 99)
    _zip(root / "viewer")
    (root / "pC.zip").write_bytes(b"PK no more")

    found = _found(root)

    assert "not a usable zip" in str(found.pop("sub-pC").problem)
    assert _kinds(found) == {"sub-pA": {"dicom"}, "sub-pB": {"dicom"}}
    (root / "pC.zip").unlink()
    (root / "pB.zip").unlink()
    (root / "viewer.zip").unlink()
    assert _kinds(_found(root)) == {"sub-root": {"dicom"}}


def test_a_folder_beside_the_zip_that_it_came_from_is_one_exam(tmp_path: Path) -> None:
    root = tmp_path / "root"
    _dicom(root / "p1", "t1n", "t2f")
    shutil.copytree(root / "p1", root / "copy")
    _zip(root / "copy")
    (root / "copy.zip").rename(root / "p1.zip")

    assert _kinds(_found(root)) == {"sub-root": {"dicom"}}


def test_a_zip_with_images_beside_an_exam_is_refused_until_it_is_named(tmp_path: Path) -> None:
    root = tmp_path / "root"
    _dicom(root, "t1n", "t2f")
    write(root / "more", "t1.nii.gz", "flair.nii.gz")
    _zip(root / "more")

    (found,) = _found(root).values()
    assert isinstance(found.problem, AmbiguousExam) and "'more.zip'" in str(found.problem)
    assert _kinds(_found(root, "one")) == {"sub-one": {"dicom"}}


@pytest.mark.parametrize("folder", ["nifti", ""])
def test_sequences_that_only_nifti_has_are_refused_until_the_exam_is_named(tmp_path: Path, folder: str) -> None:
    """Once they were set aside, so that the exam had no contrast T1."""
    root = tmp_path / "root"
    _dicom(root / "dicom" if folder else root, "t1n", "t2f")
    write(root / folder, "t1ce.nii.gz", "t2.nii.gz")

    (found,) = _found(root).values()
    assert isinstance(found.problem, AmbiguousExam)
    assert all(name in str(found.problem) for name in ("series 1", "t1ce.nii.gz", "t2.nii.gz", "--id"))
    (named,) = _found(root, "one").values()
    assert named.problem is None
    assert {s: c.kind for s, c in named.chosen.items()} == {T1N: "dicom", T1C: "image", T2W: "image", T2F: "dicom"}


def test_one_series_in_a_folder_and_one_image_in_another_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    _dicom(root / "p1", "t1n")
    write(root / "p2", "flair.nii.gz")

    (found,) = _found(root).values()
    assert isinstance(found.problem, AmbiguousExam)


@pytest.mark.parametrize("folder", ["nifti", ""])
@pytest.mark.parametrize("flip", [False, True])
def test_images_made_of_the_series_add_nothing(tmp_path: Path, folder: str, flip: bool) -> None:
    root = tmp_path / "root"
    _dicom(root, "t1n", "t2f")
    volume = Volume.of(phantom(), oblique_affine())
    if flip:  # rows the other way, as dcm2niix has them: the same voxels in the same places
        affine = volume.grid.affine.copy()
        affine[:3, 3] = volume.grid.to_world([0, volume.grid.shape[1] - 1, 0])
        affine[:3, 1] *= -1
        volume = Volume.of(volume.data[:, ::-1].copy(), affine)
    (root / folder).mkdir(exist_ok=True)
    write_volume(root / folder / "flair.nii.gz", volume)
    write_volume(root / folder / "tumour_seg.nii.gz", volume)

    (found,) = _found(root).values()
    assert _kinds({"": found}) == {"": {"dicom"}} and len(found.chosen) == 2
    assert {c.name.rpartition("/")[2] for c in found.candidates if c.kind == "image" and c.set_aside} >= {"flair.nii.gz"}


def test_images_beside_dicom_of_several_patients_are_an_exam_in_doubt(tmp_path: Path) -> None:
    root = tmp_path / "root"
    _dicom(root / "p1", "t1n", "t2f")
    _dicom(root / "p2", "t1n", "t2f", patient="B")
    write(root, "t1.nii.gz", "flair.nii.gz")

    found = _found(root)

    assert isinstance(found.pop("sub-root").problem, AmbiguousExam)
    assert _kinds(found) == {"sub-p1": {"dicom"}, "sub-p2": {"dicom"}}


@pytest.mark.parametrize("root", ["", "download"])
def test_each_file_of_a_mixed_folder_is_read_once_regression(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str
) -> None:
    """What a folder of DICOM and images holds was read once for the whole of it, and again for each exam in it."""
    _dicom(tmp_path / "cohort" / root / "p1", "t1n", "t2f")
    write(tmp_path / "cohort" / root / "p2", "t1.nii.gz", "t2.nii.gz")
    seen: list[str] = []

    def counted(module: Any, name: str) -> None:
        real = getattr(module, name)

        def reading(path: Path, *more: Any) -> Any:
            seen.append(str(path))
            return real(path, *more)

        monkeypatch.setattr(module, name, reading)

    counted(dicom_folder, "read_instance")
    counted(images, "read_header")
    found = explore(tmp_path / "cohort", "cohort", tmp_path / "work")
    assert [material.id for material in found] == ["p1", "p2"]
    assert len(seen) > 1
    assert len(seen) == len(set(seen))
