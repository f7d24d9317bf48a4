"""Named intensity normalisations."""

from __future__ import annotations

from collections.abc import Callable

from glioscope.core import Volume
from glioscope.normalisation.histogram import histogram, histogram_quantiles
from glioscope.normalisation.matched_subtraction import matched_subtraction
from glioscope.normalisation.none import none
from glioscope.normalisation.percentile import percentile_rescale
from glioscope.normalisation.zscore import zscore

__all__ = ["NORMALISATIONS", "histogram", "histogram_quantiles", "matched_subtraction", "none", "percentile_rescale", "zscore"]

NORMALISATIONS: dict[str, Callable[[Volume, Volume], Volume]] = {
    "none": none,
    "zscore": zscore,
    "percentile": percentile_rescale,
    "histogram": histogram,
}
"""Name -> function of an image and its brain mask (bool, same grid)."""
