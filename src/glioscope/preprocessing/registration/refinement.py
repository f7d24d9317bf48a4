"""The last tenths of a millimetre: all sequences of an exam, and the atlas, brought together at once."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import minimize

from glioscope.core import Grid, Transform, Volume
from glioscope.preprocessing.registration.likeness import Likeness
from glioscope.preprocessing.registration.start import Comparison, between_slices, rigid_about, smoothed

__all__ = ["refine_atlas_pose", "refine_pair", "refine_sequences"]

Matrix = NDArray[np.float64]

SEQUENCE_MM, ATLAS_MM = (5.0, 2.0), (6.0, 3.5)
"""Distances of the points at which two sequences, or a sequence and the atlas, are compared: a quick look and a close one."""

MARGIN_MM, LAST_MARGIN_MM = 8.0, 6.0
"""What is compared beyond the brain: its surface tells most, but the scalp's fat is displaced by chemical shift."""

FARTHEST_MM = 15.0
"""A start this wrong is not refined but wrong: what moves farther is left as it was."""

STEP = 1e-4


@dataclass(frozen=True, eq=False)
class _Term:
    """One comparison: its points are looked up at `left @ pose @ right`, or at the inverse of that."""

    likeness: Likeness
    left: Matrix
    right: Matrix
    inverted: bool = False

    def lookup(self, pose: Matrix) -> Matrix:
        matrix = self.left @ pose @ self.right
        return _inverse(matrix) if self.inverted else matrix


def refine_sequences(
    reference: Volume, mask: Volume, others: Mapping[str, Volume], starts: Mapping[str, Transform], seed: int = 0
) -> dict[str, Transform]:
    """Rigid transforms from the reference to each other sequence, all sequences being compared with each other.

    One after another, each is fitted to the reference and to those before it, at points within 8 mm of the brain, and then
    once more to all others, within 6 mm. A sequence of thick slices that leaves its own pose open is held by the others.

    Args:
        reference: Image whose space the transforms start from.
        mask: Its brain, on its grid.
        others: Name -> image.
        starts: Name -> transform from the reference's world to that image's, right to some millimetres.
        seed: Of the points.
    """
    away = ndimage.distance_transform_edt(mask.data == 0, sampling=mask.grid.spacing)
    images, centre = {"": reference, **others}, _centre(mask)
    coarse = {(name, mm): smoothed(image, mm) for name, image in images.items() for mm in SEQUENCE_MM}
    seen = {key: between_slices(image) if image.grid.spacing.max() > key[1] else image for key, image in coarse.items()}
    found = {"": np.eye(4)}

    def fitted(name: str, pose: Matrix, mm: float, margin: float) -> Matrix:
        near, terms = away <= margin, []
        for other, matrix in found.items():
            if other != name:
                inside = Volume(near, Grid(near.shape, matrix @ mask.grid.affine))
                lattice = coarse[other, mm].grid
                points = Comparison.of(seen[other, mm], seen[name, mm], inside, seed, millimetres=mm, lattice=lattice)
                terms.append(_Term(Likeness(points, inside_only=True), np.eye(4), _inverse(matrix)))
        return _best(terms, pose, centre)

    for name in others:
        pose = starts[name].matrix
        for mm in SEQUENCE_MM:
            pose = fitted(name, pose, mm, MARGIN_MM)
        found[name] = pose
    for name in others:
        found[name] = fitted(name, found[name], SEQUENCE_MM[-1], LAST_MARGIN_MM)
    return {name: Transform(found[name]) for name in others}


def refine_atlas_pose(
    atlas: Volume,
    images: Mapping[str, Volume],
    poses: Mapping[str, Transform],
    mask: Volume,
    start: Transform,
    *,
    seed: int = 0,
) -> Transform:
    """The rigid transform from the atlas to the reference under which *all* sequences fit the atlas best.

    One image alone leaves the pitch of a head open by some degrees, whatever the optimiser; its slices, its contrast and its
    field of view each pull their own way. Each pair is compared both at points of the atlas and at points of the image.

    Args:
        atlas: A head with its skull.
        images: Name -> image.
        poses: Name -> transform from the reference's world to that image's.
        mask: The brain in the reference's world, about whose centre is turned.
        start: Atlas world to reference world, right to some millimetres.
        seed: Of the points.
    """
    pose, centre = start.matrix, start.inverse().apply(_centre(mask))
    for mm in ATLAS_MM:
        terms, head = [], smoothed(atlas, mm)
        for name, image in images.items():
            there, seen = poses[name].matrix, smoothed(image, mm)
            onto = Comparison.of(head, seen, None, seed, millimetres=mm)
            back = Comparison.of(seen, head, None, seed, millimetres=mm)
            terms.append(_Term(Likeness(onto), there, np.eye(4)))
            terms.append(_Term(Likeness(back), there, np.eye(4), inverted=True))
        pose = _best(terms, pose, centre)
    return Transform(pose)


def refine_pair(
    fixed: Volume, moving: Volume, where: Volume, start: Transform, *, millimetres: float, seed: int = 0
) -> Transform:
    """The rigid transform near `start` under which two images of one sequence are most alike, in `where` alone.

    Args:
        fixed: Image whose space the transform starts from.
        moving: The other.
        where: Mask on the grid of `fixed`, not empty: what is compared.
        start: Fixed world to moving world, right to some millimetres.
        millimetres: Distance of the points that are compared.
        seed: Of the points.
    """
    points = Comparison.of(smoothed(fixed, millimetres), smoothed(moving, millimetres), where, seed, millimetres=millimetres)
    if not len(points.points):
        return start
    term = _Term(Likeness(points, inside_only=True), np.eye(4), np.eye(4))
    return Transform(_best([term], start.matrix, _centre(where)))


def _inverse(matrix: Matrix) -> Matrix:
    return np.asarray(np.linalg.inv(matrix), np.float64)


def _centre(mask: Volume) -> NDArray[np.float64]:
    return mask.grid.to_world(np.array(ndimage.center_of_mass(mask.data > 0)))


def _best(terms: list[_Term], start: Matrix, centre: NDArray[np.float64]) -> Matrix:
    """The pose near `start` under which the terms are most alike, by L-BFGS with exact gradients."""
    with ThreadPoolExecutor(2) as pool:  # numpy lets both run; each sum is made by one of them, so the bytes never change

        def cost(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            pose = start @ rigid_about(parameters, centre, centre)
            results = list(pool.map(lambda term: term.likeness(term.lookup(pose)), terms))
            gradient = np.zeros(6)
            for i, step in enumerate(np.eye(6) * STEP):
                ahead, behind = (start @ rigid_about(parameters + s, centre, centre) for s in (step, -step))
                for term, (_, slope) in zip(terms, results, strict=True):
                    gradient[i] += (slope * (term.lookup(ahead) - term.lookup(behind))).sum() / (2 * STEP)
            return -sum(value for value, _ in results), -gradient

        found = minimize(cost, np.zeros(6), jac=True, method="L-BFGS-B", options={"ftol": 1e-6, "gtol": 1e-5, "maxiter": 60})
    if np.linalg.norm(found.x[:3]) > FARTHEST_MM or np.linalg.norm(found.x[3:]) > FARTHEST_MM:
        return start
    return np.asarray(start @ rigid_about(found.x, centre, centre), np.float64)
