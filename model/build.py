"""Train the default model as it ships: synthetic exams, pretraining on them, five folds and a final training on real ones.

    python model/build.py --data FOLDER --shapes FOLDER --work FOLDER [--jobs 2]

FOLDER of `--data` holds the labelled exams (BraTS names, one folder each), that of `--shapes` label maps of other patients,
whose tumours the synthetic exams borrow. The folds learn from real and synthetic exams, and hold out real ones. Every stage
is a `glioscope` command, and each goes on where it was ended; run the script again after an interruption. `--jobs` trainings
run at a time, each on its share of the cores. It ends with the bundle in `src/glioscope/models/default`; `model/score.py`
measures the folds and writes the model card. With `--without-synthetic` the folds alone are trained, into WORK/scratch: on the
same real exams and from nothing, as a comparison.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from glioscope.core import GlioscopeError

ROOT = Path(__file__).resolve().parent.parent
COHORTS = {
    "realistic": (36, 11, ["--share", "0.6"]),
    "non-enhancing": (32, 17, ["--non-enhancing"]),
    "mni152": (14, 12, ["--share", "0.5", "--atlas", "MNI152"]),
    "random": (14, 13, ["--share", "0.5", "--mode", "random"]),
    "healthy": (8, 14, ["--healthy"]),
    "healthy-beside": (40, 15, ["--healthy"]),
}
"""Synthetic exams: how many, seed, how."""

PRETRAINED = ("realistic", "non-enhancing", "mni152", "random", "healthy")
BESIDE = {"realistic": 8, "non-enhancing": 8, "mni152": 4, "random": 4, "healthy-beside": 40}
"""Synthetic exams that the folds learn from beside real ones, most without a tumour: real ones alone teach that each brain has
one."""

Stages = Sequence[tuple[str, str | None, Path, tuple[str, ...]]]
"""Of each: the run, the run it goes on from, the manifest, changes to the recipe."""

FOLDS = 5
SEQUENCES = ("t1n", "t1c", "t2w", "t2f")
PRETRAINING = (
    "training.patch=[64,64,64]",
    "training.epochs=45",
    "training.iterations=50",
    "training.validate_every=45",
    "folds.count=45",
)
"""Small patches: a third of the cost of a step. One exam in 45 is held out, to see that it learns."""

IMAGES = ("inputs.channels=[t1c,t1n,t2f,t2w,t1c-t1n]", "network.parameters.direct=[]")
"""What the network learns from before it is told what the untrained segmenters believe. It starts from that belief only when it
knows what tumours look like: given from the start, it would learn to repeat it."""

REAL = (
    "optimiser.lr=0.0002",
    "training.batch=1",
    "training.epochs=12",
    "training.iterations=25",
    "training.validate_every=12",
    "training.train_only_share=0.45",
    "augmentation.parameters.p_thick=0.3",
    "augmentation.parameters.p_shading=0.5",
)
"""Only the last weights are scored: nothing is chosen on the exams that are held out. The learning rate was chosen within the
exams that fold 0 learns from (0.0005 made exams that were not seen worse)."""

BELIEFS = (*REAL, "training.epochs=18", "training.validate_every=18")
"""What must be added to the belief of the untrained segmenters."""

FROM_NOTHING = (
    *(change for change in REAL if not change.startswith(("optimiser.lr", "training.train_only_share"))),
    "training.epochs=10",
    "training.validate_every=10",
)
"""The same on real exams alone, at the learning rate of the recipe (no knowledge is there to be kept); a shorter last stage, as
there is less to learn from."""

TRUST = {"flair-threshold:WT": ("WT", 1.0), "subtraction:ET": ("ET", 4.0)}
"""Channel -> region, and what is added to the weight of that belief when all is learnt: a network that has seen eight exams is
too sure of itself where nothing enhances. Chosen on an earlier training, with one fold left out after the other; on the last
one each choice keeps +4 for ET, and +0 or +1 for WT make no difference (`model/trust.py`)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--shapes", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--without-synthetic", action="store_true", help="train the folds on real exams alone, for comparison")
    options = parser.parse_args()
    work, cores = options.work, os.cpu_count() or 1
    threads = max(1, cores // options.jobs)
    labelled = real(options.data)  # first: an hour later would be too late to say that they are not there
    if options.without_synthetic:
        work.mkdir(parents=True, exist_ok=True)
        cohort = table(labelled, work / "real.csv")
        beliefs = (*(c for c in REAL if "train_only" not in c), "training.epochs=8", "training.validate_every=8")
        stages: Stages = [
            ("scratch-images", None, cohort, (*FROM_NOTHING, *IMAGES)),
            ("scratch", "scratch-images", cohort, beliefs),
        ]
        train_stages(stages, work, range(FOLDS), options.jobs, threads)
        return
    made = synthesise(work / "synthetic", options.shapes)
    pretraining = chosen(made, dict.fromkeys(PRETRAINED, None))
    train(table(pretraining, work / "pretraining.csv"), work / "pretraining", "0", (*PRETRAINING, *IMAGES), cores)
    rows = labelled + chosen(made, BESIDE, train_only="yes")
    mixed = table(rows, work / "mixed.csv")
    stages = [("images", "pretraining", mixed, (*REAL, *IMAGES)), ("folds", "images", mixed, BELIEFS)]
    train_stages(stages, work, (*range(FOLDS), None), options.jobs, threads)
    for out in ("folds", "folds-final"):
        trusting(work / out / "bundle", work / out / "trusting")
    package(work)


def train_stages(stages: Stages, work: Path, folds: Iterable[int | None], jobs: int, threads: int) -> None:
    """One stage after the other, `jobs` folds at a time; None is the training on all exams."""
    for out, start, cohort, changes in stages:
        with ThreadPoolExecutor(jobs) as pool:
            runs = [pool.submit(fold, cohort, work, out, start, number, changes, threads) for number in folds]
        for run in runs:
            run.result()
        command("bundle", str(work / out), "--out", str(work / out / "bundle"))


def synthesise(out: Path, shapes: Path, cohorts: Mapping[str, tuple[int, int, list[str]]] = COHORTS) -> list[dict[str, str]]:
    """Make the cohorts; a row of a manifest for each of their exams."""
    rows = []
    for name, (exams, seed, how) in cohorts.items():
        borrowed = [] if "--healthy" in how else ["--shapes", str(shapes)]
        command("synthesize", str(out / name), "--exams", str(exams), "--seed", str(seed), *how, *borrowed)
        for folder in sorted(path for path in (out / name).resolve().iterdir() if path.is_dir()):
            files = {s: str(folder / f"{folder.name}-{s}.nii.gz") for s in (*SEQUENCES, "seg")}
            row = {"id": f"{name}-{folder.name}", "patient": f"{name}-{folder.name}", "labels": files.pop("seg")}
            rows.append({**row, **files})
    return rows


def real(data: Path) -> list[dict[str, str]]:
    """A row for each of the labelled exams."""
    from glioscope.workflows.labelled_cohort import labelled_cohort

    with TemporaryDirectory() as unpacked:
        return [
            {
                "id": exam.name,
                "patient": exam.patient,
                **{source: str(path.resolve()) for source, path in {**exam.images, "labels": exam.labels}.items()},
            }
            for exam in labelled_cohort(data, Path(unpacked))
        ]


def chosen(made: list[dict[str, str]], kinds: Mapping[str, int | None], **more: str) -> list[dict[str, str]]:
    """The first so many synthetic exams of each kind, all where None."""
    rows = []
    for kind, count in kinds.items():
        rows += [{**row, **more} for row in made if row["id"].startswith(f"{kind}-SYN")][:count]
    return rows


def table(rows: list[dict[str, str]], out: Path) -> Path:
    """The manifest of these rows."""
    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, ("id", "patient", "train_only", *SEQUENCES, "labels"), restval="")
        writer.writeheader()
        writer.writerows(rows)
    return out


