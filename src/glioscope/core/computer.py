"""What this computer has."""

from __future__ import annotations

import os

__all__ = ["memory_gib"]


def memory_gib() -> float:
    """All of its main memory."""
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
