"""Lightning's trainer as this package uses it: quiet, without files of its own, on one device or many."""

from __future__ import annotations

from typing import Any

import torch
from lightning.fabric.plugins.environments import LightningEnvironment
from lightning.pytorch import Trainer
from lightning.pytorch.strategies import DDPStrategy

from glioscope.training.fold_job import FoldJob
from glioscope.training.fold_loop import ExamCount, FoldLoop
from glioscope.training.loggers import build_loggers
from glioscope.training.machine import launched
from glioscope.training.progress import TrainingProgress

__all__ = ["build_trainer"]


def build_trainer(job: FoldJob, progress: TrainingProgress, *, fits: bool) -> Trainer:
    """The trainer that fits `job`, or the one that validates it, telling `progress`."""
    machine, rules = job.machine, job.recipe.training
    strategy: Any = "auto"
    if machine.world > 1:
        # Heads of deep supervision have no gradient where it is off, and the coarsest mostly has weight 0 where it is on.
        strategy = DDPStrategy(start_method="popen" if launched() else "spawn", find_unused_parameters=True)
    if machine.kind == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        setattr(torch.utils.deterministic, "fill_uninitialized_memory", False)  # noqa: B010
    return Trainer(
        accelerator="gpu" if machine.kind == "cuda" else "cpu",
        devices=machine.devices,
        num_nodes=machine.nodes,
        strategy=strategy,
        plugins=None if launched() else [LightningEnvironment()],
        precision=machine.precision(rules.precision),
        max_epochs=1,
        accumulate_grad_batches=rules.accumulate,
        gradient_clip_val=rules.clip,
        callbacks=[FoldLoop(progress) if fits else ExamCount(progress)],
        logger=build_loggers(machine.logger, job.run, job.label) if fits else False,
        default_root_dir=str(job.files.folder),
        deterministic="warn" if machine.kind == "cuda" else None,
        benchmark=False,
        use_distributed_sampler=False,
        log_every_n_steps=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_val_batches=0 if fits else None,
        inference_mode=True,
    )
