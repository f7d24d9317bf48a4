"""What people see while a command works and when it is done. Progress goes to standard error, results to standard output."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from glioscope.core import Record, Step
from glioscope.inspection import Candidate, Inspection
from glioscope.workflows.outcome import ExamOutcome, Outcomes
from glioscope.workflows.progress import Progress

__all__ = ["NAMES_THE_PATIENT", "LiveProgress", "print_json", "show_inspections", "show_outcomes"]

DICOM_OBJECTS = ("dicom_labels", "dicom_regions", "dicom_measurements", "dicom_report")
NAMES_THE_PATIENT = "These files name the patient: they belong into the archive that the exam came from."

DISCLAIMER = "Not a medical device. For research use; check every result against the images."


def print_json(document: Any) -> None:  # noqa: ANN401
    """One JSON document on standard output."""
    print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))  # noqa: T201


class LiveProgress(Progress):
    """Shows each step with its seconds, and a spinner for what is being done now."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._status: Status | None = None
        self._running: list[str] = []

    def exam_started(self, name: str, number: int, total: int) -> None:
        """Name the exam."""
        of = f" ({number} of {total})" if total > 1 else ""
        self._console.print(f"[bold]{escape(name)}[/]{of}")

    def decided(self, sentence: str) -> None:
        """Tell a decision."""
        self._console.print(f"  [cyan]·[/] {escape(sentence)}")

    def warned(self, sentence: str) -> None:
        """Tell what lowers trust."""
        self._console.print(f"  [yellow]![/] {escape(sentence)}")

    def step_started(self, step: Step) -> None:
        """Show it as being done."""
        self._running.append(step.title)
        self._refresh()

    def step_done(self, step: Step, record: Record) -> None:
        """Show it as done, with its seconds."""
        if step.title in self._running:
            self._running.remove(step.title)
        took = "[dim]done before[/]" if record.reused else f"[green]{record.seconds:6.1f} s[/]"
        self._console.print(f"  [green]✓[/] {escape(step.title):<58} {took}")
        self._refresh()

    def exam_failed(self, name: str, sentence: str) -> None:
        """Tell why, and go on."""
        self._running.clear()
        self._refresh()
        self._console.print(f"  [red]✗[/] {escape(sentence)}", soft_wrap=True)

    def _refresh(self) -> None:
        if self._status:
            self._status.stop()
            self._status = None
        if self._running:
            self._status = self._console.status("  " + escape(" + ".join(self._running)) + " …")
            self._status.start()


def _volumes(exam: ExamOutcome) -> str:
    volumes = exam.results.get("volumes_ml", {})
    return "  ".join(f"{name} {value:.1f} ml" for name, value in volumes.items())


def show_outcomes(outcomes: Outcomes) -> None:
    """The summary at the end: one line an exam, and where the report is."""
    console = Console(highlight=False, soft_wrap=True)
    for exam in outcomes.exams:
        if exam.error:
            if len(outcomes.exams) > 1:
                console.print(f"[red]✗[/] [bold]{escape(exam.name)}[/]  {escape(str(exam.error))}")
            continue
        quality = exam.results.get("quality", "")
        state = "nothing to do" if exam.unchanged else f"{exam.wall_seconds:.1f} s"
        console.print(f"[green]✓[/] [bold]{escape(exam.name)}[/]  {_volumes(exam)}  [dim]{escape(quality)}  {state}[/]")
        for title in ("report_html", "report_pdf", "labels", "brain_mask", *DICOM_OBJECTS):
            if title in exam.files:
                console.print(f"    {title.replace('_', ' '):<12} {escape(str(exam.files[title]))}")
    if any(title in exam.files for exam in outcomes.exams for title in DICOM_OBJECTS):
        console.print(f"DICOM: {NAMES_THE_PATIENT[0].lower()}{NAMES_THE_PATIENT[1:]}")
    console.print(f"[dim]{DISCLAIMER}[/]")


def _grid_words(candidate: Candidate) -> str:
    if candidate.grid is None:
        return ""
    voxels = "x".join(map(str, candidate.grid.shape))
    spacing = "x".join(f"{size:.2g}" for size in candidate.grid.spacing)
    return f"{voxels} voxels of {spacing} mm, {candidate.grid.orientation}"


def _show_candidate(console: Console, candidate: Candidate, used: bool) -> None:
    why = candidate.set_aside or candidate.reason
    if used:
        head = f"  [bold green]{candidate.sequence}[/]  {escape(candidate.name)}"
        console.print(f"{head}  [dim]{escape(why)}, {candidate.confidence:.0%}; {_grid_words(candidate)}[/]")
    else:
        console.print(f"  [dim] –   {escape(candidate.name)}  {escape(why)}[/]")


def show_inspections(inspections: list[Inspection]) -> None:
    """Each exam: which file is which sequence and why, what was left out, what is missing, what would go wrong."""
    console = Console(highlight=False, soft_wrap=True)
    for inspection in inspections:
        console.print(f"[bold]{escape(inspection.id)}[/]" + (f" session {inspection.session}" if inspection.session else ""))
        chosen = list(inspection.chosen.values())
        for candidate in sorted(inspection.candidates, key=lambda c: c not in chosen):
            _show_candidate(console, candidate, candidate in chosen)
        for sequence, choices in inspection.ambiguous.items():
            names = ", ".join(choice.name for choice in choices)
            console.print(f"  [yellow]? {sequence}: {escape(names)}; say which with --{sequence} FILE[/]")
        if inspection.missing:
            console.print(f"  [yellow]missing: {', '.join(inspection.missing)}[/]")
        if inspection.prepared:
            console.print("  Skull-stripped and on one grid already: will be taken as it is.")
        for warning in inspection.warnings:
            console.print(f"  [yellow]![/] {escape(warning)}")
        if inspection.problem:
            console.print(f"  [red]✗ {escape(str(inspection.problem))}[/]")
