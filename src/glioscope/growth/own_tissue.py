"""White and grey matter of one brain, from its images with an atlas as the first guess."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["own_tissue"]

DOUBT = 0.05
"""Least prior probability of each tissue: the atlas fits another brain only roughly."""

ROUNDS = 20
SAMPLE = 200_000
"""Voxels, about, that brightness is learnt from."""


def own_tissue(
    images: Sequence[NDArray[np.float32]],
    brain: NDArray[np.bool_],
    priors: NDArray[np.float32],
    lesion: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Probabilities of fluid, grey and white matter: a Gaussian brightness each, with the atlas as prior, fitted by EM.

    Source: the mixture of Ashburner and Friston, NeuroImage 26 (2005), without its bias field and its deformation.

    Args:
        images: Skull-stripped sequences (X, Y, Z), in which the tissues differ.
        brain: (X, Y, Z).
        priors: (3, X, Y, Z), the atlas's fluid, grey and white matter, in [0, 1].
        lesion: (X, Y, Z); it keeps the prior, as its brightness says nothing of what was there.

    Returns:
        float32 (3, X, Y, Z), in the order of `priors`; they add up to 1 in the brain and are 0 outside.
    """
    guess = np.where(brain, np.maximum(priors, DOUBT), 0).reshape(3, -1)
    guess = guess / np.maximum(guess.sum(axis=0), 1e-6)
    healthy = np.flatnonzero(brain & ~lesion)
    seen = np.stack([image.reshape(-1) for image in images])
    sample = healthy[:: max(1, len(healthy) // SAMPLE)]
    values = seen[:, sample].astype(np.float64)
    share = guess[:, sample].astype(np.float64)
    floor = 1e-3 * values.var(axis=1) + 1e-12
    for _ in range(ROUNDS):
        weight = share / np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
        means = weight @ values.T
        spread = weight @ (values**2).T - means**2 + floor
        share = _posterior(values, guess[:, sample], means, spread)
    out = guess.astype(np.float32)
    out[:, healthy] = _posterior(seen[:, healthy], guess[:, healthy], means, spread)
    return np.asarray(out.reshape(3, *brain.shape))


def _posterior(
    values: NDArray[np.floating], prior: NDArray[np.floating], means: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Probability of each tissue (3, n) given the brightness (c, n), with mean and variance (3, c) of each."""
    logs = [
        np.log(np.maximum(p, 1e-12))
        - 0.5 * sum((v - m) ** 2 / s + np.log(s) for v, m, s in zip(values, mean, var, strict=True))
        for p, mean, var in zip(prior, means, spread, strict=True)
    ]
    odds = np.exp(np.stack(logs) - np.max(logs, axis=0))
    return np.asarray(odds / odds.sum(axis=0))
