from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from glioscope.core import AmbiguousExam, Grid, InputUnreadable, InvalidImage, Sequence
from glioscope.inspection import inspect_path
from glioscope.inspection.dicom_geometry import stack_slices
from tests.dicom_factory import STYLES, oblique_affine, phantom, write_enhanced, write_exam, write_series
from tests.inspection.exams import one

SECRETS = ("Secret", "IDA", "IDB", "1950", "2001", "Hidden", "31415", "1.2.826")


def test_an_exam_with_unrelated_files(tmp_path: Path) -> None:
    write_exam(tmp_path / "ex")

    found = one(tmp_path / "ex", tmp_path)

    assert {s.value: c.name for s, c in found.chosen.items()} == {
        "t1n": "series 1 (t1 se tra)",
        "t1c": "series 2 (Ax T1 FSPGR)",
        "t2w": "series 3 (T2W TSE)",
        "t2f": "series 4 (t2 tirm tra flair)",
    }
    assert {c.name.split()[1]: c.set_aside for c in found.candidates if c.set_aside} == {"5": "diffusion", "90": "localiser"}
    assert found.id == "ex" and found.source == "dicom" and not found.prepared
    found.resolved()


def test_no_identifier_leaves(tmp_path: Path) -> None:
    write_exam(tmp_path / "ex", patient="A")

    text = json.dumps(one(tmp_path / "ex", tmp_path).document())

    assert not [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize("shuffle", [False, True])
def test_slices_are_placed_by_their_positions(tmp_path: Path, shuffle: bool) -> None:
    write_series(tmp_path, phantom(), oblique_affine(), STYLES["t2w"], shuffle=shuffle)

    chosen = one(tmp_path, tmp_path).chosen[Sequence.T2W]

    assert chosen.grid is not None and chosen.grid.same_as(Grid((20, 24, 12), oblique_affine()), 1e-3)
    assert len(chosen.files) == 12


def test_an_enhanced_object_is_read_from_its_functional_groups(tmp_path: Path) -> None:
    write_enhanced(tmp_path, phantom(), oblique_affine(), {**STYLES["t2w"], "SeriesDescription": "AX"})

    chosen = one(tmp_path, tmp_path).chosen[Sequence.T2W]

    assert chosen.reason == "TR 4000 ms, TE 90 ms"
    assert chosen.grid is not None and chosen.grid.same_as(Grid((20, 24, 12), oblique_affine()), 1e-3)


def test_a_missing_slice_is_named(tmp_path: Path) -> None:
    write_series(tmp_path, phantom(), oblique_affine(), STYLES["t2f"], without=(5,), series=4)

    found = one(tmp_path, tmp_path)

    assert isinstance(found.problem, InvalidImage)
    assert str(found.problem) == (
        "Series 4 (t2 tirm tra flair) is incomplete: 1 slice is missing (10.0 mm between slices 5 and 6, 5.0 mm elsewhere); "
        "export the series again."
    )


def test_a_truncated_file_leaves_a_gap(tmp_path: Path) -> None:
    write_exam(tmp_path)
    broken = sorted((tmp_path / "S03").iterdir())[6]
    broken.write_bytes(broken.read_bytes()[:-300])

    found = one(tmp_path, tmp_path)

    assert isinstance(found.problem, InvalidImage) and str(found.problem).startswith("Series 3")


def test_a_file_twice_counts_once(tmp_path: Path) -> None:
    for copy in ("a", "b"):
        write_series(tmp_path / copy, phantom(), oblique_affine(), STYLES["t2w"])

    assert len(one(tmp_path, tmp_path).chosen[Sequence.T2W].files) == 12


def test_patients_in_folders_of_their_own_are_a_cohort(tmp_path: Path) -> None:
    write_exam(tmp_path / "c/one", patient="A")
    write_exam(tmp_path / "c/two", patient="B")

    found = inspect_path(tmp_path / "c", workdir=tmp_path)

    assert [i.id for i in found] == ["one", "two"]
    assert all(len(i.chosen) == 4 and i.problem is None for i in found)


def test_mixed_patients_are_refused_without_naming_them(tmp_path: Path) -> None:
    for number, patient in enumerate("AB", 1):
        write_series(tmp_path / "x", phantom(), oblique_affine(), STYLES["t2w"], patient=patient, series=number)

    found = one(tmp_path / "x", tmp_path)

    assert isinstance(found.problem, AmbiguousExam)
    assert str(found.problem) == "'x' holds 2 patients; put each into a folder of its own."


def test_studies_of_one_patient_are_sessions(tmp_path: Path) -> None:
    write_exam(tmp_path / "P/2019-01", study="1")
    write_exam(tmp_path / "P/2020-02", study="2")

    assert [i.name for i in inspect_path(tmp_path / "P", workdir=tmp_path)] == ["sub-P_ses-201901", "sub-P_ses-202002"]


def test_studies_side_by_side_are_refused(tmp_path: Path) -> None:
    for study in "12":
        write_series(tmp_path / "x", phantom(), oblique_affine(), STYLES["t2w"], study=study, series=int(study))

    assert "2 studies of one patient" in str(one(tmp_path / "x", tmp_path).problem)


def test_repeated_positions_are_no_volume(tmp_path: Path) -> None:
    for number in (1, 2):
        style = {**STYLES["t2w"], "SeriesInstanceUID": "1.2.3", "AcquisitionNumber": number}
        write_series(tmp_path / str(number), phantom(), oblique_affine(), style, series=number)

    (candidate,) = one(tmp_path, tmp_path).candidates

    assert candidate.set_aside == "several volumes in one series (24 images at 12 positions)"


def test_echoes_of_one_series_are_apart(tmp_path: Path) -> None:
    for number, echo in enumerate((15, 90), 1):
        style = {**STYLES["t2w"], "SeriesDescription": "AX", "SeriesInstanceUID": "1.2.3", "EchoTime": echo}
        write_series(tmp_path / str(number), phantom(), oblique_affine(), style, series=number)

    found = one(tmp_path, tmp_path)

    assert found.chosen[Sequence.T2W].name == "series 2 (AX), part 2 of 2"
    assert [c.set_aside for c in found.candidates] == ["proton density", None]


def test_slices_in_a_hand_computed_place() -> None:
    # Sagittal: rows run to the back (LPS +y), columns run down (-z); slices 4 mm apart towards the left (+x in LPS).
    positions = np.array([[8.0, -10, 20], [0, -10, 20], [4, -10, 20]])

    stack = stack_slices((0, 1, 0, 0, 0, -1), positions, (3, 5), (2.0, 1.0))

    assert stack.gap is None and stack.volumes == 1 and stack.grid is not None
    assert stack.grid.shape == (5, 3, 3)
    # the normal is y x (-z) = -x, so the leftmost slice comes first; RAS turns x and y about
    np.testing.assert_allclose(stack.grid.affine, [[0, 0, 4, -8], [-1, 0, 0, 10], [0, -2, 0, 20], [0, 0, 0, 1]])
    assert stack.order == (0, 2, 1)


@pytest.fixture
def two_contrast_series(tmp_path: Path) -> Path:
    """One exam with two equally good T1c series, number 2 and number 7."""
    exam = tmp_path / "ex"
    write_exam(exam)
    write_series(exam / "again", phantom() + 3, oblique_affine(), STYLES["t1c"], series=7)
    return exam


@pytest.mark.parametrize("way", ["folder", "file", "number"])
def test_a_series_is_named_by_folder_file_or_number(two_contrast_series: Path, tmp_path: Path, way: str) -> None:
    """Issue 2: `--t1c` took image files only."""
    folder = two_contrast_series / "again"
    named = {"folder": folder, "file": next(p for p in folder.iterdir() if p.is_file()), "number": Path("7")}[way]

    (found,) = inspect_path(two_contrast_series, workdir=tmp_path, overrides={Sequence.T1C: named})

    chosen = found.chosen[Sequence.T1C]
    assert chosen.name.startswith("series 7")
    assert chosen.reason == "given with --t1c"
    assert not found.ambiguous
    assert sum(c.name.startswith("series 7") for c in found.candidates) == 1


def test_a_name_that_stands_for_several_series_or_none(two_contrast_series: Path, tmp_path: Path) -> None:
    with pytest.raises(AmbiguousExam, match=r"several series \(.*series 2"):
        inspect_path(two_contrast_series, workdir=tmp_path, overrides={Sequence.T1C: two_contrast_series})
    with pytest.raises(InputUnreadable, match="number of a series"):
        inspect_path(two_contrast_series, workdir=tmp_path, overrides={Sequence.T1C: Path("99")})
