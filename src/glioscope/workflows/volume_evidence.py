"""The voxel-wise uncertainty of a label map, from the probability maps and the other segmentations that lie beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Grid, InvalidImage, Scheme, bids_name, read_probabilities, region_mask
from glioscope.measurement import VolumeEvidence, Widening, label_parts
from glioscope.workflows.rater_cases import FUSED, read_rater

__all__ = ["volume_evidence"]


def volume_evidence(
    segmenter: str,
    probabilities: Mapping[str, Path],
    raters: Mapping[str, Path],
    widening: Widening | None,
    scheme: Scheme,
    grid: Grid,
) -> VolumeEvidence | None:
    """The probabilities of the segmenter that made the label map (of all, for a fused one), else the share of raters.

    Args:
        segmenter: Whose the label map is.
        probabilities: `REGION.SEGMENTER` -> probability map.
        raters: Segmenter -> label map.
        widening: Of the intervals from that segmenter's own probabilities.
        scheme: Of the label map.
        grid: Of the label map.

    Returns:
        None where there are neither own probabilities nor two raters.

    Raises:
        InputUnreadable, InvalidImage: a file cannot be read or lies on another grid.
    """
    name = bids_name(segmenter)
    own: dict[str, list[Path]] = {}
    for key, path in sorted(probabilities.items()):
        region, _, whose = key.partition(".")
        if region in scheme.regions and name in (whose, FUSED):
            own.setdefault(region, []).append(path)
    if own:
        regions = {region: _mean([_probability(path, grid) for path in paths]) for region, paths in own.items()}
        members = sorted({key.partition(".")[2] for key in probabilities if name in (key.partition(".")[2], FUSED)})
        measured = widening if members == [name] else None
        return VolumeEvidence("probabilities", tuple(members), regions, parts=label_parts(regions, scheme), widening=measured)
    if len(raters) < 2:
        return None
    maps = []
    for path in raters.values():
        found = read_rater(path, "auto", scheme)
        _check(found.grid, grid, path)
        maps.append(found.data)
    return VolumeEvidence(
        "raters",
        tuple(sorted(raters)),
        {region: _mean([region_mask(data, scheme, region) for data in maps]) for region in scheme.regions},
        {label.name: _mean([data == value for data in maps]) for value, label in scheme.labels.items()},
    )


def _mean(maps: list[NDArray[np.float32]] | list[NDArray[np.bool_]]) -> NDArray[np.float32]:
    total = np.zeros(maps[0].shape, np.float32)
    for each in maps:
        total += each
    return np.asarray(total / len(maps), np.float32)


def _probability(path: Path, grid: Grid) -> NDArray[np.float32]:
    found = read_probabilities(path)
    _check(found.grid, grid, path)
    return np.asarray(found.data, np.float32)


def _check(found: Grid, grid: Grid, path: Path) -> None:
    if not found.same_as(grid):
        raise InvalidImage(f"'{path.name}' lies on another grid than the label map that is measured; bring it there first.")
