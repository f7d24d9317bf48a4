"""What lies in an exam's results folder that shows how far its segmentation can be trusted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glioscope.core import InvalidImage, bids_name
from glioscope.workflows.assess_uncertainty import uncertainty_of
from glioscope.workflows.assessment import ASSESSMENT, current_assessment
from glioscope.workflows.rater_cases import FUSED, label_maps
from glioscope.workflows.rater_similarity import region_masks

__all__ = ["evidence_files", "gather_evidence"]

_PROBABILITY = re.compile(r"_space-orig_seg-([0-9A-Za-z]+)_label-([0-9A-Za-z]+)_probseg\.nii\.gz$")


def evidence_files(folder: Path) -> dict[str, Any]:
    """What an exam's folder has for `gather_evidence`: label maps of several segmenters, probabilities, an assessment."""
    maps = label_maps(folder)
    probabilities = {}
    for path in sorted((folder / "anat").glob("*_probseg.nii.gz")):
        found = _PROBABILITY.search(path.name)
        if found and found[1] != FUSED and not _untrained(found[1]):
            probabilities[f"{found[2]}.{found[1]}"] = path
    files: dict[str, Any] = {"raters": maps if len(maps) > 1 else {}, "probabilities": probabilities}
    if (folder / ASSESSMENT).is_file():
        files["assessment"] = folder / ASSESSMENT
    return files


def _untrained(name: str) -> bool:
    """Whether a segmenter has learnt nothing: its `probabilities` are scores, and their entropy would mean nothing."""
    from glioscope.segmentation import list_segmenters

    return any(bids_name(entry.name) == name and not entry.trained for entry in list_segmenters())


def gather_evidence(
    raters: Mapping[str, Path], probabilities: Mapping[str, Path], assessment: Path | None = None
) -> dict[str, Any]:
    """Agreement of the label maps, uncertainty of the probabilities, and what `glioscope quality` left.

    Args:
        raters: Segmenter -> label map on one grid; none or several.
        probabilities: `REGION.SEGMENTER` -> probability map.
        assessment: File of `add_to_assessment`; its parts replace those found here, except those that judged masks which were
            remade since: these are left out and named under `outdated`.

    Raises:
        InputUnreadable, InvalidImage: a file cannot be read.
    """
    evidence: dict[str, Any] = {"agreement": _agreement(raters)} if len(raters) > 1 else {}
    by_region: dict[str, list[Path]] = {}
    for name, path in probabilities.items():
        by_region.setdefault(name.partition(".")[0], []).append(path)
    if by_region:
        evidence["uncertainty"] = uncertainty_of(by_region)
    if assessment is None:
        return evidence
    current, outdated = current_assessment(assessment.parent.parent)
    return evidence | current | ({"outdated": outdated} if outdated else {})


def _agreement(raters: Mapping[str, Path]) -> dict[str, Any]:
    """Agreement on every region of the scheme that two raters or more can find."""
    from glioscope.quality import AGREEMENT_DEFINITIONS, rater_agreement

    told: dict[str, Any] = {"raters": sorted(raters), "regions": {}, "definitions": dict(AGREEMENT_DEFINITIONS)}
    try:
        masks, grid = region_masks(raters)
    except InvalidImage as error:  # a stray label map must not cost the exam its report
        return told | {"problem": str(error)}
    for region, found in masks.items():
        if len(found) > 1:
            told["regions"][region] = rater_agreement(found, grid.voxel_volume).document()
    return told
