"""DICOM series to NIfTI volumes, with the metadata that may be kept."""

from glioscope.conversion.convert_series import convert_series
from glioscope.conversion.sidecar import clean_sidecar

__all__ = ["clean_sidecar", "convert_series"]
