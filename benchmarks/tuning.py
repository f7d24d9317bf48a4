"""Measures on labelled exams what `glioscope tune` is worth on exams that it did not see; for docs/postprocessing.md.

    python benchmarks/tuning.py --data FOLDER --work FOLDER [--trials 20] [--folds 3] [--seeds 1] [--out docs/postprocessing.md]

--data holds one folder an exam, BraTS names and `brats-2021` labels. --work keeps the segmenter's probability maps and the
trials, so that a run that was stopped goes on. Each seed deals the exams into folds anew, and searches anew; each exam is held
out once a seed. Held out means from tuning: the constants of the segmenter, `subtraction`, were chosen with all in view.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from baselines import load

from glioscope.core import write_volume
from glioscope.core.files import write_text
from glioscope.segmentation import get_segmenter
from glioscope.workflows.tune import Tuning, tune

SEGMENTER = "subtraction"
PROTOCOL = "brats-2023-gli"
MARK, END = "<!-- table: benchmarks/tuning.py -->", "<!-- end -->"


def prepare(data: Path, work: Path) -> None:
    """Probability maps of all exams, those that are there already left alone, and links to the expert label maps."""
    segmenter = get_segmenter(SEGMENTER)
    (work / "experts").mkdir(parents=True, exist_ok=True)
    for folder in sorted(p for p in data.iterdir() if p.is_dir()):
        expert = work / "experts" / f"{folder.name}_seg.nii.gz"
        if not expert.exists():
            expert.symlink_to((folder / expert.name).resolve())
        files = {region: work / "predictions" / f"{folder.name}-{region}.nii.gz" for region in segmenter.regions}
        if not all(path.is_file() for path in files.values()):
            images, brain, _ = load(folder)
            found = segmenter.segment(images, brain).probabilities
            for region, path in files.items():
                write_volume(path, found[region])


def line(seed: int, done: Tuning) -> str:
    tuned = done.tuned
    published, held_out = tuned.held_out
    kept = sum(fold.fit.kept_published for fold in tuned.folds)
    cells = [published, tuned.held_out_best, held_out, held_out - published]
    told = "published" if tuned.fit.kept_published else "tuned"
    return f"| {seed} | " + " | ".join(f"{c:.4f}" for c in cells) + f" | {kept} of {len(tuned.folds)} | {told} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "docs" / "postprocessing.md")
    options = parser.parse_args()
    prepare(options.data, options.work)
    lines = [
        "| seed | published | best trial | what `tune` chose | gain | folds that kept the published settings | written |",
        "|---|---|---|---|---|---|---|",
    ]
    gains: dict[str, list[float]] = {"best trial": [], "chosen": []}
    for seed in range(options.seeds):
        done = tune(
            options.work / "predictions",
            options.work / "experts",
            options.work / f"seed{seed}.json",
            protocol=PROTOCOL,
            given_scheme="brats-2021",
            folds=options.folds,
            trials=options.trials,
            seed=seed,
            storage=options.work / "trials.db",
            told=lambda sentence: print(sentence, flush=True),
        )
        lines.append(line(seed, done))
        published, held_out = done.tuned.held_out
        gains["best trial"].append(done.tuned.held_out_best - published)
        gains["chosen"].append(held_out - published)
    means = "; ".join(f"{name} {np.mean(found):+.4f}" for name, found in gains.items())
    head = (
        f"Mean lesion-wise Dice (`{PROTOCOL}`) of {done.facts['exams']} exams, each held out once a seed; {options.folds} "
        f"folds, {options.trials} trials, segmenter `{SEGMENTER}`. Mean gain over the published settings: {means}."
    )
    print("\n".join([head, "", *lines]))
    before, _, rest = options.out.read_text(encoding="utf-8").partition(MARK)
    write_text(options.out, before + "\n".join([MARK, head, "", *lines, END]) + rest.partition(END)[2])


if __name__ == "__main__":
    main()
