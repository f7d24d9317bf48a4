"""Training: Glioscope beside nnU-Net v2, same network, exams, patch, batch, augmentation, optimiser and number of steps.

    python benchmarks/training.py COHORT --peer-python PY [--iterations N --seeds 3 --patch 64 --features 16] [--work FOLDER]

COHORT is a folder of labelled BraTS cases; the last three by name are held out (or `--held-out NAME …`). Both sides learn the
regions WT, TC and ET with a U-Net of nnU-Net (PlainConvUNet, `--stages` levels, features doubled with each), Dice + BCE with
deep supervision, SGD with Nesterov's momentum and a polynomial schedule, and the augmentation of nnU-Net; nnU-Net through its
own trainer, loader and predictor, of whose plan only patch, batch and network are changed. Each runs in a process of its own,
and both take turns: one computes an epoch while the other is stopped, and each round the other one begins, so that the load
of the computer hits both alike. Samples a second are over the steps of an epoch but the first two, preparing of samples
included; the first epoch does not count. Afterwards each side predicts the held-out exams by itself with its last weights, and
Dice is that of the probabilities from 0.5 up. With `--work` a finished seed is not computed again, and what is there is
reported with `--report`.

PY is a Python with nnU-Net v2: `pip install nnunetv2` in a virtual environment (with a torch of the same version as here).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from training_peer import DATASET, Turns

OURS, PEER = "Glioscope", "nnU-Net v2"
CHANNELS = ["t1n", "t1c", "t2w", "t2f"]
HERE = Path(__file__).resolve().parent


class Side:
    """One side of the comparison: a process that is stopped whenever it is not its turn."""

    def __init__(self, name: str, command: list[str], log: Path, threads: int) -> None:
        self._name, self._log = name, log
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("w"),
            env=environment,
            text=True,
            start_new_session=True,
        )

    def listen(self) -> dict[str, Any]:
        """What it tells next."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._name} ended: {self._log.read_text()[-2000:]}")
        told: dict[str, Any] = json.loads(line)
        return told

    def turn(self) -> dict[str, Any]:
        """Let it compute until it tells something, and stop it again."""
        self.go()
        told = self.listen()
        self.stop()
        return told

    def go(self) -> None:
        assert self._process.stdin is not None
        os.killpg(self._process.pid, signal.SIGCONT)
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def stop(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGSTOP)

    def end(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def prepare(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Who is held out, written down for both sides, and the exams as nnU-Net wants them."""
    from glioscope.core.files import write_json, write_text
    from glioscope.workflows.export_model import export_cohort
    from glioscope.workflows.labelled_cohort import labelled_cohort

    with tempfile.TemporaryDirectory() as unpacked:
        exams = labelled_cohort(options.cohort.resolve(), Path(unpacked), told=print)
    names = sorted(exam.name for exam in exams)
    held_out = options.held_out or names[-3:]
    if unknown := set(held_out) - set(names):
        raise SystemExit(f"There is no exam {', '.join(unknown)}; there are {', '.join(names)}.")
    if options.stages < 3:
        raise SystemExit("nnU-Net's deep supervision needs three stages at least.")
    settings = {
        "learnt": [name for name in names if name not in held_out],
        "held_out": held_out,
        "patch": options.patch,
        "batch": options.batch,
        "features": [options.features * 2**stage for stage in range(options.stages)],
        "epochs": math.ceil(options.iterations / options.turn),
        "iterations": options.turn,
        "overlap": options.overlap,
        "mirror": options.mirror,
        "workers": options.workers,
        "threads": options.threads,
        "device": options.device,
        "precision": options.precision,
    }
    file = work / "settings.json"
    if file.is_file() and json.loads(file.read_text()) != settings:
        raise SystemExit(f"{work} holds a comparison with other settings; give another folder.")
    if file.is_file() and (work / "prepared").is_file():
        return settings
    # The folds of both: whole sites, of which the larger one comes first, so that no seed changes them.
    rows = [["id", *CHANNELS, "labels", "site"]]
    for exam in exams:
        site = "held-out" if exam.name in held_out else "learnt"
        rows.append([exam.name, *(str(exam.images[channel]) for channel in CHANNELS), str(exam.labels), site])
    write_text(work / "cohort.csv", "".join(",".join(row) + "\n" for row in rows))
    write_json(file, settings)
    for folder in work.glob("nnUNet_*"):
        shutil.rmtree(folder)
    export_cohort(work / "cohort.csv", work / "nnUNet_raw", dataset=DATASET, name="Training", channels=CHANNELS)
    with (work / "prepare.log").open("w") as log:
        command = [options.peer_python, str(HERE / "training_peer.py"), "prepare", str(work)]
        subprocess.run(command, check=True, stdout=log, stderr=log)
    write_text(work / "prepared", "")
    return settings


def ours(work: Path, seed: int) -> None:
    """The side of Glioscope: `glioscope train nnunet` with what is compared set."""
    settings = json.loads((work / "settings.json").read_text())
    turns = Turns(settings["iterations"], settings["batch"])
    import torch

    import glioscope
    from glioscope.training.machine import Machine
    from glioscope.training.progress import Position, TrainingProgress

    class Listener(TrainingProgress):
        """A step is told when the next one is done, that of an epoch's last step at once. So the first step of an epoch,
        which is not timed, counts when it begins, and all others when they are done.
        """

        def fold_started(self, title: str, step: int, steps: int) -> None:
            turns.wait(ready=True)
            turns.stepped()

        def stepped(self, position: Position) -> None:
            if position.step < position.steps:
                turns.stepped()

    torch.set_num_threads(settings["threads"])
    depth, patch = len(settings["features"]), [settings["patch"]] * 3
    network = {"features_per_stage": settings["features"], "strides": [1] + [2] * (depth - 1), "kernel_sizes": 3}
    changes = {
        "inputs.channels": CHANNELS,
        "network.parameters": network,
        "training.patch": patch,
        "training.batch": settings["batch"],
        "training.epochs": settings["epochs"],
        "training.iterations": settings["iterations"],
        "training.validate_every": settings["epochs"],  # the last weights, none chosen by the held-out exams
        "training.precision": settings["precision"],
        "training.seed": seed,
        "folds.count": 2,
        "folds.by": "site",
        "inference.overlap": settings["overlap"],
        "inference.mirror": settings["mirror"],
    }
    done = glioscope.train(
        "nnunet",
        work / "cohort.csv",
        work / f"run-{seed}",
        fold=1,
        overrides=[f"{key}={json.dumps(value)}" for key, value in changes.items()],
        cache=work / "cache",
        machine=Machine(device=settings["device"], workers=settings["workers"]),
        progress=Listener(),
        bundled=False,
    )
    exams = done.folds["1"]["exams"]
    found = json.loads((work / f"run-{seed}" / "folds.json").read_text())["folds"][1]["validation"]
    turns.tell(dice={name: exam["dice"] for name, exam in zip(found, exams, strict=True)})


def compare(options: argparse.Namespace, work: Path, settings: dict[str, Any], seed: int) -> None:
    """One seed of both; what each turn took, and Dice in the end, go to files."""
    result, turns = work / f"seed-{seed}.json", work / f"turns-{seed}.jsonl"
    if result.is_file():
        return
    shutil.rmtree(work / f"run-{seed}", ignore_errors=True)
    turns.unlink(missing_ok=True)
    commands = {
        PEER: [options.peer_python, str(HERE / "training_peer.py"), "train", str(work), str(seed)],
        OURS: [sys.executable, str(HERE / "training.py"), "--ours", str(work), str(seed)],
    }
    sides: dict[str, Side] = {}
    try:
        for name, command in commands.items():
            log = work / f"{name.split()[0].lower()}-{seed}.log"
            sides[name] = Side(name, command, log, settings["threads"])
            sides[name].listen()
            sides[name].stop()
        for epoch in range(settings["epochs"]):
            for name in (PEER, OURS) if epoch % 2 else (OURS, PEER):
                told = {"side": name, **sides[name].turn(), "load": os.getloadavg()[0]}
                print(f"seed {seed}, {json.dumps(told)}", flush=True)
                with turns.open("a") as file:
                    file.write(json.dumps(told) + "\n")
        for side in sides.values():  # both at once: how long predictions take is not compared here
            side.go()
        dice = {name: side.listen()["dice"] for name, side in sides.items()}
    finally:
        for side in sides.values():
            side.end()
    print(f"seed {seed}: {json.dumps(dice)}", flush=True)
    result.write_text(json.dumps(dice))


def report(work: Path) -> dict[str, Any]:
    """What all turns and seeds that are there come to."""
    files = sorted(work.glob("turns-*.jsonl"))
    turns = [{**json.loads(line), "seed": file.stem} for file in files for line in file.read_text().splitlines()]
    turns = [turn for turn in turns if turn["epoch"] > 1]
    out: dict[str, Any] = {"settings": json.loads((work / "settings.json").read_text())}
    if turns:
        out["throughput"] = _throughput(turns)
    seeds = [json.loads(file.read_text()) for file in sorted(work.glob("seed-*.json"))]
    if seeds:
        out["Dice"] = _dice(seeds)
    return out


def _throughput(turns: list[dict[str, Any]]) -> dict[str, Any]:
    sides = {name: [turn for turn in turns if turn["side"] == name] for name in (OURS, PEER)}
    places = [{(turn["seed"], turn["epoch"]): turn for turn in sides[name]} for name in (OURS, PEER)]
    pairs = [(places[0][place], places[1][place]) for place in places[0] if place in places[1]]
    wall = [other["seconds"] / own["seconds"] for own, other in pairs]
    cpu = [other["cpu_seconds"] / own["cpu_seconds"] for own, other in pairs]

    def middle(ratios: list[float]) -> dict[str, float]:
        low, median, high = np.percentile(ratios, [25, 50, 75])
        return {"median": round(median, 3), "from": round(low, 3), "to": round(high, 3)}

    def rate(name: str, what: str) -> float:
        return float(sum(turn["samples"] for turn in sides[name]) / sum(turn[what] for turn in sides[name]))

    return {
        "turns of each": len(pairs),
        "samples a second": {name: round(rate(name, "seconds"), 4) for name in sides},
        "samples a CPU second": {name: round(rate(name, "cpu_seconds"), 4) for name in sides},
        "times the throughput": round(rate(OURS, "seconds") / rate(PEER, "seconds"), 3),
        "times the throughput by CPU time": round(rate(OURS, "cpu_seconds") / rate(PEER, "cpu_seconds"), 3),
        "of neighbouring turns, middle half": {"wall": middle(wall), "CPU": middle(cpu)},
        "load average": [round(min(t["load"] for t in turns), 1), round(max(t["load"] for t in turns), 1)],
    }


def _dice(seeds: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean over the exams, then mean and standard deviation over the seeds; noise is two standard errors of the difference."""
    regions = list(next(iter(seeds[0][OURS].values())))
    out: dict[str, Any] = {"seeds": len(seeds)}
    for region in [*regions, "mean"]:
        taken = regions if region == "mean" else [region]
        of = {
            name: [float(np.mean([exam[r] for exam in seed[name].values() for r in taken])) for seed in seeds]
            for name in (OURS, PEER)
        }
        row: dict[str, Any] = {name: [round(float(np.mean(found)), 4)] for name, found in of.items()}
        row["difference"] = round(float(np.mean(of[OURS]) - np.mean(of[PEER])), 4)
        if len(seeds) > 1:
            deviation = {name: float(np.std(found, ddof=1)) for name, found in of.items()}
            for name, value in deviation.items():
                row[name].append(round(value, 4))
            row["noise"] = round(2 * math.sqrt(sum(d**2 for d in deviation.values()) / len(seeds)), 4)
            row["within noise"] = abs(row["difference"]) <= row["noise"]
        out[region] = row
    return out


def main() -> None:
    if sys.argv[1] == "--ours":
        ours(Path(sys.argv[2]), int(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cohort", type=Path)
    parser.add_argument("--peer-python")
    parser.add_argument("--iterations", type=int, default=150, help="steps of the whole training")
    parser.add_argument("--turn", type=int, default=10, help="steps of an epoch, which is a turn")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--patch", type=int, default=64)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--features", type=int, default=16, help="of the first level")
    parser.add_argument("--stages", type=int, default=4)
    parser.add_argument("--held-out", nargs="+")
    parser.add_argument("--overlap", type=float, default=0.5, help="of the windows over held-out exams")
    parser.add_argument("--mirror", action="store_true", help="mirrored copies of held-out exams, as nnU-Net's default is")
    parser.add_argument("--workers", type=int, default=0, help="processes of each side that prepare samples")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--precision", default="auto", help="of Glioscope; nnU-Net's is half on a GPU and single on a CPU")
    parser.add_argument("--work", type=Path, help="keeps everything, to go on from")
    parser.add_argument("--report", action="store_true", help="only of what is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = (options.work or Path(scratch)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        if not options.report:
            settings = prepare(options, work)
            for seed in range(options.seeds):
                compare(options, work, settings, seed)
        print(json.dumps(report(work), indent=2))


if __name__ == "__main__":
    main()
