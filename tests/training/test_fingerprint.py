"""The facts that are planned from."""

from __future__ import annotations

import json

import pytest

from glioscope.core import InputUnreadable
from glioscope.training import load_recipe
from glioscope.training.cohort_data import LabelledExam, read_exam
from glioscope.training.fingerprint import ExamPrint, Fingerprint, take_fingerprint

RECIPE = load_recipe("nnunet", ["inputs.channels=[t1c, t2f]"])


def test_of_tiny_exams(tiny_exams: list[LabelledExam]) -> None:
    found = take_fingerprint(tiny_exams, RECIPE)
    assert [exam.name for exam in found.exams] == [exam.name for exam in tiny_exams]
    first, arrays = found.exams[0], read_exam(tiny_exams[0], RECIPE)
    assert first.shape == (24, 24, 24)
    assert first.spacing == (6.0, 6.0, 6.0)
    assert first.box == tuple(s.stop - s.start for s in arrays.box)
    assert first.intensities["t1c"][0] == pytest.approx(arrays.images["t1c"][arrays.brain].mean(), abs=1e-3)
    assert first.regions_ml["WT"] == pytest.approx((arrays.labels > 0).sum() * 216 / 1000)
    assert found.present == {"t1c": 3, "t2f": 3}
    assert found.regions["ET"]["exams"] == 3
    assert take_fingerprint(tiny_exams, RECIPE, jobs=2) == found
    assert Fingerprint.of_document(json.loads(json.dumps(found.document()))) == found


def test_medians_by_hand() -> None:
    exams = [
        ExamPrint("a", (240, 240, 155), (1.0, 1.0, 1.0), (130, 170, 140), {}, {"ET": 0.0}),
        ExamPrint("b", (240, 240, 155), (1.0, 1.0, 2.0), (140, 180, 70), {}, {"ET": 3.0}),
        ExamPrint("c", (240, 240, 155), (1.0, 1.0, 5.0), (150, 160, 20), {}, {"ET": 5.0}),
    ]
    found = Fingerprint(tuple(exams))
    assert found.spacing == (1.0, 1.0, 2.0)
    assert found.box((1.0, 1.0, 2.0)) == (140, 170, 70)  # 70, 70 and 50 voxels of 2 mm
    assert found.regions == {"ET": {"exams": 2, "median_ml": 4.0}}


def test_no_exams() -> None:
    with pytest.raises(InputUnreadable, match="no labelled exams"):
        take_fingerprint([], RECIPE)
