"""Whether each system can learn one real exam by heart; for docs/recipes.md.

    python benchmarks/overfit.py --exam FOLDER --work FOLDER [--side 24] [--threads 1] [--only NAME …] [--write docs/recipes.md]

--exam is one folder with BraTS names and `brats-2021` labels. A cube around its tumour is trained on by the recipe itself, with
a narrower network, whole volumes as patches and no augmentation; what else differs from the recipe is in SYSTEMS and goes into
the table. It is scored on the exam that it learnt from. --work keeps the runs: a benchmark that was stopped goes on.
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from glioscope.core import Volume, read_labels, read_volume, write_volume
from glioscope.core.files import write_text
from glioscope.training.cache import prepare_cache
from glioscope.training.cohort_data import LabelledExam
from glioscope.training.fingerprint import take_fingerprint
from glioscope.training.fold_job import FoldFiles, FoldJob
from glioscope.training.machine import Machine
from glioscope.training.plan import make_plan
from glioscope.training.progress import TrainingProgress
from glioscope.training.recipe import load_recipe
from glioscope.training.train_fold import train_fold
from glioscope.workflows.validation_scorer import ValidationScorer

CUBE_MM = 80
STEPS = 20
"""In an epoch."""
FILES = {"t1n": "t1", "t1c": "t1ce", "t2w": "t2", "t2f": "flair"}
ENOUGH = 0.95
MARK, END = "<!-- table: benchmarks/overfit.py -->", "<!-- end -->"

COMMON = (
    "training.batch=1",
    "training.accumulate=1",
    f"training.iterations={STEPS}",
    "training.validate_every=1",
    "training.patience=null",
    "augmentation.name=none",
    "inference.mirror=false",
)
UNET = (
    "network.parameters.features_per_stage=[16,32,64,64]",
    "network.parameters.strides=[1,2,2,2]",
    "network.parameters.kernel_sizes=3",
)
QUICKER_SGD = ("optimiser.lr=0.1", "optimiser.momentum=0.9")
"""A thousand epochs can wait for a momentum of 0.99; with as long steps in the long run, 0.9 is ten times as quick to turn."""
QUICKER_ADAM = ("optimiser.lr=0.003",)
FOUR_LEVELS = ("network.parameters.features=[16,32,64,64]",)


@dataclass(frozen=True)
class System:
    """One row: what is made smaller for the time it takes, and what had to be changed so that few steps are enough.

    Attributes:
        epochs: Of 20 steps.
        smaller: Overrides of the network's size.
        changed: Overrides of how it learns.
    """

    epochs: int
    smaller: tuple[str, ...]
    changed: tuple[str, ...] = ()


SYSTEMS = {
    "nnunet": System(10, UNET, QUICKER_SGD),
    "gli-2021-res-unet": System(6, FOUR_LEVELS, QUICKER_ADAM),
    "gli-2023-unet": System(14, FOUR_LEVELS, (*QUICKER_ADAM, "schedule.gamma=0.81")),
    "gli-2023-unet-edge": System(14, FOUR_LEVELS, (*QUICKER_ADAM, "schedule.gamma=0.81")),
    "gli-2023-unet-mse": System(14, FOUR_LEVELS, (*QUICKER_ADAM, "schedule.gamma=0.81")),
    "gli-2021-unpooling": System(6, FOUR_LEVELS, QUICKER_SGD),
    "gli-2024-resenc-l": System(6, (*UNET, "network.parameters.n_blocks_per_stage=[1,2,2,2]"), QUICKER_SGD),
    "gli-2024-segresnet": System(
        10,
        (
            "network.parameters.init_filters=16",
            "network.parameters.blocks_down=[1,2,2]",
            "network.parameters.blocks_up=[1,1]",
            "network.parameters.latent=16",
        ),
        QUICKER_SGD,
    ),
    "residual-agunet-b": System(6, FOUR_LEVELS, QUICKER_ADAM),
    "gli-2021-loss-choice": System(6, UNET, QUICKER_SGD),
    "default": System(
        25,
        ("network.parameters.features=[24,48,64]", "network.parameters.heads=2"),
        (*QUICKER_ADAM, "training.channel_dropout=0", "training.ema=0", "inference.stretch=1"),
    ),
    "gli-2021-swin-unetr": System(
        10, ("network.parameters.feature_size=12", "network.parameters.depths=[1,1,1,1]"), ("schedule.warmup=0",)
    ),
}


class Told(TrainingProgress):
    """Says every validation."""

    def validated(self, regions: Any, best: bool) -> None:  # noqa: ANN401
        print("   ", " ".join(f"{region} {dice:.3f}" for region, dice in regions.items()), flush=True)


def write_exams(exam: Path, folder: Path) -> dict[str, LabelledExam]:
    """The cube around the tumour, in each numbering of the labels and with the enhancing tumour as residual tumour."""
    labels = read_labels(next(exam.glob("*_seg.nii.gz")))
    voxels = np.argwhere(labels.data > 0)
    lower = (voxels.min(axis=0) + voxels.max(axis=0) + 1 - CUBE_MM) // 2
    lower = np.clip(lower, 0, np.array(labels.grid.shape) - CUBE_MM)
    box = tuple(slice(low, low + CUBE_MM) for low in lower.tolist())
    grid = labels.grid.cropped(lower.tolist(), (lower + CUBE_MM).tolist())
    images = {sequence: folder / f"{sequence}.nii.gz" for sequence in FILES}
    for sequence, path in images.items():
        if not path.is_file():
            image = read_volume(next(exam.glob(f"*_{FILES[sequence]}.nii.gz"))).data[box]
            write_volume(path, Volume(image, grid))
    truth = labels.data[box]
    since_2023 = np.where(truth == 4, 3, truth)
    targets = {"brats-2021": truth, "brats-2023": since_2023, "brats-2024-gli": since_2023, "residual": truth == 4}
    exams = {}
    for scheme, target in targets.items():
        path = folder / f"{scheme}.nii.gz"
        if not path.is_file():
            write_volume(path, Volume(target.astype(np.uint8), grid))
        exams[scheme] = LabelledExam(scheme, "patient", images, path, scheme=scheme)
    return exams


@dataclass(frozen=True)
class Learnt:
    """What a system came to: Dice by region, the step of its best weights, all steps, and the seconds that they took."""

    title: str
    dice: dict[str, float]
    step: int
    steps: int
    seconds: float

    @property
    def mean(self) -> float:
        return float(np.mean(list(self.dice.values())))


def learn(name: str, exams: dict[str, LabelledExam], work: Path, side: int) -> list[Learnt]:
    """Each arm of the recipe, trained on `side` voxels a side where that is not done."""
    print(name, flush=True)
    system, cube = SYSTEMS[name], [side] * 3
    size = [f"grid.spacing={[CUBE_MM / side] * 3}", f"training.patch={cube}", f"training.epochs={system.epochs}"]
    # A recipe that resizes the whole volume resizes it to as many voxels.
    size += [f"grid.size={cube}"] if load_recipe(name).grid.size else []
    recipe = load_recipe(name, [*COMMON, *size, *system.smaller, *system.changed])
    exam = [exams[recipe.target.scheme]]
    plan = make_plan(take_fingerprint(exam, recipe, jobs=1), recipe, memory_gib=4)
    cached = prepare_cache(exam, recipe, plan, work / "cache")
    fold = work / name
    job = FoldJob(
        number=0,
        title=name,
        run=work,
        files=FoldFiles(fold),
        recipe=recipe,
        plan=plan,
        train=cached,
        validation=cached,
        machine=Machine(device="cpu"),
        scorer=ValidationScorer.of(recipe),
    )
    train_fold(job, Told())
    arms = sorted(fold.glob("arm-*")) or [fold]
    return [_arm(name if arm == fold else f"{name}, alternative {n + 1}", arm) for n, arm in enumerate(arms)]


def _arm(title: str, folder: Path) -> Learnt:
    dice = json.loads((folder / "validation.json").read_text("utf-8"))["exams"][0]["dice"]
    with (folder / "log.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    best = max(rows, key=lambda row: float(row["dice"]))
    return Learnt(title, dice, int(best["step"]), int(rows[-1]["step"]), float(rows[-1]["seconds"]))


def line(system: System, found: Learnt) -> str:
    """A row of the table."""
    sizes = ", ".join(text.removeprefix("network.parameters.") for text in system.smaller)
    regions = ", ".join(f"{region} {dice:.3f}" for region, dice in found.dice.items())
    changed = ", ".join(f"`{text}`" for text in system.changed) or "-"
    cells = [
        f"{found.title}",
        f"`{sizes}`",
        changed,
        regions,
        f"{found.mean:.3f}",
        f"{found.step} of {found.steps}",
        f"{found.seconds:.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exam", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--side", type=int, default=24, help="voxels; of 80 mm")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=list(SYSTEMS), default=list(SYSTEMS))
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    exams = write_exams(options.exam, options.work / "exam")
    lines = [
        "| recipe | network | changed | Dice | mean | best step | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in options.only:
        for found in learn(name, exams, options.work / f"{options.side}", options.side):
            lines.append(line(SYSTEMS[name], found))
            print(lines[-1], "" if min(found.dice.values()) >= ENOUGH else "TOO LITTLE", flush=True)
    if options.write:
        before, _, rest = options.write.read_text(encoding="utf-8").partition(MARK)
        write_text(options.write, before + "\n".join([MARK, *lines, END]) + rest.partition(END)[2])


if __name__ == "__main__":
    main()
