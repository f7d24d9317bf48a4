"""`glioscope deidentify`: copies of exams that can leave, and the table of pseudonyms that stays."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from glioscope.core import InputUnreadable, OutputUnwritable, ProcessingFailed
from glioscope.core.acquisition import acquisition_attributes
from glioscope.core.counting import counted, were
from glioscope.core.files import check_file, check_folder, output_errors, real, sweep, write_bytes, write_json
from glioscope.deidentification import (
    PROFILE_EDITION,
    DatasetCleaner,
    DateShift,
    DeidentificationOptions,
    PseudonymTable,
    SecretKey,
    Tally,
    Withheld,
    clean_instance,
    clean_nifti,
    first_level,
    method_codes,
    quiet_pydicom,
    read_dataset,
    second_level,
    table_lock,
)
from glioscope.workflows.deidentify_plan import Plan, PlannedFile, files_of, plan_deidentification
from glioscope.workflows.progress import Progress

__all__ = ["Deidentified", "deidentify"]

REPORT = "deidentification.json"


@dataclass(frozen=True)
class Deidentified:
    """What was written.

    Attributes:
        folder: The output folder.
        exams: Folders of the exams in it.
        written, unchanged: Number of files written, and of those that an earlier run had written just so.
        incomplete: Series, below the folder, of which some files were withheld and some not -> how many, and of how many.
        new_key: Whether the key was made now.
        tally: What was done, counted.
        options: What was chosen.
        level: `first` or `second`.
    """

    folder: Path
    exams: tuple[Path, ...]
    written: int
    unchanged: int
    incomplete: Mapping[Path, tuple[int, int]]
    new_key: bool
    tally: Tally
    options: DeidentificationOptions
    level: str

    def document(self) -> dict[str, Any]:
        """JSON-ready values; no name, number or date of the input."""
        return {
            "folder": str(self.folder),
            "exams": [exam.as_posix() for exam in self.exams],
            "files_written": self.written,
            "files_unchanged": self.unchanged,
            "series_incomplete": _incomplete(self.incomplete),
            "new_key": self.new_key,
            **_report(self.tally, self.options, self.level),
        }


def deidentify(
    study: str | PathLike[str],
    out: str | PathLike[str],
    *,
    key: str | PathLike[str],
    table: str | PathLike[str],
    second: bool = False,
    options: DeidentificationOptions | None = None,
    progress: Progress | None = None,
) -> Deidentified:
    """Write clean copies of the files of one or more exams (DICOM PS3.15, annex E; NIfTI in its likeness).

    Args:
        study: Folder (or one file) of DICOM or NIfTI. It is not changed.
        out: Folder to write to: `PATIENT/EXAM/…` in pseudonyms.
        key: File with the secret; made where there is none.
        table: File with the pseudonyms given so far; made where there is none. Neither may lie in `out`.
        second: The second step, of the party that receives: `study` is what a first step wrote, key and table are the
            receiver's own, and pseudonyms are words.
        options: Of the profile.
        progress: Hears what was withheld.

    Raises:
        InputUnreadable: nothing to read; a key or table that is not one, does not belong, or that others may read.
        OutputUnwritable: `out` cannot be written, or key or table lie in it.
        ProcessingFailed: no file could be exported.
    """
    options, progress = options or DeidentificationOptions(), progress or Progress()
    study, out, key_file, table_file = Path(study), Path(out), Path(key), Path(table)
    _check_places(study, out, key_file, table_file)
    files_of(study)
    level = "second" if second else "first"
    with quiet_pydicom():
        with table_lock(table_file, lambda: progress.warned("Another run gives pseudonyms from this table; waiting for it.")):
            new_key = not key_file.exists()
            if new_key and table_file.exists():
                raise InputUnreadable(f"There is no key '{key_file}', but a table; name the key that the table was made with.")
            secret = SecretKey.drawn() if new_key else SecretKey.from_file(key_file)
            names = PseudonymTable(table_file, secret, level, second_level if second else first_level)
            plan = plan_deidentification(study, names, secret, second_level=second)
            if not plan.files:
                raise _nothing_left(study, plan.tally)
            if new_key:
                secret.write(key_file)
            names.write()  # before anything leaves, so that the way back is never lost
        sweep(out)
        result = _export(plan, out, secret, options, level)
    for reason, number in sorted(result.tally.withheld.items()):
        progress.warned(f"{counted(number, 'file')} withheld: {reason}.")
    for series, (withheld, total) in result.incomplete.items():
        progress.warned(
            f"Series '{series.as_posix()}' is incomplete: {withheld} of its {total} files {were(withheld)} withheld."
        )
    for remark, number in sorted(result.tally.remarks.items()):
        progress.decided(f"{number} {remark}.")
    if not result.exams:
        raise _nothing_left(study, result.tally)
    return Deidentified(out, *result.counts, result.incomplete, new_key, result.tally, options, level)


def _nothing_left(study: Path, tally: Tally) -> ProcessingFailed:
    reasons = "; ".join(sorted(tally.withheld)) or "no file was found"
    return ProcessingFailed(f"No file of '{study}' could be exported ({reasons}).")


@dataclass
class _Exported:
    exams: tuple[Path, ...]
    written: int
    unchanged: int
    incomplete: dict[Path, tuple[int, int]]
    tally: Tally

    @property
    def counts(self) -> tuple[tuple[Path, ...], int, int]:
        return self.exams, self.written, self.unchanged


def _check_places(study: Path, out: Path, key: Path, table: Path) -> None:
    """Neither secret may travel with what is exported, and what is exported may not be read again."""
    inside = real(out)
    for what, path in (("key", key), ("table of pseudonyms", table)):
        if inside in (real(path), *real(path).parents):
            raise OutputUnwritable(f"The {what} may not lie in the folder that is exported, '{out}'; name another place.")
        if path.is_dir():
            raise OutputUnwritable(f"'{path}' is a folder; name a file for the {what}.")
        if not path.is_file():  # a pipe or a device, besides, would be read without end
            check_file(path)
    if real(key) == real(table):
        raise OutputUnwritable("The key and the table of pseudonyms are two files; name two places.")
    source = real(study)
    if source == inside or source in inside.parents or inside in source.parents:
        raise OutputUnwritable(f"'{out}' and '{study}' lie in one another; name an output folder apart from the input.")
    check_folder(out)


def _export(plan: Plan, out: Path, key: SecretKey, options: DeidentificationOptions, level: str) -> _Exported:
    by_exam: dict[Path, Tally] = {}
    withheld: Counter[Path] = Counter()
    written = unchanged = 0
    for planned in plan.files:
        tally = Tally()
        try:
            contents = _cleaned(planned, plan, key, options, tally)
        except Withheld as reason:
            plan.tally.withheld[str(reason)] += 1
            withheld[planned.target.parent] += 1
            _forget(out / planned.target)
            continue
        for target, content in contents.items():
            fresh = _write_if_new(out / target, content)
            written, unchanged = written + fresh, unchanged + (not fresh)
        by_exam.setdefault(Path(*planned.target.parts[:2]), Tally()).add(tally)
    totals = Counter(planned.target.parent for planned in plan.files if planned.kind == "dicom")
    incomplete = {series: (lost, totals[series]) for series, lost in sorted(withheld.items()) if lost < totals[series]}
    for exam, tally in by_exam.items():
        own = {series.relative_to(exam): lost for series, lost in incomplete.items() if exam in series.parents}
        write_json(out / exam / REPORT, {**_report(tally, options, level), "series_incomplete": _incomplete(own)})
        plan.tally.add(tally)
    return _Exported(tuple(sorted(by_exam)), written, unchanged, incomplete, plan.tally)


def _incomplete(series: Mapping[Path, tuple[int, int]]) -> dict[str, dict[str, int]]:
    return {path.as_posix(): {"files": total, "withheld": lost} for path, (lost, total) in series.items()}


def _cleaned(
    planned: PlannedFile, plan: Plan, key: SecretKey, options: DeidentificationOptions, tally: Tally
) -> dict[Path, bytes]:
    """Target -> bytes of what a file becomes."""
    if planned.kind == "image":
        contents = {planned.target: clean_nifti(planned.source)}
        if planned.sidecar:
            beside = planned.target.with_name(planned.target.name.removesuffix(".nii.gz") + ".json")
            contents[beside] = _clean_sidecar(planned.sidecar)
        return contents
    shift = DateShift.of(key, plan.recognised[planned.patient])
    cleaner = DatasetCleaner(key, shift, plan.identities[planned.patient], options, tally)
    return {planned.target: clean_instance(read_dataset(planned.source), cleaner, planned.patient)}


def _clean_sidecar(path: Path) -> bytes:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        kept = acquisition_attributes(document)
        kept.pop("ConversionSoftwareVersion", None)  # holds a date
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Withheld("an image whose sidecar is damaged") from error
    return (json.dumps(kept, indent=2, allow_nan=False) + "\n").encode("ascii")


def _write_if_new(path: Path, content: bytes) -> bool:
    with output_errors(path):
        if path.is_file() and path.read_bytes() == content:
            return False
    write_bytes(path, content)
    return True


def _forget(path: Path) -> None:
    """Remove what an earlier run with other options wrote of a file that is now withheld."""
    with output_errors(path):
        path.unlink(missing_ok=True)


def _report(tally: Tally, options: DeidentificationOptions, level: str) -> dict[str, Any]:
    return {
        "profile": f"{PROFILE_EDITION}, table E.1-1, Basic Application Level Confidentiality Profile",
        "methods": [f"{code} {meaning}" for code, meaning in method_codes(options).items()],
        "options": asdict(options),
        "pseudonyms": f"{level} level",
        "attributes": tally.document(),
        "files_withheld": dict(sorted(tally.withheld.items())),
        "remarks": dict(sorted(tally.remarks.items())),
        "faces": "not removed: a head with its skin can be recognised; see `glioscope preprocess --deface`",
    }
