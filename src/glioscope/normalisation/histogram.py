"""Percentile rescaling, then the histogram of a reference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from glioscope.core import InvalidImage, Volume
from glioscope.normalisation.percentile import percentile_rescale

__all__ = ["histogram", "histogram_quantiles"]

LEVELS = 101
"""Quantiles that describe a histogram: the 0th to the 100th percentile."""


def histogram_quantiles(image: Volume, mask: Volume) -> list[float]:
    """What `histogram` takes as a reference: 101 percentiles of the rescaled image inside the mask, in [0, 1].

    Raises:
        InvalidImage: the mask is empty or the brain has one value only.
    """
    values = percentile_rescale(image, mask).data[mask.data > 0]
    if not values.size or values.max() <= 0:
        raise InvalidImage("An image without contrast inside the brain cannot be the reference of histogram matching.")
    return [round(float(q), 6) for q in np.quantile(values, np.linspace(0, 1, LEVELS))]


def histogram(image: Volume, mask: Volume, reference: Sequence[float] | None = None) -> Volume:
    """Rescaled between the 2nd and 98th percentile, then mapped so that its histogram is that of a reference.

    The last pre-processing arm of the African BraTS 2023 entry (section 2.1, "Histogram Contrast Matching"; table 1), which
    does not say what its reference sample was. A z-score before the rescaling, as there, would change nothing. The mapping is
    monotone: the k-th percentile of the image becomes the k-th of the reference, linear in between.

    Args:
        image: float volume.
        mask: bool volume on the same grid.
        reference: At least two quantiles at equal steps from the 0th to the 100th percentile, never falling, as
            `histogram_quantiles` gives; where None a normal distribution of mean 1/2 and standard deviation 1/6, in [0, 1].

    Returns:
        float32 volume, 0 outside the mask; all zero where the mask is empty or both percentiles coincide.

    Raises:
        InvalidImage: the reference falls, is too short or is not finite.
    """
    wanted = _normal() if reference is None else np.asarray(reference, np.float64)
    if wanted.ndim != 1 or wanted.size < 2 or not np.isfinite(wanted).all() or (np.diff(wanted) < 0).any():
        raise InvalidImage("The reference of histogram matching is a list of at least two quantiles that never fall.")
    rescaled = percentile_rescale(image, mask)
    inside = mask.data > 0
    values = rescaled.data[inside]
    if not values.size or values.max() <= 0:
        return rescaled
    levels = np.linspace(0, 1, LEVELS)
    known, place = np.unique(np.quantile(values, levels), return_inverse=True)
    # Equal quantiles (what was clipped at either end) have one place: the middle of their levels.
    rank = np.bincount(place.ravel(), levels) / np.bincount(place.ravel())
    out = np.zeros(image.data.shape, np.float32)
    out[inside] = np.interp(np.interp(values, known, rank), np.linspace(0, 1, wanted.size), wanted)
    return image.with_data(out)


def _normal() -> NDArray[np.float64]:
    """Quantiles of the normal distribution with 1/2 three standard deviations from either end of [0, 1]."""
    return np.asarray(np.clip(0.5 + special.ndtri(np.linspace(0, 1, LEVELS)) / 6, 0, 1), np.float64)
