"""Reading and writing volumes: NIfTI through nibabel, NRRD and MetaImage through SimpleITK; one sentence for every fault."""

from __future__ import annotations

import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from glioscope.core.counting import are, counted
from glioscope.core.errors import InputUnreadable, InvalidImage
from glioscope.core.files import check_readable, write_bytes
from glioscope.core.grid import Grid
from glioscope.core.volume import Volume

__all__ = [
    "IMAGE_SUFFIXES",
    "ImageHeader",
    "is_image",
    "read_header",
    "read_labels",
    "read_probabilities",
    "read_volume",
    "write_volume",
]

NIFTI_SUFFIXES = (".nii", ".nii.gz")
ITK_SUFFIXES = (".nrrd", ".nhdr", ".mha", ".mhd")
IMAGE_SUFFIXES = NIFTI_SUFFIXES + ITK_SUFFIXES

MAX_VOXELS = 2**30
"""Larger than any MRI volume (a whole head at 0.2 mm); a header that claims more is damaged."""

ROUNDING = 1e-3
"""How far beyond 0 and 1 a probability may be stored (scaled integers, B-spline interpolation)."""

# nibabel and NumPy raise any of these on a damaged header or a truncated stream.
_READ_FAULTS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zlib.error,
    ImageFileError,
    HeaderDataError,
)


@dataclass(frozen=True)
class ImageHeader:
    """What a file says of its image before its voxels are read: the grid and the type of numbers stored."""

    grid: Grid
    dtype: str


def is_image(path: Path) -> bool:
    """Whether the file's name has the ending of an image format that Glioscope reads."""
    return path.name.lower().endswith(IMAGE_SUFFIXES)


def _check_exists(path: Path) -> None:
    if not path.is_file():
        raise InputUnreadable(f"'{path}' does not exist or is not a file.")
    if path.stat().st_size == 0:
        raise InputUnreadable(f"'{path.name}' is empty (0 bytes); copy it again from its source.")
    check_readable(path)


def _checked_grid(path: Path, shape: tuple[int, ...], affine: NDArray[Any]) -> Grid:
    sizes = [int(n) for n in shape]
    while len(sizes) > 3 and sizes[-1] == 1:
        sizes.pop()
    if len(sizes) < 3 or (len(sizes) == 3 and min(sizes) == 1):
        raise InvalidImage(f"'{path.name}' is a 2-D image ({' x '.join(map(str, sizes))}); a 3-D volume is needed.")
    if len(sizes) > 3:
        raise InvalidImage(f"'{path.name}' has {len(sizes)} dimensions ({' x '.join(map(str, sizes))}); give one 3-D volume.")
    if min(sizes) < 1 or math.prod(sizes) > MAX_VOXELS:
        raise InvalidImage(f"'{path.name}' claims {' x '.join(map(str, sizes))} voxels, so its header is damaged.")
    affine = np.asarray(affine, np.float64)
    if not np.isfinite(affine).all() or np.abs(affine).max() > 1e6:
        raise InvalidImage(f"'{path.name}' has no usable affine (its position in space is not a finite number).")
    if abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise InvalidImage(f"'{path.name}' has a degenerate affine (zero voxel volume), so distances mean nothing in it.")
    return Grid((sizes[0], sizes[1], sizes[2]), affine)


def _unreadable(path: Path, error: BaseException) -> InputUnreadable:
    detail = str(error).strip().splitlines()[-1:] or [type(error).__name__]  # ITK ends its pages with the reason
    told = " ".join(detail[0].split()).replace(str(path), path.name)[:160]
    return InputUnreadable(f"'{path.name}' cannot be read as an image, it is damaged or of another kind ({told}).")


def _itk_header(path: Path) -> tuple[tuple[int, ...], NDArray[np.float64], str, int]:
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    ndim = reader.GetDimension()
    affine = np.eye(4)
    n = min(ndim, 3)
    direction = np.asarray(reader.GetDirection()).reshape(ndim, ndim)[:n, :n]
    affine[:n, :n] = direction * np.asarray(reader.GetSpacing())[:n]
    affine[:n, 3] = reader.GetOrigin()[:n]
    affine[:2] *= -1  # ITK's world is LPS, ours is RAS
    return reader.GetSize(), affine, sitk.GetPixelIDValueAsString(reader.GetPixelID()), reader.GetNumberOfComponents()


