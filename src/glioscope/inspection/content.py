"""Which sequence an image is, from its intensities alone, where neither attributes nor names tell.

Several images of one exam are judged together. Inside the brain T1 and T1c rank tissues alike, T2 and FLAIR rank them alike,
and T1 against T2 the other way round; the bright tail (CSF in T2, oedema in FLAIR, vessels and enhancing tumour in T1c) is
longest in T2 and shortest in T1; and the difference T1c - T1 has a longer positive than negative tail. Each of these is one
number per image or pair with a normal distribution given the true sequence, and all assignments are weighed against each other.
The means and deviations were measured on 13 skull-stripped glioma exams and rounded.

Images with the skull are not judged: they are not registered yet, and scalp, fat and the coils' shading outweigh the tissues.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import GlioscopeError, Sequence, Volume, read_volume
from glioscope.inspection.candidate import Candidate
from glioscope.inspection.coarse import coarsen, on_common_grid

__all__ = ["classify_content", "sequence_posterior"]

_T1N, _T1C, _T2W, _T2F = Sequence.T1N, Sequence.T1C, Sequence.T2W, Sequence.T2F
_CORRELATION = {
    frozenset((_T1N, _T1C)): (0.7, 0.22),
    frozenset((_T1N, _T2W)): (-0.5, 0.25),
    frozenset((_T1N, _T2F)): (0.05, 0.2),
    frozenset((_T1C, _T2W)): (-0.45, 0.25),
    frozenset((_T1C, _T2F)): (-0.05, 0.25),
    frozenset((_T2W, _T2F)): (0.4, 0.2),
}
_TAIL = {_T1N: (0.2, 0.08), _T1C: (0.4, 0.2), _T2W: (0.95, 0.28), _T2F: (0.5, 0.16)}
_ENHANCEMENT = (0.9, 0.7)
_TEMPER = 0.5
"""The features are not independent; their log-likelihood counts half."""
ENOUGH = 0.75
MAX_IMAGES = 6


def _log_normal(value: float, mean: float, deviation: float) -> float:
    return -0.5 * ((value - mean) / deviation) ** 2 - float(np.log(deviation))


def _brain(images: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """The brain without its outer 4 mm, or None where the skull is there."""
    if (images <= 0).mean() < 0.5:
        return None
    lit = np.sum([image > 0.15 * np.percentile(image[image > 0], 90) for image in images], axis=0) >= (len(images) + 1) // 2
    brain = ndimage.binary_fill_holes(lit)
    return np.asarray(ndimage.distance_transform_edt(np.pad(brain, 1, mode="edge"))[1:-1, 1:-1, 1:-1] > 1)


def _flattened(image: NDArray[np.float32], brain: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Intensities of the brain voxels without the coils' smooth shading, median 1."""
    middle = float(np.median(image[brain]))
    limited = np.where(brain, np.clip(image, 0, 2 * middle), 0)
    weight = ndimage.gaussian_filter(brain.astype(np.float32), 6)
    shading = ndimage.gaussian_filter(limited, 6)[brain] / np.maximum(weight[brain], 1e-3)
    flat = image[brain] / np.maximum(shading, 1e-3 * middle)
    return np.asarray(flat / np.median(flat), np.float64)


