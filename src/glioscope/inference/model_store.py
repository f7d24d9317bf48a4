"""Converted networks and remembered choices in the user's data folder."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_data_path

from glioscope.core.files import ensure_folder, output_errors, write_json

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ModelStore", "machine", "network_key"]

MODEL = "model.xml"


def network_key(network: nn.Module) -> str:
    """SHA-256 of the network's structure (as torch prints it) and of all its weights."""
    digest = hashlib.sha256(repr(network).encode())
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(_bytes()).numpy().tobytes())
    return digest.hexdigest()


def machine() -> dict[str, Any]:
    """What a measurement of speed depends on besides the network: processor, threads, versions."""
    import torch

    return {
        "processor": _processor(),
        "system": platform.system(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "openvino": _version("openvino"),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


class ModelStore:
    """A folder with one folder a converted network, and what was chosen for which network.

    Args:
        folder: Below the user's data folder where None. It can be deleted at any time.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or user_data_path("glioscope", appauthor=False) / "inference"

    def model(self, key: str, shape: Sequence[int], precision: str = "float") -> Path:
        """Where the converted network is, or would be.

        Args:
            key: Of the network and its weights.
            shape: (N, C, x, y, z) that it is converted for.
            precision: `float`, or `int8`.
        """
        word = hashlib.sha256(f"{key} {tuple(shape)} {precision} {_version('openvino')}".encode()).hexdigest()
        return self.folder / "models" / word[:32] / MODEL

    def save(self, model: Any, file: Path) -> None:  # noqa: ANN401
        """Write a converted network to its place, all or nothing.

        Raises:
            OutputUnwritable: the folder cannot be written, or the disk is full.
        """
        from glioscope.inference.openvino_quietly import openvino

        scratch = file.parent.with_name(f".{file.parent.name}.{os.getpid()}")
        with output_errors(file):
            ensure_folder(scratch)
            try:
                openvino().save_model(model, scratch / file.name, compress_to_fp16=False)
                if not file.is_file():
                    shutil.rmtree(file.parent, ignore_errors=True)
                    try:
                        scratch.rename(file.parent)
                    except OSError:
                        if not file.is_file():  # else another process has just written the same
                            raise
            finally:
                shutil.rmtree(scratch, ignore_errors=True)

    def recall(self, question: Mapping[str, Any]) -> dict[str, Any] | None:
        """The answer remembered for exactly this question, or None."""
        try:
            document = json.loads(self._answer(question).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return document["answer"] if isinstance(document, dict) and document.get("question") == dict(question) else None

    def remember(self, question: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """Keep an answer; raises OutputUnwritable."""
        write_json(self._answer(question), {"question": dict(question), "answer": dict(answer)})

    def _answer(self, question: Mapping[str, Any]) -> Path:
        word = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
        return self.folder / "choices" / f"{word[:32]}.json"


def _bytes() -> Any:  # noqa: ANN401
    import torch

    return torch.uint8


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    told = dict(line.partition(":")[::2] for line in lines if ":" in line)
    fields = {key.strip(): value.strip() for key, value in told.items()}
    flags = sorted(flag for flag in fields.get("flags", "").split() if flag.startswith(("avx", "amx")))
    return " ".join([fields.get("model name", platform.machine()), fields.get("model", ""), *flags])


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
