"""`glioscope measure`: everything that can be measured of a label map, in a results folder or on its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np

from glioscope.atlas import LocationVolumes, opened_volumes
from glioscope.core import (
    AmbiguousExam,
    GlioscopeError,
    InputUnreadable,
    InvalidImage,
    Scheme,
    Volume,
    bids_name,
    get_scheme,
    implied_regions,
    is_image,
    numbering_of,
    read_labels,
)
from glioscope.core.files import check_folder, read_json, write_json
from glioscope.workflows.evidence import evidence_files
from glioscope.workflows.measure_exam import (
    atlas_files,
    in_atlas,
    location_inputs,
    measure_files,
    measured_document,
    transform_files,
)
from glioscope.workflows.measured_accuracy import installed_segmenter, measured_accuracy
from glioscope.workflows.progress import Progress
from glioscope.workflows.rater_cases import FUSED, named_case, stored_scheme

__all__ = ["Measured", "MeasuredExam", "Space", "measure"]

Space = Literal["auto", "SRI24", "MNI152", "none"]

_SEGMENTATION = re.compile(r"_space-orig_seg-([0-9A-Za-z]+?)_dseg\.nii\.gz$")
_VIEW = re.compile(r"view[0-9]+$")
_HOME = re.compile(r"_from-([0-9A-Za-z]+)_to-orig_mode-image_xfm\.h5$")


@dataclass(frozen=True)
class MeasuredExam:
    """One exam: its document of measurements and the files written, or what went wrong."""

    name: str
    document: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    error: GlioscopeError | None = None


@dataclass(frozen=True)
class Measured:
    """All exams measured."""

    exams: tuple[MeasuredExam, ...]

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "exams": [
                {"exam": exam.name, "error": str(exam.error)} if exam.error else dict(exam.document) for exam in self.exams
            ]
        }

    def check(self) -> None:
        """Raise what went wrong first."""
        for exam in self.exams:
            if exam.error:
                raise exam.error


def measure(
    path: str | PathLike[str],
    *,
    out: str | PathLike[str] | None = None,
    segmenter: str | None = None,
    scheme: str = "auto",
    space: Space = "auto",
    brain: str | PathLike[str] | None = None,
    raters: Iterable[str] = (),
    probabilities: Iterable[str] = (),
    atlas_volumes: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Measured:
    """Measure the exams of a results folder, or one label map.

    Of a results folder the measurements, the table of lesions and, where there is one, the report are written again; segmented
    exams without a report get `measurements.json` and `lesions.csv` beside their `provenance.json`.

    Args:
        path: Output folder of `run` or `segment`, an exam's folder in one, or a label map of any known scheme.
        out: Folder for the `measurements.json` and `lesions.csv` of a label map; nothing is written where None.
        segmenter: Whose label maps of a results folder; those of the report, the fusion, or the only ones where None.
        scheme: Of a label map, or `auto`: by the table beside it, else by its values.
        space: Of a label map: the atlas whose grid's world points are its own; `auto` takes it to lie in SRI24 or MNI152 where
            it has that atlas's grid (and, with a brain mask, its brain); `none` lets no atlas be used.
        brain: Brain mask for a label map.
        raters: Further segmentations of a label map, `FILE` or `NAME=FILE`, for intervals of its volumes.
        probabilities: Probability maps of a label map, `REGION=FILE`, for the same.
        atlas_volumes: Unpacked or packed wheel of raidionicsrads; the installed package where None.
        progress: Listener.

    Raises:
        InputUnreadable, InvalidImage: what was given cannot be read or does not fit together.
        AmbiguousExam: several segmenters' label maps, and none is named.
        OutputUnwritable: the results cannot be written.
    """
    start, progress = Path(path), progress or Progress()
    if not start.exists():
        raise InputUnreadable(f"'{path}' does not exist; give the output folder of `glioscope run`, or a label map.")
    if start.is_file() and not is_image(start):
        raise InputUnreadable(f"'{start.name}' is no image; give a label map (NIfTI, NRRD or MetaImage), or a results folder.")
    with opened_volumes(Path(atlas_volumes) if atlas_volumes is not None else None) as volumes:
        if start.is_file():
            if segmenter is not None:
                raise InvalidImage(f"'{start.name}' is a label map; --segmenter is for a results folder.")
            if out is not None:
                check_folder(Path(out))
            return Measured((_label_map(start, out, scheme, space, brain, raters, probabilities, volumes),))
        if out is not None or brain is not None or list(raters) or list(probabilities) or space != "auto" or scheme != "auto":
            raise InvalidImage(f"'{path}' is a results folder, which has all that is needed; such options are for a label map.")
        return _results(start, segmenter, volumes, progress)


def _results(start: Path, segmenter: str | None, volumes: LocationVolumes | None, progress: Progress) -> Measured:
    from glioscope.workflows.report import write_table
    from glioscope.workflows.report_exam import rebuild_report

    folders = sorted({file.parent.parent for file in start.glob("**/anat/*_space-orig_seg-*_dseg.nii.gz")})
    if not folders:
        raise InputUnreadable(f"'{start}' holds no label maps; give the output folder of `glioscope run` or `segment`.")
    root = next((p for p in (folders[0], *folders[0].parents) if (p / "dataset_description.json").is_file()), start)
    exams, reported = [], False
    for number, folder in enumerate(folders, start=1):
        name = "_".join(folder.relative_to(root).parts) or folder.name
        progress.exam_started(name, number, len(folders))
        try:
            exam = _exam(folder, name, segmenter, volumes)
            if (folder / "report" / "quality.json").is_file():
                rebuild_report(root, folder)
                reported = True
        except GlioscopeError as error:
            if len(folders) == 1:
                raise
            progress.exam_failed(name, str(error))
            exam = MeasuredExam(name, error=error)
        exams.append(exam)
    if reported and (root / "dataset_description.json").is_file():
        write_table(root)
    return Measured(tuple(exams))


def _exam(folder: Path, name: str, segmenter: str | None, volumes: LocationVolumes | None) -> MeasuredExam:
    earlier = _read(folder / "report" / "measurements.json")
    inspection = _read(folder / "inspection.json")
    whose, native = _chosen(folder / "anat", segmenter, earlier.get("segmenter"), name)
    space = next((m[1] for p in sorted((folder / "anat").glob("*_xfm.h5")) if (m := _HOME.search(p.name))), "orig")
    same = bids_name(str(earlier.get("segmenter", ""))) == whose
    scheme = stored_scheme(native) or _scheme_of(read_labels(native), native, "auto")[0]
    here = folder / "report" if (folder / "report" / "quality.json").is_file() else folder
    files = {"measurements": here / "measurements.json", "lesions": here / "lesions.csv"}
    evidence = evidence_files(folder)
    native_brain = _one(folder / "anat", "*_space-orig_desc-brain_mask.nii.gz")
    measure_files(
        labels=native if space == "orig" else _one(folder / "anat", f"*_space-{space}_seg-{whose}_dseg.nii.gz"),
        native_labels=native,
        brain=native_brain if space == "orig" else _one(folder / "anat", f"*_space-{space}_desc-brain_mask.nii.gz"),
        native_brain=native_brain,
        atlas=atlas_files("SRI24" if space == "orig" else space),
        segmenter=str(earlier["segmenter"]) if same else whose,
        scheme=scheme.name,
        known=_known(whose, scheme, earlier if same else {}),
        exam={"exam": name, "id": inspection.get("id", name), "session": inspection.get("session"), "space": space},
        measurements=files["measurements"],
        lesions=files["lesions"],
        **location_inputs(volumes),
        transforms=transform_files(folder / "anat", space),
        volumes=volumes.source if volumes else "",
        probabilities=evidence["probabilities"],
        raters=evidence["raters"],
        widening=accuracy.widening() if (accuracy := measured_accuracy(folder, whose)) else None,
    )
    return MeasuredExam(name, _read(files["measurements"]), files)


def _chosen(anat: Path, wanted: str | None, reported: str | None, exam: str) -> tuple[str, Path]:
    """Whose label map is measured, and its file."""
    maps = {m[1]: path for path in sorted(anat.glob("*_dseg.nii.gz")) if (m := _SEGMENTATION.search(path.name))}
    whole = [name for name in maps if not (_VIEW.search(name) and _VIEW.sub("", name) in maps)]
    if wanted is not None:
        if bids_name(wanted) not in maps:
            raise InputUnreadable(f"{exam} has no label map of '{wanted}'; it has those of {', '.join(whole)}.")
        return bids_name(wanted), maps[bids_name(wanted)]
    for name in (bids_name(reported) if reported else "", FUSED, *(whole if len(whole) == 1 else ())):
        if name in maps:
            return name, maps[name]
    raise AmbiguousExam(f"{exam} has label maps of {', '.join(whole)}; say which with --segmenter.")


def _one(anat: Path, pattern: str) -> Path:
    found = sorted(anat.glob(pattern))
    if not found:
        raise InputUnreadable(f"'{anat}' has no file '{pattern}'; run `glioscope run` again.")
    return found[0]


def _known(name: str, scheme: Scheme, earlier: Mapping[str, Any]) -> list[str]:
    """The regions of a scheme that a segmenter can find; all where it is not known here."""
    if "not_determined" in earlier:
        return list(implied_regions([r for r in scheme.regions if r not in earlier["not_determined"]], scheme))
    segmenter = installed_segmenter(name)
    return list(scheme.regions if segmenter is None else implied_regions(segmenter.regions, scheme))


def _read(path: Path) -> dict[str, Any]:
    try:
        document = read_json(path)
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _scheme_of(labels: Volume, path: Path, wanted: str) -> tuple[Scheme, list[str]]:
    """The scheme of a label map and the regions that can be known of it."""
    values = {int(v) for v in np.unique(labels.data)} - {0}
    if wanted != "auto":
        scheme = get_scheme(wanted)
    elif values == {1}:  # a mask; of what cannot be told
        return get_scheme("brats-2023"), ["WT"]
    else:
        automatic = get_scheme("brats-2024-gli") if {3, 4} <= values else numbering_of(labels.data, get_scheme("brats-2023"))
        scheme = stored_scheme(path) or automatic
    if unknown := values - set(scheme.labels):
        raise InvalidImage(
            f"'{path.name}' has the label {min(unknown)}, which scheme '{scheme.name}' does not define; name its scheme with "
            "--scheme."
        )
    return scheme, list(scheme.regions)


def _label_map(
    path: Path,
    out: str | PathLike[str] | None,
    wanted: str,
    space: Space,
    brain: str | PathLike[str] | None,
    raters: Iterable[str],
    probabilities: Iterable[str],
    volumes: LocationVolumes | None,
) -> MeasuredExam:
    from glioscope.reporting import write_lesion_table

    labels = read_labels(path)
    scheme, known = _scheme_of(labels, path, wanted)
    mask = read_labels(Path(brain)) if brain is not None else None
    if brain is not None and mask is not None and not mask.data.any():
        raise InvalidImage(f"'{Path(brain).name}' holds no brain, every voxel is 0; give the mask of the exam, or none.")
    name, atlas, told = _space(labels, mask, space)
    others = dict(named_case(raters).raters)
    if others:
        others["measured"] = path
    document = {
        "exam": re.sub(r"\.(nii\.gz|nii|nrrd|nhdr|mha|mhd)$", "", path.name, flags=re.IGNORECASE),
        "id": None,
        "session": None,
        "space": name or "orig",
        "space_source": told,
        "segmenter": None,
        **measured_document(
            labels,
            scheme,
            known,
            brain=mask,
            located=labels,
            located_brain=mask,
            atlas=atlas,
            atlas_name=name,
            transforms={},
            evidence=("map", dict(_probability(text, scheme) for text in probabilities), others, None),
            **location_inputs(volumes),
            volumes=volumes.source if volumes else "",
        ),
    }
    if known == ["WT"]:
        document["space_source"] += " Its only value is 1: taken as a mask of the whole tumour; --scheme says otherwise."
    if out is None:
        return MeasuredExam(document["exam"], document)
    folder = Path(out)
    files = {"measurements": folder / "measurements.json", "lesions": folder / "lesions.csv"}
    write_json(files["measurements"], document)
    write_lesion_table(files["lesions"], document)
    return MeasuredExam(document["exam"], document, files)


def _probability(text: str, scheme: Scheme) -> tuple[str, Path]:
    region, _, file = text.partition("=")
    if not file or region not in scheme.regions:
        raise InputUnreadable(f"'{text}' is not REGION=FILE with a region of {scheme.name} ({', '.join(scheme.regions)}).")
    return f"{region}.map", Path(file)


def _space(labels: Volume, brain: Volume | None, wanted: Space) -> tuple[str, dict[str, Path], str]:
    """The atlas that a label map lies in, its files, and why, in a sentence; an empty name without."""
    if wanted == "none":
        return "", {}, "No atlas was used."
    if wanted != "auto":
        files = atlas_files(wanted)
        if "lobes" not in files:
            raise InputUnreadable(f"The maps of {wanted} are not installed; run `glioscope atlases install`.")
        return wanted, files, f"Taken to lie in {wanted}, as was said."
    for name in ("SRI24", "MNI152"):
        files = atlas_files(name)
        if in_atlas(files, labels.grid, brain):
            return name, files, f"Taken to lie in {name}, as it has its grid" + (" and its brain." if brain else ".")
    return "", {}, "It has no grid of an atlas that is installed; --space says which atlas it lies in."
