"""Tiny exams before and after surgery, and a bundle that looks at both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from glioscope.core import Volume, read_labels, read_volume, write_volume
from tests.bundles.toy import document_of, write_toy
from tests.training.tiny_cohort import MM, SEQUENCES, write_tiny_exam

__all__ = ["SHIFT", "write_after", "write_back", "write_before"]

SHIFT = (2, 1, 3)
"""Where the grid of the earlier exam begins, in voxels of the later one's."""


def write_back(folder: Path, **changes: Any) -> Path:
    """A bundle of T1c, and T1c and tumour of the earlier exam, none of them normalised; as large as a tiny exam."""
    inputs = {"channels": ["t1c", "pre-t1c", "pre-mask"], "normalisation": "none"}
    document = document_of(
        **{
            "inputs": inputs,
            "grid": {"space": "atlas", "spacing": [MM, MM, MM], "orientation": "RAS"},
            "inference": {"patch": [24, 24, 24], "overlap": 0.5, "mirror": False},
            **changes,
        }
    )
    write_toy(folder, document=document)
    return folder


def write_after(folder: Path, name: str = "after") -> Path:
    """The exam after surgery; its label map is removed."""
    place = write_tiny_exam(folder, name, 1)
    (place / f"{name}-seg.nii.gz").unlink()
    return place


def write_before(folder: Path, seed: int = 2, *, labels: bool = True, shift_mm: float = 0) -> Path:
    """The exam before surgery, on a grid of its own in the same space (or in one shifted to the right), with other axes."""
    place = write_tiny_exam(folder, "past", seed)
    for part in (*SEQUENCES, "seg"):
        file = place / f"past-{part}.nii.gz"
        volume = read_labels(file) if part == "seg" else read_volume(file)
        grid = volume.grid.cropped(SHIFT, volume.grid.shape)
        affine = grid.affine.copy()
        affine[0, 3] += shift_mm
        data = np.ascontiguousarray(volume.data[tuple(slice(s, None) for s in SHIFT)])
        write_volume(file, Volume.of(data, affine).reoriented("LSA"))
    if not labels:
        (place / "past-seg.nii.gz").unlink()
    return place