def read_header(path: Path) -> ImageHeader:
    """The grid of an image without reading its voxels.

    Raises:
        InputUnreadable: missing, empty, truncated in the header, or not an image.
        InvalidImage: 2-D, 4-D, of impossible size, or without a usable affine.
    """
    _check_exists(path)
    try:
        if path.name.lower().endswith(ITK_SUFFIXES):
            shape, affine, dtype, components = _itk_header(path)
            if components != 1:
                raise InvalidImage(f"'{path.name}' holds {components} numbers a voxel; a grey-scale volume is needed.")
        else:
            image = nib.load(path)
            shape, affine, dtype = image.shape, image.affine, str(image.get_data_dtype())
            if image.get_data_dtype().fields is not None or image.get_data_dtype().kind == "c":
                raise InvalidImage(f"'{path.name}' holds colours or complex numbers; a grey-scale volume is needed.")
    except InvalidImage:
        raise
    except _READ_FAULTS as error:
        raise _unreadable(path, error) from error
    return ImageHeader(_checked_grid(path, shape, affine), dtype)


def _read_voxels(path: Path, header: ImageHeader) -> NDArray[Any]:
    if path.name.lower().endswith(ITK_SUFFIXES):
        import SimpleITK as sitk

        return np.asarray(sitk.GetArrayFromImage(sitk.ReadImage(str(path)))).T.reshape(header.grid.shape)
    return np.asarray(np.asanyarray(nib.load(path).dataobj).reshape(header.grid.shape))


def _read(path: Path) -> tuple[NDArray[Any], ImageHeader]:
    header = read_header(path)
    try:
        return _read_voxels(path, header), header
    except _READ_FAULTS as error:
        raise _unreadable(path, error) from error


def read_volume(path: Path) -> Volume:
    """An MRI volume as float32.

    Raises:
        InputUnreadable: missing, empty, truncated, or not an image.
        InvalidImage: not 3-D, without a usable affine, all one value, or with voxels that are not finite.
    """
    voxels, header = _read(path)
    with np.errstate(over="ignore", invalid="ignore"):
        data = np.asarray(voxels, np.float32)  # in the file's order: turning it around takes longer than reading it
    _finite(path, data)
    if data.size and data.min() == data.max():
        raise InvalidImage(f"'{path.name}' holds the value {data.flat[0]:g} in every voxel, so there is no image in it.")
    return Volume(data, header.grid)


def read_probabilities(path: Path) -> Volume:
    """A probability map as float32 in [0, 1] (all zero is valid: the region is nowhere).

    Raises:
        InputUnreadable: missing, empty, truncated, or not an image.
        InvalidImage: not 3-D, without a usable affine, or with values that are not finite numbers from 0 to 1.
    """
    voxels, header = _read(path)
    data = np.asarray(voxels, np.float32)
    low, high = (float(data.min()), float(data.max())) if data.size else (0.0, 0.0)
    if not (low >= -ROUNDING and high <= 1 + ROUNDING):
        told = f"from {low:g} to {high:g}" if np.isfinite(low + high) else "that are not finite"
        raise InvalidImage(f"'{path.name}' is not a probability map: it has values {told}, not from 0 to 1.")
    return Volume(np.clip(data, 0, 1), header.grid)


def _finite(path: Path, voxels: NDArray[Any]) -> None:
    bad = int(voxels.size - np.isfinite(voxels).sum())
    if bad:
        raise InvalidImage(
            f"'{path.name}' has {counted(bad, 'voxel')} that {are(bad)} not finite (NaN, infinity or beyond float32); "
            "export it again."
        )


def read_labels(path: Path) -> Volume:
    """A label map or mask as uint8 (an all-zero map is valid: no tumour).

    Raises:
        InputUnreadable: missing, empty, truncated, or not an image.
        InvalidImage: not 3-D, without a usable affine, or with values that are not whole numbers from 0 to 255 (NaN too).
    """
    voxels, header = _read(path)
    with np.errstate(invalid="ignore", over="ignore"):
        data = np.asarray(voxels).astype(np.uint8)
    if np.asarray(voxels).dtype.kind == "f":
        _finite(path, voxels)
    if not np.array_equal(data, voxels):
        raise InvalidImage(f"'{path.name}' is not a label map: it has values other than the whole numbers 0 to 255.")
    return Volume(data, header.grid)


def write_volume(path: Path, volume: Volume) -> None:
    """Write `volume` as NIfTI-1, atomically and the same bytes each time; raises OutputUnwritable.

    float arrays are stored as float32, bool as uint8; sform and qform both carry the affine (a sheared one only the sform).
    """
    data = volume.data
    if data.dtype == bool:
        data = data.astype(np.uint8)
    elif data.dtype == np.float64:
        data = data.astype(np.float32)
    image = nib.Nifti1Image(data, volume.grid.affine)
    image.set_sform(volume.grid.affine, code=1)
    image.set_qform(volume.grid.affine, code=1, strip_shears=True)
    image.header.set_xyzt_units("mm")
    content = image.to_bytes()
    if path.name.endswith(".gz"):
        content = gzip.compress(content, compresslevel=2, mtime=0)
    write_bytes(path, content)
