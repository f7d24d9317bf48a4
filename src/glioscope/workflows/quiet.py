"""Keeping libraries from printing what they read."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["without_library_warnings"]


@contextmanager
def without_library_warnings() -> Iterator[None]:
    """Silence warnings: those of pydicom quote values of headers, which may be a patient's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
