"""What a search may choose for one key of a recipe."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from glioscope.core import InvalidImage

if TYPE_CHECKING:
    from optuna.trial import Trial

__all__ = ["Choice", "is_choice", "parse_choice"]

_LOGARITHMIC = 100  # from this ratio of the ends on


@dataclass(frozen=True)
class Choice:
    """A range of numbers, or some values.

    Attributes:
        key: Dotted key of the recipe.
        low, high: Ends of a range, both included; None for a list.
        values: Of a list, as YAML text.
    """

    key: str
    low: int | float | None = None
    high: int | float | None = None
    values: tuple[str, ...] = ()

    @property
    def ends(self) -> tuple[Any, ...]:
        """Values to check a recipe with: both ends, or all of a list."""
        return self.values if self.low is None else (self.low, self.high)

    @property
    def between(self) -> float | None:
        """What lies between two whole numbers of a range whose ends are such; None for any other."""
        return self.low + 0.5 if isinstance(self.low, int) and isinstance(self.high, int) else None

    def with_fractions(self) -> Choice:
        """The same range with what lies between its whole numbers."""
        return self if self.low is None or self.high is None else replace(self, low=float(self.low), high=float(self.high))

    @property
    def logarithmic(self) -> bool:
        """Whether the range covers two powers of ten or more."""
        return self.low is not None and self.high is not None and self.low > 0 and self.high / self.low >= _LOGARITHMIC

    def suggest(self, trial: Trial) -> Any:  # noqa: ANN401
        """The value for a trial."""
        if self.low is None or self.high is None:
            return trial.suggest_categorical(self.key, self.values)
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(self.key, self.low, self.high, log=self.logarithmic)
        return trial.suggest_float(self.key, self.low, self.high, log=self.logarithmic)


def parse_choice(text: str) -> Choice:
    """The choice that `key=low..high` or `key=a,b,c` names; raises InvalidImage for anything else."""
    key, _, value = text.partition("=")
    if not key.strip() or not value.strip():
        raise InvalidImage(f"'{text}' is neither key=low..high nor key=a,b,c.")
    if (ends := _ends(value)) is not None:
        first, last = ends
        if first is None or last is None or first >= last:
            raise InvalidImage(f"'{text}' is no range: two numbers are needed, the smaller one first.")
        return Choice(key.strip(), first, last)
    values = tuple(_parts(value))
    if len(set(values)) < 2 or not all(values):
        raise InvalidImage(f"'{text}' leaves no choice; give at least two values, separated by commas, or a range low..high.")
    return Choice(key.strip(), values=values)


def _ends(value: str) -> tuple[int | float | None, int | float | None] | None:
    """The ends of a range, or None for what is none: text with two dots in it, such as the path `../run/bundle`."""
    low, dots, high = value.partition("..")
    ends = _number(low), _number(high)
    return ends if dots and ends != (None, None) else None


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        with suppress(ValueError):
            number = kind(text)
            return number if math.isfinite(float(text)) else None
    return None


def _parts(text: str) -> list[str]:
    """Cut at the commas that stand in no bracket."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "[{(") - (letter in "]})")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def is_choice(text: str) -> bool:
    """Whether `text` names several values for a key rather than one."""
    value = text.partition("=")[2]
    return _ends(value) is not None or len(_parts(value)) > 1
