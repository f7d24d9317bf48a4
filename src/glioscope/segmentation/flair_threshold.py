"""Whole tumour from FLAIR alone, by rank and threshold; nothing is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import SCHEMES, Sequence, Volume
from glioscope.segmentation.border import borderless_parts
from glioscope.segmentation.filters import deviation, drop_small, equalised, graded, grown, logistic, shrunk, smoothed
from glioscope.segmentation.segmenter import Segmentation, Segmenter
from glioscope.segmentation.shading import without_shading
from glioscope.segmentation.symmetry import symmetric_parts

__all__ = ["DEVIATIONS", "FindFlair", "FlairAbnormality", "FlairThreshold", "find_flair_abnormality"]

DEVIATIONS = 1.6
"""Robust standard deviations above the median at which FLAIR counts as abnormal; fitted as `docs/baselines.md` says."""

SMOOTHING_MM = 1.5
LEAST_MM3 = 20.0
LEAST_SHARE = 0.3
UNDECIDED = 0.49
"""Probability, at most, of what is brighter than the rest and yet no finding."""
UNLIKELY = 0.02
"""Probability, at most, of what lies on both sides alike, and of what has no border."""
LIQUOR = -1.5
"""Robust standard deviations from the brain's median below which FLAIR shows liquor."""
BRIDGE_MM = 1.5
"""Half the width of what joins two parts without making them one: bright rims of the cortex hang on lesions by such threads."""


CONSPICUOUS = 2.2
"""Robust standard deviations above the brain's median that half of a part must reach to be a finding. The histogram of a
healthy brain parts somewhere, too: what lies above has a median of 1.1 to 2.1 in synthetic healthy brains, and of 2.6 and more
in real exams with a tumour (docs/baselines.md)."""


@dataclass(frozen=True, eq=False)
class FlairAbnormality:
    """Where FLAIR is hyperintense: a mask, a probability that agrees with it, and how the threshold came about."""

    mask: NDArray[np.bool_]
    probability: NDArray[np.float32]
    facts: Mapping[str, Any]


def _otsu(values: NDArray[np.float32]) -> float:
    """The value that splits the upper half of `values` into the two classes with the largest variance between them."""
    low, high = np.quantile(values, [0.5, 0.999])
    counts, edges = np.histogram(values, 256, range=(low, max(high, low + 1e-6)))
    centres = (edges[1:] + edges[:-1]) / 2
    weight, total = np.cumsum(counts), np.cumsum(counts * centres)
    between = (total[-1] * weight / weight[-1] - total) ** 2 / np.maximum(weight * (weight[-1] - weight), 1)
    return float(centres[between.argmax()])


