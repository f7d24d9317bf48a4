"""The exams of a patient as `glioscope follow` takes them: results folders, folders with a label map, or bare label maps."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from glioscope.core import (
    AmbiguousExam,
    InputUnreadable,
    InvalidImage,
    Scheme,
    Volume,
    bids_name,
    get_scheme,
    is_image,
    read_labels,
)
from glioscope.core import Sequence as Contrast
from glioscope.core.counting import counted
from glioscope.core.labels import numbering_of
from glioscope.inspection import inspect_path
from glioscope.workflows.labelled_cohort import label_map_of
from glioscope.workflows.rater_cases import FUSED, stored_scheme

__all__ = ["FollowedExam", "find_exams", "read_schemes"]

_LABEL_MAP = re.compile(r"_space-([0-9A-Za-z]+)_seg-([0-9A-Za-z]+)_dseg\.nii\.gz$")
_IMAGE = re.compile(r"_desc-preproc_(T1w|T2w|FLAIR)\.nii\.gz$")
_SUBJECT = re.compile(r"sub-[0-9A-Za-z]+")
_RIGID = 1e-3


@dataclass(frozen=True)
class FollowedExam:
    """One exam as it was found.

    Attributes:
        given: Its place in the order given, from 1.
        labels: Its label map.
        images: Contrast -> image in the same space, on any grid; empty for a bare label map.
        brain: Brain mask in the same space, where there is one.
        scheme: Of the label map, where something beside it tells.
        space: `orig`, or the atlas that the exam was brought to rigidly.
    """

    given: int
    labels: Path
    images: Mapping[Contrast, Path] = field(default_factory=dict)
    brain: Path | None = None
    scheme: Scheme | None = None
    space: str = "orig"

    @property
    def files(self) -> tuple[Path, ...]:
        """What may tell its date: images, label map, folder."""
        return (*self.images.values(), self.labels, self.labels.parent.parent)


def find_exams(places: Sequence[Path], labels: Sequence[Path] = (), segmenter: str = "") -> list[FollowedExam]:
    """The exams at `places`, in the order given; a results folder of several sessions gives one an exam.

    Args:
        places: Results folder of `run` or `segment` (of a session, a subject, or a dataset of one subject), folder of images
            with a label map, or label map.
        labels: Label maps in place of those found, one a place in the same order; none, or as many as there are places.
        segmenter: Whose label map of a results folder; needed where there are several.

    Raises:
        InputUnreadable: something is missing, or no exam.
        AmbiguousExam: several label maps, or several patients, and nothing says which.
    """
    if labels and len(labels) != len(places):
        raise InputUnreadable(
            f"--labels is given {counted(len(labels), 'time')} for {counted(len(places), 'exam')}; give one an exam, in the "
            "same order."
        )
    for path in (*places, *labels):
        if not path.exists():
            raise InputUnreadable(f"'{path}' does not exist.")
    found: list[FollowedExam] = []
    for number, place in enumerate(places):
        own = labels[number] if labels else None
        exams = _exams_at(place, own, segmenter)
        found += [replace(exam, given=len(found) + i) for i, exam in enumerate(exams, start=1)]
    if len(found) < 2:
        raise InputUnreadable("One exam cannot be followed; name two or more exams of the same patient.")
    files = [exam.labels.resolve() for exam in found]
    if twice := next((path for i, path in enumerate(files) if path in files[:i]), None):
        raise InputUnreadable(f"'{twice.name}' is given for two exams; name each exam once.")
    patients = {next((part for part in path.parts[::-1] if _SUBJECT.fullmatch(part)), "") for path in files}
    if len(patients) > 1 and "" not in patients:
        raise AmbiguousExam(f"The exams are of {len(patients)} patients ({', '.join(sorted(patients))}); name those of one.")
    return found


def read_schemes(exams: Sequence[FollowedExam], maps: Sequence[Volume], wanted: str) -> tuple[list[Scheme], str]:
    """The scheme of each label map, and a remark where a guess may be wrong (else empty).

    What a table beside the map says counts, then `wanted`; with `auto` the values of all maps without a table together: 3 and 4
    are `brats-2024-gli`, and so are 2 and 4 alone; a 4 with a 1 is `brats-2021`; else `brats-2023`. In the two doubtful
    readings of a 4 the remark says what was done: where it is taken for a cavity, nothing of it is followed, and what is (the
    label 2) is the same in both.

    Raises:
        InvalidImage: a map has a value that its scheme does not define.
        AmbiguousExam: with `auto`, a map without a table has the label 1 alone: a mask would be read as necrosis.
    """
    named = None if wanted == "auto" else get_scheme(wanted)
    found = [set(np.unique(volume.data).tolist()) - {0} for volume in maps]
    unnamed = [(exam, own) for exam, own in zip(exams, found, strict=True) if exam.scheme is None]
    if named is None and (mask := next((exam for exam, own in unnamed if own == {1}), None)):
        raise AmbiguousExam(
            f"'{mask.labels.name}' has the label 1 alone, which may be a mask of the whole tumour or one of its tissues; "
            "name the scheme with --scheme: brats-2023 for necrosis, residual for enhancing tumour after surgery."
        )
    values = set[int]().union(*(own for _, own in unnamed))
    cavity = 4 in values and (3 in values or 1 not in values)
    guess = get_scheme("brats-2024-gli") if cavity else numbering_of(np.array(sorted(values), int), get_scheme("brats-2023"))
    schemes = [named or exam.scheme or guess for exam in exams]
    for exam, own, scheme in zip(exams, found, schemes, strict=True):
        if unknown := sorted(own - set(scheme.labels)):
            raise InvalidImage(
                f"'{exam.labels.name}' has the label {unknown[0]}, which scheme '{scheme.name}' does not define; name its "
                "scheme with --scheme."
            )
    if named is not None or 4 not in values or 3 in values:
        return schemes, ""
    if cavity:
        return schemes, (
            "The label 4 beside neither 1 nor 3 is read as the resection cavity (brats-2024-gli) and not followed; where it is "
            "enhancing tumour, say --scheme brats-2021."
        )
    return schemes, (
        "The label 4 is read as enhancing tumour (brats-2021); where it is the resection cavity, say --scheme brats-2024-gli."
    )


def _exams_at(place: Path, labels: Path | None, segmenter: str) -> list[FollowedExam]:
    if place.is_file():
        if not is_image(place):
            raise InputUnreadable(f"'{place.name}' is no label map and no folder of an exam.")
        return [FollowedExam(0, labels or place, scheme=stored_scheme(place))]
    folders = sorted({path.parent.parent for path in place.glob("**/anat/*_dseg.nii.gz")})
    folders = [folder for folder in folders if folder.name != "ses-earlier" or folder == place]
    if not folders:
        return [_exam_of_images(place, labels)]
    subjects = {next((part for part in folder.parts[::-1] if part.startswith("sub-")), "") for folder in folders}
    if len(subjects) > 1:
        raise AmbiguousExam(f"'{place.name}' holds results of {len(subjects)} patients; name the folders of one (OUT/sub-ID).")
    if labels is not None and len(folders) > 1:
        raise AmbiguousExam(
            f"'{place.name}' holds {len(folders)} exams, so one label map cannot be given for it; name each exam."
        )
    return [_exam_of_results(folder, labels, segmenter) for folder in folders]


def _exam_of_results(folder: Path, labels: Path | None, segmenter: str) -> FollowedExam:
    """One exam's folder in a results dataset: in the atlas where it was brought there rigidly, else on its native grid."""
    found: dict[str, dict[str, Path]] = {}
    for path in sorted((folder / "anat").glob("*_dseg.nii.gz")):
        if (match := _LABEL_MAP.search(path.name)) and "view" not in match[2]:
            found.setdefault(match[2], {})[match[1]] = path
    name = bids_name(segmenter) if segmenter else FUSED if FUSED in found else next(iter(found), "")
    if labels is None and (name not in found or (not segmenter and len(found) > 1 and FUSED not in found)):
        raise AmbiguousExam(f"'{folder.name}' has label maps by {', '.join(found) or 'none'}; choose with --segmenter.")
    maps = found.get(name, {})
    space = "orig" if labels else next((s for s in maps if s != "orig" and _rigid(folder, s)), "orig")
    chosen = labels or maps.get(space) or maps.get("orig") or next(iter(maps.values()))
    table = chosen.with_name(f"{chosen.name.split('_space-')[0]}_seg-{name}_dseg.nii.gz")
    images: dict[Contrast, Path] = {}
    for path in sorted((folder / "anat").glob(f"*_space-{space}_desc-preproc_*.nii.gz")):
        if match := _IMAGE.search(path.name):
            given = "_ce-gadolinium_" in path.name
            images[next(s for s in Contrast if s.bids_suffix == match[1] and (s.bids_contrast is not None) == given)] = path
    brain = next(iter(sorted((folder / "anat").glob(f"*_space-{space}_desc-brain_mask.nii.gz"))), None)
    return FollowedExam(0, chosen, images, brain, stored_scheme(chosen) or stored_scheme(table), space)


