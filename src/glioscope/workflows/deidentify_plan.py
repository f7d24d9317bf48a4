"""What a folder to be de-identified holds: which patient and exam each file belongs to, and where its clean form goes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glioscope.core import InputUnreadable
from glioscope.deidentification import (
    Identity,
    PseudonymTable,
    SecretKey,
    Tally,
    Withheld,
    identity_text,
    new_uid,
    read_dataset,
)
from glioscope.inspection.dicom_instance import looks_like_dicom
from glioscope.workflows.deidentify_names import image_name, labels_of

__all__ = ["Plan", "PlannedFile", "files_of", "plan_deidentification"]

_IMAGES = (".nii", ".nii.gz")


@dataclass(frozen=True)
class PlannedFile:
    """A file (`dicom` or `image`), the patient it is of, and where its clean form goes below the output folder."""

    source: Path
    kind: str
    patient: str
    target: Path
    sidecar: Path | None = None


@dataclass
class Plan:
    """All files that may be exported.

    Attributes:
        files: In order.
        identities: Patient's pseudonym -> what was learnt of who that is.
        recognised: Patient's pseudonym -> the text that the patient is recognised by.
        tally: Files that are withheld already, by reason.
    """

    files: list[PlannedFile] = field(default_factory=list)
    identities: dict[str, Identity] = field(default_factory=dict)
    recognised: dict[str, str] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    @property
    def exams(self) -> list[Path]:
        """The folders of exams, below the output folder."""
        return sorted({Path(*f.target.parts[:2]) for f in self.files})


def files_of(study: Path) -> list[Path]:
    """The files below `study` (or the one file), in order; raises InputUnreadable for none, or a locked folder."""

    def refuse(error: OSError) -> None:
        raise InputUnreadable(f"The folder '{error.filename}' cannot be listed ({error.strerror}); check its permissions.")

    if not study.exists():
        raise InputUnreadable(f"'{study}' does not exist; name a folder of DICOM or NIfTI files.")
    walked = [study] if study.is_file() else [Path(at, n) for at, _, names in os.walk(study, onerror=refuse) for n in names]
    paths = sorted(path for path in walked if path.is_file())
    if not paths:
        raise InputUnreadable(f"'{study}' is empty; name a folder of DICOM or NIfTI files.")
    return paths


def plan_deidentification(study: Path, table: PseudonymTable, key: SecretKey, *, second_level: bool) -> Plan:
    """Look at every file below `study` (or at the one file) without its pixels, and give pseudonyms.

    Raises:
        InputUnreadable: there is nothing at `study`; or for the second level, a file that went through no first.
    """
    paths, plan = files_of(study), Plan()
    taken: set[Path] = set()
    for path in paths:
        if path.suffix.lower() == ".json" and any(path.with_suffix(end).is_file() for end in _IMAGES):
            continue  # goes with its image
        try:
            planned = _planned(path, study, table, key, plan, second_level)
        except Withheld as reason:
            plan.tally.withheld[str(reason)] += 1
            continue
        if planned.target in taken:
            plan.tally.withheld["a second copy of another file"] += 1
            continue
        taken.add(planned.target)
        plan.files.append(planned)
    return plan


def _planned(path: Path, study: Path, table: PseudonymTable, key: SecretKey, plan: Plan, second_level: bool) -> PlannedFile:
    try:
        with path.open("rb") as stream:
            head = stream.read(136)
    except OSError as error:
        raise Withheld("unreadable") from error
    if looks_like_dicom(head):
        return _dicom(path, table, key, plan, second_level)
    if second_level:
        raise Withheld("not DICOM, which alone has a second level")
    if path.name.lower().endswith(_IMAGES):
        return _image(path, study, table, plan)
    raise Withheld("neither DICOM nor NIfTI nor the sidecar of an image")


def _dicom(path: Path, table: PseudonymTable, key: SecretKey, plan: Plan, second_level: bool) -> PlannedFile:
    dataset = read_dataset(path, pixels=False)
    if second_level and str(dataset.get("PatientIdentityRemoved") or "") != "YES":
        raise InputUnreadable("A file was not de-identified yet; the second level begins with what the first has written.")
    try:
        text = identity_text(dataset)
        study_uid = str(dataset.get("StudyInstanceUID") or "")
        known = _known(dataset)
        patient = table.pseudonym("patient", text, **known)
        exam = table.pseudonym("exam", f"{text}\n{study_uid}", **known, study_uid=study_uid)
        plan.identities.setdefault(patient, Identity()).learn(dataset)
        plan.recognised[patient] = text
        series = new_uid(key, str(dataset.get("SeriesInstanceUID") or ""))
        own = new_uid(key, str(dataset.SOPInstanceUID))
        folder = f"series-{_number(dataset, 'SeriesNumber'):04d}-{int(series[5:]) % 16**6:06x}"
        name = f"{_number(dataset, 'InstanceNumber'):05d}-{int(own[5:]) % 16**10:010x}.dcm"
    except InputUnreadable:
        raise
    except Exception as error:  # a damaged value makes pydicom raise anything
        raise Withheld("damaged") from error
    return PlannedFile(path, "dicom", patient, Path(patient, exam, folder, name))


def _known(dataset: Any) -> dict[str, str]:  # noqa: ANN401
    columns = {
        "patient_id": "PatientID",
        "issuer": "IssuerOfPatientID",
        "patient_name": "PatientName",
        "birth_date": "PatientBirthDate",
    }
    return {column: str(dataset.get(name) or "") for column, name in columns.items()}


def _number(dataset: Any, name: str) -> int:  # noqa: ANN401
    """A series or instance number for a file name; 0 where it is none, or so large that it might be another's number."""
    try:
        number = int(dataset.get(name) or 0)
    except (TypeError, ValueError):
        return 0
    return number if 0 <= number < 100_000 else 0


def _image(path: Path, study: Path, table: PseudonymTable, plan: Plan) -> PlannedFile:
    subject, session = labels_of(path, study)
    text = f"nifti\n{subject}"
    patient = table.pseudonym("patient", text, patient_id=subject)
    exam = table.pseudonym("exam", f"{text}\n{session}", patient_id=subject, study_uid=session)
    plan.identities.setdefault(patient, Identity())
    plan.recognised[patient] = text
    run, taken = 1, {f.target for f in plan.files}
    while (target := Path(patient, exam, "anat", image_name(path, patient, exam, run))) in taken:
        run += 1
    stem = path.name[: -7 if path.name.lower().endswith(".gz") else -4]
    sidecar = path.with_name(f"{stem}.json")
    return PlannedFile(path, "image", patient, target, sidecar if sidecar.is_file() else None)
