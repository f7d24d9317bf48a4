"""A real exam of a tumour as it might look after surgery: its core cut out on the images, a known part of it left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import InvalidImage, Scheme, Sequence, Volume, convert_labels, numbering_of
from glioscope.core.boxes import box_of
from glioscope.synthesis.cavity import FAR, known_far_away, one_place, one_side
from glioscope.synthesis.fields import smooth_field
from glioscope.synthesis.placed import depth_of
from glioscope.synthesis.tumour import POST_OPERATIVE, SCHEME

__all__ = ["OperatedExam", "operate"]

Mask = NDArray[np.bool_]

MARGIN = 16
"""Voxels around the core that an operation may reach."""

FLUID = 97.0
"""Percentile of the healthy brain on T2 (of 100 minus it on T1) beyond which a voxel is mostly fluid."""

UNEVEN = 0.25
"""How far a voxel's edge may be from 1 mm, in mm."""

PARTIAL = 0.3
"""Part of the operations that stop at a plane and leave what lies beyond."""


@dataclass(frozen=True, eq=False)
class OperatedExam:
    """An exam after a virtual operation.

    Attributes:
        images: Sequence -> image on the grid it had, with the brightness that it had.
        labels: Exact labels, uint8, scheme `brats-2024-gli`.
    """

    images: Mapping[Sequence, Volume]
    labels: Volume
    scheme: Scheme = POST_OPERATIVE


@dataclass(frozen=True, eq=False)
class _Cavity:
    """What all sequences show of a cavity.

    Attributes:
        box: The part of the images that it lies in.
        depth: mm below its wall, there.
        lumps: How uneven its fluid is, standard deviation 1.
        clots: Share of its wall that old blood covers, 0 to 1.
        fluid, blood: On T1, in multiples of the exam's own fluid and of its healthy brain.
        thick: Of the lining of blood, mm.
    """

    box: tuple[slice, ...]
    depth: NDArray[np.float32]
    lumps: NDArray[np.float32]
    clots: NDArray[np.float32]
    fluid: float
    blood: float
    thick: float


def operate(
    images: Mapping[Sequence, Volume], labels: Volume, rng: np.random.Generator, residual_ml: float | None = None
) -> OperatedExam:
    """Cut the core out of an exam: a cavity of fluid, old blood on its wall, and the residual tumour as it was imaged.

    The healthy brain, the oedema and what is left of the tumour are the voxels of the real images; only the cavity and its
    wall are drawn, with the exam's own brightness of fluid and white matter and its own noise. Swelling does not go down, and
    the brain does not sink.

    Args:
        images: Skull-stripped, on one grid of about 1 mm.
        labels: Of a tumour before surgery, in a scheme of BraTS 2021 to 2024, on that grid.
        rng: Where all randomness comes from.
        residual_ml: About how much enhancing tumour is left, in one place; less where there is less. None leaves what
            lies beyond a plane, or nothing.

    Raises:
        InvalidImage: a label that the schemes lack, or voxels that are not of about 1 mm.
    """
    if np.any(np.abs(labels.grid.spacing - 1) > UNEVEN):
        raise InvalidImage("Operations are drawn on voxels of about 1 mm; bring the exam to the grid of BraTS first.")
    values = convert_labels(labels.data, numbering_of(labels.data, SCHEME), SCHEME)
    brain = np.any([image.data != 0 for image in images.values()], axis=0)
    out = np.where(values == SCHEME.value_of("ED"), POST_OPERATIVE.value_of("SNFH"), values).astype(np.uint8)
    if not values.any():
        return OperatedExam(images, labels.with_data(out))
    tumour = np.isin(values, SCHEME.regions["TC"])
    tumour = tumour if tumour.any() else ndimage.binary_erosion(values > 0, iterations=4)
    box = tuple(
        slice(max(0, part.start - MARGIN), part.stop + MARGIN) for part in box_of(tumour if tumour.any() else values > 0)
    )
    cavity, left = _cut(tumour[box], values[box] == SCHEME.value_of("ET"), rng, residual_ml)
    cavity = np.where(brain[box], cavity, -FAR)
    inside = cavity > 0
    kept = out[box]
    gone = np.isin(kept, (POST_OPERATIVE.value_of("NETC"), POST_OPERATIVE.value_of("ET"))) & ~left & ~inside
    kept[gone] = POST_OPERATIVE.value_of("SNFH")  # a rim thinner than a voxel
    kept[inside] = POST_OPERATIVE.value_of("RC")
    lumps, clots = smooth_field(rng, inside.shape, 8), np.clip(smooth_field(rng, inside.shape, 10) + 0.2, 0, 1)
    drawn = _Cavity(box, cavity, lumps, clots, rng.uniform(1.0, 1.35), rng.uniform(1.05, 1.7), rng.uniform(0.6, 1.8))
    healthy = brain & (values == 0)
    fluid = _fluid(images, healthy)
    made = {}
    for sequence, image in images.items():
        data = np.asarray(image.data, np.float32).copy()
        data[box] = _filled(data, sequence, drawn, healthy, fluid, rng)
        made[sequence] = image.with_data(np.where(brain, data, 0).astype(np.float32))
    return OperatedExam(made, labels.with_data(out))


