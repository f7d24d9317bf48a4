"""Ranges and lists of values."""

from __future__ import annotations

import pytest

from glioscope.core import InvalidImage
from glioscope.training.search_space import Choice, is_choice, parse_choice


@pytest.mark.parametrize(
    ("text", "choice", "logarithmic"),
    [
        ("optimiser.lr=1e-4..1e-2", Choice("optimiser.lr", 1e-4, 1e-2), True),
        ("training.ema=0..0.999", Choice("training.ema", 0, 0.999), False),
        ("training.batch=2..8", Choice("training.batch", 2, 8), False),
        ("network.parameters.features=[4,8],[8,16]", Choice("network.parameters.features", values=("[4,8]", "[8,16]")), False),
        ("transfer.from=../a,../b", Choice("transfer.from", values=("../a", "../b")), False),
        ("schedule.name=poly,cosine", Choice("schedule.name", values=("poly", "cosine")), False),
    ],
)
def test_read(text: str, choice: Choice, logarithmic: bool) -> None:
    assert is_choice(text)
    assert parse_choice(text) == choice
    assert choice.logarithmic is logarithmic
    assert type(parse_choice(text).low) is type(choice.low)


NO_CHOICES = ("a", "a=", "a=3..1", "a=x..y", "a=1,", "=1..2", "a=1..", "a=0..y", "a=0..inf", "a=1..inf", "a=nan..1", "a=1,1")


@pytest.mark.parametrize("text", NO_CHOICES)
def test_no_choice(text: str) -> None:
    with pytest.raises(InvalidImage, match=r"is neither|is no range|leaves no choice"):
        parse_choice(text)


@pytest.mark.parametrize(
    "text",
    [
        "training.epochs=3",
        "training.patch=[16,16,16]",
        "loss=[{name: dice, weight: 1}]",
        "transfer.from=../run/bundle",  # was taken for a range
        "transfer.from=..",
    ],
)
def test_one_value_is_an_override(text: str) -> None:
    assert not is_choice(text)
