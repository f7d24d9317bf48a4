"""Diffusion tensors from a file, on a grid and along its axes."""

from __future__ import annotations

import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from glioscope.core import Grid, InputUnreadable, InvalidImage, Volume, resample

__all__ = ["TENSOR_ORDERS", "read_tensors"]

TENSOR_ORDERS = {
    "fsl": ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)),
    "mrtrix": ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)),
}
"""The six components in the order of each convention: FSL's along the voxel axes (the first one mirrored where the affine has
a positive determinant), MRtrix's in world space."""


def read_tensors(path: Path, order: str, grid: Grid) -> NDArray[np.float32]:
    """Diffusion tensors of trace 1 on `grid`, (X, Y, Z, 3, 3), along its array axes; 0 where there are none.

    Args:
        path: NIfTI of shape (X, Y, Z, 6), on any grid in the same world space.
        order: A key of TENSOR_ORDERS.
        grid: Where they are wanted.

    Raises:
        InputUnreadable: the file cannot be read.
        InvalidImage: it does not hold six components, or values that are not finite, or the order is not known.
    """
    if order not in TENSOR_ORDERS:
        raise InvalidImage(f"There is no tensor convention '{order}'; known are {', '.join(TENSOR_ORDERS)}.")
    if not path.is_file():
        raise InputUnreadable(f"'{path}' does not exist or is not a file.")
    try:
        image = nib.load(path)
        affine, components = np.asarray(image.affine), np.asarray(image.dataobj, np.float32)
    except (OSError, EOFError, ValueError, zlib.error, ImageFileError) as error:
        raise InputUnreadable(f"'{path.name}' cannot be read as an image; it is damaged or of another kind.") from error
    if components.ndim != 4 or components.shape[3] != 6:
        shape = " x ".join(map(str, components.shape))
        raise InvalidImage(f"'{path.name}' ({shape}) is not a diffusion tensor: six components a voxel are needed.")
    if not np.isfinite(components).all() or not components.any():
        raise InvalidImage(f"'{path.name}' holds no tensors, or values that are not finite.")
    source = Volume.of(components[..., 0], affine).grid
    frame = source.affine[:3, :3] / source.spacing if order == "fsl" else np.eye(3)
    if order == "fsl" and np.linalg.det(source.affine[:3, :3]) > 0:
        frame = frame * [-1, 1, 1]
    tensor = np.zeros((*grid.shape, 3, 3), np.float32)
    for n, (i, j) in enumerate(TENSOR_ORDERS[order]):
        values = resample(Volume(components[..., n], source), grid).data
        tensor[..., i, j] = tensor[..., j, i] = values
    turn = (np.linalg.inv(grid.affine[:3, :3] / grid.spacing) @ frame).astype(np.float32)
    tensor = np.einsum("ia,...ab,jb->...ij", turn, tensor, turn, optimize=True)
    trace = np.trace(tensor, axis1=-1, axis2=-2)
    sound = trace > 1e-3 * float(np.quantile(trace[trace > 0], 0.5)) if (trace > 0).any() else trace > 0
    scaled = np.divide(tensor, trace[..., None, None], out=np.zeros_like(tensor), where=sound[..., None, None])
    return np.asarray(scaled, np.float32)