def _cut(core: Mask, enhancing: Mask, rng: np.random.Generator, residual_ml: float | None) -> tuple[NDArray[np.float32], Mask]:
    """Depth in mm below the cavity's wall, and where tumour is left."""
    depth = depth_of(core)
    wavy = np.float32(1.2) * smooth_field(rng, core.shape, 12)
    around = known_far_away(depth, 1.0)
    cavity = ndimage.gaussian_filter(np.clip(around, -FAR, 12), 1.5) + np.float32(rng.uniform(-0.5, 3.0)) + wavy
    cavity = np.maximum(cavity, depth + np.float32(0.5))  # what is not left on purpose is gone
    left = np.zeros(core.shape, bool)
    if residual_ml is None:
        if rng.random() < PARTIAL:
            side = one_side(depth, 1.0, rng)
            cavity, left = np.minimum(cavity, side), core & (side <= 0)
    elif residual_ml > 0 and enhancing.any():
        ball = one_place(depth_of(enhancing), 1.0, residual_ml, rng)
        cavity, left = np.minimum(cavity, -ball), core & (ball >= 0)
    return cavity.astype(np.float32), left & (cavity <= 0)


def _fluid(images: Mapping[Sequence, Volume], healthy: Mask) -> Mask:
    """The voxels of the healthy brain that hold most fluid, by T2, else by T1, else by FLAIR."""
    for sequence in (Sequence.T2W, Sequence.T1N, Sequence.T1C, Sequence.T2F):
        if sequence in images:
            data = images[sequence].data
            bright = sequence is Sequence.T2W
            limit = np.percentile(data[healthy], FLUID if bright else 100 - FLUID)
            return np.asarray(healthy & ((data >= limit) if bright else (data <= limit)))
    return healthy


def _filled(
    data: NDArray[np.float32], sequence: Sequence, cavity: _Cavity, healthy: Mask, fluid: Mask, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The part of an image that holds the cavity, with cavity and lining drawn."""
    tissue, water = float(np.median(data[healthy])), float(np.median(data[fluid]))
    here = data[cavity.box]
    t1 = sequence in (Sequence.T1N, Sequence.T1C)
    level = water * cavity.fluid if t1 else water
    if sequence is Sequence.T2F:  # fluid after surgery is often not suppressed
        level = water + (tissue - water) * rng.uniform(0.0, 0.8)
    blood = tissue * (cavity.blood * rng.uniform(0.97, 1.1) if t1 else rng.uniform(0.4, 1.4))
    fine = data - ndimage.gaussian_filter(data, 1.0)
    deviation = np.float32(1.4826 * np.median(np.abs(fine[healthy])))
    noise = deviation * ndimage.gaussian_filter(rng.standard_normal(here.shape, np.float32), 0.6)
    noise *= np.float32(2.0)  # which the filter took
    share = ndimage.gaussian_filter(np.clip(cavity.depth + 0.5, 0, 1), 0.5)
    share[share < 0.01] = 0  # the rest stays as it was imaged, to the last bit
    lining = np.clip(cavity.thick - np.abs(cavity.depth - np.float32(0.5)), 0, 1) * cavity.clots
    drawn = np.float32(level) + np.float32(0.04 * abs(tissue - water)) * cavity.lumps + noise
    out = here * (1 - share) + drawn * share
    return np.asarray(np.maximum(out * (1 - lining) + (np.float32(blood) + noise) * lining, 0), np.float32)
