"""ANTs (Avants et al., NeuroImage 54, 2011) through ANTsPy: the default engine, and the one with SyN."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from scipy import ndimage

from glioscope.core import Grid, Transform, Volume, resample, resample_mask
from glioscope.preprocessing.registration.engine import Alignment, Kind, RegistrationEngine, affine_alignment
from glioscope.preprocessing.registration.itk_space import from_lps, itk_geometry, to_lps

__all__ = ["AntsEngine"]

LEVEL_MM = 2.0
"""Voxel size of the finer of the two levels."""

SAMPLES = 40_000
"""Points at which the images are compared: between sequences as accurate as four times as many."""

COARSE_MM = 4.0
"""Voxel size of the only level of a quick registration."""

LINEAR: dict[str, Any] = {
    "aff_metric": "mattes",
    "aff_sampling": 32,
    "aff_iterations": (100, 50),
    "aff_shrink_factors": (2, 1),
    "aff_smoothing_sigmas": (1, 0),
}
QUICK: dict[str, Any] = {**LINEAR, "aff_iterations": (100,), "aff_shrink_factors": (1,), "aff_smoothing_sigmas": (0,)}

ANY_SEQUENCES: dict[str, Any] = {"syn_metric": "mattes", "syn_sampling": 32, "reg_iterations": (40, 20, 5)}
SAME_SEQUENCE: dict[str, Any] = {"syn_metric": "CC", "syn_sampling": 2, "reg_iterations": (40, 20, 10)}
"""SyN from a given start compares one sequence at two times: by correlation in cubes of 5 voxels: small shifts show."""


def _deterministic(seed: int) -> None:
    """One thread, since sums over several come in any order (ITK reads this once, when it starts), and a seed for the samples.

    ANTsPy's own argument `random_seed` does not reach the sampling of the linear stages; the variable does.
    """
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"
    os.environ["ANTS_RANDOM_SEED"] = str(seed + 1)  # 0 would mean: from the clock


def _image(volume: Volume) -> Any:  # noqa: ANN401
    import ants

    origin, spacing, direction = itk_geometry(volume.grid)
    data = np.ascontiguousarray(volume.data, dtype=np.float32)
    return ants.from_numpy(data, origin=origin, spacing=spacing, direction=direction)


def _isotropic(volume: Volume, millimetres: float) -> Volume:
    """A copy with cubic voxels: ANTs shrinks all axes alike, which would leave hardly any slices of a 5 mm image."""
    size = max(millimetres, float(volume.grid.spacing.min()))
    x, y, z = (int(max(1, n)) for n in np.ceil(volume.grid.extent / size))
    affine = volume.grid.affine.copy()
    affine[:3, :3] *= size / volume.grid.spacing
    affine[:3, 3] = volume.grid.to_world(np.full(3, -0.5)) + affine[:3, :3] @ np.full(3, 0.5)
    blur = [0.4 * size / s if s < size else 0.0 for s in volume.grid.spacing]
    smooth = volume.with_data(ndimage.gaussian_filter(np.asarray(volume.data, np.float32), blur))
    return resample(smooth, Grid((x, y, z), affine))


def _read_matrix(path: str) -> Transform:
    import ants

    transform = ants.read_transform(path)
    parameters = np.asarray(transform.parameters, np.float64)
    centre = np.asarray(transform.fixed_parameters, np.float64)
    return from_lps(parameters[:9].reshape(3, 3), parameters[9:12], centre)


def _read_warp(path: str) -> Volume:
    """Displacements in mm (RAS); shape (x, y, z, 3), so held as the data of a volume on the field's grid."""
    import nibabel as nib

    image = nib.load(path)
    vectors = np.asarray(image.dataobj, np.float32).reshape(*image.shape[:3], 3) * np.array([-1, -1, 1], np.float32)
    return Volume(vectors, Volume.of(vectors[..., 0], image.affine).grid)


class AntsEngine(RegistrationEngine):
    """Mattes mutual information on two levels; SyN with the same metric for deformable registration."""

    name: ClassVar[str] = "ants"
    kinds: ClassVar[tuple[Kind, ...]] = ("rigid", "affine", "syn", "deformation")

    def _optimise(
        self,
        fixed: Volume,
        moving: Volume,
        kind: Kind,
        start: Transform,
        *,
        mask: Volume | None,
        deform_mask: Volume | None,
        seed: int,
        quick: bool,
    ) -> Alignment:
        _deterministic(seed)
        import ants

        level = _isotropic(fixed, COARSE_MM if quick else LEVEL_MM)
        linear = {**(QUICK if quick else LINEAR), "aff_random_sampling_rate": min(1.0, SAMPLES / level.data.size)}
        images = {"fixed": _image(level), "moving": _image(moving)}
        masks = [None if where is None else _image(resample_mask(where, level.grid)) for where in (mask, deform_mask)]
        with tempfile.TemporaryDirectory() as folder:

            def stage(method: str, initial: Transform, **options: Any) -> dict[str, list[str]]:  # noqa: ANN401
                matrix = to_lps(initial.matrix)
                guess = ants.create_ants_transform(
                    transform_type="AffineTransform", dimension=3, matrix=matrix[:3, :3], translation=matrix[:3, 3]
                )
                path = str(Path(folder, f"{method}-start.mat"))
                ants.write_transform(guess, path)
                found: dict[str, list[str]] = ants.registration(
                    **images,
                    mask=masks[method == "SyNOnly"],
                    type_of_transform=method,
                    initial_transform=[path],
                    outprefix=str(Path(folder, f"{method}-")),
                    **options,
                )
                return found

            found_so_far = start
            for method in ("Rigid", "Affine") if kind != "deformation" else ():
                found_so_far = _read_matrix(stage(method, found_so_far, **linear)["fwdtransforms"][-1])
                if kind == method.lower():
                    return affine_alignment(found_so_far)
            found = stage("SyNOnly", found_so_far, **(SAME_SEQUENCE if kind == "deformation" else ANY_SEQUENCES))
            matrix = _read_matrix(found["fwdtransforms"][-1]).matrix
            forward = _read_warp(found["fwdtransforms"][0])
            backward = _read_warp(found["invtransforms"][-1])
        # The inverse goes affine first and then along its field; carried to moving space, the field comes first, as in
        # Transform: q -> A^-1 (q + A v(A^-1 q)), whose vectors A v lie on the grid moved by A.
        carried = np.asarray(backward.data @ matrix[:3, :3].T.astype(np.float32), np.float32)
        moved = Volume.of(backward.data[..., 0], matrix @ backward.grid.affine).grid
        return Alignment(
            Transform(matrix, np.asarray(forward.data, np.float32), forward.grid),
            Transform(np.linalg.inv(matrix).astype(np.float64), carried, moved),
        )
