"""Train the model `after-surgery` as it ships: from exams that were made, as none after surgery are at hand.

    python model/after_surgery.py --data FOLDER --shapes FOLDER --work FOLDER

Run `model/build.py` first, with the same arguments: its pretrained network and some of its synthetic exams are used. Exams
after surgery are of two kinds: wholly synthetic ones, and those of the labelled cohort after virtual operations, whose brain,
oedema and residual tumour are real. Two of the ten patients are held out with all their operations
(WORK/after-surgery/held-out.csv names them). Every stage is a `glioscope` command, and each goes on where it was ended. It
ends with the bundle in `src/glioscope/models/after-surgery`; `model/after_surgery_card.py` measures it.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from pathlib import Path

from build import BESIDE, ROOT, SEQUENCES, chosen, command, end_plainly, synthesise, table, train

from glioscope.core import bids_name

RECIPE, SCHEME = "after-surgery", "brats-2024-gli"
COHORTS = {
    "operated": (60, 21, ["--post-operative", "--share", "0.6"]),
    "residual": (120, 22, ["--post-operative", "--share", "0.5", "--residual", "0", "1"]),
    "operated-mni152": (16, 23, ["--post-operative", "--share", "0.5", "--atlas", "MNI152"]),
}
"""Synthetic exams: how many, seed, how."""

OPERATIONS = {"real-residual": (80, 24, ["--residual", "0", "1.5"]), "real-operated": (30, 25, [])}
"""The same of virtual operations on real exams."""

BEFORE = {"realistic": BESIDE["realistic"], "healthy-beside": 24}
"""Exams of `build.py` without an operation beside them."""

FOLD = 3
"""The fold of five that is trained, and ships: its two patients, with all their operations, are what it is measured on. Both
have much enhancing tumour, of which an operation can leave a part."""

LEARNING = (
    "training.patch=[64,64,64]",
    "training.epochs=60",
    "training.iterations=100",
    "training.validate_every=60",
    "training.train_only_share=0.6",
    "training.channel_dropout=0.2",
    "optimiser.lr=0.001",
    "augmentation.parameters.p_thick=0.2",
    "augmentation.parameters.p_shading=0.3",
)
"""On both kinds; the last weights count, nothing is chosen on the exams that are held out."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--shapes", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    work = options.work / RECIPE
    rows = synthesise(work / "synthetic", options.shapes, COHORTS) + before(options.work / "mixed.csv")
    beside = [{**row, "train_only": "yes"} for row in rows]
    mixed = table(operated(work / "synthetic", options.data) + beside, work / "mixed.csv")
    start = f"transfer.from={options.work / 'pretraining' / 'bundle'}"
    changes = ("--scheme", SCHEME, *LEARNING, start)
    train(mixed, work / "learning", str(FOLD), changes, os.cpu_count() or 1, RECIPE)
    command("bundle", str(work / "learning"), "--out", str(work / "learning" / "bundle"))
    held_out(mixed, work / "learning" / "folds.json", work / "held-out.csv")
    package(work)


def before(mixed: Path) -> list[dict[str, str]]:
    """Some of the synthetic exams without an operation that `build.py` has made."""
    with mixed.open(newline="") as file:
        made = [row for row in csv.DictReader(file) if row["train_only"]]
    return [{**row, "train_only": ""} for row in chosen(made, dict(BEFORE))]


def operated(out: Path, cohort: Path) -> list[dict[str, str]]:
    """Operate on the real exams; a row for each operation, with its patient."""
    rows = []
    for name, (exams, seed, how) in OPERATIONS.items():
        command("synthesize", str(out / name), "--operate", str(cohort), "--exams", str(exams), "--seed", str(seed), *how)
        with (out / name / "cohort.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                files = {key: str((out / name).resolve() / row[key]) for key in (*SEQUENCES, "labels")}
                rows.append({**row, **files, "id": f"{name}-{row['id']}"})
    return rows


def held_out(cohort: Path, folds: Path, out: Path) -> None:
    """The manifest of the exams that were not learnt from."""
    names = set(json.loads(folds.read_text())["folds"][FOLD]["validation"])
    with cohort.open(newline="") as file:
        table([row for row in csv.DictReader(file) if bids_name(row["id"]) in names], out)


def package(work: Path) -> None:
    """The network in half precision, and what its document must say and must not."""
    import torch

    from glioscope.bundles import read_bundle, write_bundle
    from glioscope.training import load_recipe

    made = read_bundle(work / "learning" / "bundle")
    weights = {name: tensor.to(torch.float16) for name, tensor in made.network(0).state_dict().items()}
    document = {key: value for key, value in made.document.items() if key not in ("format", "members", "training")}
    training = made.document["training"]
    rules = training["recipe"]["training"]
    steps, voxels = rules["epochs"] * rules["iterations"], " x ".join(map(str, [rules["batch"], *rules["patch"]]))
    begun = "Pretraining on synthetic exams before surgery: see the model 'default'"
    told = f"{training['data']['exams']} exams, {steps} steps of {voxels} voxels, {training['seconds']:.0f} s"
    stages = [begun, f"Synthetic exams after surgery, virtual operations on real exams: {told}"]
    recipe = {**training["recipe"], "transfer": {**training["recipe"]["transfer"], "from": "pretraining"}}
    shipped = load_recipe(RECIPE)
    document |= {
        "name": RECIPE,
        "description": "Cavity, tumour, core and enhancing tumour of adult gliomas after surgery; learnt from made exams.",
        "source": "This project; model/after_surgery.py",
        "licence": "Apache-2.0",
        "training": {"stages": stages, "recipe": recipe, "data": training["data"], "versions": training["versions"][-1:]},
        "postprocess": shipped.postprocess,
        "target": shipped.document()["target"],
    }
    document["inference"] |= {"patch": [96, 96, 96], "overlap": shipped.inference.overlap}
    document.pop("published", None)
    write_bundle(ROOT / "src" / "glioscope" / "models" / RECIPE, document, {f"{RECIPE}.safetensors": weights})


if __name__ == "__main__":
    end_plainly(main)
