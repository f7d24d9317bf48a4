"""A network in training, as Lightning wants it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from glioscope.core import InputUnreadable
from glioscope.losses.deep_supervision import DeepSupervision
from glioscope.networks.sound_gradients import SoundGradients
from glioscope.training.checkpoint import load_checkpoint, save_checkpoint
from glioscope.training.final_validation import score_finally
from glioscope.training.fold_job import FoldJob
from glioscope.training.fold_state import FoldState
from glioscope.training.optimisation import build_optimiser, learning_rate
from glioscope.training.samples import SampleBatches, sample_loader

__all__ = ["SegmentationModule"]

NOTHING = -1

# Lightning tells of devices and of its other products; people hear from us what they need to know.
for _name in ("lightning", "lightning.pytorch", "lightning.fabric", "pytorch_lightning", "torch.multiprocessing.spawn"):
    logging.getLogger(_name).setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module=r"lightning(\..*)?")
warnings.filterwarnings(
    "ignore", message=r".*(num_workers|srun|isinstance\(treespec|Grad strides do not match|deterministic implementation).*"
)


def _follow(decay: float, averages: Any, weights: Any, count: Any) -> None:  # noqa: ANN401
    """PyTorch's moving average, in a form that can be sent to another process."""
    ema: Any = get_ema_multi_avg_fn
    ema(decay)(averages, weights, count)


