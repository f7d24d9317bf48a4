"""Tumours grown by the reaction-diffusion model: oedema, core and enhancing rim as level sets of the invasion time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.growth import GrowthParameters, Tissue, simulate
from glioscope.synthesis.anatomy import FINE
from glioscope.synthesis.composition import Composition
from glioscope.synthesis.fields import smooth_field
from glioscope.synthesis.tumour import TumourFields

__all__ = ["grow_tumour"]

FAR = 60.0
"""Equivalent radius in mm given to what the tumour does not reach."""

MOST_ML = 1.25
"""The simulation goes on to this multiple of the tumour's volume, so that depths are known on both sides of its border."""

PRESSED = 1.35
"""How much larger, about, the mass effect makes a core, and sulci the oedema smaller, once it is in a head."""

SEED_RADIUS = 4.5
"""Of the tumour that a simulation begins with, mm."""


def grow_tumour(tissue: Tissue, composition: Composition, rng: np.random.Generator) -> TumourFields:
    """A tumour of that composition somewhere in the white matter.

    Proliferation, diffusivities and seed are drawn; the invasion time becomes the radius of a ball of as many voxels, so that
    every border can be placed by volume and roughened in mm.

    Args:
        tissue: The healthy brain on a lattice of `FINE` mm that covers the box.
        composition: What to make.
        rng: Where all randomness comes from.
    """
    rho, white = rng.uniform(0.01, 0.04), np.exp(rng.uniform(np.log(0.05), np.log(0.4)))
    parameters = GrowthParameters(rho=rho, white=white, grey=white / np.exp(rng.uniform(np.log(2.5), np.log(25))))
    centres = _seeds(tissue, rng)
    distance = _distance(tissue.brain.shape, centres)
    start = (distance < SEED_RADIUS) & tissue.solid
    growth = simulate(tissue, parameters, start, until_volume_ml=max(MOST_ML * composition.volume, 3.0))
    radius = _equivalent_radius(growth.invasion_time, tissue)
    radius += np.float32(0.4) * smooth_field(rng, radius.shape, 6)
    whole = _radius_of(composition.volume) - radius

    shape = radius.shape
    near = np.where(radius < FAR, radius, 0)
    weight = ndimage.gaussian_filter((radius < FAR).astype(np.float32), 1.8)
    filled = ndimage.gaussian_filter(near, 1.8) / np.maximum(weight, 1e-3)
    roundness = np.float32(rng.uniform(0.35, 0.85))
    lumps = np.float32(rng.uniform(0.8, 3.0)) * smooth_field(rng, shape, rng.uniform(6, 12))
    mixed = (1 - roundness) * filled + roundness * distance + lumps
    mixed = np.where((weight > 0.35) & (whole > -3), mixed, FAR)
    core = _threshold(mixed, composition.core * composition.volume / PRESSED, tissue) - mixed
    core = _with_satellites(core, whole, composition, rng)
    return TumourFields(whole, core.astype(np.float32), enhancing_depth(core, composition, FINE, rng), FINE)


def enhancing_depth(
    core: NDArray[np.floating], composition: Composition, step: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Depth in mm of the enhancing part below its border, for a core given by its own depth."""
    inside = core > 0
    if composition.enhancing <= 0 or not inside.any():
        return np.full(core.shape, -FAR, np.float32)
    # what is deep and what lies in a lump of the field dies first
    scale = rng.uniform(5, 11) / step
    lumps = smooth_field(rng, core.shape, scale)
    deepest = float(np.percentile(core[inside], 98))
    spread = np.float32(max(1.5, 0.5 * deepest))
    dead = np.float32(composition.ring) * np.minimum(core, deepest) + np.float32(1.15 - composition.ring) * spread * lumps
    border = np.quantile(dead[inside], composition.enhancing) if composition.enhancing < 1 else np.inf
    return np.asarray(np.clip(border - dead, -FAR, FAR), np.float32)


def _seeds(tissue: Tissue, rng: np.random.Generator) -> NDArray[np.float64]:
    """One place in the white matter, above the tentorium but for one in thirty; a second one nearby for one in ten."""
    x, y, z = np.indices(tissue.brain.shape, np.float32)
    places = (tissue.white > 0.6) & tissue.brain
    lower, upper = (f(np.argwhere(tissue.brain), axis=0) for f in (np.min, np.max))
    left, back, up = ((v - lo) / (hi - lo) for v, lo, hi in zip((x, y, z), lower, upper, strict=True))
    if rng.random() > 0.03:
        places &= (up > 0.4) | ((up > 0.24) & (back < 0.55))
        places &= (np.abs(left - 0.5) > 0.12) | (up > 0.52)
        places &= up < 0.86
    choices = np.argwhere(places)
    centres = [choices[rng.integers(len(choices))]]
    if rng.random() < 0.1:
        apart = np.sqrt(((choices - centres[0]) ** 2).sum(axis=1)) * FINE
        near = choices[(apart > 18) & (apart < 55)]
        if len(near):
            centres.append(near[rng.integers(len(near))])
    return np.asarray(centres, np.float64)


def _distance(shape: tuple[int, ...], centres: NDArray[np.float64]) -> NDArray[np.float32]:
    """Distance in mm to the nearest of some voxels."""
    out = np.full(shape, np.inf, np.float32)
    for centre in centres:
        squares = [((np.arange(n) - c) * FINE) ** 2 for n, c in zip(shape, centre, strict=True)]
        out = np.minimum(out, np.sqrt(squares[0][:, None, None] + squares[1][:, None] + squares[2]).astype(np.float32))
    return out


def _radius_of(ml: float) -> np.float32:
    return np.float32((3000 * ml / (4 * np.pi)) ** (1 / 3))


def _equivalent_radius(time: NDArray[np.float32], tissue: Tissue) -> NDArray[np.float32]:
    """For each voxel the radius in mm of a ball as large as the tumour was when it came there."""
    out = np.full(time.shape, FAR, np.float32)
    reached = np.isfinite(time)
    times = time[reached]
    order = np.argsort(times, kind="stable")
    ranks = np.empty(order.size)
    ranks[order] = np.arange(1, order.size + 1)
    out[reached] = np.cbrt(3000 * tissue.voxel_volume * ranks / (4 * np.pi))
    return out


def _threshold(values: NDArray[np.float32], ml: float, tissue: Tissue) -> np.float32:
    """The value below which `ml` of the voxels lie."""
    count = round(ml / tissue.voxel_volume)
    if count < 1:
        return np.float32(-FAR)
    return np.float32(np.partition(values.ravel(), count)[count])


def _with_satellites(
    core: NDArray[np.floating], whole: NDArray[np.float32], composition: Composition, rng: np.random.Generator
) -> NDArray[np.floating]:
    """`core` with small balls more in the rest of the tumour."""
    places = np.argwhere((whole > 2) & (core < -4))
    for _ in range(composition.satellites if len(places) else 0):
        radius = rng.uniform(1.8, 5.5)
        centre = places[rng.integers(len(places))].astype(np.float64)
        core = np.maximum(core, np.float32(radius) - _distance(core.shape, centre[None]))
    return core
