"""What a bundle says of its own accuracy: mean Dice on exams that it had not learnt from, by the sequences that were there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from glioscope.core import InvalidImage, Sequence

__all__ = ["Measured", "check_measured", "measured_with"]

FALSE, FACTORS, CUT = "false_ET_ml", "volume_factors", "cut"


@dataclass(frozen=True)
class Measured:
    """The accuracy of a segmenter with one set of sequences.

    Attributes:
        exams: On which, as the end of a sentence that says "on".
        sequences: Those that were there, in the project's order.
        dice: Region -> mean Dice, 0 to 1; a region that it does not tell with these sequences is left out.
        false_et_ml: Most enhancing tumour found in an exam that has none; None where it was not measured.
        count: How many exams; 0 where it is not told.
        volume_factors: Region or label -> by how much the interval of its volume is to be widened, see
            `glioscope.measurement.Widening`; empty where it was not measured.
        cut: Intercept and slope of `glioscope.measurement.surgery.MeasuredCut`; None where it was not measured.
    """

    exams: str
    sequences: tuple[Sequence, ...]
    dice: Mapping[str, float]
    false_et_ml: float | None = None
    count: int = 0
    volume_factors: Mapping[str, float] = field(default_factory=dict)
    cut: tuple[float, float] | None = None

    def widening(self) -> dict[str, Any] | None:
        """Arguments of `glioscope.measurement.Widening`, JSON-ready; None where the intervals of volumes were not measured."""
        if not self.volume_factors:
            return None
        return {"factors": dict(self.volume_factors), "exams": self.count, "on": self.exams}

    def document(self) -> dict[str, Any]:
        """JSON-ready values, with the sequences' names for people."""
        names = [sequence.display_name for sequence in self.sequences]
        return {"sequences": names, "exams": self.exams, "dice": dict(self.dice), "false_et_ml": self.false_et_ml}


def measured_with(document: Mapping[str, Any], sequences: Iterable[str]) -> Measured | None:
    """What the bundle's `document` says was measured with exactly these `sequences`; None where it says nothing.

    Args:
        document: Of a bundle that was read, so that `measured` is known to be sound.
        sequences: What the exam has; names that are no sequence's (`pre-t1c`) do not count.
    """
    have, told = set(sequences), document.get("measured") or {"rows": []}
    order = tuple(sequence for sequence in Sequence if sequence in have)
    for row in told["rows"]:
        if set(row["sequences"]) == set(order):
            factors = dict(row.get(FACTORS, {})) if told.get("count") else {}
            cut = (float(row[CUT]["intercept"]), float(row[CUT]["slope"])) if told.get("count") and CUT in row else None
            return Measured(str(told["exams"]), order, dict(row["dice"]), row.get(FALSE), told.get("count", 0), factors, cut)
    return None


def check_measured(told: Any, regions: Iterable[str]) -> None:  # noqa: ANN401
    """Raise InvalidImage, naming the key, where `told` is not `exams` and `rows`, each of sequences and Dice of `regions`."""
    keys = {"exams", "rows"}
    if not isinstance(told, Mapping) or not keys <= set(told) <= {*keys, "count"} or not isinstance(told["rows"], list):
        raise InvalidImage("'measured' is not a table with 'exams' (on which) and 'rows'.")
    count = told.get("count", 0)
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise InvalidImage("'measured.count' is no number of exams.")
    known = set(regions)
    for row in told["rows"]:
        if not isinstance(row, Mapping) or not {"sequences", "dice"} <= set(row) <= {"sequences", "dice", FALSE, FACTORS, CUT}:
            known_keys = f"'sequences', 'dice', '{FALSE}', '{FACTORS}' and '{CUT}'"
            raise InvalidImage(f"a row of 'measured' has other keys than {known_keys}.")
        given = row["sequences"]
        if not isinstance(given, list) or not given or not all(name in list(Sequence) for name in given):
            raise InvalidImage("'measured.rows.sequences' is not a list of t1n, t1c, t2w and t2f.")
        if not isinstance(row["dice"], Mapping) or not set(row["dice"]) <= known:
            raise InvalidImage("'measured.rows.dice' is not a table of the regions that are found.")
        if not all(_is_number(value) and value <= 1 for value in row["dice"].values()):
            raise InvalidImage("'measured.rows.dice' has a value that is no Dice from 0 to 1.")
        if FALSE in row and not _is_number(row[FALSE]):
            raise InvalidImage(f"'measured.rows.{FALSE}' is no volume in ml.")
        factors = row.get(FACTORS, {})
        if not isinstance(factors, Mapping) or not all(_is_number(value) and value >= 1 for value in factors.values()):
            raise InvalidImage(f"'measured.rows.{FACTORS}' has a value that is no factor from 1 on.")
        curve = row.get(CUT, {"intercept": 0, "slope": 1})
        if not isinstance(curve, Mapping) or set(curve) != {"intercept", "slope"} or not all(map(_is_real, curve.values())):
            raise InvalidImage(f"'measured.rows.{CUT}' is not an intercept and a slope.")


def _is_real(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _is_number(value: Any) -> bool:  # noqa: ANN401
    return _is_real(value) and value >= 0
