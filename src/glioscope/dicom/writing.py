"""A DICOM object as the bytes of a file."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from glioscope.dicom.quiet import quietly

__all__ = ["dicom_bytes"]


def dicom_bytes(dataset: Any) -> bytes:  # noqa: ANN401
    """The whole file (PS3.10), the same bytes for the same object; raises ProcessingFailed where a value cannot be encoded."""
    with quietly("write the object"):
        stream = BytesIO()
        dataset.save_as(stream, enforce_file_format=True)
        return stream.getvalue()
