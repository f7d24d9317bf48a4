"""A glioma that grows: cells that multiply and wander, by the Fisher-Kolmogorov equation on a voxel grid."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import ndtr

from glioscope.core import InvalidImage
from glioscope.growth.diffusivity import couplings
from glioscope.growth.stepping import NOTICED, Stepper, react
from glioscope.growth.tissue import GrowthParameters, Tissue

__all__ = ["Growth", "Seed", "simulate"]

MOST_STEPS = 1e6
"""Until a time; usual growths take hundreds."""
STEP = 0.05
"""Time step times rho: it slows the front by 1 percent at most."""


@dataclass(frozen=True)
class Seed:
    """A small round beginning: a Gaussian blob of density 1 at its middle.

    Attributes:
        index: Continuous voxel indices of its middle.
        deviation: Standard deviation in mm.
    """

    index: tuple[float, float, float]
    deviation: float = 1.0


@dataclass(frozen=True, eq=False)
class Growth:
    """What a simulated tumour did.

    Attributes:
        invasion_time: float32 (X, Y, Z), time at which the density first exceeded the visible threshold, in the unit of 1/rho;
            0 where it did from the start, +inf where it never did.
        density: float32 (X, Y, Z) in [0, 1], at the end.
        time: When the simulation ended.
    """

    invasion_time: NDArray[np.float32]
    density: NDArray[np.float32]
    time: float


def simulate(
    tissue: Tissue,
    parameters: GrowthParameters,
    start: Seed | NDArray[np.bool_],
    *,
    until_volume_ml: float | None = None,
    until_time: float | None = None,
    until_covered: NDArray[np.bool_] | None = None,
) -> Growth:
    """Grow a tumour: dc/dt = div(D grad c) + rho c (1 - c), without flux through the border of the solid brain.

    The first of the conditions that is met ends it, and in any case that no cell is left below the visible threshold.

    Steps of diffusion and of reaction take turns (`Stepper`, `react`), on the voxels near those reached. The invasion time is
    interpolated within a step. The front moves at 2 sqrt(rho D), after a slow start; where voxels are as wide as sqrt(D / rho)
    it is 4 percent faster than that, where they are twice as wide 12 percent.

    Source: Konukoglu et al., IEEE Trans Med Imaging 29 (2010); the forward ranking of growth predictions uses the same model.

    Args:
        tissue: The brain.
        parameters: The model's numbers.
        start: A seed, or a mask (X, Y, Z) of the tumour now visible, in which the density is `parameters.visible`.
        until_volume_ml: Stop when as much has been visible; the last step may overshoot by some percent.
        until_time: Stop then, exactly.
        until_covered: Stop when every voxel of this mask (X, Y, Z) has been visible that growth can reach at all.

    Raises:
        InvalidImage: the start lies outside the solid brain, nothing grows and no time is given, or the time would take more
            than MOST_STEPS steps.
    """
    if parameters.rho == 0 and until_time is None:
        raise InvalidImage("Nothing grows with rho 0, so say until which time to simulate.")
    solid = tissue.solid
    density, invasion = _beginning(tissue, parameters, start)
    stepper = Stepper(couplings(tissue, parameters), STEP / parameters.rho if parameters.rho > 0 else math.inf)
    goal = _Goal(
        math.inf if until_time is None else until_time,
        math.inf if until_volume_ml is None else until_volume_ml / tissue.voxel_volume,
        None if until_covered is None else np.asarray(until_covered & _connected(solid, density), bool)[solid],
    )
    if until_time is not None and until_time / stepper.step > MOST_STEPS:
        raise InvalidImage(
            f"Growing until {until_time:g} would take {until_time / stepper.step:.0e} steps of {stepper.step:.0e}, as the "
            "diffusivities are that large; give smaller ones, or an earlier time."
        )
    time = 0.0
    while not goal.met(invasion, density, time):
        stepper.follow(density)
        step = min(stepper.step, goal.time - time)
        before = density[stepper.voxels]
        after = react(stepper.diffuse(before, step), parameters.rho * step)
        new = np.flatnonzero((after > parameters.visible) & np.isinf(invasion[stepper.voxels]))
        share = np.clip((parameters.visible - before[new]) / (after[new] - before[new]), 0, 1)
        invasion[stepper.voxels[new]] = time + share * step
        density[stepper.voxels] = after
        time = time + step if step < goal.time - time else goal.time
    return Growth(_volume(solid, invasion, np.inf), _volume(solid, np.clip(density, 0, 1), 0), time)


@dataclass(frozen=True, eq=False)
class _Goal:
    """When to stop: at a time, at a number of voxels that have been visible, when all of some voxels have been."""

    time: float
    voxels: float
    covered: NDArray[np.bool_] | None

    def met(self, invasion: NDArray[np.float64], density: NDArray[np.float64], time: float) -> bool:
        seen = np.isfinite(invasion)
        if time >= self.time or seen.sum() >= self.voxels or (self.covered is not None and seen[self.covered].all()):
            return True
        return time > 0 and math.isinf(self.time) and not (density[~seen] > 0).any()


def _beginning(
    tissue: Tissue, parameters: GrowthParameters, start: Seed | NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Density and invasion time of the solid voxels at time 0."""
    solid = tissue.solid
    if isinstance(start, Seed):
        density = _blob(start, tissue)[solid]
        where = "The seed"
        seen = density > parameters.visible
    else:
        if start.shape != solid.shape:
            raise InvalidImage("The tumour to start from lies on another grid than the brain.")
        seen = np.asarray(start[solid], bool)
        density = np.where(seen, parameters.visible, 0.0)
        where = "The tumour to start from"
    if not density.max(initial=0) > NOTICED:
        raise InvalidImage(f"{where} lies outside the white and grey matter of the brain.")
    return density, np.where(seen, 0.0, np.inf)


def _blob(seed: Seed, tissue: Tissue) -> NDArray[np.float64]:
    """The seed's mean density in each voxel: integrated, so that it weighs the same wherever it lies between voxels."""
    sides = []
    for centre, size, count in zip(seed.index, tissue.spacing, tissue.brain.shape, strict=True):
        edges = (np.arange(count + 1) - 0.5 - centre) * size / seed.deviation
        sides.append(np.diff(ndtr(edges)) * math.sqrt(2 * math.pi) * seed.deviation / size)
    blob = np.einsum("i,j,k->ijk", *sides)
    return np.where(blob > NOTICED, blob, 0)


def _connected(solid: NDArray[np.bool_], density: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The parts of the solid brain that have cells in them at the start."""
    parts, _ = ndimage.label(solid)
    return np.isin(parts, np.unique(parts[solid][density > 0]))


def _volume(solid: NDArray[np.bool_], values: NDArray[np.float64], elsewhere: float) -> NDArray[np.float32]:
    out = np.full(solid.shape, elsewhere, np.float32)
    out[solid] = values
    return out
