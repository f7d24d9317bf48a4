"""`glioscope surgery`: what is left after surgery, how much was taken, and which class of resection it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from glioscope.core import (
    InvalidImage,
    Scheme,
    get_scheme,
    numbering_of,
    read_labels,
    read_probabilities,
    region_mask,
)
from glioscope.core.files import write_bytes, write_json
from glioscope.measurement.surgery import (
    BLOOD_DEFINITIONS,
    CUT_MODELS,
    RESECT_SOURCE,
    RESIDUAL_CUT_ML,
    extent_of_resection,
    independent_voxels,
    nested_outlines,
    rano_resect_class,
    rater_share,
    resection_category_2021,
    residual_verdict,
)
from glioscope.workflows.assessment import add_to_assessment, check_assessable, judged_files
from glioscope.workflows.rater_cases import named_case, stored_scheme
from glioscope.workflows.surgery_blood import Blood, look_for_blood
from glioscope.workflows.surgery_inputs import Labelled, enhancing_region, read_labelled

__all__ = ["Surgery", "surgery"]

PICTURE = "surgery.png"
_EXTENTS = ("ET", "RT", "GTV", "TC", "WT")

_AFTER_SURGERY = {"RC", "RT", "GTV"}
"""Regions that only a segmenter which has learnt from exams after surgery has."""

_UNKNOWN = "No probability map of a trained segmenter and no second rater, so how sure this is cannot be told."
_UNFIT = (
    "The probabilities of this segmenter are left out: its labels know no resection cavity, so it has learnt from exams before "
    "surgery, and of small residuals such a one is far too sure and knows little (docs/surgery.md). Segment the exam with the "
    "model 'after-surgery'."
)


@dataclass(frozen=True)
class Surgery:
    """What was found: the numbers, and the files that were written."""

    numbers: dict[str, Any]
    files: tuple[Path, ...] = ()

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return self.numbers


def surgery(
    post: str | PathLike[str],
    *,
    pre: str | PathLike[str] | None = None,
    cut_ml: float = RESIDUAL_CUT_ML,
    scheme: str = "auto",
    pre_scheme: str = "auto",
    segmenter: str | None = None,
    pre_segmenter: str | None = None,
    probability: str | PathLike[str] | None = None,
    raters: Sequence[str | PathLike[str]] = (),
    t1n: str | PathLike[str] | None = None,
    t1c: str | PathLike[str] | None = None,
    brain: str | PathLike[str] | None = None,
    out: str | PathLike[str] | None = None,
) -> Surgery:
    """Residual tumour or gross total resection, extent of resection, cavity, RANO resect class, and what may be blood.

    Volumes alone are compared, so the exams before and after need not be registered.

    Args:
        post: Label map of the exam after surgery, the folder of an exam in a results folder, or a results folder with one exam.
            What is found of a results folder joins the exam's report.
        pre: The same of the exam before surgery.
        cut_ml: From which volume on tumour is left.
        scheme, pre_scheme: Of the label maps, or `auto`.
        segmenter, pre_segmenter: Whose label map of a results folder.
        probability: Probability map of the enhancing tumour on the grid of the label map; of a results folder that of its
            segmenter, where its scheme knows of surgery.
        raters: Label maps of several raters of the exam after surgery (`FILE` or `NAME=FILE`); of a results folder all that it
            has.
        t1n, t1c: Native and contrast T1 on the grid of the label map; of a results folder its own.
        brain: Brain mask on that grid; where the images are not zero, for skull-stripped ones.
        out: Folder for surgery.json and, with both T1 images, surgery.png.

    Raises:
        InputUnreadable, AmbiguousExam, InvalidImage: what was given cannot be read or does not fit together.
        OutputUnwritable: something cannot be written.
    """
    if (t1n is None) != (t1c is None):
        raise InvalidImage("To tell blood from enhancement both T1 images are needed; give --t1n and --t1c.")
    after = read_labelled(Path(post), scheme=scheme, segmenter=segmenter)
    region = enhancing_region(after.scheme)
    left = after.volume_ml(region)
    if left is None:
        raise InvalidImage(f"'{after.path.name}' does not tell enhancing tumour, as its segmenter does not look for it.")
    before = read_labelled(Path(pre), scheme=pre_scheme, segmenter=pre_segmenter, after=False) if pre is not None else None
    if after.folder is not None:
        check_assessable(after.folder)
    there = before.volume_ml(enhancing_region(before.scheme)) if before else None
    if before is not None and there is None:
        raise InvalidImage(f"'{before.path.name}' does not tell enhancing tumour, as its segmenter does not look for it.")
    chance, probability_file = _probability(after, probability, raters, scheme, cut_ml)
    images: tuple[Path, Path, Path | None, Path] | None = after.t1
    if t1n is not None and t1c is not None:
        images = Path(t1n), Path(t1c), Path(brain) if brain else None, after.path
    blood = look_for_blood(images, after.scheme, region, left, cut_ml) if images else None
    numbers = {
        "after": after.path.name,
        "before": before.path.name if before else None,
        "scheme": after.scheme.name,
        "region": region,
        "residual": residual_verdict(left, cut_ml).document() | chance,
        "extent": _extents(before, after) if before else None,
        "cavity_ml": _rounded(after.volume_ml("RC")),
        "rano_resect": _resect(after, left, there),
        "blood": blood.document() if blood else None,
        "definitions": _definitions(blood is not None),
    }
    files: list[Path] = []
    if out is not None:
        write_json(Path(out) / "surgery.json", numbers)
        files = [Path(out) / "surgery.json", *_drawn(blood, Path(out) / PICTURE)]
    if after.folder is not None:
        used = [after.path, *([probability_file] if probability_file else []), *(after.raters.values() if not raters else [])]
        files.append(add_to_assessment(after.folder, "surgery", numbers, judged_files(after.folder, used)))
        files += _drawn(blood, after.folder / "report" / PICTURE)
        files += _report(after.folder)
    return Surgery(numbers, tuple(files))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _extents(before: Labelled, after: Labelled) -> dict[str, Any]:
    """Region -> extent, for what both maps tell; the enhancing tumour under the name it has after surgery."""
    found = {}
    enhancing = {enhancing_region(before.scheme), enhancing_region(after.scheme)}
    for region in _EXTENTS:
        twin = enhancing_region(before.scheme) if region == enhancing_region(after.scheme) else region
        if region in enhancing and region != enhancing_region(after.scheme):
            continue
        one, other = before.volume_ml(twin), after.volume_ml(region)
        if one is not None and other is not None:
            found[region] = extent_of_resection(one, other).document()
    return found


def _resect(after: Labelled, left: float, there: float | None) -> dict[str, Any]:
    whole = after.volume_ml("WT")
    found = rano_resect_class(left, None if whole is None else whole - left, there, after.volume_ml("RC")).document()
    category = None if there is None else resection_category_2021(left, there)
    rest = None if whole is None else round(whole - left, 4)
    return found | {"non_enhancing_ml": rest, "category_2021": category, "source": RESECT_SOURCE}


def _probability(
    after: Labelled,
    probability: str | PathLike[str] | None,
    raters: Sequence[str | PathLike[str]],
    scheme: str,
    cut_ml: float,
) -> tuple[dict[str, Any], Path | None]:
    """The probability on either side of the cut by every model that can be used, the first of them in front."""
    found = []
    file = Path(probability) if probability is not None else after.probability
    unfit = probability is None and file is not None and not _AFTER_SURGERY & after.known
    if unfit:
        file = None
    if file is not None:
        map_ = read_probabilities(file)
        if probability is not None and not map_.grid.same_as(after.labels.grid):
            raise InvalidImage(f"'{file.name}' lies on another grid than '{after.path.name}'; bring it there first.")
        found = [model(map_.data, map_.grid.voxel_volume, cut_ml) for model in (nested_outlines, independent_voxels)]
        if after.cut is not None and probability is None and cut_ml == RESIDUAL_CUT_ML:  # it was measured at that cut
            found.insert(0, after.cut.applied(found[0]))
    named = named_case(str(r) for r in raters).raters if raters else after.raters
    if named:
        volumes = {name: _rater_ml(path, after.scheme, scheme) for name, path in named.items()}
        model = rater_share(list(volumes.values()), cut_ml)
        model.facts["volumes_ml"] = {name: round(ml, 4) for name, ml in volumes.items()}
        found.append(model)
    found.sort(key=lambda model: list(CUT_MODELS).index(model.model))
    if not found:
        why = _UNFIT if unfit else _UNKNOWN
        return {"probability_residual_tumour": None, "model": None, "models": [], "note": why}, file
    first = found[0].document()
    told = {key: first[key] for key in ("probability_residual_tumour", "probability_gross_total_resection", "model")}
    return told | {"models": [model.document() for model in found]} | ({"note": _UNFIT} if unfit else {}), file


def _rater_ml(path: Path, target: Scheme, scheme: str) -> float:
    """Enhancing tumour in a rater's label map, whose numbers are those of `target` unless a table beside it says otherwise."""
    labels = read_labels(path)
    known = get_scheme(scheme) if scheme != "auto" else stored_scheme(path) or numbering_of(labels.data, target)
    if unknown := {int(v) for v in np.unique(labels.data)} - {0} - set(known.labels):
        raise InvalidImage(
            f"The rater's '{path.name}' has the label {min(unknown)}, which scheme '{known.name}' lacks; name its scheme with "
            "--scheme."
        )
    mask = region_mask(labels.data, known, enhancing_region(known))
    return float(mask.sum()) * labels.grid.voxel_volume / 1000


def _drawn(blood: Blood | None, path: Path) -> list[Path]:
    """The picture, where there is one to draw; an older one goes."""
    if blood is None:
        path.unlink(missing_ok=True)
        return []
    write_bytes(path, blood.picture())
    return [path]


def _report(folder: Path) -> list[Path]:
    """The exam's report with what was found, where it has one."""
    from glioscope.workflows.report_exam import rebuild_report

    root = next((p for p in folder.parents if (p / "dataset_description.json").is_file()), None)
    if root is None or not (folder / "report" / "measurements.json").is_file():
        return []
    made = rebuild_report(root, folder)
    return [made.html, made.pdf]


def _definitions(blood: bool) -> dict[str, str]:
    return {
        "residual": "Enhancing tumour after surgery of at least the cut: residual tumour; less: gross total resection.",
        "extent_percent": "(before - after) / before, of each region; negative where there is more after surgery.",
        "cavity_ml": "Volume of the resection cavity label; null where the labels have none.",
        **CUT_MODELS,
        **(BLOOD_DEFINITIONS if blood else {}),
    }