def fold(
    data: Path, work: Path, out: str, start: str | None, number: int | None, changes: tuple[str, ...], threads: int
) -> None:
    """Fold `number`, or the final training on all exams, from that of the stage before, which held out the same exams."""
    ending, name = ("", str(number)) if number is not None else ("-final", "full")
    if start is not None:
        before = work / (start if start == "pretraining" else start + ending) / "bundle"
        changes = (*changes, f"transfer.from={before}")
    train(data, work / (out + ending), name, changes, threads)


def train(data: Path, out: Path, fold: str, changes: tuple[str, ...], threads: int, recipe: str = "default") -> None:
    """One fold of a recipe."""
    command("train", recipe, "--data", str(data), "--out", str(out), "--fold", fold, *changes, threads=threads)


def trusting(bundle: Path, out: Path) -> None:
    """A bundle of the same networks, each with the weights of its beliefs raised by `TRUST`."""
    from safetensors.torch import load_file

    from glioscope.bundles import read_bundle, write_bundle

    made = read_bundle(bundle)
    channels, names = made.document["inputs"]["channels"], made.document["target"]["names"]
    members = {}
    for file in made.files:
        weights = members[file.name] = load_file(file)
        for channel, (region, more) in TRUST.items():
            weights["direct.weight"][names.index(region), channels.index(channel)] += more
    document = {key: value for key, value in made.document.items() if key not in ("format", "members")}
    write_bundle(out, document, members)


