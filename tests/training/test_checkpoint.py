"""Checkpoints are whole or not there."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import torch

from glioscope.core import InputUnreadable, OutputUnwritable
from glioscope.training import checkpoint
from glioscope.training.checkpoint import is_finite, load_checkpoint, save_checkpoint
from glioscope.training.fold_state import FoldState


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    weights = {"a": torch.arange(3.0), "b": torch.tensor(True)}
    state = FoldState(step=3, history=[{"epoch": 1, "loss": 0.1}], best=0.5)
    save_checkpoint(tmp_path / "last.ckpt", {"network": weights, "state": state.document(), "nothing": None})
    found = load_checkpoint(tmp_path / "last.ckpt")
    assert all(torch.equal(found["network"][name], weights[name]) for name in weights)
    assert FoldState.of_document(found["state"]) == state
    assert found["nothing"] is None


@pytest.mark.parametrize("damage", ["cut", "text", "foreign"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "last.ckpt"
    save_checkpoint(file, {"network": {"a": torch.ones(1000)}})
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:900])
    elif damage == "text":
        file.write_text("no checkpoint")
    else:
        torch.save({"a": 1}, file)
    with pytest.raises(InputUnreadable, match=r"last\.ckpt' is damaged or no checkpoint"):
        load_checkpoint(file)


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    torch.save({"format": checkpoint.FORMAT, "path": Path("x")}, tmp_path / "last.ckpt")
    with pytest.raises(InputUnreadable):
        load_checkpoint(tmp_path / "last.ckpt")


def test_on_a_full_disk_the_last_good_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "last.ckpt"
    save_checkpoint(file, {"step": 1})
    before = file.read_bytes()

    class Full:
        """A stream that takes 100 bytes."""

        def __init__(self, stream: Any) -> None:
            self._stream, self._left = stream, 100

        def write(self, content: Any) -> int:
            self._left -= len(content)
            if self._left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return int(self._stream.write(content))

        def flush(self) -> None:
            self._stream.flush()

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *gone: object) -> None:
            self._stream.close()

    opened = Path.open
    monkeypatch.setattr(
        Path, "open", lambda self, mode="r", *rest: Full(opened(self, mode)) if mode == "wb" else opened(self, mode, *rest)
    )
    with pytest.raises(OutputUnwritable, match=r"The disk is full: 'last\.ckpt'"):
        save_checkpoint(file, {"step": 2, "network": torch.ones(1000)})
    monkeypatch.undo()
    assert file.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.ckpt"]


def test_finite_weights() -> None:
    assert is_finite({"a": torch.ones(2), "b": torch.ones(2, dtype=torch.int)})
    assert not is_finite({"a": torch.ones(2), "b": torch.tensor([1.0, float("nan")])})
    assert not is_finite({"a": torch.tensor(float("inf"))})


def test_an_epoch_closes_with_the_mean_of_its_losses() -> None:
    state = FoldState(step=2, seconds=1.26)
    state.add_loss(1.0)
    state.add_loss(0.5)
    assert state.end_epoch(0.01) == {"epoch": 1, "step": 2, "lr": 0.01, "loss": 0.75, "seconds": 1.3}
    assert (state.loss_sum, state.loss_steps, len(state.history)) == (0.0, 0, 1)


def test_the_best_score_and_how_long_ago_it_was() -> None:
    state = FoldState()
    assert [state.judge(score) for score in (0.2, 0.2, 0.1, 0.3)] == [True, False, False, True]
    assert (state.best, state.waited) == (0.3, 0)
