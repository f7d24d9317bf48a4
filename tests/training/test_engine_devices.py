"""Two processes train together."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from glioscope.core import InvalidImage, ProcessingFailed
from glioscope.training.checkpoint import load_checkpoint
from glioscope.training.machine import Machine
from glioscope.training.progress import TrainingProgress
from glioscope.training.train_fold import train_fold
from tests.training.conftest import MakeJob

TWO = Machine(device="cpu", devices=2, checkpoint_every=1)


@pytest.mark.slow
def test_two_processes_see_the_samples_of_a_batch_twice_as_large(make_job: MakeJob, tmp_path: Path) -> None:
    # Losses that are means over samples, and no momentum: the mean of two gradients is the gradient of both batches.
    plain = (
        "training.precision=fp32",  # in bf16 the sums of two halves are rounded otherwise than the sum of the whole
        "loss=[{name: bce}]",
        "optimiser.momentum=0",
        "training.foreground=0",
        "training.iterations=1",
        "augmentation.name=none",
    )
    one = make_job(tmp_path / "one", *plain, "training.batch=4", machine=Machine(device="cpu"))
    two = make_job(tmp_path / "two", *plain, "training.batch=2", machine=TWO)
    train_fold(one, TrainingProgress())
    train_fold(two, TrainingProgress())
    found = [load_checkpoint(job.files.last) for job in (one, two)]
    assert found[0]["state"]["sample"] == found[1]["state"]["sample"] == 8
    for name, weights in found[0]["network"].items():
        torch.testing.assert_close(found[1]["network"][name], weights, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_a_failure_in_another_process_is_told_in_its_sentence(make_job: MakeJob, tmp_path: Path) -> None:
    job = make_job(tmp_path, "training.iterations=6", "training.clip=null", "optimiser.lr=1e30", machine=TWO)
    with pytest.raises(ProcessingFailed, match=r"^The (loss is|weights are) not finite any more in fold 0 at step \d+; .*"):
        train_fold(job, TrainingProgress())


@pytest.mark.slow
def test_two_processes_keep_a_moving_average(make_job: MakeJob, tmp_path: Path) -> None:
    # It could not be sent to them, and they would have waited for its gradients.
    job = make_job(tmp_path, "training.ema=0.5", "training.deep_supervision=false", machine=TWO)
    train_fold(job, TrainingProgress())
    kept = load_checkpoint(job.files.last)
    assert kept["state"]["finished"]
    assert int(kept["average"]["n_averaged"]) == kept["state"]["step"] == 4


@pytest.mark.slow
def test_two_processes_without_deep_supervision(make_job: MakeJob, tmp_path: Path) -> None:
    """Gradients of the coarser heads, which are none, were waited for."""
    three_levels = ("network.parameters.features_per_stage=[4,4,8]", "network.parameters.strides=[[1,1,1],[2,2,2],[2,2,2]]")
    job = make_job(tmp_path, *three_levels, "training.deep_supervision=false", machine=TWO)
    train_fold(job, TrainingProgress())
    assert load_checkpoint(job.files.last)["state"]["finished"]


def test_several_nodes_need_a_launcher() -> None:
    with pytest.raises(InvalidImage, match="torchrun --nnodes 2"):
        Machine(nodes=2)


@pytest.mark.parametrize(("wanted", "word"), [("fp32", "32-true"), ("bf16", "bf16-mixed"), ("fp16", "16-mixed")])
def test_precision_in_the_words_of_the_loop(wanted: str, word: str) -> None:
    assert Machine(device="cpu").precision(wanted) == word


@pytest.mark.parametrize(
    ("chip", "word"), [({"avx512_bf16": True}, "bf16-mixed"), ({"avx2": True}, "32-true"), ({}, "32-true")]
)
def test_bf16_where_the_chip_computes_with_it(chip: dict[str, bool], word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: chip, raising=False)
    assert Machine(device="cpu").precision("auto") == word


def test_bf16_trains(make_job: MakeJob, tmp_path: Path) -> None:
    job = make_job(tmp_path, "training.precision=bf16", "training.epochs=1")
    train_fold(job, TrainingProgress())
    kept = load_checkpoint(job.files.best)["network"]
    assert all(weights.dtype == torch.float32 for weights in kept.values() if weights.is_floating_point())


@pytest.mark.parametrize(
    ("given", "named"), [({"device": "tpu"}, "no device 'tpu'"), ({"logger": "wandb"}, "no logger 'wandb'")]
)
def test_what_is_not_there_is_named(given: dict[str, str], named: str) -> None:
    with pytest.raises(InvalidImage, match=named):
        Machine(**given)  # type: ignore[arg-type]
