"""One step of growth on the voxels that the tumour has come near to."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["NOTICED", "Stepper", "react"]

NOTICED = 1e-6
"""Density at the edge of the part computed at which more of the brain is taken in."""

HOPS = 6
"""How many voxels farther, at least, the part computed then reaches."""

MOST_STAGES = 20
"""Stages of a step; where they do not make it long enough it is shortened."""


class Stepper:
    """Diffusion between voxels, computed only where there are cells to diffuse.

    A step is a Runge-Kutta-Gegenbauer step of first order: s stages, all explicit, are stable over s (s + 5) / 6 times the
    longest explicit step. The index 5/2 of the Gegenbauer polynomials is the least with which the seven-point stencil gives no
    undershoot beside a sharp border; Legendre's, which reach a little farther, do.
    Source: Skaras et al., J Comput Phys 425 (2021), for the family; Meyer, Balsara and Aslam, ibid. 257 (2014).

    Attributes:
        step: Length of a step in the unit of 1/rho.
    """

    def __init__(self, rates: sparse.csr_array, wanted: float) -> None:
        """Prepare for voxels that exchange cells at `rates` (n, n), 1/time, and steps of length `wanted` or nearly so."""
        stable = 1 / max(float(rates.sum(axis=1).max()), 1e-300)
        self.step = min(wanted, stable * MOST_STAGES * (MOST_STAGES + 5) / 6)
        self._stages = max(1, math.ceil((math.sqrt(25 + 24 * self.step / stable) - 5) / 2 - 1e-9))
        self._rates = rates
        self._active = np.zeros(rates.shape[0], bool)
        self._edge = np.flatnonzero(~self._active)
        self.voxels = np.flatnonzero(self._active)

    def follow(self, density: NDArray[np.float64]) -> None:
        """Take more voxels into `voxels`, the part computed, where cells have come to its edge."""
        if not (density[self._edge] > NOTICED).any():
            return
        active = self._active | (density > NOTICED)
        for _ in range(max(HOPS, self._stages)):
            active = active | (self._rates @ active.astype(np.float64) > 0)
        self._active, self.voxels = active, np.flatnonzero(active)
        self._inner = self._rates[self.voxels][:, self.voxels]
        self._loss = self._inner.sum(axis=1)
        self._edge = self.voxels[np.diff(self._inner.indptr) < np.diff(self._rates.indptr)[self.voxels]]

    def diffuse(self, density: NDArray[np.float64], step: float) -> NDArray[np.float64]:
        """The density of `voxels` after diffusion over `step`, at most the length of a step; its sum stays what it was."""
        scale = 6 * step / (self._stages * (self._stages + 5))
        before, now = density, density + scale * self._change(density)
        for j in range(2, self._stages + 1):
            weight = (2 * j + 3) / (j + 4)
            before, now = now, weight * (now + scale * self._change(now)) + (1 - weight) * before
        return now

    def _change(self, density: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self._inner @ density - self._loss * density)


def react(density: NDArray[np.float64], dose: float) -> NDArray[np.float64]:
    """The logistic equation dc/dt = rho c (1 - c) solved exactly over a time of `dose` / rho; undershoots count as 0."""
    if dose == 0:
        return density
    density = np.clip(density, 0, 1)
    grown = density * math.exp(dose)
    return np.asarray(grown / (1 + grown - density))
