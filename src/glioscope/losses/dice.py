"""Soft Dice."""

from __future__ import annotations

from torch import Tensor

from glioscope.losses.region_loss import RegionLoss

__all__ = ["Dice"]


class Dice(RegionLoss):
    """One minus the mean over classes of `(2 sum(p g) + s) / (sum p + sum g + s)`, from 0 to 1.

    A class that is empty in the target and in the prediction costs nothing; one that is empty in the target only costs about
    1, with hardly any slope until its probabilities are small (choose a larger `smooth`, or `batch`, to soften that).

    Source: Milletari et al., 3DV 2016 (squared); Drozdzal et al. 2016 (plain), as nnU-Net computes it. Class-averaged without
    background: Helland et al., Scientific Reports 2023, 2.2.3.

    Args:
        activation: See `RegionLoss`; the background of `softmax` is left out.
        batch: Whether the sums run over the batch, as if it were one exam.
        squared: Whether the denominator has squares.
        smooth: What is added to numerator and denominator, `s`.
    """

    def __init__(self, activation: str = "sigmoid", batch: bool = False, squared: bool = False, smooth: float = 1e-5) -> None:
        super().__init__(activation)
        self.batch = batch
        self.squared = squared
        self.smooth = smooth

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """See `RegionLoss.compute`."""
        p, g = self.foreground(self.probabilities(logits)), self.foreground(target)
        axes = (0, 2, 3, 4) if self.batch else (2, 3, 4)
        overlap = (p * g).sum(axes)
        sizes = ((p * p).sum(axes) if self.squared else p.sum(axes)) + g.sum(axes)
        # 0 / 0 where nothing is added, nothing there and nothing predicted.
        return 1 - ((2 * overlap + self.smooth) / (sizes + self.smooth).clamp_min(1e-8)).mean()
