"""`glioscope quality uncertainty`: how undecided probability maps are, and whether they mean what they say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import (
    Grid,
    InputUnreadable,
    InvalidImage,
    Volume,
    get_scheme,
    read_header,
    read_labels,
    read_probabilities,
    region_mask,
    write_volume,
)
from glioscope.core.files import check_folder
from glioscope.quality import (
    UNCERTAINTY_DEFINITIONS,
    Bins,
    calibration_curve,
    ensemble_entropy,
    region_uncertainty,
)
from glioscope.workflows.assessment import add_to_assessment, check_assessable, judged_files
from glioscope.workflows.rater_cases import read_rater

__all__ = ["assess_uncertainty", "group_by_region", "uncertainty_of"]

_LABEL = re.compile(r"_label-([0-9A-Za-z]+)_")


def group_by_region(files: Iterable[Path], region: str | None = None) -> dict[str, list[Path]]:
    """Region -> its probability maps, by the `_label-REGION_` of their names; all are of `region` where one is given.

    Raises:
        InputUnreadable: a file does not exist.
        InvalidImage: a name does not tell the region and none is given.
    """
    groups: dict[str, list[Path]] = {}
    for path in files:
        if not path.exists():
            raise InputUnreadable(f"'{path}' does not exist.")
        found = _LABEL.search(path.name)
        if not region and not found:
            raise InvalidImage(f"'{path.name}' does not name its region (_label-ET_); say which one it is with --region.")
        groups.setdefault(region or (found[1] if found else ""), []).append(path)
    return groups


def uncertainty_of(groups: Mapping[str, Iterable[Path]]) -> dict[str, Any]:
    """Means of every region's uncertainty, JSON-ready.

    Args:
        groups: Region -> probability maps of the members of an ensemble, or of test-time augmentations; or a single one.

    Raises:
        InputUnreadable, InvalidImage: a file cannot be read, lies on another grid, or holds no probabilities.
    """
    regions = {}
    for region, files in groups.items():
        paths = sorted(files)
        maps = ensemble_entropy(_members(paths))
        summary = region_uncertainty(*maps, read_header(paths[0]).grid.voxel_volume, len(paths))
        regions[region] = summary.document()
    return {"regions": regions, "definitions": dict(UNCERTAINTY_DEFINITIONS)}


def assess_uncertainty(
    files: Iterable[str | PathLike[str]],
    *,
    region: str | None = None,
    reference: str | PathLike[str] | None = None,
    scheme: str = "auto",
    within: str | PathLike[str] | None = None,
    bins: int = 10,
    kind: Bins = "width",
    out: str | PathLike[str] | None = None,
    exam: str | PathLike[str] | None = None,
) -> dict[str, Any]:
    """Uncertainty of probability maps by region and, with a reference, whether they are calibrated.

    Args:
        files: Probability maps of the members of an ensemble, or of test-time augmentations; the `_label-REGION_` in their
            names tells the region.
        region: The region of all of them.
        reference: Label map of the truth.
        scheme: Of the reference, or `auto`.
        within: Mask to look in for the calibration, such as the brain.
        bins: Number of bins of the calibration curve.
        kind: Bins of equal `width` or of equal `mass`.
        out: Folder for the maps: mean probability, entropy and, of several members, mutual information (`contradiction`).
        exam: Folder of an exam in a results dataset whose report is to show the means.

    Returns:
        JSON-ready values: `regions`, `definitions`, with a reference also `calibration`.

    Raises:
        InputUnreadable, InvalidImage: a file cannot be read, lies on another grid, or holds no probabilities.
        OutputUnwritable: something cannot be written.
    """
    groups = group_by_region([Path(f) for f in files], region)
    judged = {}
    if exam:
        check_assessable(Path(exam))
        judged = judged_files(Path(exam), (path for paths in groups.values() for path in paths))
    if out:
        check_folder(Path(out))
    truth = _truth(Path(reference), scheme) if reference else None
    mask = read_labels(Path(within)) if within else None
    regions: dict[str, Any] = {}
    curves: dict[str, Any] = {}
    for name, paths in groups.items():
        grid = read_header(sorted(paths)[0]).grid
        mean, entropy, mutual = ensemble_entropy(_members(sorted(paths)))
        regions[name] = region_uncertainty(mean, entropy, mutual, grid.voxel_volume, len(paths)).document()
        if truth:
            labels, known = truth
            _same(labels, grid, Path(str(reference)), min(paths))
            if mask:
                _same(mask, grid, Path(str(within)), min(paths))
            where = region_mask(labels.data, get_scheme(known), name) if name in get_scheme(known).regions else None
            if where is None:
                raise InvalidImage(f"Scheme '{known}' has no region '{name}'; name the scheme of the reference with --scheme.")
            curve = calibration_curve(mean, where, bins=bins, kind=kind, within=mask.data > 0 if mask else None)
            curves[name] = curve.document()
        if out:
            maps = {"mean_probseg": mean, "entropy_map": entropy}
            for ending, data in (maps | ({"contradiction_map": mutual} if len(paths) > 1 else {})).items():
                write_volume(Path(out) / f"label-{name}_desc-{ending}.nii.gz", Volume(data, grid))
    document = {"regions": regions, "definitions": dict(UNCERTAINTY_DEFINITIONS)}
    if curves:
        document["calibration"] = curves
    if exam:
        add_to_assessment(Path(exam), "uncertainty", document, judged)
    return document


def _members(paths: list[Path]) -> Iterator[NDArray[np.float32]]:
    """The maps one after the other; raises InvalidImage for one on another grid, or with no probabilities."""
    first: Grid | None = None
    for path in paths:
        volume = read_probabilities(path)
        first = first or volume.grid
        _same(volume, first, path, paths[0])
        yield volume.data


def _same(volume: Volume, grid: Grid, path: Path, other: Path) -> None:
    if not volume.grid.same_as(grid):
        raise InvalidImage(
            f"'{path.name}' and '{other.name}' lie on different grids (shape, spacing, orientation or position); "
            "bring them to one grid first."
        )


def _truth(path: Path, scheme: str) -> tuple[Volume, str]:
    target = "brats-2023" if scheme in ("auto", "brats-2021") else scheme
    return read_rater(path, scheme, get_scheme(target)), target
