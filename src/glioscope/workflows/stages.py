"""The stages of one exam, each building on the one before: prepare, segment, report."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from glioscope.core import InputUnreadable, InvalidImage, Ledger, Prepared, Scheme, get_scheme
from glioscope.core.files import write_json
from glioscope.inspection import Inspection
from glioscope.postprocessing import Chain
from glioscope.segmentation import choose_segmenter, get_segmenter
from glioscope.workflows.convert_exam import convert_exam
from glioscope.workflows.dataset import RECORDS, records_folder
from glioscope.workflows.earlier_exam import Earlier, earlier_files, find_earlier
from glioscope.workflows.outcome import ExamOutcome
from glioscope.workflows.postprocess import chain_for_one
from glioscope.workflows.preflight import check_before_work, check_dicom_source, warning_of
from glioscope.workflows.preprocess_exam import PreprocessOptions, overview_step, preprocess_exam
from glioscope.workflows.progress import Progress
from glioscope.workflows.provenance import write_provenance
from glioscope.workflows.segment_exam import USUAL_SCHEME, EarlierFiles, Segmented, scheme_for, segment_exam

__all__ = ["Stages"]


@dataclass(frozen=True)
class Stages:
    """The settings of a run, and the stages under them.

    Attributes:
        out: The output dataset.
        segmenter: Name of a segmenter, or `auto` for the best that can work with the exam's sequences.
        scheme: Label scheme of the results, or `auto`, see `scheme_for`.
        options: Settings of pre-processing.
        jobs: Processes at a time; all cores where None. It never changes a result.
        effort: `fast`, `standard` or `best`, for a segmenter that knows it.
        postprocess: File of the steps that make the final label map, or the word `published`; none where None.
        earlier: The patient's exam before surgery, whatever an exam can be, for a segmenter that looks at it too.
        dicom: Whether DICOM objects are to be made of the results, so that an exam that came as images is refused.
    """

    out: Path
    segmenter: str = "auto"
    scheme: str = "auto"
    options: PreprocessOptions = field(default_factory=PreprocessOptions)
    jobs: int | None = None
    progress: Progress = field(default_factory=Progress)
    postprocess: str | os.PathLike[str] | None = None
    effort: str = "standard"
    earlier: Path | None = None
    dicom: bool = False

    def __post_init__(self) -> None:
        # Refused: a segmenter that does not exist, is damaged, or knows no such effort.
        segmenter = None if self.segmenter == "auto" else get_segmenter(self.segmenter, effort=self.effort)
        if self.earlier is not None:
            if not self.earlier.exists():
                raise InputUnreadable(f"The earlier exam '{self.earlier}' does not exist; give a folder or a zip file.")
            if segmenter is None or not segmenter.needs_earlier | segmenter.uses_earlier:
                raise InvalidImage(
                    f"Segmenter '{self.segmenter}' looks at no earlier exam; leave out --earlier, or name one that does with "
                    "--segmenter."
                )
        if self.postprocess is not None:  # a file that is no good is refused before any work
            own = segmenter.scheme if segmenter else get_scheme(USUAL_SCHEME)
            self._chain(own if self.scheme == "auto" else get_scheme(self.scheme))

    def _chain(self, scheme: Scheme) -> Chain | None:
        return None if self.postprocess is None else chain_for_one(self.postprocess, scheme)

    @property
    def processes(self) -> int:
        """How many at a time."""
        return self.jobs or os.cpu_count() or 1

    def alone(self) -> Stages:
        """The same as it is done in one of several processes: one step at a time, told to nobody."""
        return replace(self, jobs=1, progress=Progress())

    def preprocess(self, inspection: Inspection, ledger: Ledger) -> ExamOutcome:
        """Up to images in the atlas and on the native grid."""
        prepared = self._prepare(inspection, ledger)
        ledger.run(overview_step(prepared, self.out))
        return self._finish(inspection, ledger, prepared, {"brain_mask": prepared.brain_mask})

    def segment(self, inspection: Inspection, ledger: Ledger) -> ExamOutcome:
        """Up to label maps in the patient's own space."""
        prepared, segmented = self._segmented(inspection, ledger)
        return self._finish(inspection, ledger, prepared, {"labels": segmented.native_labels})

    def run(self, inspection: Inspection, ledger: Ledger) -> ExamOutcome:
        """The whole way to the report."""
        from glioscope.workflows.report import write_table
        from glioscope.workflows.report_exam import report_exam

        if self.dicom:
            check_dicom_source(inspection)
        prepared, segmented = self._segmented(inspection, ledger)
        reported = report_exam(prepared, segmented, inspection.document(), ledger, self.out, self.processes)
        write_table(self.out)
        files = {"labels": segmented.native_labels, **reported.files}
        return self._finish(inspection, ledger, prepared, files, reported.results)

    def _segmented(self, inspection: Inspection, ledger: Ledger) -> tuple[Prepared, Segmented]:
        name = self._choose(inspection)
        segmenter = get_segmenter(name)
        scheme = scheme_for(segmenter, self.scheme)
        if self.earlier is not None:
            inspection = replace(inspection, earlier={**inspection.earlier, "exam": self.earlier})
        with find_earlier(inspection, segmenter, self.options.atlas, self.out / RECORDS) as earlier:
            check_before_work(inspection, self.out, self.options)
            before = self._earlier(earlier) if earlier else EarlierFiles()
            prepared = self._prepare(inspection, ledger)
            segmented = self._segment(name, scheme, prepared, ledger, before)
        for sentence in segmented.facts.get("warnings", ()):
            self.progress.warned(sentence)
        return prepared, segmented

    def _earlier(self, earlier: Earlier) -> EarlierFiles:
        """The earlier exam brought where the exam is brought, with records, folder and provenance of its own."""
        exam = earlier.inspection
        if exam is None:
            return earlier.given
        ledger = Ledger(records_folder(self.out, exam.name), self.progress.notify)
        self.progress.decided(f"The earlier exam comes first, as {exam.name}.")
        if earlier.mask_by:
            self.progress.warned(f"It has no label map: {earlier.mask_by} looks for the tumour in it.")
        prepared = self._prepare(exam, ledger)
        ledger.run(overview_step(prepared, self.out))
        files = earlier_files(earlier, prepared, self.out, ledger)
        self._finish(exam, ledger, prepared, {})
        return files

    def _choose(self, inspection: Inspection) -> str:
        inspection.resolved()
        available = frozenset(inspection.chosen)
        name = self.segmenter
        if name == "auto":
            name = choose_segmenter(available)
            self.progress.decided(f"Segmenter: {name}, the best that works with {', '.join(sorted(available))}.")
        segmenter = get_segmenter(name, effort=self.effort)
        if lacking := segmenter.missing(available):
            raise lacking
        if warning := warning_of(segmenter, available):
            self.progress.warned(warning)
        return name

    def _prepare(self, inspection: Inspection, ledger: Ledger) -> Prepared:
        check_before_work(inspection, self.out, self.options)
        for sequence, candidate in inspection.chosen.items():
            self.progress.decided(
                f"{sequence.display_name}: {candidate.name} ({candidate.reason}, {candidate.confidence:.0%})."
            )
        if inspection.prepared:
            self.progress.decided("Skull-stripped and on one grid already: taken as it is, results on its own grid.")
        for warning in inspection.warnings:
            self.progress.warned(warning)
        exam = convert_exam(inspection, self.out, ledger)
        return preprocess_exam(exam, self.out, self.options, ledger, self.processes)

    def _segment(self, name: str, scheme: str, prepared: Prepared, ledger: Ledger, earlier: EarlierFiles) -> Segmented:
        chain = None if self.postprocess is None else self._chain(get_segmenter(name).scheme)
        beside = [overview_step(prepared, self.out)]
        return segment_exam(
            prepared,
            self.out,
            name,
            ledger,
            scheme=scheme,
            effort=self.effort,
            postprocess=chain,
            earlier=earlier,
            beside=beside,
            jobs=self.processes,
        )

    def _finish(
        self,
        inspection: Inspection,
        ledger: Ledger,
        prepared: Prepared,
        files: dict[str, Path],
        results: dict[str, Any] | None = None,
    ) -> ExamOutcome:
        folder = self.out / prepared.exam.folder
        document = inspection.document()
        write_json(folder / "inspection.json", document)
        write_provenance(folder / "provenance.json", prepared.exam, ledger, document)
        files["provenance"] = folder / "provenance.json"
        return ExamOutcome(prepared.exam.name, folder, files, results=results or {})
