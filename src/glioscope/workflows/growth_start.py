"""What a simulated tumour starts from: a place, a segmentation, or an exam that has one."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glioscope.atlas import atlas_volume
from glioscope.core import (
    Grid,
    InputUnreadable,
    InvalidImage,
    Sequence,
    get_scheme,
    is_image,
    read_header,
    read_labels,
    region_mask,
)
from glioscope.core.labels import numbering_of
from glioscope.workflows.labelled_cohort import labelled_cohort

__all__ = ["GrowthStart", "LabelledRegion", "read_region", "read_start"]


@dataclass(frozen=True, eq=False)
class LabelledRegion:
    """A tumour and the cavity beside it: bool masks on `grid`."""

    grid: Grid
    tumour: NDArray[np.bool_]
    cavity: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class GrowthStart:
    """Where growth begins.

    Attributes:
        region: The segmentation; empty masks for a place.
        seed: Continuous voxel indices of a place, or None.
        images: Sequence -> image of the exam on the same grid.
    """

    region: LabelledRegion
    seed: tuple[float, float, float] | None = None
    images: Mapping[Sequence, Path] = field(default_factory=dict)


def read_region(path: Path, region: str, scheme: str) -> LabelledRegion:
    """A region of a label map, and its resection cavity where the scheme has one.

    Args:
        path: Label map; any mask of ones will do for the region WT.
        region: Such as WT.
        scheme: Or `auto`: BraTS numbering by the values found; 3 and 4 together are `brats-2024-gli`.

    Raises:
        InputUnreadable, InvalidImage: the file cannot be read, has labels that the scheme lacks, or lacks the region.
    """
    labels = read_labels(path)
    values = {int(v) for v in np.unique(labels.data)} - {0}
    if scheme == "auto":
        known = get_scheme("brats-2024-gli") if {3, 4} <= values else numbering_of(labels.data, get_scheme("brats-2023"))
    else:
        known = get_scheme(scheme)
    if unknown := values - set(known.labels):
        raise InvalidImage(
            f"'{path.name}' has the label {min(unknown)}, which scheme '{known.name}' does not define; name its scheme."
        )
    if region not in known.regions:
        raise InvalidImage(f"Scheme '{known.name}' has no region '{region}'; it has {', '.join(known.regions)}.")
    tumour = region_mask(labels.data, known, region)
    cavity = region_mask(labels.data, known, "RC") if "RC" in known.regions else np.zeros(tumour.shape, bool)
    if not tumour.any():
        raise InvalidImage(f"'{path.name}' has no voxel of {region}.")
    return LabelledRegion(labels.grid, tumour, cavity)


def read_start(start: str, region: str, scheme: str, on: Path | None) -> GrowthStart:
    """What `start` names.

    Args:
        start: `mm:X,Y,Z` (world, RAS), `voxel:I,J,K`, a label map, or the folder of a prepared exam that has one.
        region: Of a label map.
        scheme: Of a label map, or `auto`.
        on: An image whose grid a place is meant on; the SRI24 atlas's where None.

    Raises:
        InputUnreadable, AmbiguousExam, InvalidImage: it names nothing, or something that cannot be read.
    """
    word, _, numbers = start.partition(":")
    if word in ("mm", "voxel") and numbers:
        place = _numbers(start, numbers)
        grid = read_header(on or atlas_volume("SRI24", "wm")).grid
        x, y, z = grid.to_index(place) if word == "mm" else place
        empty = np.zeros(grid.shape, bool)
        return GrowthStart(LabelledRegion(grid, empty, empty), (float(x), float(y), float(z)))
    path = Path(start)
    if path.is_file() and is_image(path):
        return GrowthStart(read_region(path, region, scheme))
    if not path.is_dir():
        raise InputUnreadable(f"'{start}' is no label map, no folder of an exam, and no place such as mm:-20,35,10.")
    with tempfile.TemporaryDirectory() as workdir:
        exams = labelled_cohort(path, Path(workdir), scheme=scheme)
    if len(exams) != 1:
        raise InputUnreadable(f"'{path}' holds {len(exams)} exams; name the folder of one.")
    found = read_region(exams[0].labels, region, scheme)
    images = {Sequence(name): file for name, file in exams[0].images.items() if name in set(Sequence)}
    return GrowthStart(found, None, {s: f for s, f in images.items() if read_header(f).grid.same_as(found.grid)})


def _numbers(start: str, text: str) -> NDArray[np.float64]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != 3 or not all(math.isfinite(v) for v in values):
        raise InputUnreadable(f"'{start}' is not a place; write three numbers, such as mm:-20,35,10 or voxel:90,120,70.")
    return np.array(values)
