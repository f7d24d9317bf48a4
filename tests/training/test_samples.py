"""Which process sees which sample."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from glioscope.training.samples import SampleBatches


def test_consecutive_batches_from_the_start() -> None:
    assert list(SampleBatches(10, 2, 3)) == [[10, 11, 12], [13, 14, 15]]
    assert list(SampleBatches(10, 2, 2, rank=1, world=2)) == [[12, 13], [16, 17]]


@given(
    start=st.integers(0, 50), batches=st.integers(1, 6), size=st.integers(1, 4), world=st.integers(1, 4), done=st.integers(0, 6)
)
def test_all_processes_together_see_each_sample_once_wherever_they_go_on(
    start: int, batches: int, size: int, world: int, done: int
) -> None:
    done = min(done, batches)
    seen = []
    for rank in range(world):
        for first, count in ((start, done), (start + done * size * world, batches - done)):
            parts = SampleBatches(first, count, size, rank, world)
            assert len(parts) == count
            seen += [number for batch in parts for number in batch]
    assert sorted(seen) == list(range(start, start + batches * size * world))
