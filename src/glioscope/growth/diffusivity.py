"""Diffusion on a voxel lattice: how fast cells pass from each voxel to which neighbours."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from glioscope.growth.tissue import GrowthParameters, Tissue

__all__ = ["couplings", "diffusivity", "fractional_anisotropy", "selling"]

NEGLIGIBLE = 1e-9
"""Part of the trace below which a scalar product counts as zero."""

_PAIRS = tuple(combinations(range(4), 2))


def fractional_anisotropy(tensor: NDArray[np.floating]) -> NDArray[np.float32]:
    """Fractional anisotropy in [0, 1] of symmetric tensors of shape (..., 3, 3); 0 where a tensor is zero.

    Source: Basser and Pierpaoli, J Magn Reson B 111 (1996), written with traces: sqrt(3/2 (1 - tr(D)^2 / (3 tr(D^2)))).
    """
    squares = np.einsum("...ij,...ij->...", tensor, tensor)
    trace = np.trace(tensor, axis1=-2, axis2=-1)
    ratio = np.divide(trace**2, 3 * squares, out=np.ones(np.shape(squares)), where=squares > 0)
    return np.asarray(np.sqrt(np.clip(1.5 * (1 - ratio), 0, 1)), np.float32)


def diffusivity(tissue: Tissue, parameters: GrowthParameters) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Diffusivity in mm2/time of the n solid voxels, in the order of `np.argwhere(tissue.solid)`.

    D = kappa I + tau F T, with kappa the mean of the two diffusivities weighted by the tissue fractions, F the fractional
    anisotropy and T the normalised tensor.

    Returns:
        kappa of shape (n,), and tau F T of shape (n, 3, 3), None without tensors or with tau 0.
    """
    solid = tissue.solid
    white, grey = tissue.white[solid].astype(np.float64), tissue.grey[solid].astype(np.float64)
    kappa = (parameters.white * white + parameters.grey * grey) / (white + grey)
    if tissue.tensor is None or parameters.tau == 0:
        return kappa, None
    tensor = tissue.tensor[solid].astype(np.float64)
    share = fractional_anisotropy(tensor) if tissue.anisotropy is None else tissue.anisotropy[solid]
    return kappa, parameters.tau * share[:, None, None] * tensor


def selling(tensors: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Selling's decomposition: D as a sum of six weighted lattice directions, D = sum of weight e e^T.

    The weights are never negative, so that a scheme built on them neither undershoots nor loses mass.
    Source: Fehrenbach and Mirebeau, J Math Imaging Vis 49 (2014), section 2; Selling, J reine angew Math 77 (1874).

    Args:
        tensors: (n, 3, 3), symmetric and positive semi-definite.

    Returns:
        Integer directions e of shape (n, 6, 3), and weights of shape (n, 6).
    """
    count = len(tensors)
    base = np.tile(np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]], np.int64), (count, 1, 1))
    limit = NEGLIGIBLE * np.trace(tensors, axis1=1, axis2=2)
    busy = np.arange(count)
    while busy.size:
        changed = np.zeros(busy.size, bool)
        for i, j in _PAIRS:
            part = base[busy]
            product = np.einsum("na,nab,nb->n", part[:, i], tensors[busy], part[:, j])
            acute = product > limit[busy]
            at = busy[acute]
            for other in {0, 1, 2, 3} - {i, j}:
                base[at, other] += base[at, i]
            base[at, i] *= -1
            changed |= acute
        busy = busy[changed]
    directions = np.empty((count, 6, 3), np.int64)
    weights = np.empty((count, 6))
    for n, (i, j) in enumerate(_PAIRS):
        k, m = sorted({0, 1, 2, 3} - {i, j})
        directions[:, n] = np.cross(base[:, k], base[:, m])
        weights[:, n] = np.maximum(0, -np.einsum("na,nab,nb->n", base[:, i], tensors, base[:, j]))
    return directions, weights


def couplings(tissue: Tissue, parameters: GrowthParameters) -> sparse.csr_array:
    """Rate (1/time) at which cells pass between every two solid voxels: symmetric, not negative, zero on the diagonal.

    With W these rates, d c_i / dt = sum_j W_ij (c_j - c_i) is div(D grad c) in finite differences. What two voxels exchange is
    the mean of what each of them would, so nothing is lost; there is no rate across the border, hence no flux. Without
    tensors this is the seven-point stencil.

    Returns:
        (n, n) for the n solid voxels, in the order of `np.argwhere(tissue.solid)`.
    """
    kappa, anisotropic = diffusivity(tissue, parameters)
    spacing = np.asarray(tissue.spacing)
    if anisotropic is None:
        directions = np.broadcast_to(np.eye(3, dtype=np.int64), (len(kappa), 3, 3))
        weights = kappa[:, None] / spacing**2
    else:
        directions, weights = selling((anisotropic + kappa[:, None, None] * np.eye(3)) / np.outer(spacing, spacing))
    return _graph(tissue.solid, directions, weights)


def _graph(solid: NDArray[np.bool_], directions: NDArray[np.int64], weights: NDArray[np.float64]) -> sparse.csr_array:
    """The symmetric matrix of rates from the directions (n, k, 3) and weights (n, k) of the voxels of `solid`."""
    count = len(weights)
    reach = max(1, int(np.abs(directions[weights > 0]).max(initial=1)))
    numbers = np.full(np.asarray(solid.shape) + 2 * reach, -1, np.int32)
    inner = numbers[reach:-reach, reach:-reach, reach:-reach]
    inner[solid] = np.arange(count, dtype=np.int32)
    places = np.argwhere(solid) + reach
    total = sparse.csr_array((count, count))
    for n in range(weights.shape[1]):
        there = numbers[tuple((places + directions[:, n]).T)]
        back = numbers[tuple((places - directions[:, n]).T)]
        for other in (there, back):
            linked = np.flatnonzero((other >= 0) & (weights[:, n] > 0))
            total = total + sparse.csr_array((weights[linked, n] / 2, (linked, other[linked])), (count, count))
    return (total + total.T).tocsr()
