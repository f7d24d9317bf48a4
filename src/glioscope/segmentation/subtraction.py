"""All three regions from T1c - T1n and FLAIR; nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import SCHEMES, Sequence, Volume
from glioscope.segmentation.filters import deviation, drop_small, graded, grown, logistic, shrunk, smoothed
from glioscope.segmentation.flair_threshold import FindFlair, find_flair_abnormality
from glioscope.segmentation.segmenter import Segmentation, Segmenter

__all__ = ["Subtraction"]

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

SMOOTHING_MM = 0.7
ENHANCING = 1.9  # noise units above zero at which a voxel may belong to an enhancing part
BRIGHT = 1.2  # deviations above the median of the brain on T1c that it must reach as well
CERTAIN = 4.0  # noise units that some of the part must reach
CERTAIN_MM3 = 100.0  # how much of it
WITHIN = 0.45  # share of the part that must lie in the FLAIR abnormality
PAIRED = 0.8  # share with a counterpart on the other side from which it is choroid plexus or a paired vessel
PAIRED_MM = 4.0  # how exactly the sides must match
REACH_MM = 4.0  # how far outside the FLAIR abnormality an enhancing part may lie
BORDER_MM = 2.5  # dura and surface vessels
CLOSING_MM = 5.0  # gaps in an enhancing rim
SPARSE = 0.05  # enhancing share of the whole tumour below which a dark T1 counts as core
DARK = -0.6  # deviations from the median of the brain on T1


def _matched(image: Image, target: Image, brain: Mask) -> Image:
    """`image` on the intensity scale of `target`: the line fitted to the voxels that did not change (trimmed least squares)."""
    x, y = image[brain][::5].astype(np.float64), target[brain][::5].astype(np.float64)
    keep = np.ones(x.size, bool)
    slope, offset = 1.0, 0.0
    for _ in range(8):
        if x[keep].std() < 1e-6:
            break
        slope, offset = np.polyfit(x[keep], y[keep], 1)
        middle, spread = deviation((y - slope * x - offset).astype(np.float32))
        keep = np.abs(y - slope * x - offset - middle) < 2 * spread
    return np.asarray(slope * image + offset, np.float32)


def _excess(t1n: Image, t1c: Image, brain: Mask) -> Image:
    """How far T1c exceeds the matched native T1, in deviations of the noise; 0 outside the brain."""
    difference = t1c - _matched(t1n, t1c, brain)
    middle, noise = deviation(difference[brain])
    return np.where(brain, (difference - middle) / noise, 0).astype(np.float32)


def _mirrored(mask: Mask, inside: Mask) -> Mask:
    """`mask` reflected left to right about the brain's centre; the first axis runs from left to right."""
    counts = inside.sum(axis=(1, 2))
    twice = round(2 * float(counts @ np.arange(counts.size)) / float(counts.sum()))
    return np.asarray(mask[np.clip(twice - np.arange(counts.size), 0, counts.size - 1)])


def _filled(mask: Mask, axis: int) -> Mask:
    """The mask with the holes of each of its slices across `axis` filled."""
    within = ndimage.generate_binary_structure(3, 1)
    within[tuple(1 if a != axis else slice(None, None, 2) for a in range(3))] = False
    parts, count = ndimage.label(~mask, within)
    outer = np.zeros(count + 1, bool)
    for other in {0, 1, 2} - {axis}:
        outer[parts.take([0, -1], other)] = True
    outer[0] = False
    return np.asarray(~outer[parts])


def _enclosed(shell: Mask, spacing: NDArray[np.float64]) -> Mask:
    """What lies inside a shell with gaps: closed, then filled in at least two of the three slice directions."""
    out = np.zeros_like(shell)
    found = ndimage.find_objects(shell.astype(np.uint8))
    if not found:
        return out
    room = tuple(int(np.ceil(2 * CLOSING_MM / s)) for s in spacing)
    padded = np.pad(shell[found[0]], [(r, r) for r in room])
    closed = shrunk(grown(padded, spacing, CLOSING_MM), spacing, CLOSING_MM)
    votes = np.stack([_filled(closed, axis) for axis in range(3)]).sum(axis=0)
    out[found[0]] = (votes >= 2)[tuple(slice(r, n - r) for r, n in zip(room, closed.shape, strict=True))]
    return out


