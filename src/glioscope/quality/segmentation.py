"""Remarks on a label map."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from glioscope.core import Scheme, Volume
from glioscope.quality.remark import Remark, Severity

__all__ = ["segmentation_remarks"]

TUMOUR_ML = (0.1, 400.0)
"""Smaller findings are within the noise of segmenters, larger ones are wrong."""

OUTSIDE_CAUTION_PERCENT, OUTSIDE_WARNING_PERCENT = 2.0, 20.0
MANY_PIECES = 20
"""Separate pieces from which a label map looks like noise."""


def segmentation_remarks(labels: Volume, scheme: Scheme, brain: Volume, *, trained: bool) -> list[Remark]:
    """What is implausible in a label map.

    Args:
        labels: Label map of `scheme`.
        brain: Brain mask on the same grid.
        trained: Whether the segmenter is a trained model; the training-free baselines are not.
    """
    out = []
    if not trained:
        sentence = "The segmenter is a training-free baseline, not a trained model: take its outlines as a rough orientation."
        out.append(Remark(Severity.CAUTION, "baseline", sentence))
    present = np.bincount(labels.data.ravel(), minlength=256)
    unknown = [value for value in np.flatnonzero(present) if value and int(value) not in scheme.labels]
    if unknown:
        sentence = f"The label map has values that {scheme.name} does not define: {', '.join(map(str, unknown))}."
        out.append(Remark(Severity.WARNING, "unknown-labels", sentence))
    tumour = labels.data > 0
    voxels = int(tumour.sum())
    if not voxels:
        sentence = "No tumour was found; that is no proof that there is none."
        return [*out, Remark(Severity.CAUTION, "no-tumour", sentence)]
    return out + _plausibility(labels, tumour, voxels, brain) + _nesting(labels, scheme)


def _plausibility(labels: Volume, tumour: np.ndarray, voxels: int, brain: Volume) -> list[Remark]:
    out = []
    volume = voxels * labels.grid.voxel_volume / 1000
    if volume > TUMOUR_ML[1]:
        sentence = f"The segmentation has {volume:.0f} ml, more than any tumour with its oedema; it is wrong."
        out.append(Remark(Severity.WARNING, "volume-large", sentence))
    if volume < TUMOUR_ML[0]:
        sentence = f"The segmentation has {volume:.2f} ml only, which may be noise."
        out.append(Remark(Severity.CAUTION, "volume-small", sentence))
    outside = 100 * float((tumour & (brain.data == 0)).sum()) / voxels
    if outside > OUTSIDE_CAUTION_PERCENT:
        severity = Severity.WARNING if outside > OUTSIDE_WARNING_PERCENT else Severity.CAUTION
        out.append(Remark(severity, "outside-brain", f"{outside:.0f} % of the segmentation lies outside the brain mask."))
    if any(tumour.take(end, axis=axis).any() for axis in range(3) for end in (0, -1)):
        sentence = "The segmentation touches the edge of the field of view, so part of the tumour may be outside it."
        out.append(Remark(Severity.CAUTION, "touches-border", sentence))
    found = ndimage.find_objects(tumour.astype(np.uint8))[0]
    pieces = ndimage.label(tumour[found], np.ones((3, 3, 3)))[1]
    if pieces >= MANY_PIECES:
        sentence = f"The segmentation consists of {pieces} separate pieces, which looks like noise."
        out.append(Remark(Severity.CAUTION, "many-pieces", sentence))
    return out


def _nesting(labels: Volume, scheme: Scheme) -> list[Remark]:
    """Smaller regions that the scheme does not place inside the whole tumour, or that lie apart from it."""
    if "WT" not in scheme.regions or "ET" not in scheme.regions:
        return []
    whole = np.isin(labels.data, scheme.regions["WT"])
    enhancing = np.isin(labels.data, scheme.regions["ET"])
    if not enhancing.any() or not (enhancing & ~whole).any():
        return []
    sentence = "Enhancing tumour lies outside the whole tumour, which is impossible; the label map is inconsistent."
    return [Remark(Severity.WARNING, "et-outside-wt", sentence)]
