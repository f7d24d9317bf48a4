from __future__ import annotations

import math

import pytest

from glioscope.core import InvalidImage
from glioscope.evaluation.residual import ResidualPatient, residual_study

P = ResidualPatient


def test_classes_by_hand() -> None:
    study = residual_study(
        [
            P("at the threshold is positive", 0.175, 0.175, 0.6),
            P("found with the least overlap", 3.0, 2.0, 0.01),
            P("found elsewhere", 3.0, 2.0, 0.0),
            P("too little found", 3.0, 0.174, 0.1),
            P("false alarm", 0.174, 0.2, 0.5),
            P("both gross total", 0.1, 0.0, math.nan),
            P("both empty", 0.0, 0.0, 1.0),
        ]
    )
    scores = study.overall

    assert (scores.tp, scores.fn, scores.fp, scores.tn) == (2, 2, 1, 2)
    assert scores.sensitivity == scores.recall == 0.5
    assert scores.specificity == pytest.approx(2 / 3)
    assert scores.balanced_accuracy == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert scores.precision == pytest.approx(2 / 3)
    assert scores.f1 == pytest.approx(4 / 7)
    assert scores.dice_positive.mean == pytest.approx((0.6 + 0.01 + 0 + 0.1) / 4)
    assert scores.dice_true_positive.mean == pytest.approx(0.305)
    assert scores.dice_true_positive.count == 2
    assert not study.folds and not study.over_folds


def test_without_the_overlap_condition_volumes_alone_decide() -> None:
    patients = [P("elsewhere", 3.0, 2.0, 0.0), P("gtr", 0.0, 0.0, 1.0)]
    assert residual_study(patients).overall.tp == 0
    assert residual_study(patients, minimum_dice=0).overall.tp == 1


def test_the_papers_test_row_from_its_counts() -> None:
    # Table 3 and 4, test set, AGU-Net, configuration E: 51 residual tumours of 73; 44 found, 5 false alarms.
    patients = [P(f"tp{n}", 1, 1, 0.5) for n in range(44)] + [P(f"fn{n}", 1, 0, 0) for n in range(7)]
    patients += [P(f"fp{n}", 0, 1, 0) for n in range(5)] + [P(f"tn{n}", 0, 0, 1) for n in range(17)]
    scores = residual_study(patients).overall

    printed = (86.27, 77.27, 81.77, 89.80, 88.00)
    found = (scores.sensitivity, scores.specificity, scores.balanced_accuracy, scores.precision, scores.f1)
    assert [round(100 * value, 2) for value in found] == pytest.approx(printed)


def test_pooling_over_folds_by_hand() -> None:
    study = residual_study(
        [
            P("a", 1, 1, 0.4, fold="0"),
            P("b", 1, 1, 0.8, fold="0"),
            P("c", 1, 0, 0.0, fold="0"),
            P("d", 1, 1, 0.9, fold="1"),
            P("e", 1, 1, 0.9, fold="2", site="STO"),
            P("f", 0, 0, 1.0, fold="2", site="GRO"),
        ]
    )
    assert [study.folds[name].recall for name in "012"] == [pytest.approx(2 / 3), 1.0, 1.0]
    recall = study.over_folds["recall"]
    assert recall.mean == pytest.approx((3 * 2 / 3 + 1 + 2) / 6)
    assert recall.sd == pytest.approx(math.sqrt(((1 / 3) ** 2 * 2 / 3) / 2))  # of 2/3, 1, 1 about 8/9
    specificity = study.over_folds["specificity"]  # only fold 2 has a negative
    assert (specificity.mean, specificity.count) == (1.0, 1) and math.isnan(specificity.sd)
    positive = study.over_folds["dice_positive"]
    assert positive.mean == pytest.approx((0.4 + 0.8 + 0 + 0.9 + 0.9) / 5)
    assert positive.sd == pytest.approx(0.4)  # only fold 0 has a spread: 0.4, 0.8, 0.0
    assert study.over_folds["dice_true_positive"].sd == pytest.approx(math.sqrt(0.08))
    assert list(study.sites) == ["GRO", "STO"] and study.sites["GRO"].tn == 1


def test_document_is_plain_and_null_where_undefined() -> None:
    document = residual_study([P("gtr", 0.0, 0.0, math.nan, fold="1")]).document()

    assert document["overall"]["sensitivity"] is None and document["overall"]["specificity"] == 1.0
    assert document["overall"]["dice_positive"] == {"mean": None, "sd": None, "count": 0}
    assert document["over_folds"]["recall"]["mean"] is None
    assert "over_sites" not in document and "0.175" in document["definitions"]["positive"]


def test_impossible_patients_are_refused() -> None:
    with pytest.raises(InvalidImage, match="no patients"):
        residual_study([])
    for bad in (P("x", -1, 0, 0.5), P("x", math.nan, 0, 0.5), P("x", 1, 1, 1.5), P("x", 1, 1, math.nan)):
        with pytest.raises(InvalidImage, match="'x'"):
            residual_study([bad])
