"""What `glioscope surgery` looks at: a label map, or an exam of a results folder with what lies beside its label map."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glioscope.core import (
    AmbiguousExam,
    InputUnreadable,
    InvalidImage,
    Scheme,
    Volume,
    bids_name,
    get_scheme,
    is_image,
    numbering_of,
    read_labels,
    region_mask,
)
from glioscope.core.files import read_json
from glioscope.measurement.surgery import MeasuredCut
from glioscope.workflows.evidence import evidence_files
from glioscope.workflows.measured_accuracy import measured_accuracy
from glioscope.workflows.rater_cases import FUSED, label_maps, stored_scheme
from glioscope.workflows.rater_similarity import known_regions

__all__ = ["ENHANCING", "Labelled", "enhancing_region", "read_labelled", "read_scheme"]

ENHANCING = ("ET", "RT", "GTV")
"""Regions that are the enhancing tumour, the first that a scheme has."""

_FUSED = f"*_space-orig_seg-{FUSED}_dseg.nii.gz"
_T1 = re.compile(r"(_ce-gadolinium)?_space-([0-9A-Za-z]+)_desc-preproc_T1w\.nii\.gz$")


@dataclass(frozen=True, eq=False)
class Labelled:
    """A label map and what belongs to it.

    Attributes:
        path: Its file.
        labels: uint8 label map.
        scheme: What its numbers mean.
        known: Regions that can be told from it: of the scheme, as far as its segmenter finds them.
        folder: The exam's folder in a results dataset, or None.
        probability: Probability map of the enhancing tumour by the same segmenter, or None.
        raters: Rater -> label map, where several looked at the exam.
        cut: How probabilities that a residual reaches a cut came true, where that was measured of its segmenter.
        t1: Native T1, contrast T1, brain mask and label map on one grid, or None.
    """

    path: Path
    labels: Volume
    scheme: Scheme
    known: frozenset[str]
    folder: Path | None = None
    probability: Path | None = None
    raters: Mapping[str, Path] = field(default_factory=dict)
    t1: tuple[Path, Path, Path, Path] | None = None
    cut: MeasuredCut | None = None

    def volume_ml(self, region: str) -> float | None:
        """Volume of a region; None where it cannot be told."""
        if region not in self.known:
            return None
        return float(region_mask(self.labels.data, self.scheme, region).sum()) * self.labels.grid.voxel_volume / 1000


def enhancing_region(scheme: Scheme) -> str:
    """The region of a scheme that is the enhancing tumour; raises InvalidImage where it has none."""
    found = next((name for name in ENHANCING if name in scheme.regions), None)
    if found is None:
        raise InvalidImage(f"Scheme '{scheme.name}' has no enhancing tumour; it has {', '.join(scheme.regions)}.")
    return found


def read_scheme(path: Path, labels: NDArray[np.uint8], scheme: str, option: str, *, after: bool) -> Scheme:
    """The scheme of a label map.

    After surgery a 4 may be the cavity (`brats-2024-gli`) or enhancing tumour (`brats-2021`), and a mask of ones residual
    tumour or necrosis: what the values alone do not tell is asked for, not guessed.

    Args:
        path: The file, for the table beside it and for what is said.
        labels: Its voxels.
        scheme: Named, or `auto`.
        option: What names it on the command line.
        after: Whether it is of an exam after surgery.

    Raises:
        InvalidImage: it cannot be told, or a value is not in it.
    """
    values = {int(v) for v in np.unique(labels)} - {0}
    known = get_scheme(scheme) if scheme != "auto" else stored_scheme(path)
    if known is None and not values:
        known = get_scheme("residual")  # claims the least
    if known is None and values == {1}:
        raise InvalidImage(f"'{path.name}' is a mask of ones; say what it is with {option}, such as {option} residual.")
    if known is None and 4 in values and (after or 3 in values):
        if 3 not in values:
            raise InvalidImage(
                f"The 4 in '{path.name}' may be the resection cavity (brats-2024-gli) or enhancing tumour (brats-2021); "
                f"say which with {option}."
            )
        known = get_scheme("brats-2024-gli")
    known = known or numbering_of(labels, get_scheme("brats-2023"))
    if unknown := values - set(known.labels):
        raise InvalidImage(f"'{path.name}' has the label {min(unknown)}, which scheme '{known.name}' lacks; use {option}.")
    return known


def read_labelled(path: Path, *, scheme: str = "auto", segmenter: str | None = None, after: bool = True) -> Labelled:
    """A label map, or that of an exam in a results folder.

    Args:
        path: An image, the folder of an exam (`results/sub-7`), or a results folder with one exam.
        scheme: Named, or `auto`.
        segmenter: Whose label map of a results folder; by default the one that its report measures, or the only one.
        after: Whether it is the exam after surgery; decides how numbers are read and how options are called.

    Raises:
        InputUnreadable, AmbiguousExam, InvalidImage: there is none, there are several, or it cannot be read.
    """
    option = "--scheme" if after else "--pre-scheme"
    if path.is_file() and is_image(path):
        if segmenter is not None:
            name = "--segmenter" if after else "--pre-segmenter"
            raise InvalidImage(f"'{path.name}' is a label map; {name} is for a results folder.")
        labels = read_labels(path)
        found = read_scheme(path, labels.data, scheme, option, after=after)
        return Labelled(path, labels, found, frozenset(found.regions))
    folder = _exam_folder(path)
    maps = label_maps(folder)
    if fused := sorted((folder / "anat").glob(_FUSED)):
        maps[FUSED] = fused[0]
    name = _chosen(folder, maps, segmenter, "--segmenter" if after else "--pre-segmenter")
    labels = read_labels(maps[name])
    found = read_scheme(maps[name], labels.data, scheme, option, after=after)
    told = known_regions(name)
    known = frozenset(found.regions) if told is None else frozenset(found.regions) & frozenset(told)
    evidence, region = evidence_files(folder), enhancing_region(found)
    raters = {rater: file for rater, file in evidence["raters"].items() if _looks_for(rater, region)}
    probability = evidence["probabilities"].get(f"{region}.{name}")
    accuracy = measured_accuracy(folder, name) if probability else None
    return Labelled(
        maps[name],
        labels,
        found,
        known,
        folder,
        probability,
        raters if len(raters) > 1 else {},
        _t1(folder, name),
        MeasuredCut(*accuracy.cut, accuracy.count, accuracy.exams) if accuracy and accuracy.cut else None,
    )


def _looks_for(rater: str, region: str) -> bool:
    """Whether a rater finds a region at all; one that does not would count as one who found nothing."""
    told = known_regions(rater)
    return told is None or region in told


def _exam_folder(path: Path) -> Path:
    if not path.exists():
        raise InputUnreadable(f"'{path}' does not exist.")
    folders = sorted({file.parent.parent for file in path.glob("**/anat/*_space-orig_seg-*_dseg.nii.gz")})
    if not folders:
        raise InputUnreadable(f"'{path}' is no label map and no results folder with one; give either.")
    if len(folders) > 1:
        some = ", ".join(f"'{folder.relative_to(path)}'" for folder in folders[:5])
        raise AmbiguousExam(f"'{path}' holds {len(folders)} exams ({some}); name the folder of one.")
    return folders[0]


def _chosen(folder: Path, maps: Mapping[str, Path], segmenter: str | None, option: str) -> str:
    """Whose label map: as asked, as measured by the report, or the only one."""
    names = ", ".join(maps)
    if segmenter is not None:
        if bids_name(segmenter) not in maps:
            raise InputUnreadable(f"'{folder.name}' has no label map of '{segmenter}'; it has those of {names}.")
        return bids_name(segmenter)
    try:
        measured = read_json(folder / "report" / "measurements.json")["segmenter"]
        if bids_name(measured) in maps:
            return bids_name(measured)
    except (OSError, ValueError, KeyError, TypeError):
        pass  # a folder without a report will do
    if len(maps) > 1:
        raise AmbiguousExam(f"'{folder.name}' has label maps of {names}; choose with {option} NAME.")
    return next(iter(maps))


def _t1(folder: Path, name: str) -> tuple[Path, Path, Path, Path] | None:
    """Both T1 images, the brain mask and the label map in the first space that has them all, the exam's own before others."""
    anat = folder / "anat"
    images: dict[str, dict[bool, Path]] = {}
    for file in sorted(anat.glob("*_desc-preproc_T1w.nii.gz")):
        if match := _T1.search(file.name):
            images.setdefault(match[2], {})[bool(match[1])] = file
    for space in sorted(images, key=lambda s: (s != "orig", s)):
        masks = sorted(anat.glob(f"*_space-{space}_desc-brain_mask.nii.gz"))
        labels = sorted(anat.glob(f"*_space-{space}_seg-{name}_dseg.nii.gz"))
        if len(images[space]) == 2 and masks and labels:
            return images[space][False], images[space][True], masks[0], labels[0]
    return None