def package(work: Path) -> None:
    """The final network in half precision, and what its document must say and must not."""
    import torch

    from glioscope.bundles import read_bundle, write_bundle
    from glioscope.training import load_recipe

    made = read_bundle(work / "folds-final" / "trusting")
    weights = {name: tensor.to(torch.float16) for name, tensor in made.network(0).state_dict().items()}
    document = {key: value for key, value in made.document.items() if key not in ("format", "members", "training")}
    training, stages = made.document["training"], []
    recipe = {**training["recipe"], "transfer": {**training["recipe"]["transfer"], "from": "images-final"}}
    for title, run in (
        ("Pretraining on synthetic exams", "pretraining"),
        ("Training on all real exams, synthetic ones beside them", "images-final"),
        ("The same, given what the untrained segmenters believe", "folds-final"),
    ):
        told = read_bundle(work / run / "bundle").document["training"]
        rules = told["recipe"]["training"]
        steps = (
            f"{rules['epochs'] * rules['iterations']} steps of {rules['batch']} x {' x '.join(map(str, rules['patch']))} voxels"
        )
        stages.append(f"{title}: {told['data']['exams']} exams, {steps}, {told['seconds']:.0f} s")
    document |= {
        "name": "default",
        "description": "Tumour, core and enhancing tumour of adult gliomas before surgery, from any of the four sequences.",
        "source": "This project; model/build.py",
        "licence": "Apache-2.0",
        "training": {"stages": stages, "recipe": recipe, "data": training["data"], "versions": training["versions"][-1:]},
    }
    document.pop("published", None)
    shipped = load_recipe("default")
    document |= {"postprocess": shipped.postprocess, "target": shipped.document()["target"]}
    write_bundle(ROOT / "src" / "glioscope" / "models" / "default", document, {"default.safetensors": weights})


def command(*arguments: str, threads: int | None = None) -> None:
    environment = {**os.environ, **({"OMP_NUM_THREADS": str(threads)} if threads else {})}
    subprocess.run([sys.executable, "-m", "glioscope", *arguments], check=True, env=environment)


def end_plainly(main: Callable[[], None]) -> None:
    """Run a script; an end that was expected is a sentence and an exit status."""
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Interrupted. Run the same command again to continue where it stopped.")
    except subprocess.CalledProcessError as error:  # the command has told why
        sys.exit(error.returncode)
    except GlioscopeError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    end_plainly(main)
