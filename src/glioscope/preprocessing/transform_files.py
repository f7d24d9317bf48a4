"""Transforms on disk: ITK composite transforms in HDF5 (`.h5`), which ANTs, SimpleITK, 3D Slicer and ITK-SNAP read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Grid, InputUnreadable, Transform
from glioscope.core.files import atomic

__all__ = ["read_transform", "write_transform"]

_FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
_AFFINE = "AffineTransform_double_3_3"
_FIELD = "DisplacementFieldTransform_double_3_3"
_COMPOSITE = "CompositeTransform_double_3_3"

Part = tuple[str, NDArray[np.float64], NDArray[np.float64]]


def _affine_part(matrix: NDArray[np.float64]) -> Part:
    lps = _FLIP @ matrix @ _FLIP
    return _AFFINE, np.concatenate([lps[:3, :3].ravel(), lps[:3, 3]]), np.zeros(3)


def _parts(transform: Transform) -> list[Part]:
    """ITK's parts in the order in which a point meets them.

    A field on a sheared grid (the inverse of a SyN registration lies on one) is expressed as: undo the shear, a field on a
    grid at right angles, shear again.
    """
    if transform.displacement is None or transform.displacement_grid is None:
        return [_affine_part(transform.matrix)]
    grid = transform.displacement_grid
    u, _, vt = np.linalg.svd(grid.affine[:3, :3] / grid.spacing)
    square = grid.affine.copy()
    square[:3, :3] = (u @ vt) * grid.spacing
    shear = grid.affine @ np.linalg.inv(square)
    vectors = transform.displacement.astype(np.float64) @ np.linalg.inv(shear[:3, :3]).T
    lps = _FLIP @ square
    fixed = [np.asarray(grid.shape), lps[:3, 3], grid.spacing, (lps[:3, :3] / grid.spacing).ravel()]
    flat = np.transpose(vectors * [-1, -1, 1], (2, 1, 0, 3)).ravel()
    field: Part = (_FIELD, flat, np.concatenate(fixed).astype(np.float64))
    if np.allclose(shear, np.eye(4), atol=1e-6):
        return [field, _affine_part(transform.matrix)]
    return [_affine_part(np.linalg.inv(shear)), field, _affine_part(transform.matrix @ shear)]


def write_transform(path: Path, transform: Transform) -> None:
    """Write `transform` as an ITK composite, the same bytes each time (no times, no host names).

    The file maps points of the fixed space to points of the moving space, in LPS, as ITK and ANTs expect of a transform that
    resamples the moving image onto the fixed grid. Raises OutputUnwritable.
    """
    import h5py

    text = h5py.string_dtype("ascii")
    with atomic(path) as scratch, h5py.File(scratch, "w", libver=("earliest", "v108"), track_order=False) as file:

        def put(name: str, values: Any) -> None:  # noqa: ANN401
            file.create_dataset(name, data=values, track_times=False)

        put("ITKVersion", np.array(["5.4"], text))
        put("HDFVersion", np.array(["1.12"], text))
        put("OSName", np.array(["any"], text))
        put("OSVersion", np.array(["any"], text))
        put("TransformGroup/0/TransformType", np.array([_COMPOSITE], text))
        # ITK applies the last part of a composite first.
        for number, (kind, parameters, fixed) in enumerate(reversed(_parts(transform)), start=1):
            put(f"TransformGroup/{number}/TransformType", np.array([kind], text))
            put(f"TransformGroup/{number}/TransformFixedParameters", fixed)
            put(f"TransformGroup/{number}/TransformParameters", parameters)


def _matrix(parameters: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    lps = np.eye(4)
    lps[:3, :3] = parameters[:9].reshape(3, 3)
    lps[:3, 3] = parameters[9:12] + centre - lps[:3, :3] @ centre
    return np.asarray(_FLIP @ lps @ _FLIP)


def _field(parameters: NDArray[np.float64], fixed: NDArray[np.float64]) -> tuple[NDArray[np.float64], Grid]:
    x, y, z = (int(n) for n in fixed[:3])
    affine = np.eye(4)
    affine[:3, :3] = fixed[9:18].reshape(3, 3) * fixed[6:9]
    affine[:3, 3] = fixed[3:6]
    vectors = np.transpose(parameters.reshape(z, y, x, 3), (2, 1, 0, 3)) * [-1, -1, 1]
    return vectors, Grid((x, y, z), _FLIP @ affine)


def read_transform(path: Path) -> Transform:
    """The transform of a file that `write_transform` wrote, or of any ITK composite of affine parts and at most one field.

    Raises:
        InputUnreadable: missing, damaged, or of parts that are neither affine nor a displacement field.
    """
    import h5py

    before, after = np.eye(4), np.eye(4)
    field: tuple[NDArray[np.float64], Grid] | None = None
    try:
        with h5py.File(path, "r") as file:
            group = file["TransformGroup"]
            for number in sorted((int(n) for n in group if n != "0"), reverse=True):
                part = group[str(number)]
                kind = part["TransformType"][0].decode()
                names = {name.replace("Tranform", "Transform"): name for name in part}
                parameters = np.asarray(part[names["TransformParameters"]], np.float64)
                fixed = np.asarray(part[names["TransformFixedParameters"]], np.float64)
                if kind.startswith(("AffineTransform", "MatrixOffset")):
                    if field is None:
                        before = _matrix(parameters, fixed) @ before
                    else:
                        after = _matrix(parameters, fixed) @ after
                elif kind.startswith("DisplacementField") and field is None:
                    field = _field(parameters, fixed)
                else:
                    raise InputUnreadable(f"'{path.name}' holds a '{kind}', which is neither affine nor a single field.")
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise InputUnreadable(f"'{path.name}' cannot be read as an ITK transform; run the pre-processing again.") from error
    if field is None:
        return Transform(before)
    # before, field, after = after @ before on p, with the vectors carried back through `before`.
    vectors, grid = field
    carried = vectors @ np.linalg.inv(before[:3, :3]).T
    home = Grid(grid.shape, np.linalg.inv(before) @ grid.affine)
    return Transform(after @ before, carried.astype(np.float32), home)
