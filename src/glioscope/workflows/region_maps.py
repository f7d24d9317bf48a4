"""What segmenters left on disk: region probability maps or label maps, by case; and reading them on one grid."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import (
    AmbiguousExam,
    Grid,
    InputUnreadable,
    InvalidImage,
    Scheme,
    Volume,
    convert_labels,
    is_image,
    read_labels,
    read_probabilities,
    region_mask,
)
from glioscope.workflows.case_pairs import case_id, find_pairs, stem

__all__ = ["CaseMaps", "common_grid", "find_maps", "plain", "read_label_map"]


@dataclass(frozen=True)
class CaseMaps:
    """One segmenter's answer for one case.

    Attributes:
        id: Name of the case.
        probabilities: Region -> file; empty where there is a label map.
        labels: Its label map, or None.
    """

    id: str
    probabilities: Mapping[str, Path]
    labels: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return (*self.probabilities.values(), *([self.labels] if self.labels else []))

    def read(self, given: Scheme, scheme: Scheme) -> dict[str, Volume]:
        """Region -> probabilities; a label map in numbering `given` counts as 0 and 1 in the regions of `scheme`."""
        if self.labels is None:
            return {region: read_probabilities(path) for region, path in self.probabilities.items()}
        labels = read_label_map(self.labels, given, scheme)
        return {r: labels.with_data(region_mask(labels.data, scheme, r).astype(np.float32)) for r in scheme.regions}


def read_label_map(path: Path, given: Scheme, scheme: Scheme) -> Volume:
    """The label map at `path`, numbered as in `given`, in `scheme`; raises InvalidImage naming the file."""
    labels = read_labels(path)
    try:
        return labels.with_data(convert_labels(labels.data, given, scheme))
    except InvalidImage as error:
        raise InvalidImage(f"'{path.name}': {error} Say with --given-scheme how it is numbered.") from None


def common_grid(volumes: Iterable[tuple[str, Volume]]) -> Grid:
    """The grid that all lie on; raises InvalidImage that names the first two that do not share it."""
    (first, volume), *others = volumes
    for name, other in others:
        if not volume.grid.same_as(other.grid):
            raise InvalidImage(
                f"{name} and {first} lie on different grids ({_told(other.grid)} and {_told(volume.grid)}); bring them to one."
            )
    return volume.grid


def _told(grid: Grid) -> str:
    voxels = "x".join(map(str, grid.shape))
    spacing = "x".join(f"{size:.3g}" for size in grid.spacing)
    return f"{voxels} voxels of {spacing} mm, {grid.orientation}"


def plain(name: str) -> str:
    """An identifier as it looks after BIDS has taken its hyphens and underscores."""
    return re.sub(r"[^0-9a-z]", "", name.lower().removeprefix("sub-"))


def find_maps(path: Path, scheme: Scheme, pattern: str | None = None) -> dict[str, CaseMaps]:
    """Case -> what a segmenter gave for it.

    A region map is named `…_label-WT_probseg` (BIDS), ends in the region (`CASE-WT`, `CASE_WT`), or is called `WT` in a folder
    named after its case. A folder without region maps is one of label maps.

    Args:
        path: A label map, a region map, or a folder of either at any depth.
        scheme: Names the regions.
        pattern: Of the file names to look at.

    Raises:
        InputUnreadable: nothing there.
        AmbiguousExam: two files for one region of a case.
    """
    if not path.exists():
        raise InputUnreadable(f"'{path}' does not exist.")
    root = path if path.is_dir() else path.parent
    files = sorted(p for p in path.rglob("*") if p.is_file() and is_image(p)) if path.is_dir() else [path]
    regions = "|".join(sorted(scheme.regions, key=len, reverse=True))
    named = re.compile(rf"(?:(?:^|[-_. ])label-({regions})_probseg|(?:^|[-_. ])({regions}))$", re.IGNORECASE)
    spelling = {region.lower(): region for region in scheme.regions}
    found: dict[str, dict[str, Path]] = {}
    for file in files:
        match = named.search(stem(file))
        if match is None or file.name.startswith(".") or (pattern and not fnmatch(file.name, pattern)):
            continue
        region = spelling[(match[1] or match[2]).lower()]
        case = case_id(file.with_name(stem(file)[: match.start()] + ".nii"), root) or root.name
        maps = found.setdefault(case, {})
        if region in maps:
            raise AmbiguousExam(
                f"Case '{case}' has two maps of {region} in '{root}' ('{maps[region].name}', '{file.name}'); "
                "choose with --pred-files PATTERN."
            )
        maps[region] = file
    if found:
        return {case: CaseMaps(case, maps) for case, maps in found.items()}
    pairs = find_pairs(path, path, prediction_files=pattern, reference_files=pattern)
    return {pair.id: CaseMaps(pair.id, {}, pair.reference) for pair in pairs.cases}


def arrays(volumes: Mapping[str, Volume]) -> dict[str, NDArray[Any]]:
    """Only the voxels."""
    return {name: volume.data for name, volume in volumes.items()}
