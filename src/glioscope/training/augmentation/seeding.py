"""Global random generators that start from a seed for the length of a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

__all__ = ["seeded"]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """NumPy's and torch's global generators start from `seed` and afterwards are as they were; torch uses one thread.

    batchgeneratorsv2 draws from both. One thread, because sums differ in their last bits with the number of threads, and a
    sample must not depend on how many workers there are.

    Args:
        seed: From 0 to 2^32 - 1.
    """
    state, threads = np.random.get_state(), torch.get_num_threads()
    try:
        with torch.random.fork_rng(devices=[]):
            np.random.seed(seed)
            torch.default_generator.manual_seed(seed)
            torch.set_num_threads(1)
            yield
    finally:
        np.random.set_state(state)
        torch.set_num_threads(threads)