def _rigid(folder: Path, space: str) -> bool:
    """Whether the exam was brought to an atlas without changing any length."""
    from glioscope.preprocessing.transform_files import read_transform

    path = next(iter(sorted((folder / "anat").glob(f"*_from-orig_to-{space}_mode-image_xfm.h5"))), None)
    if path is None:
        return False
    transform = read_transform(path)
    turn = transform.matrix[:3, :3]
    return transform.is_affine and bool(np.abs(turn @ turn.T - np.eye(3)).max() < _RIGID)


def _exam_of_images(place: Path, labels: Path | None) -> FollowedExam:
    with tempfile.TemporaryDirectory() as workdir:
        inspected, *more = inspect_path(place, workdir=Path(workdir))
    if more:
        raise AmbiguousExam(f"'{place.name}' holds {len(more) + 1} exams; name each exam's folder.")
    if inspected.problem and labels is None:
        raise inspected.problem
    chosen = labels or label_map_of(inspected, "give the right one with --labels")
    if chosen is None:
        raise InputUnreadable(f"'{place.name}' has no label map; run 'glioscope segment' first, or give one with --labels.")
    images = {s: c.files[0] for s, c in inspected.chosen.items() if c.kind == "image"}
    return FollowedExam(0, chosen, images, scheme=stored_scheme(chosen))


def read_maps(exams: Sequence[FollowedExam]) -> list[Volume]:
    """The label map of each exam; raises InputUnreadable or InvalidImage."""
    return [read_labels(exam.labels) for exam in exams]