class Subtraction(Segmenter):
    """T1c - T1n enhancement, the core that it encloses, and the FLAIR abnormality around it."""

    name = "subtraction"
    title = "contrast enhancement by subtraction, enclosed core, FLAIR surround; no training"
    description = (
        "The whole tumour is the FLAIR abnormality (see flair-threshold). Enhancing tumour is where T1c exceeds the matched "
        "native T1 by more than the noise, mostly within that abnormality, away from the brain's surface and on one side only. "
        "The core is what the enhancement encloses; where hardly anything enhances it is the part of the abnormality that is "
        "dark on T1. Blood, vessels inside the abnormality and enhancement at the brain's surface mislead it."
    )
    source = "Glioscope; digital subtraction of T1c and T1n as in Ellingson et al., Radiology 2014."
    needs = frozenset({Sequence.T1C, Sequence.T1N, Sequence.T2F})
    scheme = SCHEMES["brats-2023"]
    regions = ("WT", "TC", "ET")
    space = "any"

    def __init__(self, device: str = "cpu", find_flair: FindFlair = find_flair_abnormality) -> None:
        super().__init__(device)
        self.find_flair = find_flair

    def _run(self, images: Mapping[Sequence, Volume], brain: Volume, earlier: Mapping[str, Volume]) -> Segmentation:
        inside, spacing = brain.data, brain.grid.spacing
        voxel = float(spacing.prod())
        with ThreadPoolExecutor(1) as beside:  # neither needs the other
            found = beside.submit(self.find_flair, images[Sequence.T2F].data, inside, spacing)
            t1n, t1c = (self._standard(images[s], inside, spacing) for s in (Sequence.T1N, Sequence.T1C))
            excess = _excess(t1n, t1c, inside)
            flair = found.result()
        whole = flair.mask

        enhancing = self._enhancing(excess, t1c, inside, whole, spacing)
        core = (_enclosed(enhancing, spacing) & inside) | enhancing if enhancing.any() else enhancing
        sparse = bool(enhancing.sum() < SPARSE * whole.sum())
        if sparse:
            darkness = smoothed(t1n, inside, spacing, 2.0)
            core = core | self._dark_core(darkness, whole, spacing)
        whole = np.asarray(ndimage.binary_fill_holes(whole | core)) & inside

        et = graded(logistic(2 * (excess - ENHANCING)), enhancing, spacing, 2.0)
        tc = np.maximum(graded(logistic(3 * (DARK - darkness)) if sparse else et, core, spacing, 2.0), et)
        wt = np.maximum(np.where(whole, np.maximum(flair.probability, 0.51), flair.probability), tc)
        labels = np.zeros(whole.shape, np.uint8)
        for mask, label in ((whole, "ED"), (core, "NCR"), (enhancing, "ET")):
            labels[mask] = self.scheme.value_of(label)
        facts: dict[str, Any] = {
            "flair": dict(flair.facts),
            "enhancing_above_noise_units": ENHANCING,
            "core_from_dark_t1": sparse,
            "volumes_ml": {
                r: round(float(m.sum()) * voxel / 1000, 3) for r, m in zip(self.regions, (whole, core, enhancing), strict=True)
            },
        }
        return Segmentation(
            brain.with_data(labels), {r: brain.with_data(p) for r, p in zip(self.regions, (wt, tc, et), strict=True)}, facts
        )

    @staticmethod
    def _standard(volume: Volume, inside: Mask, spacing: NDArray[np.float64]) -> Image:
        """Median 0 and robust deviation 1 inside the brain, lightly smoothed."""
        middle, spread = deviation(volume.data[inside].astype(np.float32))
        return smoothed(((volume.data - middle) / spread).astype(np.float32), inside, spacing, SMOOTHING_MM)

    @staticmethod
    def _enhancing(excess: Image, t1c: Image, inside: Mask, whole: Mask, spacing: NDArray[np.float64]) -> Mask:
        """Bright parts above the noise, mostly within the FLAIR abnormality, certain in the deep, and on one side only."""
        if not whole.any():
            return np.zeros_like(whole)
        lit = (excess > ENHANCING) & (t1c > BRIGHT) & shrunk(inside, spacing, BORDER_MM)
        parts, count = ndimage.label(lit & grown(whole, spacing, REACH_MM))
        if not count:
            return np.zeros_like(whole)

        def share(mask: Mask) -> NDArray[np.float64]:
            return np.asarray(np.bincount(parts[mask], minlength=count + 1) / np.bincount(parts.ravel()).clip(1))

        certain = np.bincount(parts[(excess > CERTAIN) & whole & shrunk(inside, spacing, 2 * BORDER_MM)], minlength=count + 1)
        kept = (certain * float(spacing.prod()) >= CERTAIN_MM3) & (share(whole) >= WITHIN)
        kept &= share(_mirrored(grown(lit, spacing, PAIRED_MM), inside)) < PAIRED
        kept[0] = False
        return np.asarray(kept[parts])

    @staticmethod
    def _dark_core(darkness: Image, whole: Mask, spacing: NDArray[np.float64]) -> Mask:
        """The largest dark part of the abnormality on T1, away from its rim, with its holes filled."""
        dark = (darkness < DARK) & shrunk(whole, spacing, 1.5)
        dark = drop_small(dark, 1000 / float(spacing.prod()), 0.5)
        return np.asarray(ndimage.binary_fill_holes(dark)) & whole
