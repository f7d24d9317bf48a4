"""The sidecar of a converted image: physics and hardware, nothing of the patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glioscope.core.acquisition import acquisition_attributes

__all__ = ["clean_sidecar"]


def clean_sidecar(document: Mapping[str, Any]) -> dict[str, Any]:
    """`document` (a dcm2niix or BIDS sidecar) reduced to the allow-list `glioscope.core.acquisition.ACQUISITION_ATTRIBUTES`.

    Times stay in the unit they have there (seconds). Descriptions, protocol names and comments are free text that people type
    names into: they serve to recognise the sequence, and are dropped here.
    """
    return acquisition_attributes(document)
