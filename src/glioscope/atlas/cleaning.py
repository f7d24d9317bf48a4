"""From the files in the wheels to small, plain 3-D volumes and tables."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping

import nibabel as nib
import numpy as np

from glioscope.atlas.catalogue import VolumeEntry
from glioscope.core import Volume

__all__ = ["clean_volume", "computed_volumes", "region_names"]


def clean_volume(content: bytes, entry: VolumeEntry) -> Volume:
    """A NIfTI file's bytes as a 3-D volume of the number type that `entry.kind` asks for.

    Singleton fourth axes are dropped, values that are not numbers become 0, and the affine stays as it is: every volume of an
    atlas shows the same world points (checked in the tests), whatever the order of its voxels.
    """
    raw = gzip.decompress(content) if entry.member.endswith(".gz") else content
    image = nib.Nifti1Image.from_bytes(raw)
    data = np.nan_to_num(np.asarray(image.dataobj, np.float32).reshape(image.shape[:3]))
    if entry.kind == "image":
        data = np.round(data * entry.scale).astype(np.int16)
    elif entry.kind == "probability":
        data = (np.round(np.clip(data, 0, 1) * 255) / 255).astype(np.float32)
    else:
        data = np.round(data).astype(np.uint8)
    return Volume.of(data, np.asarray(image.affine, np.float64))


def computed_volumes(atlas: str, volumes: Mapping[str, Volume]) -> dict[str, Volume]:
    """The volumes of an atlas that its wheel does not hold but that follow from those it does."""
    if atlas == "MNI152":
        inside = volumes["brain_mask"].data > 0
        return {"t1_brain": volumes["t1"].with_data(np.where(inside, volumes["t1"].data, 0).astype(np.int16))}
    return {"brain_mask": volumes["t1_brain"].with_data((volumes["t1_brain"].data > 0).astype(np.uint8))}


def region_names(content: bytes) -> dict[str, str]:
    """Value in the lobe map -> name such as `left frontal lobe`, from the table that comes with the map.

    The map unites grey and white matter under the number of the grey matter.
    """
    names = {}
    for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig"))):
        value, name, side = (row[key].strip() for key in ("Label", "Region", "Laterality"))
        if not value or row["Matter type"].strip() == "wm":
            continue
        name = name.replace("_", " ") + (" lobe" if row["Matter type"].strip() == "gm" else "")
        names[value] = name if side == "None" else f"{side} {name}"
    return dict(sorted(names.items(), key=lambda item: int(item[0])))
