"""Which samples a process sees, and in which order: by number alone, so that it never matters who prepares them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch.utils.data import DataLoader, Dataset, Sampler

__all__ = ["SampleBatches", "sample_loader"]


class SampleBatches(Sampler[list[int]]):
    """Batches of consecutive sample numbers; with several processes each takes every so-manieth batch.

    Args:
        start: First number of all processes together.
        batches: How many batches this process gives.
        size: Samples in a batch.
        rank: This process.
        world: Number of processes.
    """

    def __init__(self, start: int, batches: int, size: int, rank: int = 0, world: int = 1) -> None:
        self._start, self._batches, self._size, self._rank, self._world = start, batches, size, rank, world

    def __len__(self) -> int:
        return self._batches

    def __iter__(self) -> Iterator[list[int]]:
        for number in range(self._batches):
            first = self._start + (number * self._world + self._rank) * self._size
            yield list(range(first, first + self._size))


def sample_loader(dataset: Dataset[Any], batches: SampleBatches, workers: int, *, pinned: bool) -> DataLoader[Any]:
    """A loader of `batches`, prepared in order by `workers` processes."""
    return DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=workers,
        pin_memory=pinned,
        prefetch_factor=4 if workers else None,
    )
