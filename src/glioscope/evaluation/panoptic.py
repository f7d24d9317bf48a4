"""Panoptic quality of connected components."""

from __future__ import annotations

import numpy as np

from glioscope.evaluation.components import Components, find_components

__all__ = ["panoptic_quality"]


def panoptic_quality(prediction: Components, reference: Components) -> dict[str, float | None]:
    """`pq`, `sq` and `rq` of Kirillov et al. 2019 (CVPR, section 4.1).

    The 26-connected components of both masks are compared one by one, whatever a protocol takes for a lesion: two are a pair
    where their Jaccard index is above 0.5, which no component can be in two of. Two empty masks are perfect; `sq` is None where
    there are components but no pair.
    """
    mine, theirs = (_single(parts) for parts in (reference, prediction))
    shared = theirs.voxels[mine.mask.ravel()[theirs.voxels]]
    pairs = mine.at(shared).astype(np.int64) * (theirs.count + 1) + theirs.at(shared)
    keys, both = np.unique(pairs, return_counts=True)
    first, second = keys // (theirs.count + 1), keys % (theirs.count + 1)
    jaccard = both / (mine.sizes[first] + theirs.sizes[second] - both)
    jaccard = jaccard[jaccard > 0.5]
    components = mine.count + theirs.count
    if not components:
        return {"pq": 1.0, "sq": 1.0, "rq": 1.0}
    rq = 2 * len(jaccard) / components
    return {"pq": 2 * float(jaccard.sum()) / components, "sq": float(jaccard.mean()) if len(jaccard) else None, "rq": rq}


def _single(parts: Components) -> Components:
    return find_components(parts.mask, 0, merge=False) if parts.grown else parts
