"""Tversky loss."""

from __future__ import annotations

from torch import Tensor

from glioscope.losses.region_loss import RegionLoss

__all__ = ["Tversky"]


class Tversky(RegionLoss):
    """One minus the mean over classes of `(TP + s) / (TP + alpha FP + beta FN + s)`, from 0 to 1; Dice where both are a half.

    An empty class is treated as in `Dice`.

    Source: Salehi et al., MLMI 2017, equation 4.

    Args:
        activation: See `RegionLoss`; the background of `softmax` is left out.
        alpha: Price of a false positive.
        beta: Price of a false negative.
        batch: Whether the sums run over the batch, as if it were one exam.
        smooth: What is added to numerator and denominator, `s`.
    """

    def __init__(
        self, activation: str = "sigmoid", alpha: float = 0.3, beta: float = 0.7, batch: bool = False, smooth: float = 1e-5
    ) -> None:
        super().__init__(activation)
        self.alpha = alpha
        self.beta = beta
        self.batch = batch
        self.smooth = smooth

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """See `RegionLoss.compute`."""
        p, g = self.foreground(self.probabilities(logits)), self.foreground(target)
        axes = (0, 2, 3, 4) if self.batch else (2, 3, 4)
        hit = (p * g).sum(axes)
        false = self.alpha * (p.sum(axes) - hit) + self.beta * (g.sum(axes) - hit)
        return 1 - ((hit + self.smooth) / (hit + false + self.smooth).clamp_min(1e-8)).mean()
