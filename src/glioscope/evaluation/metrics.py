"""Overlap of one mask with another, from counts of voxels."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Overlap"]


@dataclass(frozen=True)
class Overlap:
    """Voxel counts of a prediction P and a reference R.

    Attributes:
        both: Voxels in both.
        predicted: Voxels in the prediction.
        reference: Voxels in the reference.
    """

    both: int
    predicted: int
    reference: int

    @property
    def empty(self) -> bool:
        """Whether both are empty: by convention a perfect pair."""
        return not (self.predicted or self.reference)

    @property
    def dice(self) -> float:
        """2 |P and R| / (|P| + |R|)."""
        return 1.0 if self.empty else 2.0 * self.both / (self.predicted + self.reference)

    @property
    def jaccard(self) -> float:
        """|P and R| / |P or R|."""
        return 1.0 if self.empty else self.both / (self.predicted + self.reference - self.both)

    @property
    def sensitivity(self) -> float | None:
        """|P and R| / |R|; None where only the reference is empty."""
        return 1.0 if self.empty else self.both / self.reference if self.reference else None

    @property
    def precision(self) -> float | None:
        """|P and R| / |P|; None where only the prediction is empty."""
        return 1.0 if self.empty else self.both / self.predicted if self.predicted else None

    def specificity(self, image: int) -> float | None:
        """Share of the voxels of an image outside R that P leaves out; None where R fills it."""
        outside = image - self.reference
        return (outside - (self.predicted - self.both)) / outside if outside else None