def find_flair_abnormality(
    flair: NDArray[np.floating[Any]], brain: NDArray[np.bool_], spacing: NDArray[np.float64], deviations: float = DEVIATIONS
) -> FlairAbnormality:
    """The hyperintense part of a skull-stripped FLAIR.

    1. Divide by the shading of the coil; smooth by 1.5 mm inside the brain; equalise, so that a voxel is its rank in the brain.
    2. Threshold at the mean of two ranks: that of `deviations` robust standard deviations above the median, and that of
       Otsu's threshold in the brighter half of the brain. The first knows how normal tissue varies, the second where the
       histogram parts.
    3. Drop components below 20 mm3 and below 30 % of the largest, bridges of up to 3 mm being cut first; fill holes.
    4. A component of which half is less than `CONSPICUOUS` deviations above the median is no finding; its probability stays
       just below one half. Nor is a thin one with a counterpart on the other side of the brain (`symmetric_parts`), or one
       without a border in the image as it came (`borderless_parts`), bright or not; their probability is next to nothing.

    Args:
        flair: Intensities of any scale; the first axis runs roughly from left to right.
        brain: Brain mask of the same shape, not empty.
        spacing: Voxel edges in mm.
        deviations: See step 2.
    """
    level = without_shading(flair, brain, spacing)
    centre, spread = deviation(level[brain])
    image = smoothed(((level - centre) / spread).astype(np.float32), brain, spacing, SMOOTHING_MM)
    values = image[brain]
    facts: dict[str, Any] = {"deviations": deviations}
    if values.max() - values.min() < 1e-3:
        return FlairAbnormality(np.zeros_like(brain), np.zeros(brain.shape, np.float32), facts | {"remark": "FLAIR is flat"})
    middle, spread = deviation(values)
    ranks = equalised(image, brain)
    rank_deviation = float((values < middle + deviations * spread).mean())
    rank_otsu = float((values < _otsu(values)).mean())
    threshold = (rank_deviation + rank_otsu) / 2
    voxel = float(spacing.prod())
    bright = ranks > threshold
    mask = _without_threads(bright, spacing)
    mask = drop_small(mask, LEAST_MM3 / voxel, LEAST_SHARE)
    mask = np.asarray(ndimage.binary_fill_holes(mask)) & brain
    cut = float(np.quantile(values, threshold))
    probability = graded(logistic((image - cut) / (0.25 * spread)), mask, spacing)
    faint = mask & ~_conspicuous(mask, image, middle + CONSPICUOUS * spread)
    symmetric = symmetric_parts(mask, bright, brain, spacing)
    shaded = borderless_parts(mask, flair, brain & (image > middle + LIQUOR * spread), spacing)
    for dismissed, most in ((faint, UNDECIDED), (symmetric | shaded, UNLIKELY)):
        probability[dismissed] = np.minimum(probability[dismissed], most)
    found = mask & ~faint & ~symmetric & ~shaded
    return FlairAbnormality(
        found,
        probability,
        facts
        | {
            "rank_threshold": round(threshold, 4),
            "rank_of_deviations": round(rank_deviation, 4),
            "rank_of_otsu": round(rank_otsu, 4),
            "volume_ml": round(float(found.sum()) * voxel / 1000, 3),
            "inconspicuous_ml": round(float(faint.sum()) * voxel / 1000, 3),
            "symmetric_ml": round(float(symmetric.sum()) * voxel / 1000, 3),
            "borderless_ml": round(float(shaded.sum()) * voxel / 1000, 3),
        },
    )


def _conspicuous(mask: NDArray[np.bool_], image: NDArray[np.float32], least: float) -> NDArray[np.bool_]:
    """Those components of the mask of whose voxels more than half are brighter than `least`."""
    parts, count = ndimage.label(mask)
    bright, all_ = (np.bincount(parts[voxels], minlength=count + 1) for voxels in (mask & (image > least), mask))
    return np.asarray((2 * bright > all_)[parts]) & mask


def _without_threads(mask: NDArray[np.bool_], spacing: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The mask near those of its solid parts that are large; all of it where nothing is that solid."""
    solid = drop_small(shrunk(mask, spacing, BRIDGE_MM), 1, LEAST_SHARE)
    return grown(solid, spacing, BRIDGE_MM + 1) & mask if solid.any() else mask


FindFlair = Callable[..., FlairAbnormality]
"""Called as `find_flair_abnormality` is."""


class FlairThreshold(Segmenter):
    """Histogram equalisation and threshold of FLAIR (whole tumour only, labelled ED)."""

    name = "flair-threshold"
    title = "hyperintense FLAIR, whole tumour only; no training"
    description = (
        "Each voxel of the FLAIR becomes its rank within the brain; the highest ranks are the tumour. Finds what is bright on "
        "FLAIR and nothing else: it cannot tell tumour from other white-matter disease, and misses a tumour that is hardly "
        "brighter than the brain. Small satellites of a large lesion are dropped."
    )
    source = (
        "Meissen, Kaissis, Rueckert. Challenging current semi-supervised anomaly segmentation methods for brain MRI. "
        "BrainLes 2021. The threshold rule is Glioscope's own."
    )
    needs = frozenset({Sequence.T2F})
    scheme = SCHEMES["brats-2023"]
    regions = ("WT",)
    space = "any"

    def __init__(
        self, device: str = "cpu", deviations: float = DEVIATIONS, find_flair: FindFlair = find_flair_abnormality
    ) -> None:
        super().__init__(device)
        self.deviations, self.find_flair = deviations, find_flair

    def _run(self, images: Mapping[Sequence, Volume], brain: Volume, earlier: Mapping[str, Volume]) -> Segmentation:
        found = self.find_flair(images[Sequence.T2F].data, brain.data, brain.grid.spacing, self.deviations)
        labels = found.mask.astype(np.uint8) * np.uint8(self.scheme.value_of("ED"))
        return Segmentation(brain.with_data(labels), {"WT": brain.with_data(found.probability)}, found.facts)