class SegmentationModule(LightningModule):  # type: ignore[misc]
    """Network, loss, optimiser and moving average of one fold, and the state that a checkpoint holds.

    What is random (dropout, noise of a variational network) is seeded anew for every batch by its sample number, so that a
    continued run needs no generator's state and goes on with the same numbers.

    Attributes:
        job: The fold.
        network: What is trained.
        state: How far it is.
        average: Moving average of the weights, or None.
        judged_step: Step of the weights that are scored at last.
    """

    def __init__(self, job: FoldJob, network: nn.Module, loss: nn.Module, frozen: list[nn.Module] | None = None) -> None:
        super().__init__()
        self.job, self.network = job, network
        self.loss = DeepSupervision(loss, getattr(network, "supervision_weights", None))
        self.state, self.judged_step = FoldState(), 0
        self._frozen = frozen or []
        decay = job.recipe.training.ema
        self.average = AveragedModel(network, multi_avg_fn=partial(_follow, decay), use_buffers=True) if decay else None
        if self.average is not None:
            self.average.requires_grad_(False)  # several processes would wait for gradients that never come
        self.losses: list[Tensor] = []
        self._optimiser_state: dict[str, Any] | None = None
        self._precision_state: dict[str, Any] = {}

    @property
    def judged(self) -> nn.Module:
        """The network that is validated and kept: the moving average where there is one."""
        module: nn.Module = self.network if self.average is None else self.average.module
        return module

    def train(self, mode: bool = True) -> SegmentationModule:
        """As any module, but what is frozen does not move its statistics either."""
        super().train(mode)
        for part in self._frozen:
            part.eval()
        if self.average is not None:
            self.average.eval()
        return self

    def setup(self, stage: str) -> None:
        """Take up the state of the last checkpoint, or to validate the best weights."""
        files = self.job.files
        if stage == "fit" and files.last.is_file():
            self.restore(load_checkpoint(files.last))
        elif stage == "validate":
            best = load_checkpoint(files.best)
            self.judged.load_state_dict(best["network"])
            self.judged_step = int(best["step"])

    def restore(self, content: Mapping[str, Any]) -> None:
        """Go on from what `content` returned; raises InputUnreadable where it is of another network."""
        try:
            self.network.load_state_dict(content["network"])
            if self.average is not None:
                self.average.load_state_dict(content["average"])
            self.state = FoldState.of_document(content["state"])
        except (KeyError, RuntimeError, TypeError) as error:
            raise self._unfit() from error
        self._optimiser_state, self._precision_state = content["optimiser"], content["precision"]

    def _unfit(self) -> InputUnreadable:
        return InputUnreadable(
            f"'{self.job.files.last}' does not fit the recipe; remove it, or give another folder with --out."
        )

    def save(self) -> None:
        """Write the whole state to `last.ckpt`; raises OutputUnwritable."""
        content = {
            "state": self.state.document(),
            "network": self.network.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimiser": self.trainer.optimizers[0].state_dict(),
            "precision": dict(self.trainer.precision_plugin.state_dict()),
        }
        save_checkpoint(self.job.files.last, content)

    def save_best(self) -> None:
        """Write the weights that are judged to `best.ckpt`; raises OutputUnwritable."""
        content = {"network": self.judged.state_dict(), "step": self.state.step, "score": self.state.best}
        save_checkpoint(self.job.files.best, content)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The recipe's optimiser, in the state of the checkpoint; raises InputUnreadable where that is of other weights."""
        optimiser = build_optimiser(self.network.parameters(), self.job.recipe.optimiser)
        if self._optimiser_state is not None:
            try:
                optimiser.load_state_dict(self._optimiser_state)
            except (KeyError, ValueError) as error:  # of other weights, such as those of a layer that was frozen then
                raise self._unfit() from error
            self._optimiser_state = None
            self.trainer.precision_plugin.load_state_dict(self._precision_state)
        return optimiser

    def train_dataloader(self) -> DataLoader[Any]:
        """All samples from here to the end: for Lightning the whole training is one epoch."""
        from glioscope.training.patches import PatchDataset

        job, rules, world = self.job, self.job.recipe.training, self.trainer.world_size
        batches = (job.steps - self.state.step) * rules.accumulate
        end = self.state.sample + batches * job.plan.batch * world
        dataset = PatchDataset(job.train, job.recipe, job.plan, seed=job.seed, length=end)
        numbers = SampleBatches(self.state.sample, batches, job.plan.batch, self.trainer.global_rank, world)
        return sample_loader(dataset, numbers, job.machine.loader_workers(), pinned=job.machine.kind == "cuda")

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:  # noqa: ANN401
        """Seed what is random in this batch, and set the epoch's learning rate."""
        numbers = [self.job.seed, self.state.sample, batch_idx % self.job.recipe.training.accumulate, self.trainer.global_rank]
        torch.manual_seed(int(np.random.SeedSequence(numbers).generate_state(1)[0]))
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.rate(self.state.step)

    def rate(self, step: int) -> float:
        """The learning rate of the epoch that step `step`, counted from 0, belongs to."""
        recipe = self.job.recipe
        return learning_rate(recipe.schedule, recipe.optimiser.lr, step // recipe.training.iterations, recipe.training.epochs)

    def training_step(self, batch: Mapping[str, Tensor], batch_idx: int) -> Tensor:
        """The loss of a batch, with what the network adds itself."""
        with SoundGradients():
            outputs = self.network(batch["image"])
        loss: Tensor = self.loss(outputs, batch["target"])
        extra = getattr(self.network, "extra_loss", None)
        total = loss if extra is None else loss + extra
        self.losses.append(total.detach())
        return total

    def end_step(self) -> Tensor:
        """Count a step of the optimiser, move the average, and return the loss of the step, on the device."""
        rules = self.job.recipe.training
        if self.average is not None:
            self.average.update_parameters(self.network)
        self.state.step += 1
        self.state.sample += rules.accumulate * self.job.plan.batch * self.trainer.world_size
        loss = torch.stack(self.losses).mean()
        self.losses.clear()
        return loss

    def val_dataloader(self) -> DataLoader[int]:
        """Numbers of the held-out exams that this process scores in the end."""
        count, rank, world = len(self.job.validation), self.trainer.global_rank, self.trainer.world_size
        # Every process takes part as often, some with nothing to do.
        mine = [number if number < count else NOTHING for number in range(rank, -(-count // world) * world, world)]
        return DataLoader(mine, batch_size=None)  # type: ignore[arg-type]

    def validation_step(self, number: int, batch_idx: int) -> None:
        """The final score of one exam, written to its own file."""
        if int(number) != NOTHING:
            score_finally(self, int(number))

    def on_validation_end(self) -> None:
        """Nobody goes on before all exams are scored."""
        self.trainer.strategy.barrier("validation")

    def answer(self, windows: Tensor) -> Tensor:
        """Logits of windows (N, C, x, y, z) in the precision of training; for validation, without gradients."""
        with torch.no_grad(), self.trainer.precision_plugin.forward_context():
            logits: Tensor = self.judged.eval()(windows.to(self.device))
        return logits.float()
