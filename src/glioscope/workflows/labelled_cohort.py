"""The labelled exams of a cohort: what `inspection` finds, with a reference label map, patient and site for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from glioscope.core import AmbiguousExam, InputUnreadable, bids_name
from glioscope.inspection import Inspection, inspect_path
from glioscope.inspection.manifest import earlier_source
from glioscope.training.cohort_data import LabelledExam
from glioscope.workflows.case_pairs import read_table, stem

__all__ = ["label_map_of", "labelled_cohort", "patient_of"]

_SESSION_COLUMNS = ("session", "ses", "timepoint", "visit")
_LABEL_COLUMNS = ("labels", "label", "seg", "segmentation", "reference", "gt", "mask")
_LABEL_WORD = re.compile(r"^(?:t?seg|dseg|segmentation|labels?|gtv?|gt|ref|reference|mask|tumou?r)$", re.IGNORECASE)
_TIME_POINT = re.compile(r"(BraTS-[A-Za-z]+(?:-[A-Za-z]+)*-\d{3,})-\d{3}(?!\d)", re.IGNORECASE)
_FOLLOW_UP = re.compile(r"^(.*\d)_FU\d+[a-z]?$")
_SEVERAL = 5
_YES, _NO = {"yes", "true", "1"}, {"", "no", "false", "0"}


def labelled_cohort(
    path: Path,
    workdir: Path,
    *,
    scheme: str = "auto",
    told: Callable[[str], None] = lambda sentence: None,
) -> list[LabelledExam]:
    """The prepared exams below `path` that have a label map, by name.

    A folder cohort has the label map among the images of each exam, under a name that says so (`…-seg.nii.gz`). A manifest
    (CSV or TSV) names it in a column `labels`, and may have columns `patient`, `site` and `train_only` (yes or no), and files
    of the pre-operative exam, on any grid in the same space, in `pre-t1c` and `pre-mask` (or `pre-t1n`, `pre-t2w`, `pre-t2f`).

    Args:
        path: Folder of BraTS cases, BIDS dataset, or manifest.
        workdir: Where a zip is unpacked; it has to stay for as long as the exams are read.
        scheme: Scheme of the label maps; see LabelledExam.
        told: Hears of each exam that is left out, and why.

    Raises:
        InputUnreadable: nothing there, or no exam with a label map.
        AmbiguousExam: an exam has several.
    """
    rows = _rows(path)
    exams = []
    left_out = []
    for inspection in inspect_path(path, workdir=workdir):
        name = inspection.name.removeprefix("sub-")
        row = rows.get(name, {})
        labels = _labels_of(inspection, row, path)
        why = _unfit(inspection, labels)
        if why or labels is None:
            left_out.append(f"Exam '{name}' is left out: {why}.")
            told(left_out[-1])
            continue
        images: dict[str, Path] = {str(s): candidate.files[0] for s, candidate in inspection.chosen.items()}
        images |= {source: file for source, file in inspection.earlier.items() if source != "exam"}
        patient = row.get("patient") or patient_of(_given_name(inspection)) or inspection.id
        only = _yes(row.get("train_only", ""), name, path)
        exams.append(LabelledExam(name, patient, images, labels, row.get("site") or None, scheme, only))
    if not exams:
        first = f" {left_out[0]}" if left_out else ""
        raise InputUnreadable(f"'{path}' holds no prepared exam with a label map.{first}")
    return exams


def patient_of(name: str) -> str | None:
    """The patient in the name of one of several time points (`BraTS-GLI-00046-101`, `UCSF-PDGM-0004_FU001d`), or None."""
    if found := _TIME_POINT.search(name):
        return found[1]
    follow_up = _FOLLOW_UP.match(name)
    return follow_up[1] if follow_up else None


def _rows(path: Path) -> Mapping[str, dict[str, str]]:
    """Exam's name -> its row, where `path` is a manifest; files that it names must be there."""
    if not (path.is_file() and path.suffix.lower() in (".csv", ".tsv")):
        return {}
    out = {}
    for row in read_table(path, apart=_SESSION_COLUMNS)[1]:
        exam = bids_name(row["id"].removeprefix("sub-"))
        session = next((row[key] for key in _SESSION_COLUMNS if row.get(key)), None)
        out[exam + (f"_ses-{bids_name(session.removeprefix('ses-'))}" if session else "")] = row
        for column, value in row.items():
            named = column in _LABEL_COLUMNS or earlier_source(column) not in (None, "exam")
            if value and named and not (path.parent / value).is_file():
                raise InputUnreadable(f"'{path.name}' names '{value}' for '{row['id']}', which does not exist beside it.")
    return out


def _labels_of(inspection: Inspection, row: Mapping[str, str], path: Path) -> Path | None:
    if given := next((row[column] for column in _LABEL_COLUMNS if row.get(column)), None):
        return path.parent / given
    return label_map_of(inspection, "name the one to learn from in a manifest's column 'labels'")


def label_map_of(inspection: Inspection, remedy: str) -> Path | None:
    """The label map among the images of an exam, by its name; raises AmbiguousExam, which ends with `remedy`, for several."""
    found = [
        candidate.files[0]
        for candidate in inspection.candidates
        if candidate.kind == "image"
        and candidate.set_aside
        and _LABEL_WORD.match(re.split(r"[-_. ]", stem(candidate.files[0]))[-1])
    ]
    found = [file for file in found if "brain" not in file.name.lower() and not file.name.lower().endswith("probseg.nii.gz")]
    nearest = min((len(file.parts) for file in found), default=0)
    found = [file for file in found if len(file.parts) == nearest]
    if len(found) > 1:
        some = ", ".join(f"'{file.name}'" for file in found[:_SEVERAL])
        raise AmbiguousExam(f"Exam '{inspection.name}' has {len(found)} label maps ({some}); {remedy}.")
    return found[0] if found else None


def _unfit(inspection: Inspection, labels: Path | None) -> str | None:
    if inspection.problem is not None:
        return str(inspection.problem).rstrip(".")
    if labels is None:
        return "it has no label map"
    if inspection.ambiguous or not inspection.chosen:
        return "it cannot be told which image is which sequence"
    if not inspection.prepared:
        return "its images are not skull-stripped on one grid; run 'glioscope preprocess' first"
    return None


def _yes(word: str, name: str, path: Path) -> bool:
    if (plain := word.strip().lower()) not in _YES | _NO:
        raise InputUnreadable(f"'{path.name}' has '{word}' as train_only of '{name}'; write yes or no.")
    return plain in _YES


def _given_name(inspection: Inspection) -> str:
    """The name before BIDS took its hyphens: of the folder or, where that says nothing, of the file."""
    file = next(iter(inspection.chosen.values())).files[0]
    return file.parent.name if patient_of(file.parent.name) else stem(file).rsplit("-", 1)[0]
