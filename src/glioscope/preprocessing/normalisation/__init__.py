"""Named intensity normalisations."""

from __future__ import annotations

from collections.abc import Callable

from glioscope.core import Volume
from glioscope.preprocessing.normalisation.percentile import percentile_rescale
from glioscope.preprocessing.normalisation.zscore import zscore

__all__ = ["NORMALISATIONS", "percentile_rescale", "zscore"]

NORMALISATIONS: dict[str, Callable[[Volume, Volume], Volume]] = {"percentile": percentile_rescale, "zscore": zscore}
"""Name -> function of an image and its brain mask (bool, same grid)."""
