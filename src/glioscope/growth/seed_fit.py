"""Where a tumour may have begun: the seed whose front fills its segmentation best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage
from glioscope.core.boxes import box_of
from glioscope.growth.arrival import arrival_time, front_speed
from glioscope.growth.reaction_diffusion import Seed
from glioscope.growth.tissue import GrowthParameters, Tissue

__all__ = ["SeedFit", "fit_seed"]

ROOM = 30.0
"""mm around the segmentation in which the front is followed."""

SEARCHED, REFINED = 5.0, 2.5
"""mm, about: the voxel sizes of the search by all restarts, and of the last one from the best place found."""


FIRST_STEP = 5.0
"""mm: how far the search looks at first."""


@dataclass(frozen=True)
class SeedFit:
    """The best seed found.

    Attributes:
        seed: It.
        dice: Volume-matched Dice of its arrival times with the segmentation, on a grid of about 2.5 mm.
        restarts: The Dice that each restart reached on a grid of about 5 mm.
        evaluations: How many fronts were followed.
    """

    seed: Seed
    dice: float
    restarts: tuple[float, ...]
    evaluations: int

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "voxel": [round(i, 3) for i in self.seed.index],
            "volume_matched_dice": self.dice,
            "restarts": list(self.restarts),
            "evaluations": self.evaluations,
        }


def _blocks(array: NDArray[Any], factor: NDArray[np.int_]) -> NDArray[np.float32]:
    """Means over blocks of voxels; what is left over at the upper ends counts as 0."""
    padded = np.pad(np.asarray(array, np.float32), [(0, -n % f) for n, f in zip(array.shape, factor, strict=True)])
    sizes = [n for size, f in zip(padded.shape, factor, strict=True) for n in (size // f, f)]
    return np.asarray(padded.reshape(sizes).mean(axis=(1, 3, 5)), np.float32)


def _matched_dice(times: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """Dice of a mask with the voxels that are reached first, as many as it has."""
    wanted = int(mask.sum())
    order = np.argpartition(times, wanted - 1, axis=None)[:wanted]
    return float((mask.ravel()[order] & np.isfinite(times.ravel()[order])).mean())


class _Search:
    """The search on a coarse grid around the tumour."""

    def __init__(self, tissue: Tissue, speed: NDArray[np.float32], inside: NDArray[np.bool_], size: float) -> None:
        spacing = np.asarray(tissue.spacing)
        box = box_of(inside, [int(np.ceil(ROOM / s)) for s in spacing])
        self._lower = np.array([s.start for s in box])
        self._factor = np.maximum(1, np.rint(size / spacing)).astype(int)
        x, y, z = (float(w) for w in spacing * self._factor)
        self._width = (x, y, z)
        solid = _blocks(tissue.solid[box], self._factor)
        self._speed = np.where(solid >= 0.5, _blocks(speed[box], self._factor) / np.maximum(solid, 0.5), 0).astype(np.float32)
        filled = np.where(self._speed > 0, _blocks(inside[box], self._factor), 0)
        self._mask = filled >= min(0.5, float(filled.max()))
        if not filled.any():
            raise InvalidImage(
                "The front cannot move in the tumour: its diffusivity is 0, or it is a few voxels at the border."
            )
        self.places = self._fine(np.argwhere(self._mask))
        self.fronts = 0

    def _fine(self, coarse: NDArray[Any]) -> NDArray[np.float64]:
        return np.asarray(self._lower + (coarse + 0.5) * self._factor - 0.5)

    def _loss(self, index: NDArray[np.float64]) -> float:
        nearest = np.rint(index).astype(int)
        if (nearest < 0).any() or (nearest >= self._speed.shape).any() or not self._speed[tuple(nearest)] > 0:
            away = (np.argwhere(self._mask) - index) * self._width
            return 1 + float(np.sqrt((away**2).sum(axis=1)).min())  # leads back
        self.fronts += 1
        return 1 - _matched_dice(arrival_time(self._speed, self._width, (index[0], index[1], index[2])), self._mask)

    def best_from(self, place: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """The Dice reached, and where, searching from a place; both places are voxel indices of the fine grid."""
        from scipy.optimize import minimize

        start = (place - self._lower + 0.5) / self._factor - 0.5
        step = np.diag([FIRST_STEP / w for w in self._width])
        found = minimize(self._loss, start, method="Powell", options={"xtol": 0.1, "ftol": 1e-3, "direc": step, "maxfev": 200})
        return float(1 - found.fun), self._fine(found.x)


def fit_seed(
    tissue: Tissue, parameters: GrowthParameters, mask: NDArray[np.bool_], *, restarts: int = 10, seed: int = 0
) -> SeedFit:
    """Find the seed from which the front, at its final speed, fills `mask` best once it has its volume.

    Derivative-free search (Powell) from random places in the mask on a coarse grid; the best one is refined on a finer one.
    Source: van Garderen et al., BrainLes 2021, section on the fit of the seed.

    Args:
        tissue: The brain.
        parameters: The model's numbers; only the ratios of the diffusivities matter here.
        mask: (X, Y, Z), the tumour; what of it lies outside the solid brain is left out.
        restarts: How many searches, at least 1.
        seed: Of the random numbers.

    Raises:
        InvalidImage: no voxel of the mask lies in the solid brain, or the front cannot move there.
    """
    inside = np.asarray(mask, bool) & tissue.solid
    if not inside.any():
        raise InvalidImage("The tumour lies outside the white and grey matter of the brain.")
    speed = front_speed(tissue, parameters)
    search, refinement = (_Search(tissue, speed, inside, size) for size in (SEARCHED, REFINED))
    rng = np.random.default_rng(seed)
    starts = search.places[rng.integers(len(search.places), size=restarts)]
    found = [search.best_from(start) for start in starts]
    dice, (x, y, z) = refinement.best_from(max(found, key=lambda one: one[0])[1])
    scores = tuple(score for score, _ in found)
    return SeedFit(Seed((float(x), float(y), float(z))), dice, scores, search.fronts + refinement.fronts)
