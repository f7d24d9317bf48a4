"""nnU-Net v2 trains; run by benchmarks/training.py in the Python where nnU-Net v2 is installed.

    python benchmarks/training_peer.py prepare WORK        plan and preprocess nnU-Net's dataset below WORK
    python benchmarks/training_peer.py train WORK SEED     train, a turn at a time, and predict the held-out exams

WORK/settings.json says what is trained. Imports nothing of Glioscope; `Turns` is used by both sides.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

DATASET, NAME, PLANS = 1, "Dataset001_Training", "nnUNetPlans"
SETTLING = 2
"""Steps at the beginning of a turn that are not timed: bookkeeping of the epoch before may lie in them."""


class Turns:
    """Tells of each epoch on the real standard output, and goes on when it is told to; all other output is standard error's."""

    def __init__(self, iterations: int, batch: int) -> None:
        self._iterations, self._batch = iterations, batch
        self._step, self._seconds, self._cpu = 0, 0.0, 0.0
        self._told = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def tell(self, **facts: object) -> None:
        print(json.dumps(facts), file=self._told, flush=True)

    def wait(self, **facts: object) -> None:
        """Tell, and sleep until it is this side's turn."""
        self.tell(**facts)
        sys.stdin.readline()

    def stepped(self) -> None:
        """At the end of each step: of an epoch all but the first steps are timed, preparing of samples included."""
        self._step += 1
        within = (self._step - 1) % self._iterations + 1
        if within == SETTLING:
            self._seconds, self._cpu = time.perf_counter(), cpu_seconds()
        elif within == self._iterations:
            seconds, cpu = time.perf_counter() - self._seconds, cpu_seconds() - self._cpu
            samples = (self._iterations - SETTLING) * self._batch
            self.wait(epoch=self._step // self._iterations, samples=samples, seconds=seconds, cpu_seconds=cpu)


def cpu_seconds() -> float:
    """Of all processes of this session: this one and its workers."""
    own, ticks = os.getsid(0), 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[3]) == own:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def environment(work: Path, settings: dict[str, Any], workers: int) -> None:
    """nnU-Net reads where its folders are, and how many processes prepare samples, when it is imported."""
    folders = {f"nnUNet_{name}": str(work / f"nnUNet_{name}") for name in ("raw", "preprocessed", "results")}
    os.environ.update(folders, nnUNet_n_proc_DA=str(workers), nnUNet_def_n_proc=str(settings["threads"]))


def prepare(work: Path, settings: dict[str, Any]) -> None:
    """nnU-Net's own fingerprint, plan and preprocessing; patch, batch and network of the plan become those to compare."""
    from nnunetv2.experiment_planning.plan_and_preprocess_api import extract_fingerprints, plan_experiments, preprocess

    extract_fingerprints([DATASET], num_processes=settings["threads"], check_dataset_integrity=True)
    plan_experiments([DATASET])
    folder = work / "nnUNet_preprocessed" / NAME
    plans = json.loads((folder / f"{PLANS}.json").read_text())
    configuration = plans["configurations"]["3d_fullres"]
    depth = len(settings["features"])
    configuration.update(patch_size=[settings["patch"]] * 3, batch_size=settings["batch"], batch_dice=True)
    configuration["architecture"]["arch_kwargs"].update(
        n_stages=depth,
        features_per_stage=settings["features"],
        kernel_sizes=[[3, 3, 3]] * depth,
        strides=[[1, 1, 1]] + [[2, 2, 2]] * (depth - 1),
        n_conv_per_stage=[2] * depth,
        n_conv_per_stage_decoder=[2] * (depth - 1),
    )
    (folder / f"{PLANS}.json").write_text(json.dumps(plans))
    (folder / "splits_final.json").write_text(json.dumps([{"train": settings["learnt"], "val": settings["held_out"]}]))
    preprocess([DATASET], PLANS, ["3d_fullres"], [settings["threads"]])


def train(work: Path, settings: dict[str, Any], seed: int) -> None:
    turns = Turns(settings["iterations"], settings["batch"])
    import random

    import torch
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    class Trainer(nnUNetTrainer):  # type: ignore[misc]
        """nnU-Net's, with its number of epochs and iterations, that tells of each step."""

        def train_step(self, batch: dict[str, Any]) -> dict[str, Any]:
            done: dict[str, Any] = super().train_step(batch)
            turns.stepped()
            return done

    torch.set_num_threads(settings["threads"])
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    folder = work / "nnUNet_preprocessed" / NAME
    plans = {**json.loads((folder / f"{PLANS}.json").read_text()), "continue_training": False}
    dataset = json.loads((folder / "dataset.json").read_text())
    trainer = Trainer(plans, "3d_fullres", 0, dataset, torch.device(settings["device"]))
    trainer.num_epochs, trainer.num_iterations_per_epoch = settings["epochs"], settings["iterations"]
    trainer.num_val_iterations_per_epoch, trainer.disable_checkpointing = 1, True
    trainer.initialize()
    turns.wait(ready=True, parameters=sum(p.numel() for p in trainer.network.parameters()))
    trainer.run_training()
    turns.tell(dice=dice(trainer, settings))


def dice(trainer: Any, settings: dict[str, Any]) -> dict[str, dict[str, float]]:  # noqa: ANN401
    """Exam -> region -> Dice of what nnU-Net's predictor says of the held-out exams, as its own validation does."""
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    trainer.set_deep_supervision_enabled(False)
    trainer.network.eval()
    predictor = nnUNetPredictor(
        tile_step_size=1 - settings["overlap"], use_mirroring=settings["mirror"], device=trainer.device, allow_tqdm=False
    )
    predictor.manual_initialization(
        trainer.network,
        trainer.plans_manager,
        trainer.configuration_manager,
        None,
        trainer.dataset_json,
        "nnUNetTrainer",
        trainer.inference_allowed_mirroring_axes,
    )
    _, exams = trainer.get_tr_and_val_datasets()
    regions = {name: np.atleast_1d(of) for name, of in trainer.dataset_json["labels"].items() if name != "background"}
    out: dict[str, dict[str, float]] = {}
    for exam in exams.identifiers:
        image, labels, *_ = exams.load_case(exam)
        logits = predictor.predict_sliding_window_return_logits(torch.from_numpy(image[:])).cpu()
        out[exam] = {}
        for found, (region, values) in zip(logits.numpy() >= 0, regions.items(), strict=True):
            truth = np.isin(labels[0], values)
            out[exam][region] = 2 * float((found & truth).sum()) / max(1, int(found.sum() + truth.sum()))
    return out


def main() -> None:
    what, work = sys.argv[1], Path(sys.argv[2])
    settings = json.loads((work / "settings.json").read_text())
    # Its planner wants one worker at least.
    environment(work, settings, settings["workers"] or (1 if what == "prepare" else 0))
    if what == "prepare":
        prepare(work, settings)
    else:
        train(work, settings, int(sys.argv[3]))


if __name__ == "__main__":
    main()
