"""The stored pixel values of an image, and nothing that hides beside or between them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.deidentification.withheld import Withheld

__all__ = ["StoredPixels", "stored_pixels"]

_ONE_BIT, _BYTE, _WORD = 1, 8, 16


@dataclass(frozen=True)
class StoredPixels:
    """Frames of an image.

    Attributes:
        content: What to write, little-endian, of exactly the length that the header announces, padded to an even length.
        frames: (frames, rows, columns) or with a last axis of samples; one byte a pixel where it has one bit.
        cleared: Whether bits outside the stored ones were set (old overlays, or a message) and are now zero.
    """

    content: bytes
    frames: NDArray[Any]
    cleared: bool = False


def stored_pixels(dataset: Any) -> StoredPixels | None:  # noqa: ANN401
    """The pixels of a data set as its header describes them, decompressed; None where it has none.

    Raises:
        Withheld: pixels of another kind (floats, palettes), too few, or of a compression that cannot be read.
    """
    if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
        raise Withheld("pixels of a kind that is not handled (floating point)")
    if "PixelData" not in dataset:
        return None
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    count, samples = max(1, int(dataset.get("NumberOfFrames") or 1)), int(dataset.get("SamplesPerPixel") or 1)
    bits = int(dataset.get("BitsAllocated") or 0)
    if not rows or not columns or bits not in (_ONE_BIT, _BYTE, _WORD):
        raise Withheld("pixels of a kind that is not handled (size or bits)")
    if str(dataset.get("PhotometricInterpretation") or "MONOCHROME2") not in ("MONOCHROME1", "MONOCHROME2", "RGB"):
        raise Withheld("pixels of a kind that is not handled (colour)")
    shape = (count, rows, columns) + ((samples,) if samples > 1 else ())
    number = int(np.prod(shape))
    if bits == _ONE_BIT:
        return _bits(_raw(dataset, -(-number // 8)), shape, number)
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_compressed and not syntax.is_deflated:
        if samples > 1:
            raise Withheld("compressed colour pixels, which are not decompressed")
        values = _decompressed(dataset).reshape(shape)
    else:
        order = "<" if syntax.is_little_endian else ">"
        values = np.frombuffer(_raw(dataset, number * bits // 8), f"{order}u{bits // 8}").reshape(shape)
        if int(dataset.get("PlanarConfiguration") or 0) and samples > 1:
            values = np.moveaxis(values.reshape(count, samples, rows, columns), 1, -1)
    return _whole(values, dataset, bits)


def _raw(dataset: Any, length: int) -> bytes:  # noqa: ANN401
    content = bytes(dataset.PixelData)
    if len(content) < length:
        raise Withheld("damaged (it ends before its pixels do)")
    return content[:length]


def _bits(content: bytes, shape: tuple[int, ...], number: int) -> StoredPixels:
    flat = np.unpackbits(np.frombuffer(content, np.uint8), bitorder="little")
    cleared = bool(flat[number:].any())
    packed = np.packbits(flat[:number], bitorder="little").tobytes()
    return StoredPixels(packed + b"\0" * (len(packed) % 2), flat[:number].reshape(shape), cleared)


def _whole(values: NDArray[Any], dataset: Any, bits: int) -> StoredPixels:  # noqa: ANN401
    """Clear the bits that are not stored, sign-extended where the values are signed."""
    stored = int(dataset.get("BitsStored") or bits)
    if not 0 < stored <= bits or int(dataset.get("HighBit") or stored - 1) != stored - 1:
        raise Withheld("pixels of a kind that is not handled (bits)")
    unsigned = values.astype(f"<u{bits // 8}", copy=False).view(f"<u{bits // 8}")
    signed = bool(int(dataset.get("PixelRepresentation") or 0))
    clean: NDArray[Any] = unsigned & np.array((1 << stored) - 1, unsigned.dtype)
    if signed:
        left = bits - stored
        clean = (clean << np.array(left, clean.dtype)).view(f"<i{bits // 8}") >> left
    cleared = bool((clean.view(unsigned.dtype) != unsigned).any())
    content = np.ascontiguousarray(clean).tobytes()
    return StoredPixels(content + b"\0" * (len(content) % 2), clean, cleared)


def _decompressed(dataset: Any) -> NDArray[Any]:  # noqa: ANN401
    """The values by pydicom's decoders, else by GDCM within SimpleITK, from a file with nothing but the pixels."""
    from pydicom.pixels import get_decoder

    bits = int(dataset.BitsAllocated)
    try:
        decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
        if decoder.is_available:
            values, _ = decoder.as_array(dataset, raw=True)
            return (
                np.asarray(values)
                .astype(f"<i{bits // 8}" if dataset.PixelRepresentation else f"<u{bits // 8}")
                .view(f"<u{bits // 8}")
            )
    except Exception:  # a decoder that gives up raises anything; the other one may do
        pass
    try:
        return _by_gdcm(dataset)
    except Exception as error:
        raise Withheld("its compression cannot be read here") from error


def _by_gdcm(dataset: Any) -> NDArray[Any]:  # noqa: ANN401
    import SimpleITK as sitk
    from pydicom.dataset import Dataset, FileMetaDataset

    bare = Dataset()
    bare.file_meta = FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    bare.SOPClassUID = bare.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    bare.SOPInstanceUID = bare.file_meta.MediaStorageSOPInstanceUID = "2.25.1"
    for name in ("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit"):
        if name in dataset:
            setattr(bare, name, dataset[name].value)
    bare.PixelRepresentation, bare.PhotometricInterpretation = dataset.PixelRepresentation, "MONOCHROME2"
    bare.add(dataset["PixelData"])
    with tempfile.TemporaryDirectory(prefix="glioscope-") as folder:
        path = Path(folder) / "pixels.dcm"
        bare.save_as(path, enforce_file_format=True)
        values = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    bits = int(dataset.BitsAllocated)
    return (
        np.asarray(values).astype(f"<i{bits // 8}" if dataset.PixelRepresentation else f"<u{bits // 8}").view(f"<u{bits // 8}")
    )
