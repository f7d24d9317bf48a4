"""Descriptions that other programs wrote, whatever is in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from glioscope.core import InputUnreadable

__all__ = ["as_described"]


@contextmanager
def as_described(file: Path | str, program: str) -> Iterator[None]:
    """Turn the fault that a value of another kind than expected leads to into InputUnreadable, naming `file`.

    Such a file has dozens of values, of which few are ever wrong: to read them is the check.
    """
    try:
        yield
    except RecursionError:
        raise InputUnreadable(f"'{file}' refers to itself; {program} does not write it so.") from None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        what = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise InputUnreadable(f"'{file}' is not laid out as {program} does it: {what}.") from None
