"""What people see while a network learns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from glioscope.core.counting import are, counted
from glioscope.training.progress import Position, TrainingProgress

if TYPE_CHECKING:
    from glioscope.workflows.train import TrainingRun

__all__ = ["LiveTraining", "duration", "show_run", "teller"]

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def duration(seconds: float) -> str:
    """Time in words that fit a line: `45 s`, `12 min`, `3 h 20 min`, `2 d 5 h`."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        minutes = round(seconds / _MINUTE)
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(seconds / _HOUR)
    return f"{hours // 24} d {hours % 24} h"


def teller(*, silent: bool = False) -> Callable[[str], None]:
    """Says sentences on standard error."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    return (lambda sentence: None) if silent else lambda sentence: console.print(f"  [cyan]·[/] {escape(sentence)}")


def _dice(dice: Mapping[str, float]) -> str:
    return "  ".join(f"{region} {value:.3f}" for region, value in dice.items())


class LiveTraining(TrainingProgress):
    """A bar with epoch, loss, held-out Dice and the time that is left; a line for each validation."""

    def __init__(self) -> None:
        self._console: Console | None = None
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._title, self._epoch, self._dice = "", 0, ""

    def __getstate__(self) -> dict[str, Any]:
        """What travels to the processes that train: no console, which each has of its own."""
        return {**self.__dict__, "_console": None, "_bar": None}

    def _print(self, text: str) -> None:
        if self._console is None:
            self._console = Console(stderr=True, highlight=False)
        self._console.print(text, soft_wrap=True)

    def decided(self, sentence: str) -> None:
        """Tell a decision."""
        self._print(f"  [cyan]·[/] {escape(sentence)}")

    def warned(self, sentence: str) -> None:
        """Tell what lowers trust."""
        self._print(f"  [yellow]![/] {escape(sentence)}")

    def exam_prepared(self, number: int, total: int, sentence: str) -> None:
        """Count the exams."""
        self._show(f"  preparing exams  {number} of {total}", number, total)
        if number == total:
            self._stop()
            self._print(f"  [green]✓[/] {counted(total, 'exam')} {are(total)} prepared")

    def fold_started(self, title: str, step: int, steps: int) -> None:
        """Name the fold."""
        self._title, self._epoch, self._dice = title, 0, ""
        goes_on = f"  [dim]goes on after step {step} of {steps}[/]" if 0 < step < steps else ""
        self._print(f"[bold]{escape(title)}[/]{goes_on}")

    def stepped(self, position: Position) -> None:
        """Move the bar."""
        self._epoch = position.epoch
        left = "" if position.seconds_left is None else f"  {duration(position.seconds_left)} left"
        text = f"  epoch {position.epoch} of {position.epochs}  loss {position.loss:.4f}{self._dice}{left}"
        self._show(text, position.step, position.steps)

    def validated(self, dice: Mapping[str, float], best: bool) -> None:
        """A line of scores, which the bar shows from now on too."""
        self._dice = f"  Dice {_dice(dice)}"
        self._print(f"  epoch {self._epoch}  Dice {_dice(dice)}{'  [green]best[/]' if best else ''}")

    def exam_scored(self, number: int, total: int) -> None:
        """Count the exams."""
        self._show(f"  scoring held-out exams  {number} of {total}", number, total)

    def fold_done(self) -> None:
        """Take the bar away."""
        self._stop()

    def _show(self, text: str, done: int, total: int) -> None:
        if self._console is None:
            self._console = Console(stderr=True, highlight=False)
        if not self._console.is_terminal:
            return
        if self._bar is None:
            self._bar = Progress(
                TextColumn("{task.description}"), BarColumn(bar_width=24), console=self._console, transient=True
            )
            self._task = self._bar.add_task(escape(text), total=total)
            self._bar.start()
        self._bar.update(self._task, description=escape(text), completed=done, total=total)

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def show_run(run: TrainingRun) -> None:
    """The summary at the end: the score of each fold, and where the bundle is."""
    console = Console(highlight=False, soft_wrap=True)
    for name, found in run.folds.items():
        title = f"fold {name}" if name.isdigit() else "all exams"
        seen = "  [yellow]these exams were learnt from[/]" if found["seen_in_training"] else ""
        regions = {k.removeprefix("dice_"): v for k, v in found["dice"].items() if k != "dice"}
        console.print(f"[green]✓[/] [bold]{title}[/]  Dice {_dice(regions)}  mean {found['score']:.3f}{seen}")
    if run.bundle is not None:
        console.print(f"    bundle  {escape(str(run.bundle))}")
        console.print(f"    [dim]glioscope run EXAM OUT --segmenter {escape(str(run.bundle))}[/]")
