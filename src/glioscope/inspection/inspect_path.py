"""From a path to exams."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from glioscope.core import AmbiguousExam, GlioscopeError, InputUnreadable, Sequence, bids_name, is_image, read_volume
from glioscope.inspection.candidate import Candidate
from glioscope.inspection.content import classify_content
from glioscope.inspection.explore import explore
from glioscope.inspection.images import content_fault, image_stem
from glioscope.inspection.inspection import Inspection
from glioscope.inspection.manifest import is_manifest, manifest_materials
from glioscope.inspection.material import Material
from glioscope.inspection.named import named_candidate
from glioscope.inspection.remarks import remarks
from glioscope.inspection.selection import select
from glioscope.inspection.skullstripped import is_skull_stripped, share_one_brain

__all__ = ["inspect_path"]

FEW_EXAMS = 16
"""Up to this many exams every chosen image is read once, so that truncated or empty ones are known before any work starts."""


def _default_id(path: Path) -> str:
    resolved = path.resolve()
    if resolved.is_dir():
        return bids_name(resolved.name.removeprefix("sub-"))
    return bids_name(image_stem(resolved) if is_image(resolved) else resolved.stem)


def _prepared(chosen: Mapping[Sequence, Candidate]) -> bool:
    """All on one grid, and no skull in the first two, as they look or as they were masked."""
    files = [c for c in chosen.values() if c.kind == "image" and c.grid is not None]
    if not files or len(files) != len(chosen):
        return False
    if not all(c.grid and files[0].grid and c.grid.same_as(files[0].grid, 0.01) for c in files):
        return False
    try:
        volumes = [read_volume(c.files[0]) for c in files[:2]]
        return all(map(is_skull_stripped, volumes)) or (len(volumes) > 1 and share_one_brain(*volumes))
    except GlioscopeError:
        return False


def _problem(
    material: Material, candidates: Iterable[Candidate], chosen: Mapping[Sequence, Candidate]
) -> GlioscopeError | None:
    """Why the exam cannot be used, two candidates for one sequence aside."""
    candidates = list(candidates)
    for sequence in Sequence:
        broken = [c for c in candidates if c.sequence is sequence and c.fault is not None and c.set_aside is None]
        if broken and sequence not in chosen and not any(c.usable and c.sequence is sequence for c in candidates):
            return broken[0].fault
    if chosen or any(c.usable and c.confidence >= 0.5 for c in candidates):
        return None
    name = "sub-" + material.id
    faults = [c.fault for c in candidates if c.fault is not None]
    open_ones = [c for c in candidates if c.set_aside is None and c.fault is None]
    if open_ones:
        some = ", ".join(f"'{c.name}'" for c in open_ones[:6])
        return AmbiguousExam(
            f"It cannot be told which sequence each image of {name} is ({some}); give them with --t1c FILE and so on."
        )
    if faults:
        return faults[0]
    if candidates:
        why = ", ".join(dict.fromkeys(c.set_aside for c in candidates if c.set_aside))
        return InputUnreadable(f"{name} has no T1, T2 or FLAIR image; everything found was set aside ({why}).")
    return InputUnreadable(f"{name} has no MR images (DICOM, NIfTI, NRRD or MetaImage); name the folder that holds them.")


def _verified(candidates: tuple[Candidate, ...], chosen: Mapping[Sequence, Candidate]) -> tuple[Candidate, ...]:
    """The candidates, those chosen whose voxels cannot be used with their fault."""
    files = {c.name: c.files[0] for c in chosen.values() if c.kind == "image"}
    with ThreadPoolExecutor(max_workers=2) as pool:
        faults = dict(zip(files, pool.map(content_fault, files.values()), strict=True))
    return tuple(replace(c, fault=faults[c.name]) if faults.get(c.name) else c for c in candidates)


def _conclude(material: Material, given: Iterable[Candidate], verify: bool) -> Inspection:
    given = list(given)
    named = {c.files[0].resolve() for c in given}
    candidates = [*given, *(c for c in material.candidates if c.files and c.files[0].resolve() not in named)]
    if len({c.sequence for c in given}) < len(Sequence):
        candidates = classify_content(candidates)
    everything, chosen, ambiguous = select(candidates)
    if verify and not material.problem:
        checked = _verified(everything, chosen)
        if any(c.fault for c in checked if c.name in {k.name for k in chosen.values()}):
            everything, chosen, ambiguous = select(checked)
    doubt = material.doubt if len(named) < len(Sequence) else None
    problem = material.problem or doubt or _problem(material, everything, chosen)
    prepared = problem is None and not ambiguous and _prepared(chosen)
    missing = tuple(s for s in Sequence if s not in chosen and s not in ambiguous)
    source = "brats" if material.brats and prepared and material.source == "images" else material.source
    warnings = remarks(chosen, missing, everything, prepared) if problem is None else ()
    return Inspection(
        material.id, material.session, source, everything, chosen, ambiguous, missing, prepared, warnings, problem,
        material.earlier
    )  # fmt: skip


def inspect_path(
    path: Path, *, workdir: Path, overrides: Mapping[Sequence, Path] | None = None, exam_id: str | None = None
) -> list[Inspection]:
    """The exams at `path`, each with its sequences or with the reason why it cannot be used.

    Args:
        path: Folder or zip of DICOM; folder of NIfTI, NRRD or MetaImage files with any names; BraTS case; BIDS dataset, subject
            or session; CSV or TSV table of exams; folder of any of these; or a single image.
        workdir: Where a zip is unpacked.
        overrides: What to use for a sequence whatever else is there: an image, a DICOM series by its folder or one of its
            files, or the number of a series of the exam; `path` must then be one exam.
        exam_id: Identifier of the exam, in place of the folder's name; `path` must then be one exam (or sessions of one), and
            is taken for one where its names leave that open.

    Returns:
        At least one inspection, sorted by identifier and session. A bad exam carries its problem and harms no other.

    Raises:
        InputUnreadable: `path` does not exist, is of no known kind or unsafe to unpack, an override cannot be read, or
            `exam_id` has no letter or digit.
        AmbiguousExam: overrides or an identifier for a cohort.
    """
    try:
        if not path.exists():
            raise InputUnreadable(f"'{path}' does not exist.")
    except (OSError, ValueError) as error:
        raise InputUnreadable(f"'{path}' cannot be opened ({getattr(error, 'strerror', None) or error}).") from error
    if exam_id and not re.search("[0-9A-Za-z]", exam_id.removeprefix("sub-")):
        raise InputUnreadable(f"'{exam_id}' has no letter or digit (A to Z, 0 to 9); give an identifier that has.")
    name = bids_name(exam_id.removeprefix("sub-")) if exam_id else _default_id(path)
    if path.is_file() and is_manifest(path):
        materials = manifest_materials(path, lambda folder, row_id: explore(folder, row_id, workdir / row_id))
    else:
        materials = explore(path, name, workdir)
    if overrides and len(materials) > 1:
        raise AmbiguousExam(
            f"'{path.name}' holds {len(materials)} exams, so a file cannot be given for one sequence; name one exam."
        )
    if exam_id:
        if len({m.id for m in materials}) > 1:
            raise AmbiguousExam(
                f"'{path.name}' holds {len(materials)} exams, so they cannot share one identifier; name one exam."
            )
        materials = [replace(m, id=name, doubt=None) for m in materials]
    own = materials[0].candidates if materials else ()
    given = [named_candidate(file, sequence, own) for sequence, file in (overrides or {}).items()]
    found = [_conclude(material, given, len(materials) <= FEW_EXAMS) for material in materials]
    return sorted(found, key=lambda inspection: (inspection.id, inspection.session or ""))
