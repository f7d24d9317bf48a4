"""The state of a run in a file that is always whole."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from glioscope.core import InputUnreadable
from glioscope.core.files import atomic

__all__ = ["is_finite", "load_checkpoint", "save_checkpoint"]

FORMAT = "glioscope-checkpoint-1"


def save_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` (tensors, numbers, text, and lists and mappings of these); the old file stays until the new one is whole.

    Raises:
        OutputUnwritable: the folder cannot be written, or the disk is full.
    """
    with atomic(path) as scratch, scratch.open("wb") as stream:
        try:
            torch.save({"format": FORMAT, **content}, stream)
        except RuntimeError as error:
            # The writer of PyTorch hides why the system refused.
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise


def load_checkpoint(path: Path) -> dict[str, Any]:
    """What `save_checkpoint` wrote, on the CPU; only plain values are read, never code.

    Raises:
        InputUnreadable: the file is damaged or something else.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError):
        content = None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputUnreadable(
            f"'{path}' is damaged or no checkpoint of Glioscope; remove it to begin again from what is there."
        )
    return content


def is_finite(tensors: Mapping[str, Any]) -> bool:
    """Whether no weight of a network is infinite or not a number."""
    return all(bool(torch.isfinite(t).all()) for t in tensors.values() if isinstance(t, torch.Tensor) and t.is_floating_point())
