"""What stops a training becomes a sentence."""

from __future__ import annotations

import pytest
import torch

from glioscope.core import GlioscopeError, OutputUnwritable, ProcessingFailed
from glioscope.training.failures import failure_of


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        (MemoryError(), ProcessingFailed, "not enough memory for fold 1; it is kept"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), ProcessingFailed, "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"), ProcessingFailed, "training.batch"),
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "), ProcessingFailed, "--workers"),
        (RuntimeError("PytorchStreamWriter failed writing file data/1"), OutputUnwritable, "The disk is full at fold 1"),
        (OSError(28, "No space left on device"), OutputUnwritable, "The disk is full"),
        (
            RuntimeError("\nTraceback:\nglioscope.core.errors.ProcessingFailed: The loss is gone.\n"),
            ProcessingFailed,
            "^The loss is",
        ),
        (OutputUnwritable("told already"), OutputUnwritable, "^told already$"),
    ],
)
def test_known_failures(error: Exception, kind: type[GlioscopeError], sentence: str) -> None:
    found = failure_of(error, "fold 1", "it is kept")
    assert type(found) is kind
    with pytest.raises(kind, match=sentence):
        raise found


def test_a_fault_of_ours_is_none_of_these() -> None:
    assert failure_of(ValueError("shape mismatch"), "fold 1", "it is kept") is None
