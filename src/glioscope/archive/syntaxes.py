"""Transfer syntaxes and kinds of objects that are asked for when an association is made."""

from __future__ import annotations

__all__ = ["COMPRESSED", "FETCHED", "UNCOMPRESSED"]

UNCOMPRESSED = ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"]
"""Explicit and implicit VR little endian."""

COMPRESSED = [
    "1.2.840.10008.1.2.4.70",  # JPEG lossless, first-order
    "1.2.840.10008.1.2.4.57",  # JPEG lossless
    "1.2.840.10008.1.2.4.80",  # JPEG-LS lossless
    "1.2.840.10008.1.2.4.81",  # JPEG-LS near-lossless
    "1.2.840.10008.1.2.4.90",  # JPEG 2000 lossless
    "1.2.840.10008.1.2.4.91",  # JPEG 2000
    "1.2.840.10008.1.2.4.201",  # HTJ2K lossless
    "1.2.840.10008.1.2.5",  # RLE
    "1.2.840.10008.1.2.4.50",  # JPEG baseline
    "1.2.840.10008.1.2.4.51",  # JPEG extended
    "1.2.840.10008.1.2.1.99",  # deflated explicit VR little endian
]

_STORAGE = "1.2.840.10008.5.1.4.1.1."
FETCHED = [
    _STORAGE + ending
    for ending in (
        "4",  # MR Image
        "4.1",  # Enhanced MR Image
        "4.2",  # MR Spectroscopy
        "4.3",  # Enhanced MR Color Image
        "4.4",  # Legacy Converted Enhanced MR Image
        "2",  # CT Image
        "128",  # PET Image
        "7",  # Secondary Capture Image
        "7.1",
        "7.2",
        "7.3",
        "7.4",  # multi-frame secondary captures
        "11.1",  # Grayscale Softcopy Presentation State
        "66",  # Raw Data
        "66.1",  # Spatial Registration
        "66.3",  # Deformable Spatial Registration
        "66.4",  # Segmentation
        "66.5",  # Surface Segmentation
        "30",  # Parametric Map
        "88.11",  # Basic Text SR
        "88.22",  # Enhanced SR
        "88.33",  # Comprehensive SR
        "88.34",  # Comprehensive 3D SR
        "88.59",  # Key Object Selection
        "104.1",  # Encapsulated PDF
        "481.3",  # RT Structure Set
    )
]
