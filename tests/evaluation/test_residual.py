from __future__ import annotations

import math

import pytest

from glioscope.core import InvalidImage
from glioscope.evaluation.residual import ResidualPatient, residual_study
from glioscope.evaluation.study_tables import in_percent, study_row

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


# Table 1 and 2: patients with residual tumour and with gross total resection in the folds 0 to 4.
RESIDUAL = (162, 26 + 34 + 20, 80 + 30, 29 + 18 + 18 + 23, 113)
GROSS_TOTAL = (75, 17 + 21 + 33, 28 + 15, 12 + 33 + 5 + 17, 74)


@pytest.mark.parametrize(
    ("missed", "printed"),
    [((0, 0, 0, 0, 1), "99.81±0.35"), ((0, 0, 1, 0, 2), "99.47±0.71"), ((0, 0, 1, 0, 1), "99.66±0.44")],
)
def test_the_papers_sensitivities_over_folds(missed: tuple[int, ...], printed: str) -> None:
    """Table 4, validation, nnU-Net with inputs A, B and D: each is what one count of missed patients gives."""
    patients = []
    for fold, (there, none, lost) in enumerate(zip(RESIDUAL, GROSS_TOTAL, missed, strict=True)):
        for number in range(there + none):
            found = 1.0 if lost <= number < there else 0.0
            patients.append(P(f"{fold}-{number}", float(number < there), found, found, fold=str(fold)))
    assert (sum(RESIDUAL), sum(GROSS_TOTAL)) == (604 - 51, 352 - 22)  # all but the hold-out hospital
    sensitivity = residual_study(patients).over_folds["sensitivity"]
    assert in_percent(sensitivity) == printed


# Table 3 and 4, test set, 51 patients with residual tumour and 22 without: found, false alarms and what is printed of them
# (recall, precision, F1, sensitivity, specificity, balanced accuracy).
TEST_ROWS = {
    "A nnU-Net": (51, 21, "100.00 70.83 82.93 100.00 4.55 52.27"),
    "A AGU-Net": (43, 8, "84.31 84.31 84.31 84.31 63.64 73.98"),
    "B nnU-Net": (50, 12, "98.04 80.65 88.50 98.04 45.45 71.75"),
    "B AGU-Net": (43, 6, "84.31 87.76 86.00 84.31 72.73 78.52"),
    "C nnU-Net": (51, 16, "100.00 76.12 86.44 100.00 27.27 63.64"),
    "C AGU-Net": (40, 2, "78.43 95.24 86.02 78.43 90.91 84.67"),
    "D nnU-Net": (51, 13, "100.00 79.69 88.70 100.00 40.91 70.45"),
    "D AGU-Net": (40, 3, "78.43 93.02 85.11 78.43 86.36 82.40"),
    "E nnU-Net": (51, 16, "100.00 76.12 86.44 100.00 27.27 63.64"),
    "E AGU-Net": (44, 5, "86.27 89.80 88.00 86.27 77.27 81.77"),
}


@pytest.mark.parametrize("row", TEST_ROWS)
def test_every_test_row_of_the_paper_from_its_counts(row: str) -> None:
    found, false, printed = TEST_ROWS[row]
    patients = [P(f"r{n}", 1.0, float(n < found), float(n < found)) for n in range(51)]
    patients += [P(f"g{n}", 0.0, float(n < false), 0.0) for n in range(22)]
    numbers = study_row(residual_study(patients))
    names = ("recall", "precision", "f1", "sensitivity", "specificity", "balanced_accuracy")
    assert " ".join(in_percent(numbers[name]) for name in names) == printed


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
    assert recall.sd == pytest.approx(math.sqrt(((1 / 3) ** 2 * 2 / 3) / 3))  # of 2/3, 1, 1 about 8/9
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