def sequence_posterior(
    volumes: Mapping[str, Volume], known: Mapping[str, Sequence] | None = None
) -> dict[str, dict[Sequence, float]]:
    """How likely each volume is each sequence, no two being the same one.

    Args:
        volumes: Two to six volumes of one exam, roughly aligned in world space.
        known: Those whose sequence is known already; they serve as anchors.

    Returns:
        For each volume that is not known, sequence -> probability; empty where the volumes do not overlap or show nothing.
    """
    names = list(volumes)
    known = known or {}
    if not 2 <= len(names) <= len(Sequence):
        return {}
    images = on_common_grid([coarsen(volumes[name]) for name in names])
    if images is None or any(not (image > 0).any() for image in images):
        return {}
    brain = _brain(images)
    if brain is None or brain.sum() < 2000 or any(np.median(image[brain]) <= 0 for image in images):
        return {}
    flat = [_flattened(image, brain) for image in images]
    correlation = np.corrcoef([np.argsort(np.argsort(values, kind="stable")) for values in flat])
    tails = [float(np.log(max(float(np.percentile(values, 99.5)), 1e-3))) for values in flat]
    if not np.isfinite(correlation).all():
        return {}

    assignments = [
        a
        for a in itertools.permutations(Sequence, len(names))
        if all(known.get(n, s) is s for n, s in zip(names, a, strict=True))
    ]
    scores: list[float] = []
    for assignment in assignments:
        score: float = sum(_log_normal(tail, *_TAIL[s]) for tail, s in zip(tails, assignment, strict=True))
        for (i, a), (j, b) in itertools.combinations(enumerate(assignment), 2):
            score += _log_normal(float(correlation[i, j]), *_CORRELATION[frozenset((a, b))])
        if _T1N in assignment and _T1C in assignment:
            difference = flat[assignment.index(_T1C)] - flat[assignment.index(_T1N)]
            low, high = (float(np.percentile(difference, p)) for p in (0.5, 99.5))
            asymmetry = float(np.log(max(high, 1e-3) / max(-low, 1e-3)))
            score += _log_normal(asymmetry, *_ENHANCEMENT)
        scores.append(_TEMPER * score)
    if not scores:
        return {}
    weights = np.exp(np.array(scores, np.float64) - max(scores))
    weights /= weights.sum()
    posterior: dict[str, dict[Sequence, float]] = {name: dict.fromkeys(Sequence, 0.0) for name in names if name not in known}
    for assignment, weight in zip(assignments, weights, strict=True):
        for name, sequence in zip(names, assignment, strict=True):
            if name in posterior:
                posterior[name][sequence] += float(weight)
    return posterior


def _is_label_map(volume: Volume) -> bool:
    """At most a dozen different whole numbers: no MR image."""
    values = np.unique(volume.data[::2, ::2, ::2])
    return len(values) <= 12 and bool((values == np.round(values)).all())


def classify_content(candidates: list[Candidate]) -> list[Candidate]:
    """The candidates, with those that neither attributes nor names told judged by their content.

    A verdict below 75 % is not given: the candidate stays unknown and its reason says what it may be.
    """
    unknown = [c for c in candidates if c.kind == "image" and c.sequence is None and not c.set_aside and not c.fault]
    if not unknown or len(unknown) > MAX_IMAGES:
        return candidates
    known: dict[str, Candidate] = {}
    for c in candidates:
        if c.kind == "image" and c.usable and c.sequence is not None and c.sequence not in {k.sequence for k in known.values()}:
            known[c.name] = c
    changed: dict[str, Candidate] = {}
    volumes: dict[str, Volume] = {}
    for c in (*unknown, *known.values()):
        try:
            volume = read_volume(c.files[0])
        except GlioscopeError as error:
            changed[c.name] = replace(c, fault=error)
            continue
        if c.name not in known and _is_label_map(volume):
            changed[c.name] = replace(c, set_aside="segmentation or mask", reason="its content: a few whole numbers")
        else:
            volumes[c.name] = volume
    anchors = {name: c.sequence for name, c in known.items() if name in volumes and c.sequence is not None}
    posterior = sequence_posterior(volumes, anchors)
    for c in unknown:
        if c.name in changed:
            continue
        odds = posterior.get(c.name)
        if odds is None:
            changed[c.name] = replace(c, reason="neither its name nor its content tells")
            continue
        best = max(odds, key=lambda s: odds[s])
        if odds[best] >= ENOUGH:
            changed[c.name] = replace(
                c, sequence=best, confidence=round(0.9 * odds[best], 2), reason="its content (intensities)"
            )
        else:
            likely = " or ".join(s.display_name for s in sorted(odds, key=lambda s: odds[s], reverse=True)[:2])
            changed[c.name] = replace(c, reason=f"its content may be {likely}: too close to call")
    return [changed.get(c.name, c) for c in candidates]
