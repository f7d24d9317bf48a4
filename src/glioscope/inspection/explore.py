"""From a folder, a zip or a single file to the exams in it, whatever kinds of files they are in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from glioscope.core import GlioscopeError, InputUnreadable, bids_name, is_image
from glioscope.inspection.archive import unpack
from glioscope.inspection.bids import beside_bids, bids_materials
from glioscope.inspection.candidate import Candidate
from glioscope.inspection.dicom_folder import dicom_materials, read_instances
from glioscope.inspection.dicom_instance import Instance
from glioscope.inspection.dicom_series import damaged_candidates
from glioscope.inspection.image_folder import as_session, image_materials, is_inner
from glioscope.inspection.images import image_candidates, name_evidence
from glioscope.inspection.material import Material, distinct
from glioscope.inspection.mixture import brought_together
from glioscope.inspection.owners import in_doubt
from glioscope.inspection.walk import list_files, without_results

__all__ = ["explore"]

_Read = tuple[list[Instance], list[Path]]
"""DICOM images without their pixels, and the files that are damaged."""


def explore(path: Path, exam_id: str, workdir: Path) -> list[Material]:
    """The exams at `path`, at least one.

    Args:
        path: A folder, zip, image or DICOM file.
        exam_id: Identifier where it is one exam.
        workdir: Where zips are unpacked, `path` or those in it.

    Raises:
        InputUnreadable: of no known kind, a folder that cannot be listed, or a zip that cannot be used.
    """
    if path.is_dir():
        return _folder(path, exam_id, workdir)
    if path.suffix.lower() == ".zip":
        return _folder(unpack(path, workdir), exam_id, workdir)
    if is_image(path):
        return [Material(exam_id, None, "images", tuple(image_candidates(path.parent, [path])))]
    instances, damaged = read_instances([path])
    if instances or damaged:
        return dicom_materials(path.parent, instances, damaged, exam_id, path.name)
    raise InputUnreadable(f"'{path.name}' is no folder, zip, image, DICOM file or CSV table of exams.")


def _folder(root: Path, exam_id: str, workdir: Path, read: _Read | None = None) -> list[Material]:
    """As `explore`, for a folder; `read` are the DICOM files below it, where they have been read."""
    files = without_results(root, list_files(root))
    images = [path for path in files if is_image(path)]
    zips = [path for path in files if path.suffix.lower() == ".zip"]
    if len(zips) < len(files):  # a zip among an exam's other files, further down, is none of its images
        zips = [path for path in zips if path.parent == root]
    zips = [path for path in zips if not path.with_suffix("").is_dir()]  # `p1.zip` beside `p1/` is what that was packed as
    if not zips:
        return _unpacked(root, files, images, exam_id, workdir, read)
    if len(files) == 1:
        return explore(zips[0], exam_id, workdir)
    packed = [found for path in zips for found in _named(path, workdir)]
    found = _unpacked(root, files, images, exam_id, workdir, read)
    if not packed:
        return found
    if len(found) == 1 and not found[0].candidates:
        return distinct(packed)
    tops = {_below(root, file) for m in found for c in m.candidates for file in c.files}
    if len(found) == 1 and len(tops) == 1 and not is_inner(top := tops.pop()):
        found = _folder(root / top, _label(top), workdir)
    elif len(found) == 1:
        aside = tuple(Candidate(path.name, (path,), "image", set_aside="an archive beside the exam") for path in zips)
        doubt = in_doubt(root, [path.name for path in zips] + [c.name for c in found[0].candidates])
        return [replace(found[0], candidates=(*found[0].candidates, *aside), doubt=doubt)]
    return distinct([*((m, m.name) for m in found), *packed])


def _named(path: Path, workdir: Path, read: _Read | None = None) -> list[tuple[Material, str]]:
    """The exams of one member of a cohort, under its own name, several as its sessions; none where it holds no images."""
    label, session = _label(path.stem if path.is_file() else path.name), None
    if path.name.startswith("ses-") and path.parent.name.startswith("sub-"):
        label, session = _label(path.parent.name), bids_name(path.name.removeprefix("ses-"))
    try:
        found = _folder(path, label, workdir, read) if path.is_dir() else explore(path, label, workdir)
    except GlioscopeError as error:
        found = [Material(label, None, "images", problem=error)]
    if len(found) > 1 or session:
        found = [as_session(m, label, (session or "") + (m.id if m.id != label else "")) for m in found]
    return [(m, f"{path.name}/{m.name}") for m in found if m.candidates or m.problem]


def _unpacked(
    root: Path, files: list[Path], images: list[Path], exam_id: str, workdir: Path, read: _Read | None
) -> list[Material]:
    from_bids = bids_materials(root, images)
    if from_bids:
        strange = [path for path in beside_bids(root, files) if not is_inner(path.name)]
        others = [found for path in strange for found in _named(path, workdir)]
        return distinct([*((m, m.name) for m in from_bids), *others]) if others else from_bids
    instances, damaged = read or read_instances(path for path in files if not is_image(path))
    if not instances:
        from_images = image_materials(root, images, exam_id) if images else []
        extra = tuple(damaged_candidates(damaged))
        if from_images:
            return [replace(from_images[0], candidates=(*from_images[0].candidates, *extra)), *from_images[1:]]
        return [Material(exam_id, None, "dicom" if damaged else "images", extra)]
    if not images:
        return dicom_materials(root, instances, damaged, exam_id, root.name)
    used = [path for path in images if not name_evidence(path, root).set_aside]
    tops = {_below(root, path) for path in (*used, *(instance.file for instance in instances))}
    parts: dict[str, _Read] = {top: ([], []) for top in tops}
    for instance in instances:
        parts[_below(root, instance.file)][0].append(instance)
    for path in damaged:
        parts.setdefault(_below(root, path), ([], []))[1].append(path)
    if len(tops) == 1 and "" not in tops:
        (top,) = tops
        return _folder(root / top, exam_id, workdir, parts[top])
    if found := _members(root, {top: parts[top] for top in sorted(tops)}, workdir):
        return found
    from_images = image_materials(root, images, exam_id)
    return brought_together(root, dicom_materials(root, instances, damaged, exam_id, root.name), from_images)


def _members(root: Path, parts: Mapping[str, _Read], workdir: Path) -> list[Material]:
    """The sub-folders as exams of their own; none where they may be parts of one exam.

    They are exams where none has the name of a part of an exam, no study is in two of them, and two hold the same sequence or
    one holds several.
    """
    studies = {(top, instance.study) for top, (instances, _) in parts.items() for instance in instances}
    if any(is_inner(top) for top in parts) or len({study for _, study in studies}) < len(studies):
        return []
    found = {top: _named(root / top, workdir, read) for top, read in parts.items()}
    held = [{c.sequence or c.name for m, _ in ms for c in m.candidates if not c.set_aside} for ms in found.values()]
    if len(set().union(*held)) == sum(map(len, held)) and all(len(some) < 2 for some in held):
        return []
    return distinct(material for ms in found.values() for material in ms)


def _label(name: str) -> str:
    return bids_name(name.removeprefix("sub-"))


def _below(root: Path, file: Path) -> str:
    """Name of the direct sub-folder of `root` that `file` is in, empty for a file in `root` itself."""
    parts = file.relative_to(root).parts
    return parts[0] if len(parts) > 1 else ""
