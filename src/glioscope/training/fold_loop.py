"""What happens around the steps of a fold: epochs, validation, checkpoints, what is told."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lightning.pytorch import Callback, Trainer

from glioscope.core import ProcessingFailed
from glioscope.training.checkpoint import is_finite
from glioscope.training.curves import write_curves, write_log
from glioscope.training.final_validation import forget, score_last
from glioscope.training.interruption import Interruption
from glioscope.training.progress import Position, TrainingProgress
from glioscope.training.scorer import mean_dice
from glioscope.training.validation import dice_of_exams, gathered

if TYPE_CHECKING:
    from torch import Tensor

    from glioscope.training.module import SegmentationModule

__all__ = ["ExamCount", "FoldLoop"]

_CHECKPOINT_SECONDS = 120.0
_DRAWING_SECONDS = 30.0
_SMOOTH = 0.05  # how much one step's time weighs in the time that is left


class FoldLoop(Callback):  # type: ignore[misc]
    """Follows the steps of one fold.

    A loss is looked at one step late, so that a GPU never waits for it; it is always looked at before anything is saved, so
    that what is kept is good. What one of several processes finds (a loss that is not finite, a wish to end, the time to save)
    holds for all of them in the same step.
    """

    def __init__(self, progress: TrainingProgress) -> None:
        self._progress, self._interruption = progress, Interruption()
        self._pending: Tensor | None = None
        self._loss, self._told_step = float("nan"), 0
        self._saved_step = 0
        self._saved_at = self._clock = self._drawn_at = 0.0
        self._step_seconds: float | None = None
        self._validation_seconds = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:  # noqa: ANN401
        """Begin, or close an epoch whose validation was cut off."""
        module: SegmentationModule = pl_module
        self._clock = self._saved_at = self._drawn_at = time.monotonic()
        state, iterations = module.state, module.job.recipe.training.iterations
        self._saved_step = state.step
        if trainer.world_size > 1:
            self._interruption.listen()
        if state.step // iterations > len(state.history):
            self._end_epoch(trainer, module)

    def on_train_end(self, trainer: Trainer, pl_module: Any) -> None:  # noqa: ANN401
        """What comes after is a matter of moments."""
        if trainer.world_size > 1:
            self._interruption.ignore()

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: Any,  # noqa: ANN401
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Count the step; at the end of an epoch, or when it is time, do what is due."""
        module: SegmentationModule = pl_module
        rules = module.job.recipe.training
        if (batch_idx + 1) % rules.accumulate:
            return
        loss = module.end_step()
        self._settle(trainer, module)
        self._pending, self._told_step = loss, module.state.step
        now = time.monotonic()
        took, self._clock = now - self._clock, now
        module.state.seconds += took
        self._step_seconds = took if self._step_seconds is None else self._step_seconds + _SMOOTH * (took - self._step_seconds)
        stop, due = self._agreed(trainer, self._interruption.asked, self._is_time(module))
        if stop:
            trainer.should_stop = True
            # After the last step there would be no step to go on with: the last epoch is then repeated.
            if module.state.step < module.job.steps:
                self._save(trainer, module)
        elif module.state.step % rules.iterations == 0:
            self._end_epoch(trainer, module)
        elif due:
            self._save(trainer, module)

    @staticmethod
    def _agreed(trainer: Trainer, *found: bool) -> tuple[bool, ...]:
        """Which of these is so in any of the processes; in most steps none is, which costs one small message."""
        if not trainer.strategy.reduce_boolean_decision(any(found), all=False):
            return (False,) * len(found)
        return tuple(map(any, zip(*gathered(found), strict=True)))

    def _is_time(self, module: SegmentationModule) -> bool:
        every = module.job.machine.checkpoint_every
        if every is not None:
            return module.state.step % every == 0
        return time.monotonic() - self._saved_at > _CHECKPOINT_SECONDS

    def _settle(self, trainer: Trainer, module: SegmentationModule) -> None:
        """Look at the loss of the step before."""
        if self._pending is None:
            return
        self._loss = float(self._pending)
        self._pending = None
        if trainer.strategy.reduce_boolean_decision(not math.isfinite(self._loss), all=False):
            self._give_up(module, "loss is")
        module.state.add_loss(self._loss)
        if trainer.is_global_zero:
            self._progress.stepped(self._position(module))

    def _give_up(self, module: SegmentationModule, what: str) -> None:
        job = module.job
        kept = (
            f"the state of step {self._saved_step} is kept in '{job.files.last}'"
            if self._saved_step
            else "nothing was saved yet"
        )
        raise ProcessingFailed(
            f"The {what} not finite any more in {job.title} at step {self._told_step}; {kept}. Run again with a lower "
            "optimiser.lr, a training.clip or training.precision=fp32."
        )

    def _save(self, trainer: Trainer, module: SegmentationModule) -> None:
        self._settle(trainer, module)
        if not is_finite(dict(module.network.named_parameters())):
            self._give_up(module, "weights are")
        self._write(trainer, module.save)
        self._saved_step, self._saved_at = module.state.step, time.monotonic()

    @staticmethod
    def _write(trainer: Trainer, what: Callable[[], object]) -> None:
        """Have the first process write; where it cannot, all say why."""
        failure: Exception | None = None
        if trainer.is_global_zero:
            try:
                what()
            except Exception as error:
                failure = error
        for told in filter(None, gathered(failure)):
            raise told

    def _end_epoch(self, trainer: Trainer, module: SegmentationModule) -> None:
        self._settle(trainer, module)
        state, rules = module.state, module.job.recipe.training
        epoch, over = state.step // rules.iterations, state.step == module.job.steps
        due = epoch % rules.validate_every == 0 or over
        if due and not over:
            # A validation may take long; a run that is killed in it goes on here. After the last step there would be none to
            # go on with, so that the last epoch is then repeated from the checkpoint before.
            self._save(trainer, module)
        row = state.end_epoch(module.rate(state.step - 1))
        if due:
            with self._interruption.at_once():
                self._validate(trainer, module, row)
        if over or (rules.patience is not None and state.waited >= rules.patience):
            state.finished = trainer.should_stop = True
        row["seconds"] = round(state.seconds, 1)
        for logger in trainer.loggers:
            logger.log_metrics({key: value for key, value in row.items() if key != "step"}, state.step)
        self._write(trainer, lambda: self._tell(module, draws=due))
        self._save(trainer, module)

    def _tell(self, module: SegmentationModule, *, draws: bool) -> None:
        files, history = module.job.files, module.state.history
        write_log(files.log, history)
        if draws and time.monotonic() - self._drawn_at > _DRAWING_SECONDS:
            write_curves(files.curves, history, module.job.title)
            self._drawn_at = time.monotonic()

    def _validate(self, trainer: Trainer, module: SegmentationModule, row: dict[str, float]) -> None:
        began = time.monotonic()
        if not is_finite(dict(module.network.named_parameters())):
            self._give_up(module, "weights are")
        # Without flips the last validation is what the final one would find: it is made once.
        last = module.state.step == module.job.steps and not module.job.recipe.inference.mirror
        if last:
            exams = score_last(module)
        else:
            divisor: tuple[int, int, int] = module.network.divisor  # type: ignore[assignment]
            exams = dice_of_exams(module.job, module.answer, divisor, trainer.global_rank, trainer.world_size)
        found = mean_dice(exams)
        module.train()
        row.update({key: round(value, 6) for key, value in found.items()})
        best = module.state.judge(found["dice"])
        if best:
            self._write(trainer, module.save_best)
        if last and not best:
            forget(module)
        self._clock = time.monotonic()
        self._validation_seconds = self._clock - began
        module.state.seconds += self._validation_seconds
        if trainer.is_global_zero:
            regions = {key.removeprefix("dice_"): value for key, value in found.items() if key != "dice"}
            self._progress.validated(regions, best)

    def _position(self, module: SegmentationModule) -> Position:
        job, step = module.job, self._told_step
        rules, left = job.recipe.training, job.steps - step
        seconds = None
        if self._step_seconds is not None:
            validations = -(-left // (rules.iterations * rules.validate_every))
            seconds = left * self._step_seconds + validations * self._validation_seconds
        return Position((step - 1) // rules.iterations + 1, rules.epochs, step, job.steps, self._loss, seconds)


class ExamCount(Callback):  # type: ignore[misc]
    """Tells which exam of the final validation is done; ends in between where one of several processes is asked to."""

    def __init__(self, progress: TrainingProgress) -> None:
        self._progress, self._interruption = progress, Interruption()

    def on_validation_start(self, trainer: Trainer, pl_module: Any) -> None:  # noqa: ANN401
        """Each process scores its own exams, and what is scored is kept."""
        if trainer.world_size > 1:
            self._interruption.listen(at_once=True)

    def on_validation_end(self, trainer: Trainer, pl_module: Any) -> None:  # noqa: ANN401
        """What comes after is a matter of moments."""
        if trainer.world_size > 1:
            self._interruption.ignore()

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: Any,  # noqa: ANN401
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Count it, and those that the other processes have done meanwhile."""
        total = len(pl_module.job.validation)
        if trainer.is_global_zero:
            self._progress.exam_scored(min(total, (batch_idx + 1) * trainer.world_size), total)
