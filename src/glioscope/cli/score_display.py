"""What people see of scores: tables on standard output, progress on standard error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from glioscope.core.counting import counted
from glioscope.workflows.progress import Progress

__all__ = ["ScoringProgress", "show_agreement", "show_evaluation", "show_ranking"]

SHOWN = ("lesion_dice", "lesion_hd95", "lesion_nsd_0.5", "lesion_nsd_1.0", "dice", "hd95", "nsd_0.5", "nsd_1.0", "pq")
COUNTS = ("tp", "fp", "fn")
CLASSIFICATION = {"sensitivity": "sensitivity", "specificity": "specificity", "balanced_accuracy": "bAcc"}
OVERLAP = {"dice_positive": "Dice P", "dice_true_positive": "Dice TP", "recall": "recall", "precision": "precision", "f1": "F1"}


class ScoringProgress(Progress):
    """A bar of the cases done, and what lowers trust; failures are listed at the end."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=self._console, transient=True)
        self._task: Any = None

    def __enter__(self) -> ScoringProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def exam_started(self, name: str, number: int, total: int) -> None:
        """Count the case; an evaluation tells it when it is done."""
        if self._task is None:
            self._task = self._bar.add_task("", total=total)
        self._bar.update(self._task, completed=number, description=escape(name))

    def warned(self, sentence: str) -> None:
        """Tell what lowers trust."""
        self._console.print(f"  [yellow]![/] {escape(sentence)}", soft_wrap=True)


def _number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _spread(mean: float | None, sd: float | None, metric: str) -> str:
    digits = 1 if "hd95" in metric else 3
    return _number(mean, digits) + (f" ± {_number(sd, digits)}" if sd is not None else "")


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, title_style="")
    for number, name in enumerate(columns):
        table.add_column(escape(name), justify="right" if number else "left", no_wrap=True)
    return table


def _scores_table(document: Mapping[str, Any], width: int) -> tuple[Table, list[str]]:
    """Metrics down, regions across, with SD where there is room; and the metrics shown."""
    summary = document["summary"]
    present = {metric for by in summary.values() for metric in by}
    metrics, counts = [m for m in SHOWN if m in present], [m for m in COUNTS if m in present]
    cases = len(document["cases"])
    spread = cases > 1 and width >= 16 + 18 * len(summary)
    what = f"case {document['cases'][0]['id']}" if cases == 1 else f"{cases} cases, mean" + (" ± SD" if spread else "")
    table = _table(f"[bold]{escape(document['protocol'])}[/], {escape(what)}", ["", *summary])
    for metric in metrics:
        entries = [by.get(metric, {"mean": None, "sd": None}) for by in summary.values()]
        table.add_row(metric, *(_spread(e["mean"], e["sd"] if spread else None, metric) for e in entries))
    for count in counts:
        entries = [by.get(count) for by in summary.values()]
        table.add_row(count, *(str(round(e["mean"] * e["count"])) if e and e["count"] else "–" for e in entries))
    for side in ("reference", "predicted"):
        volumes = [by.get(f"{side}_volume_mm3", {"mean": None})["mean"] for by in summary.values()]
        if any(volume is not None for volume in volumes):
            table.add_row(f"{side} (ml)", *(_number(None if v is None else v / 1000, 2) for v in volumes))
    return table, [*metrics, *counts]


def show_evaluation(document: Mapping[str, Any], written: Sequence[str] = ()) -> None:
    """The main metrics by region, what they are, and what failed."""
    console = Console(highlight=False)
    cases = len(document["cases"])
    if cases:
        table, shown = _scores_table(document, console.width)
        console.print(table)
        for name in shown:
            console.print(f"[dim]{name}: {escape(document['definitions'].get(name, ''))}[/]", soft_wrap=True)
        if cases > 1:
            console.print("[dim]tp, fp and fn are summed over the cases. SD, quartiles, intervals: --json.[/]", soft_wrap=True)
    if "residual" in document:
        _show_residual(console, document["residual"])
    if document["failed"]:
        console.print(f"[red]{len(document['failed'])} of {cases + len(document['failed'])} cases failed:[/]")
    for failed in document["failed"]:
        console.print(f"  [red]✗[/] [bold]{escape(failed['id'])}[/]  {escape(failed['error'])}", soft_wrap=True)
    for path in written:
        console.print(f"  {escape(path)}", soft_wrap=True)


