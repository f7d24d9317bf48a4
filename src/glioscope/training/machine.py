"""What a run computes on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Literal

from glioscope.core import InvalidImage

__all__ = ["Machine", "launched", "process_rank"]

LOGGERS = ("none", "tensorboard", "mlflow")


@dataclass(frozen=True)
class Machine:
    """Devices, processes and how they compute; nothing of it is part of a recipe.

    Attributes:
        device: `cuda` or `cpu`; `auto` takes a GPU where there is one.
        devices: On each node.
        nodes: Computers. More than one need a launcher (torchrun, SLURM) that starts a process for each device.
        workers: Processes that prepare samples for each device; None chooses.
        logger: `none`, `tensorboard` or `mlflow`; both write files below the run's folder and send nothing.
        checkpoint_every: Steps between two checkpoints; None: at every epoch, and every two minutes within one.

    Raises:
        InvalidImage: a device that is not there, or an unknown logger.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    devices: int = 1
    nodes: int = 1
    workers: int | None = None
    logger: str = "none"
    checkpoint_every: int | None = None

    def __post_init__(self) -> None:
        if self.device not in ("auto", "cpu", "cuda"):
            raise InvalidImage(f"There is no device '{self.device}'; known are auto, cpu, cuda.")
        if self.logger not in LOGGERS:
            raise InvalidImage(f"There is no logger '{self.logger}'; known are {', '.join(LOGGERS)}.")
        if self.nodes > 1 and not launched():
            raise InvalidImage(
                f"{self.nodes} nodes need a launcher that starts a process for each device: torchrun --nnodes {self.nodes} …, "
                "or srun in a SLURM job."
            )

    @property
    def kind(self) -> Literal["cpu", "cuda"]:
        """The device, decided; raises InvalidImage where it is not there."""
        import torch

        if self.device == "cpu" or (self.device == "auto" and not torch.cuda.is_available()):
            return "cpu"
        if not torch.cuda.is_available():
            raise InvalidImage("There is no GPU that PyTorch can use on this computer; take --device cpu.")
        if self.devices > torch.cuda.device_count():
            raise InvalidImage(f"This computer has {torch.cuda.device_count()} GPUs, not {self.devices}.")
        return "cuda"

    @property
    def world(self) -> int:
        """Processes that train together."""
        return self.devices * self.nodes

    def precision(self, wanted: str) -> Literal["32-true", "bf16-mixed", "16-mixed"]:
        """Lightning's word for `wanted`, where `auto` takes bfloat16 on chips that compute with it, else half on a GPU."""
        if wanted == "auto":
            wanted = "bf16" if self._has_bf16() else "fp16" if self.kind == "cuda" else "fp32"
        return {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}[wanted]  # type: ignore[return-value]

    def _has_bf16(self) -> bool:
        import torch

        if self.kind == "cuda":
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
        known: Any = getattr(torch.cpu, "get_capabilities", dict)()
        return any(known.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))

    def loader_workers(self) -> int:
        """Processes that prepare samples: the cores of a device on a GPU; none beside a CPU, which computes on all of them."""
        if self.workers is not None:
            return self.workers
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return min(12, max(1, cores // self.devices - 1)) if self.kind == "cuda" else 0


def launched() -> bool:
    """Whether torchrun or SLURM's srun started this process as one of several."""
    slurm = int(os.environ.get("SLURM_NTASKS", "1")) > 1 and "SLURM_PROCID" in os.environ
    return "TORCHELASTIC_RUN_ID" in os.environ or slurm


def process_rank() -> int:
    """Number of this process among those that a launcher started; 0 without one."""
    if not launched():
        return 0
    return int(os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")))
