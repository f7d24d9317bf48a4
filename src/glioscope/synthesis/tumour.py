"""What a synthetic tumour is before it is put into a head: three nested regions as smooth fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import get_scheme
from glioscope.core.boxes import box_of
from glioscope.synthesis.anatomy import Anatomy
from glioscope.synthesis.fields import Window, smooth_field

__all__ = ["POST_OPERATIVE", "SCHEME", "TumourFields", "TumourMap", "map_tumour"]

SCHEME = get_scheme("brats-2023")
POST_OPERATIVE = get_scheme("brats-2024-gli")

ROUGHNESS = (4.0, 0.45)
"""Scale and standard deviation in mm of the irregularities of every border."""


@dataclass(frozen=True, eq=False)
class TumourFields:
    """Regions of a tumour on a lattice, as the depth in mm below their surface: positive inside, negative outside.

    Attributes:
        whole, core, enhancing: float32 of one shape; the core is counted only inside the whole, the enhancing part only inside
            the core. Where `enhancing` is positive the core enhances.
        step: Spacing of the lattice in mm; its first voxel's centre lies at (step - 1) / 2 in voxel indices of the box.
        cavity: The same for a resection cavity, which takes precedence; None without an operation.
    """

    whole: NDArray[np.float32]
    core: NDArray[np.float32]
    enhancing: NDArray[np.float32]
    step: float
    cavity: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class TumourMap:
    """A tumour in place.

    Attributes:
        box: The part of the anatomy's arrays that it may fill.
        labels: uint8, scheme `brats-2023`, or `brats-2024-gli` where there is a cavity.
        depth: Region (`whole`, `core`, `enhancing`, `cavity`) -> float32 depth in mm below its surface, same shape.
    """

    box: Window
    labels: NDArray[np.uint8]
    depth: Mapping[str, NDArray[np.float32]]


def map_tumour(
    fields: TumourFields, at: Sequence[NDArray[np.float32]], anatomy: Anatomy, rng: np.random.Generator
) -> tuple[TumourMap, Anatomy]:
    """The tumour as the voxels of a head see it, and the head with the sulci that it has closed.

    Oedema does not spread into fluid, and core only into what its mass has closed.

    Args:
        fields: The tumour.
        at: Box index at which each voxel of the head looks along each axis, see `displaced`.
        anatomy: The head.
        rng: For the roughness of the borders.
    """
    full = [np.broadcast_to(a, anatomy.brain.shape) for a in at]
    box = _extent(fields, full)
    points = (np.stack([a[box] for a in full]) - np.float32((fields.step - 1) / 2)) / np.float32(fields.step)
    depth = {}
    for name in ("whole", "core", "enhancing", "cavity"):
        field = getattr(fields, name)
        if field is not None:
            depth[name] = ndimage.map_coordinates(field, points, order=1, mode="nearest")
            depth[name] += np.float32(ROUGHNESS[1]) * smooth_field(rng, points.shape[1:], ROUGHNESS[0])
    anatomy = _closed(anatomy, box, depth["whole"], np.float32(rng.uniform(0.3, 0.9)))
    fluid, brain = anatomy.fractions["csf"][box], anatomy.surface[box] < -0.5
    labels = np.zeros(brain.shape, np.uint8)
    labels[(depth["whole"] > 0) & (fluid < 0.5)] = SCHEME.value_of("ED")
    core = (depth["core"] > 0) & ((fluid < 0.7) | (depth["core"] > 1.5))
    labels[core] = SCHEME.value_of("NCR")
    labels[core & (depth["enhancing"] > 0)] = SCHEME.value_of("ET")
    if "cavity" in depth:
        labels[depth["cavity"] > 0] = POST_OPERATIVE.value_of("RC")
    labels[~brain | ~anatomy.brain[box]] = 0
    return TumourMap(box, labels, depth), anatomy


def _closed(anatomy: Anatomy, box: Window, depth: NDArray[np.float32], pressure: np.float32) -> Anatomy:
    """The head with less fluid in the sulci near a tumour; ventricles stay."""
    fluid = anatomy.fractions["csf"][box]
    wide = np.clip(2 * ndimage.gaussian_filter(fluid, 2.5) - 0.7, 0, 1)
    lost = fluid * pressure * np.clip(depth / 4 + 1, 0, 1) * (1 - wide)
    fractions = dict(anatomy.fractions)
    for name, sign in (("csf", -1), ("gm", 1)):
        fractions[name] = fractions[name].copy()
        fractions[name][box] += np.float32(sign) * lost
    return replace(anatomy, fractions=fractions)


def _extent(fields: TumourFields, at: Sequence[NDArray[np.float32]]) -> Window:
    """The part of a head that the tumour may reach, with a margin for what the mass effect and the roughness do."""
    reached = fields.whole > -2
    if fields.cavity is not None:
        reached |= fields.cavity > -2
    spans = box_of(reached) if reached.any() else (slice(0, 1),) * 3
    slices = []
    for axis, (n, span) in enumerate(zip(at[0].shape, spans, strict=True)):
        first = float(at[axis].take(0, axis).min())
        low, high = (int(end * fields.step - first) for end in (span.start, span.stop))
        slices.append(slice(min(n - 2, max(0, low - 12)), max(2, min(n, high + 12))))
    return slices[0], slices[1], slices[2]
