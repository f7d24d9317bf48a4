"""What Typer finds wrong with an argument, in plain words."""

from __future__ import annotations

import re
from typing import Any

from glioscope.core import InputUnreadable

__all__ = ["plain_usage"]

_UNREADABLE = re.compile(r"(?:path|file|directory) ('.*') is not readable\.", re.DOTALL | re.IGNORECASE)


def plain_usage(error: Any) -> InputUnreadable | None:  # noqa: ANN401
    """Put a usage error of Typer into plain words, in place.

    Newer versions of Typer let Pydantic check values, and hand on what that writes for programmers ("Value error, …",
    "Input should be a valid integer, unable to parse string as an integer").

    Returns:
        What the error is in truth where the command line is right, and a file of it may not be read; else None.
    """
    if unreadable := _UNREADABLE.search(error.message or ""):
        return InputUnreadable(f"{unreadable[1]} cannot be read (Permission denied); check its permissions.")
    fault, inner = None, error.__cause__
    while hasattr(inner, "errors") and (found := inner.errors()):  # a list's error holds that of its entry
        fault, inner = found[0], found[0].get("ctx", {}).get("error")
    if fault is not None:
        error.message = _words(fault)
    return None


def _words(fault: dict[str, Any]) -> str:
    value, limits = fault["input"], fault.get("ctx", {})
    if fault["type"].startswith("int_"):
        return f"{value!r} is not a whole number."
    if fault["type"].startswith("float_"):
        return f"{value!r} is not a number."
    if "ge" in limits:
        return f"{value} is not {limits['ge']:g} or more."
    if "le" in limits:
        return f"{value} is not {limits['le']:g} or less."
    return str(limits.get("error", fault["msg"]))