def _show_residual(console: Console, study: Mapping[str, Any]) -> None:
    """Two tables as in the paper, in percent: the classification, and the overlap with recall, precision and F1."""
    groups = {"all": study["overall"]}
    for kind in ("folds", "sites"):
        groups |= {f"{kind[:-1]} {name}": scores for name, scores in study.get(kind, {}).items()}
        groups |= {f"over {kind}": study[f"over_{kind}"]} if f"over_{kind}" in study else {}
    counts = ("patients", "tp", "tn", "fp", "fn")
    title = f"[bold]Residual tumour[/] from {study['threshold_ml']} ml on, percent"
    classified = _table(title, ["", *counts, *CLASSIFICATION.values()])
    overlap = _table("", ["", *OVERLAP.values()])
    for name, scores in groups.items():
        numbers = (str(scores.get(key, "")) for key in counts)
        classified.add_row(escape(name), *numbers, *(_percent(scores[key]) for key in CLASSIFICATION))
        overlap.add_row(escape(name), *(_percent(scores[key]) for key in OVERLAP))
    console.print(classified)
    console.print(overlap)
    for name, words in study["definitions"].items():
        console.print(f"[dim]{name}: {escape(words)}[/]", soft_wrap=True)


def _percent(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, Mapping):
        sd = "" if value["sd"] is None else f"±{100 * value['sd']:.1f}"
        return _percent(value["mean"]) + sd
    return "–" if value is None else f"{100 * value:.1f}"


def show_ranking(document: Mapping[str, Any], written: Sequence[str] = ()) -> None:
    """Places, mean ranks, and how sure each difference is."""
    console = Console(highlight=False)
    about = f"{counted(document['cases'], 'case')}; {', '.join(document['metrics'])} in {', '.join(document['regions'])}"
    console.print(f"[bold]{escape(document['protocol'])}[/], {escape(about)}", soft_wrap=True)
    table = _table("", ["system", "place", "mean rank", "missing"])
    for system in document["systems"]:
        missing = str(system["missing"] or "")
        table.add_row(escape(system["system"]), str(system["place"]), f"{system['mean_rank']:.3f}", missing)
    console.print(table)
    tests = _table("", ["better", "than", "mean rank", "p (permutation)", "p (Holm)"])
    for test in document["permutation"]:
        numbers = (f"{test['difference']:+.3f}", f"{test['p']:.4g}", f"{test['p_holm']:.4g}")
        tests.add_row(escape(test["first"]), escape(test["second"]), *numbers)
    console.print(tests)
    console.print(_wilcoxon_table(document["wilcoxon"]))
    for name in ("mean_rank", "missing", "permutation", "wilcoxon", "p_holm"):
        console.print(f"[dim]{name}: {escape(document['definitions'][name])}[/]", soft_wrap=True)
    for path in written:
        console.print(f"  {escape(path)}", soft_wrap=True)


def _wilcoxon_table(tests: Sequence[Mapping[str, Any]]) -> Table:
    """Holm's p of each pair, in every region and metric."""
    pairs = dict.fromkeys((test["first"], test["second"]) for test in tests)
    table = _table("p (Wilcoxon, Holm)", ["", *(f"{first} : {second}" for first, second in pairs)])
    rows: dict[str, list[str]] = {}
    for test in tests:
        rows.setdefault(f"{test['region']} {test['metric']}", []).append(f"{test['p_holm']:.3g}")
    for name, cells in rows.items():
        table.add_row(escape(name), *cells)
    return table


def show_agreement(document: Mapping[str, Any]) -> None:
    """Jaccard of each rater with the consensus and the reference, mean ± SD over exams."""
    console = Console(highlight=False)
    for region, kinds in document["summary"].items():
        exams = len(document["cases"])
        title = f"[bold]{escape(region)}[/], Jaccard" + (f", {exams} exams, mean ± SD" if exams > 1 else "")
        table = _table(title, ["", *(kind.replace("_", " ") for kind in kinds)])
        for rater in dict.fromkeys(name for by in kinds.values() for name in by):
            summaries = (by.get(rater) for by in kinds.values())
            table.add_row(escape(rater), *(_spread(s["mean"], s["sd"], "") if s else "" for s in summaries))
        console.print(table)
    for case in document["cases"]:
        for region, result in case["regions"].items():
            if "qubiq" in result:
                console.print(f"QUBIQ score of {escape(region)}: [bold]{result['qubiq']['score']:.4f}[/]")
    for name, words in document["definitions"].items():
        console.print(f"[dim]{name}: {escape(words)}[/]", soft_wrap=True)
    for failed in document["failed"]:
        console.print(f"  [red]✗[/] [bold]{escape(failed['id'])}[/]  {escape(failed['error'])}", soft_wrap=True)
