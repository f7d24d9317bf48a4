"""Dividing a cohort."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glioscope.core import InputUnreadable
from glioscope.training import load_recipe
from glioscope.training.folds import split


@dataclass(frozen=True)
class Member:
    name: str
    patient: str
    site: str | None = None
    train_only: bool = False


HOSPITALS = {
    "HAG": 40, "MIL": 55, "ZWO": 51, "VIE": 45, "ALK": 23, "PAR": 41, "SFR": 108, "GRO": 43, "UTR": 53, "AMS": 73, "STO": 237,
    "GOT": 187,
}  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 11), st.sampled_from(["A", "B", None])), min_size=1, max_size=60), st.randoms())
def test_folds_are_a_partition_that_keeps_patients_together(drawn: list[tuple[int, str | None]], random: object) -> None:
    exams = [Member(f"e{n}", f"p{patient}", site) for n, (patient, site) in enumerate(drawn)]
    patients = {exam.patient for exam in exams}
    recipe = load_recipe("nnunet", ["folds.count=3"])
    if len(patients) < 3:
        with pytest.raises(InputUnreadable, match=r"Fold \d would have no exam to (validate on|learn from)"):
            split(exams, recipe)
        return
    folds = split(exams, recipe)
    assert sorted(name for fold in folds for name in fold.validation) == sorted(exam.name for exam in exams)
    patient_of = {exam.name: exam.patient for exam in exams}
    for fold in folds:
        assert set(fold.train) | set(fold.validation) == set(patient_of)
        assert not {patient_of[n] for n in fold.train} & {patient_of[n] for n in fold.validation}
    shuffled = list(exams)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    if len({(exam.patient, exam.site) for exam in exams}) == len(patients):
        assert split(shuffled, recipe) == folds


def test_every_fold_has_its_share_of_every_site() -> None:
    exams = [Member(f"{site}{n}", f"{site}{n}", site) for site, count in (("A", 10), ("B", 7), ("C", 3)) for n in range(count)]
    for fold in split(exams, load_recipe("nnunet")):
        found = Counter(name[0] for name in fold.validation)
        assert len(fold.validation) == 4
        assert found["A"] == 2
        assert found["B"] in (1, 2)
        assert found["C"] in (0, 1)


def test_the_seed_divides_otherwise() -> None:
    exams = [Member(f"e{n}", f"p{n}") for n in range(20)]
    first, second = (split(exams, load_recipe("nnunet", [f"training.seed={seed}"])) for seed in (0, 1))
    assert first != second


def test_hospitals_in_balanced_folds_with_one_held_out() -> None:
    """Twelve hospitals as in the residual-tumour study: the two largest are folds of their own, the others balanced."""
    exams = [Member(f"{site}-{n}", f"{site}-{n}", site) for site, count in HOSPITALS.items() for n in range(count)]
    folds = split(exams, load_recipe("residual-nnunet-b", ["folds.hold_out=AMS"]))
    sites = [sorted({name[:3] for name in fold.validation}) for fold in folds]
    assert sites[:2] == [["STO"], ["GOT"]]
    assert sorted(site for listed in sites for site in listed) == sorted(set(HOSPITALS) - {"AMS"})
    sizes = [len(fold.validation) for fold in folds]
    assert sizes[:2] == [237, 187]
    assert max(sizes[2:]) - min(sizes[2:]) < 25
    assert all(len(fold.held_out) == 73 and fold.held_out[0].startswith("AMS") for fold in folds)
    assert all(not name.startswith("AMS") for fold in folds for name in fold.train + fold.validation)


def test_a_patient_seen_at_the_held_out_site_too_is_learnt_from_nowhere() -> None:
    exams = [Member(f"e{n}", f"p{n}", "A") for n in range(6)] + [Member("x", "p0", "B")]
    folds = split(exams, load_recipe("nnunet", ["folds.count=2", "folds.hold_out=B"]))
    assert all("e0" not in fold.train + fold.validation for fold in folds)


def test_exams_only_learnt_from_are_held_out_nowhere_nor_learnt_from_beside_their_patient() -> None:
    exams = [Member(f"e{n}", f"p{n}", "A") for n in range(6)] + [Member("s0", "p0", None, True), Member("s9", "p9", None, True)]
    folds = split(exams, load_recipe("nnunet", ["folds.count=3"]))
    assert sorted(name for fold in folds for name in fold.validation) == [f"e{n}" for n in range(6)]
    for fold in folds:
        assert "s9" in fold.train
        assert ("s0" in fold.train) == ("e0" not in fold.validation)
    assert [fold.validation for fold in folds] == [
        fold.validation for fold in split(exams[:6], load_recipe("nnunet", ["folds.count=3"]))
    ]
    with pytest.raises(InputUnreadable, match="no exam of the cohort is marked train_only"):
        split(exams[:6], load_recipe("nnunet", ["folds.count=3", "training.train_only_share=0.5"]))


def test_sentences() -> None:
    exams = [Member(f"e{n}", f"p{n}", "AMS") for n in range(4)]
    with pytest.raises(InputUnreadable, match=r"there are 4 patients for 5 folds; set folds.count to at most 4"):
        split(exams, load_recipe("nnunet"))
    with pytest.raises(InputUnreadable, match=r"'folds\.hold_out' is 'AMX', a site without exams; did you mean 'AMS'"):
        split(exams, load_recipe("nnunet", ["folds.hold_out=AMX"]))
    with pytest.raises(InputUnreadable, match="there is 1 site for 2 folds"):
        split(exams, load_recipe("nnunet", ["folds.by=site", "folds.count=2"]))
    with pytest.raises(InputUnreadable, match=r"'folds\.by' is 'site', but exam 'x' names no site"):
        split([*exams, Member("x", "x")], load_recipe("nnunet", ["folds.by=site"]))


def test_the_held_out_site_is_not_learnt_from_through_train_only_exams_either() -> None:
    exams = [Member(f"e{n}", f"p{n}", "A") for n in range(4)] + [Member("x", "px", "B"), Member("s", "ps", "B", True)]
    folds = split(exams, load_recipe("nnunet", ["folds.count=2", "folds.hold_out=B"]))
    assert all("s" not in fold.train for fold in folds)
    with pytest.raises(InputUnreadable, match="fold 0 has no train_only exam to learn from"):
        split(exams, load_recipe("nnunet", ["folds.count=2", "folds.hold_out=B", "training.train_only_share=0.5"]))


def test_by_site_nothing_of_the_fold_s_own_site_is_learnt_from() -> None:
    """Exams only learnt from (`s-A`, `s-B`) were, and so was the exam at site B of a patient of site A (`z`)."""
    exams = [Member(f"{site}{n}", f"{site}{n}", site) for site in "AB" for n in range(2)]
    exams += [Member(f"s-{site}", f"s-{site}", site, True) for site in "AB"]
    exams += [Member("s", "s", None, True), Member("z", "A0", "B")]
    first, second = split(exams, load_recipe("nnunet", ["folds.count=2", "folds.by=site"]))
    assert (first.train, first.validation) == (("B0", "B1", "s", "s-B"), ("A0", "A1", "z"))
    assert (second.train, second.validation) == (("A0", "A1", "s", "s-A"), ("B0", "B1"))
