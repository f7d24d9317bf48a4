"""A segmenter that answers what it is told, to test a pipeline without weights or waiting."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from glioscope.core import SCHEMES, InvalidImage, Scheme, Sequence, Volume, region_mask
from glioscope.segmentation.segmenter import Segmentation, Segmenter

__all__ = ["FakeSegmenter"]


class FakeSegmenter(Segmenter):
    """Returns the label map that it was made with.

    Args:
        labels: uint8 label map in `scheme`, on the grid of the images that it will be given.
        scheme: Numbering of `labels`.
        needs: Sequences that it pretends to need.
    """

    name = "fake"
    title = "answers with a given label map"
    description = "Stands in for a real segmenter in tests."
    source = "none"
    space = "any"

    def __init__(
        self, labels: Volume, scheme: Scheme = SCHEMES["brats-2023"], needs: frozenset[Sequence] = frozenset()
    ) -> None:
        super().__init__()
        self.labels, self.scheme, self.needs, self.regions = labels, scheme, needs, tuple(scheme.regions)

    def segment(
        self, images: Mapping[Sequence, Volume], brain: Volume, earlier: Mapping[str, Volume] = MappingProxyType({})
    ) -> Segmentation:
        """The given label map, and its regions as probabilities 0 and 1; raises InvalidImage on another grid."""
        self.check(images, brain, earlier)
        return self._run(images, brain, earlier)

    def _run(self, images: Mapping[Sequence, Volume], brain: Volume, earlier: Mapping[str, Volume]) -> Segmentation:
        if not self.labels.grid.same_as(brain.grid):
            raise InvalidImage("The label map of the fake segmenter does not lie on the grid of the images.")
        regions = {r: region_mask(self.labels.data, self.scheme, r).astype("float32") for r in self.regions}
        return Segmentation(self.labels, {r: self.labels.with_data(p) for r, p in regions.items()}, {"fake": True})
