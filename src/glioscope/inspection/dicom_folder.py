"""A folder with DICOM files: one exam, several patients or several studies."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable
from pathlib import Path

from glioscope.core import AmbiguousExam, InputUnreadable, bids_name
from glioscope.inspection.dicom_instance import AttributeCache, Instance, looks_like_dicom, read_instance
from glioscope.inspection.dicom_series import series_candidates
from glioscope.inspection.material import Material, distinct

__all__ = ["dicom_materials", "read_instances"]

_NEVER_DICOM = frozenset(
    (
        ".json",
        ".txt",
        ".csv",
        ".tsv",
        ".xml",
        ".html",
        ".htm",
        ".pdf",
        ".png",
        ".jpg",
        ".jpeg",
        ".gif",
        ".bval",
        ".bvec",
        ".mat",
        ".py",
        ".md",
        ".log",
        ".exe",
        ".dll",
        ".inf",
        ".js",
        ".css",
        ".ini",
        ".zip",
        ".gz",
    )
)


def _begins_like_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return looks_like_dicom(stream.read(136))
    except OSError:
        return True  # as far as may be known; it is told as one that cannot be read


def read_instances(files: Iterable[Path]) -> tuple[list[Instance], list[Path]]:
    """The DICOM images among `files` without their pixels, and those that are damaged."""
    suspects = [path for path in files if path.suffix.lower() not in _NEVER_DICOM and _begins_like_dicom(path)]
    if not suspects:
        return [], []
    logger = logging.getLogger("pydicom")
    disabled, logger.disabled = logger.disabled, True  # its remarks quote values, which may be a patient's

    known: AttributeCache = {}

    def read(path: Path) -> Instance | Path | None:
        try:
            return read_instance(path, known)
        except InputUnreadable:
            return path

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = [read(path) for path in suspects]
    finally:
        logger.disabled = disabled
    return [f for f in found if isinstance(f, Instance)], [f for f in found if isinstance(f, Path)]


def _below(root: Path, file: Path) -> str:
    """Name of the direct sub-folder of `root` that `file` is in, empty for a file in `root` itself."""
    parts = file.relative_to(root).parts
    return parts[0] if len(parts) > 1 else ""


def _by_folder(root: Path, instances: Iterable[Instance]) -> dict[str, list[Instance]]:
    out: dict[str, list[Instance]] = {}
    for instance in instances:
        out.setdefault(_below(root, instance.file), []).append(instance)
    return out


def dicom_materials(root: Path, instances: list[Instance], damaged: list[Path], exam_id: str, name: str) -> list[Material]:
    """The exams among DICOM files below `root`.

    Several patients are a cohort where each direct sub-folder holds one of them; several studies of one patient are sessions
    where each direct sub-folder holds one. Anything else is an exam with a problem. No identifier is used or shown.

    Args:
        exam_id: Identifier of the exam where it is one.
        name: How `root` is called in sentences.
    """
    image = [instance for instance in instances if instance.attributes.get("Modality", "MR") == "MR"] or instances
    patients, studies = {i.patient for i in image}, {i.study for i in image}
    if len(patients) <= 1 and len(studies) <= 1:
        return [Material(exam_id, None, "dicom", tuple(series_candidates(instances, damaged)))]
    folders = _by_folder(root, image)
    if len(folders) == 1 and "" not in folders:  # one folder within another
        (inner,) = folders
        return dicom_materials(root / inner, instances, damaged, exam_id, name)
    several_patients = len(patients) > 1
    whole = [{i.patient if several_patients else i.study for i in members} for members in folders.values()]
    apart = "" not in folders and all(len(w) == 1 for w in whole) and (several_patients or len(set.union(*whole)) == len(whole))
    if not apart:
        what = f"{len(patients)} patients" if several_patients else f"{len(studies)} studies of one patient"
        problem = AmbiguousExam(f"'{name}' holds {what}; put each into a folder of its own.")
        return [Material(exam_id, None, "dicom", tuple(series_candidates(instances, damaged)), problem)]
    found: list[tuple[Material, str]] = []
    for folder, members in sorted(folders.items()):
        bad = [path for path in damaged if _below(root, path) == folder]
        if not several_patients:
            found.append((Material(exam_id, bids_name(folder), "dicom", tuple(series_candidates(members, bad))), folder))
            continue
        found += [(m, f"{folder}/{m.session}") for m in dicom_materials(root / folder, members, bad, bids_name(folder), folder)]
    return distinct(found)
