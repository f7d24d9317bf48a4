"""`glioscope dicom`: results back into the patient's DICOM study."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import glioscope
from glioscope.core import (
    EngineMissing,
    GlioscopeError,
    InputUnreadable,
    InvalidImage,
    Sequence,
    Transform,
    Volume,
    read_labels,
    resample_labels,
)
from glioscope.core.files import atomic, check_folder, ensure_folder, sha256
from glioscope.workflows.dataset import records_folder
from glioscope.workflows.dicom_measurements import exam_findings, segment_numbers
from glioscope.workflows.dicom_results import RunResults
from glioscope.workflows.outcome import ExamOutcome, Outcomes
from glioscope.workflows.progress import Progress

__all__ = ["Segments", "check_highdicom", "export_dicom", "with_dicom"]

Segments = Literal["both", "labels", "regions"]

FOLDER = "dicom"
"""Where an exam's objects go, below its results."""


def export_dicom(
    out: str | PathLike[str],
    source: str | PathLike[str],
    *,
    dest: str | PathLike[str] | None = None,
    reference: Sequence | None = None,
    segments: Segments = "both",
    names: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Outcomes:
    """Write segmentation, measurement report and PDF of every exam below `out` as DICOM objects of the patient's study.

    The source files are known by their SHA-256, as the run recorded them, so that names and places of the files do not
    matter and no object can get into another patient's study.

    Args:
        out: The output folder of a run on DICOM.
        source: Folder, zip or (of one multi-frame object) file with the DICOM that was run, of one exam or of them all.
        dest: Where to write; `dicom` in each exam's own results folder where None, else a folder for each exam below it.
        reference: The sequence whose series the objects lie on; where None that of the native space (T1 with contrast first).
        segments: Write a segmentation object of the `labels` (which do not overlap), of the `regions` (which do), or both.
        names: Exams (`sub-ID[_ses-LABEL]`) to do; all below `out` where None.
        progress: Listener.

    Returns:
        One outcome an exam, with the files written.

    Raises:
        InputUnreadable: `out` holds no results, or `source` cannot be read.
        EngineMissing: highdicom is not installed.
        OutputUnwritable: `dest` cannot be written.
    """
    from glioscope.workflows.report_exam import reported_folders

    check_highdicom()
    if dest is not None:
        check_folder(Path(dest))
    progress, out = progress or Progress(), Path(out)
    exams = [RunResults.read(out, folder) for folder in reported_folders(out)]
    exams = [exam for exam in exams if names is None or exam.name in names]
    converted = [(exam, sequence) for exam in exams for sequence in Sequence if f"convert-{sequence}" in exam.steps]
    wanted = {checksum for exam, sequence in converted for checksum in exam.sources(sequence)}
    outcomes = []
    with _source_files(Path(source), out, wanted) as files:
        for number, exam in enumerate(exams, start=1):
            progress.exam_started(exam.name, number, len(exams))
            started = time.perf_counter()
            target = Path(dest) / exam.folder.relative_to(out) if dest is not None else exam.folder / FOLDER
            try:
                written = _export(exam, files, target, reference, segments, progress)
            except GlioscopeError as error:
                progress.exam_failed(exam.name, str(error))
                outcomes.append(ExamOutcome(exam.name, target, error=error))
                continue
            outcomes.append(ExamOutcome(exam.name, target, written, wall_seconds=time.perf_counter() - started))
    return Outcomes(tuple(outcomes))


def check_highdicom() -> None:
    """Raise EngineMissing where highdicom is not installed."""
    try:
        import highdicom  # noqa: F401
    except ImportError as error:
        raise EngineMissing("DICOM objects need highdicom; install it with: pip install 'glioscope[dicom]'") from error


def with_dicom(outcomes: Outcomes, out: Path, source: Path, progress: Progress | None = None) -> Outcomes:
    """`outcomes` of a run, each finished exam's with the DICOM objects that were made of it now, or with why there are none."""
    done = {exam.name for exam in outcomes.exams if not exam.error}
    if not done:
        return outcomes
    made = {exam.name: exam for exam in export_dicom(out, source, names=done, progress=progress).exams}

    def joined(exam: ExamOutcome) -> ExamOutcome:
        own = made.get(exam.name)
        if own is None:
            return exam
        files = {**exam.files, **{f"dicom_{kind}": path for kind, path in own.files.items()}}
        return replace(exam, files=files, error=own.error)

    return Outcomes(tuple(map(joined, outcomes.exams)))


@contextmanager
def _source_files(source: Path, out: Path, wanted: set[str]) -> Iterator[dict[str, Path]]:
    """SHA-256 -> file, of the files below `source` that are wanted; what had to be unpacked is removed afterwards."""
    from glioscope.inspection.archive import unpack
    from glioscope.inspection.walk import list_files

    if not source.exists():
        raise InputUnreadable(f"'{source}' does not exist; give the DICOM folder or zip that was run.")
    with tempfile.TemporaryDirectory(prefix="glioscope-") as scratch:
        root = unpack(source, Path(scratch)) if source.suffix.lower() == ".zip" and source.is_file() else source
        files = list_files(root) if root.is_dir() else [root]
        yield _by_checksum((path for path in files if out not in path.parents), wanted)


def _by_checksum(files: Iterable[Path], wanted: set[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in files:
        if len(found) == len(wanted):
            break
        try:
            checksum = sha256(path)
        except OSError:
            continue
        if checksum in wanted:
            found.setdefault(checksum, path)
    return found


def _export(
    exam: RunResults,
    files: Mapping[str, Path],
    target: Path,
    reference: Sequence | None,
    segments: Segments,
    progress: Progress,
) -> dict[str, Path]:
    from glioscope import dicom

    sequence = reference or exam.native
    series = dicom.read_source_series(_found(exam, sequence, files))
    labels = _labels_on(exam, sequence, series)
    objects = _segmentations_and_measurements(exam, sequence, labels, series, segments, progress)
    pdf = exam.folder / "report" / "report.pdf"
    if pdf.is_file():
        content = pdf.read_bytes()
        place = dicom.place_of(series, "report", 4, glioscope.__version__, content)
        objects["report"] = dicom.encapsulate_pdf(content, series, place, "Glioscope report", glioscope.__version__)
    else:
        progress.warned("There is no report.pdf, so none is encapsulated; `glioscope report` makes it again.")
    encoded = {name: dicom.dicom_bytes(dataset) for name, dataset in objects.items()}
    written = {name: target / f"{name}.dcm" for name in encoded}
    ensure_folder(target)
    with ExitStack() as stack:  # all are written before the first gets its name, since they refer to each other
        for name, content in encoded.items():
            stack.enter_context(atomic(written[name])).write_bytes(content)
    for stale in {"labels", "regions", "report"} - written.keys():
        (target / f"{stale}.dcm").unlink(missing_ok=True)
    return written


def _found(exam: RunResults, sequence: Sequence, files: Mapping[str, Path]) -> list[Path]:
    """The files of the series that `sequence` was converted from; raises InputUnreadable where one is not there."""
    checksums = exam.sources(sequence)
    found = [files[checksum] for checksum in checksums if checksum in files]
    if len(found) < len(checksums):
        some = f"only {len(found)} of the {len(checksums)}" if found else f"none of the {len(checksums)}"
        raise InputUnreadable(
            f"The source holds {some} DICOM files that the {sequence.display_name} of {exam.name} was made from; give the "
            "folder that was run, with its files unchanged."
        )
    return found


def _segmentations_and_measurements(
    exam: RunResults,
    sequence: Sequence,
    labels: Volume,
    series: Any,  # noqa: ANN401
    segments: Segments,
    progress: Progress,
) -> dict[str, Any]:
    from glioscope import dicom

    frames, algorithm = dicom.label_frames(labels, series), _algorithm(exam)
    numbers, rano = segment_numbers(exam, labels, sequence)
    findings = exam_findings(exam, rano, progress)
    words = (glioscope.__version__, algorithm.name, *algorithm.listed(), exam.scheme.name, *exam.unknown)
    identity: tuple[str | bytes, ...] = (*words, frames.tobytes())
    objects: dict[str, Any] = {}
    measured: list[dicom.SegmentMeasurements] = []
    for offset, kind in enumerate(("labels", "regions"), start=1):
        chosen = dicom.segments_of(exam.scheme, kind == "regions", exam.unknown)
        if segments not in ("both", kind) or not chosen:
            continue
        place = dicom.place_of(series, kind, offset, *identity)
        objects[kind] = dicom.make_segmentation(frames, series, chosen, algorithm, place, f"Glioscope {kind}")
        done = {one.segment.name for one in measured}  # ET is a label and a region: measured once
        measured += [
            dicom.SegmentMeasurements(segment, number, objects[kind], place, **numbers[segment.name])
            for number, segment in enumerate(chosen, start=1)
            if segment.name not in done
        ]
    if not objects:
        raise InvalidImage(
            f"Segmenter '{exam.segmenter}' does not tell all labels apart, so there is no segmentation of labels; use "
            "--segments regions."
        )
    place = dicom.place_of(series, "measurements", 3, *identity, repr((numbers, findings)), *objects)
    title = "Glioscope measurements"
    report = dicom.make_measurement_report(measured, series, algorithm, place, title, findings)
    return {**objects, "measurements": report}


def _algorithm(exam: RunResults) -> Any:  # noqa: ANN401
    from glioscope.dicom import Algorithm

    step = exam.steps.get(f"segment-{exam.segmenter}", {})
    told = {name: str(step.get("parameters", {}).get(name, "")) for name in ("identity", "effort")}
    judged = exam.steps.get("report-quality", {}).get("parameters", {})
    parameters = tuple((name, value[:64]) for name, value in told.items() if value)
    return Algorithm(exam.segmenter[:64], glioscope.__version__, bool(judged.get("trained", False)), parameters)


def _labels_on(exam: RunResults, sequence: Sequence, series: Any) -> Volume:  # noqa: ANN401
    """The label map on the grid that `sequence` was converted to: as it is in the native space, else carried there."""
    native = exam.labels()
    if native is None:
        raise InputUnreadable(f"{exam.name} has no label map of '{exam.segmenter}' in '{exam.folder}'; run it again.")
    recorded = exam.steps.get(f"segment-{exam.segmenter}", {}).get("outputs", {}).get("native_labels")
    if recorded is not None and recorded != sha256(native):
        raise InvalidImage(
            f"'{native.name}' was changed after the report was made, so they do not tell the same; run `glioscope run` again."
        )
    labels = read_labels(native)
    if sequence is exam.native:
        return labels
    way = _to_native(exam, sequence)
    home = sorted((exam.folder / "anat").glob(f"{exam.name}_from-*_to-orig_mode-image_xfm.h5"))
    in_atlas = [path for path in (exam.labels("SRI24"), exam.labels("MNI152")) if path]
    if home and in_atlas:  # the label map as it was found, carried once
        from glioscope.preprocessing.transform_files import read_transform

        onward = read_transform(home[0])
        if onward.is_affine:
            return resample_labels(read_labels(in_atlas[0]), series.grid, exam.scheme, way.then(onward))
    return resample_labels(labels, series.grid, exam.scheme, way)


def _to_native(exam: RunResults, sequence: Sequence) -> Transform:
    """From points of `sequence` to points of the native space."""
    from glioscope.preprocessing.transform_files import read_transform

    path = records_folder(exam.out, exam.name) / "work" / f"{exam.native}-to-{sequence}.h5"
    if not path.is_file():
        raise InputUnreadable(
            f"The registration of {sequence.display_name} is not in '{path.parent}' any more; run `glioscope run` again, or "
            f"leave the reference at {exam.native.display_name}."
        )
    return read_transform(path).inverse()
