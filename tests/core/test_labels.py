from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import (
    SCHEMES,
    InvalidImage,
    Sequence,
    convert_labels,
    get_scheme,
    implied_regions,
    numbering_of,
    parse_sequence,
    region_mask,
)
from glioscope.core.labels import SAME_TISSUE


def test_regions_unite_the_labels_of_the_scheme() -> None:
    labels = np.array([0, 1, 2, 4], np.uint8)
    scheme = get_scheme("brats-2021")
    assert region_mask(labels, scheme, "WT").tolist() == [False, True, True, True]
    assert region_mask(labels, scheme, "TC").tolist() == [False, True, False, True]
    assert region_mask(labels, scheme, "ET").tolist() == [False, False, False, True]


def test_conversion_renumbers_by_name() -> None:
    labels = np.array([[0, 1], [2, 4]], np.uint8)
    converted = convert_labels(labels, get_scheme("brats-2021"), get_scheme("brats-2023"))
    assert converted.tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize(
    ("source", "values", "target", "numbers"),
    [
        ("brats-2021", [0, 1, 2, 4], "brats-2024-gli", [0, 1, 2, 3]),
        ("brats-2023", [0, 1, 2, 3], "brats-met", [0, 1, 2, 3]),
        ("brats-2023", [0, 1, 2, 3], "brats-ped", [0, 2, 4, 1]),
        ("brats-2024-met", [0, 1, 2, 3], "brats-2021", [0, 1, 2, 4]),
        ("brats-ped", [0, 1, 2, 4], "brats-2024-gli", [0, 3, 1, 2]),
    ],
)
def test_a_tissue_that_was_renamed_is_the_same_tissue(source: str, values: list[int], target: str, numbers: list[int]) -> None:
    converted = convert_labels(np.array(values, np.uint8), get_scheme(source), get_scheme(target))
    assert converted.tolist() == numbers


def test_no_scheme_has_two_names_for_one_tissue() -> None:
    for scheme in SCHEMES.values():
        names = [SAME_TISSUE.get(label.name, label.name) for label in scheme.labels.values()]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("values", "source", "target", "sentence"),
    [
        ([0, 3], "brats-2021", "brats-2023", "has the value 3, which scheme 'brats-2021' does not define"),
        ([0, 3], "brats-ped", "brats-2023", "Label CC of scheme 'brats-ped' does not exist in 'brats-2023'"),
        ([0, 4], "brats-2024-gli", "brats-met", "Label RC of scheme 'brats-2024-gli' does not exist in 'brats-met'"),
    ],
)
def test_a_label_without_meaning_is_named(values: list[int], source: str, target: str, sentence: str) -> None:
    with pytest.raises(InvalidImage, match=sentence):
        convert_labels(np.array(values, np.uint8), get_scheme(source), get_scheme(target))


def test_every_region_is_made_of_labels_its_scheme_has() -> None:
    for scheme in SCHEMES.values():
        for values in scheme.regions.values():
            assert set(values) <= set(scheme.labels)


def test_an_unknown_scheme_lists_the_known() -> None:
    with pytest.raises(InvalidImage, match=r"no label scheme 'brats'; known are brats-2021, "):
        get_scheme("brats")


@pytest.mark.parametrize(
    ("text", "sequence"),
    [
        ("T1ce", Sequence.T1C),
        ("t1-Gd", Sequence.T1C),
        ("FLAIR", Sequence.T2F),
        ("t2_flair", Sequence.T2F),
        ("T2", Sequence.T2W),
        ("t1", Sequence.T1N),
        ("dwi", None),
    ],
)
def test_old_spellings_are_read(text: str, sequence: Sequence | None) -> None:
    assert parse_sequence(text) is sequence


@pytest.mark.parametrize(
    ("values", "wanted", "expected"),
    [
        ([0, 1, 2, 4], "brats-2023", "brats-2021"),
        ([0, 1, 2, 3], "brats-2021", "brats-2023"),
        ([0, 2], "brats-2021", "brats-2021"),
        ([0, 3, 4], "brats-2023", "brats-2023"),
        ([0, 1, 4], "brats-2024-gli", "brats-2024-gli"),
    ],
)
def test_a_numbering_is_told_from_its_values(values: list[int], wanted: str, expected: str) -> None:
    assert numbering_of(np.array(values), get_scheme(wanted)).name == expected


def test_what_follows_from_regions_is_told_too() -> None:
    after = get_scheme("brats-2024-gli")
    assert implied_regions(("WT", "TC", "ET", "RC"), after) == tuple(after.regions)
    assert implied_regions(("WT", "TC", "ET"), after) == ("WT", "TC", "NETC", "SNFH", "ET")
    assert implied_regions(("WT",), after) == ("WT",)
    assert implied_regions(("WT", "ET", "other"), get_scheme("brats-2023")) == ("WT", "ET")
