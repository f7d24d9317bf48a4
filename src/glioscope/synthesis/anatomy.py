"""A head without disease: the tissue maps of an atlas, deformed, with what surrounds and what crosses a brain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import Grid
from glioscope.core.boxes import box_of
from glioscope.growth import Tissue
from glioscope.synthesis.deformation import Deformation, lattice
from glioscope.synthesis.fields import Window, smooth_field, stretched
from glioscope.synthesis.lookalikes import blood_vessels, draw_age, hyperintensities, plexus
from glioscope.synthesis.template import LOWER, SHAPE, Template, box_grid

__all__ = ["FINE", "Anatomy", "CoarseBrain", "deformed_anatomy"]

FINE = 2
"""Spacing in mm of the lattice on which tumours grow."""

MIDLINE = 119.5 - LOWER[0]
"""Index of the plane between the hemispheres in the template's box."""

REACH = 8.0
"""Distance in mm from the brain up to which there is anything."""


@dataclass(frozen=True, eq=False)
class Anatomy:
    """What fills each voxel of a head.

    Attributes:
        grid: 1 mm, LPS, a part of the BraTS grid.
        fractions: Tissue (`csf`, `gm`, `wm`, lookalikes of tumour such as `vessel`, and tumour parts once there is one) -> part
            of the voxel that it fills, float32 in [0, 1]; the rest is air.
        brain: bool, brain with its fluid spaces, as a skull-stripping left it.
        surface: Signed distance in mm to the border of the brain, float32, negative inside.
    """

    grid: Grid
    fractions: Mapping[str, NDArray[np.float32]]
    brain: NDArray[np.bool_]
    surface: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class CoarseBrain:
    """A deformed brain on a lattice of `FINE` mm that fills the box, for a tumour to grow in.

    Attributes:
        tissue: White and grey matter.
        surface: Signed distance in mm to the border of the brain, float32, negative inside.
    """

    tissue: Tissue
    surface: NDArray[np.float32]

    @staticmethod
    def of(template: Template, deformation: Deformation) -> CoarseBrain:
        """The brain that `deformation` makes of `template`."""
        points = deformation.source(lattice(FINE))
        surface = _sampled(template.surface, points, 30)
        brain = surface < -1
        csf, wm = (_filled(brain, _sampled(a, points[:, brain], 0)) for a in (template.csf, template.wm))
        grey = np.where(brain, np.clip(1 - csf - wm, 0, 1), 0).astype(np.float32)
        return CoarseBrain(Tissue(wm, grey, brain, (FINE, FINE, FINE)), surface)

    @property
    def window(self) -> Window:
        """The part of the box that holds the brain, with a margin."""
        x, y, z = (
            slice(s.start * FINE, min(n, s.stop * FINE)) for s, n in zip(box_of(self.surface < REACH), SHAPE, strict=True)
        )
        return x, y, z


def deformed_anatomy(
    template: Template,
    deformation: Deformation,
    coarse: CoarseBrain,
    at: Sequence[NDArray[np.float32]],
    rng: np.random.Generator,
) -> Anatomy:
    """A healthy head, 1 mm, in the window of `coarse`.

    Args:
        template: The brain it is made from.
        deformation: What makes it another one.
        coarse: What that gives on a coarser lattice; the mass effect does not move its surface.
        at: Where each voxel looks, see `displaced`.
        rng: For age, vessels, hyperintensities and the border that skull-stripping left.
    """
    age = draw_age(rng)
    window = coarse.window
    points = deformation.source(at, window)
    surface = stretched(coarse.surface, SHAPE, window)
    solid = np.clip(0.5 - surface, 0, 1)
    inside = solid > 0
    within = points[:, inside]
    csf, wm, ventricle = (_filled(inside, _sampled(a, within, 0)) for a in (template.csf, template.wm, template.ventricle))
    csf = np.clip(csf * (np.float32(age.atrophy) + np.float32(0.6) * (ventricle <= 2)), 0, 1) * solid
    csf *= np.clip(-surface / 3, 0.2, 1)  # little of the outermost fluid is left at the skull
    wm = np.minimum(wm, 1 - csf) * solid
    vessel = blood_vessels(csf, surface, points[0] - np.float32(MIDLINE), rng)
    wmh = hyperintensities(wm, ventricle, age, rng)
    knots = plexus(csf, ventricle, rng)
    shell = np.clip((surface + 1.2) / 1.2, 0, 1) * np.clip(2 - surface, 0, 1)
    rest = (1 - vessel) * (1 - wmh) * (1 - knots) * (1 - shell)
    fractions = {
        "csf": csf * rest,
        "wm": wm * rest,
        "gm": np.clip(solid - csf - wm, 0, 1) * rest,
        "vessel": vessel * solid * (1 - shell),
        "wmh": wmh * (1 - vessel) * (1 - knots) * (1 - shell),
        "plexus": knots * (1 - vessel) * (1 - shell),
        "dura": shell,
        "scrap": (1 - solid) * (1 - shell),
    }
    grid = box_grid().cropped([w.start for w in window], [w.stop for w in window])
    return Anatomy(grid, fractions, _stripped(surface, rng), surface)


def _stripped(surface: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.bool_]:
    """The brain as an imperfect skull-stripping leaves it: a wavy border and, in a third, shreds of dura, fat and orbit."""
    border = np.float32(rng.uniform(-2.0, 0.8)) + np.float32(0.9) * smooth_field(rng, surface.shape, 24)
    if rng.random() < 0.35:
        border += np.float32(rng.uniform(2, 6)) * np.clip(smooth_field(rng, surface.shape, 22) - np.float32(1.5), 0, 1)
    return np.asarray(surface < np.minimum(border, REACH - 1))


def _sampled(values: NDArray[np.float32], points: NDArray[np.float32], outside: float) -> NDArray[np.float32]:
    return np.asarray(ndimage.map_coordinates(values, points, order=1, cval=outside, output=np.float32))


def _filled(inside: NDArray[np.bool_], values: NDArray[np.float32]) -> NDArray[np.float32]:
    out = np.zeros(inside.shape, np.float32)
    out[inside] = values
    return out
