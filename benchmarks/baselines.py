"""Scores both training-free segmenters on labelled exams and writes the tables of docs/baselines.md.

    python benchmarks/baselines.py --data FOLDER [--out docs/baselines.md]

FOLDER holds one folder an exam, BraTS names and `brats-2021` labels.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glioscope.core import SCHEMES, Sequence, Volume, read_labels, read_volume, region_mask
from glioscope.core.files import write_text
from glioscope.segmentation import get_segmenter
from glioscope.segmentation.flair_threshold import DEVIATIONS, FlairThreshold

SUFFIX = {Sequence.T1N: "t1", Sequence.T1C: "t1ce", Sequence.T2W: "t2", Sequence.T2F: "flair"}
REGIONS = ("WT", "TC", "ET")
CANDIDATES = (1.2, 1.4, 1.6, 1.8, 2.0)
MARK = "<!-- tables: benchmarks/baselines.py -->"


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Legacy Dice: 1 where both are empty, 0 where one is."""
    total = int(a.sum() + b.sum())
    return 2 * int((a & b).sum()) / total if total else 1.0


def load(folder: Path) -> tuple[dict[Sequence, Volume], Volume, dict[str, NDArray[np.bool_]]]:
    images = {s: read_volume(folder / f"{folder.name}_{suffix}.nii.gz") for s, suffix in SUFFIX.items()}
    labels = read_labels(folder / f"{folder.name}_seg.nii.gz")
    brain = labels.with_data(np.any([v.data != 0 for v in images.values()], axis=0))
    return images, brain, {r: region_mask(labels.data, SCHEMES["brats-2021"], r) for r in REGIONS}


def row(cells: list[object]) -> str:
    return "| " + " | ".join(f"{c:.3f}" if isinstance(c, float) else str(c) for c in cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "docs" / "baselines.md")
    options = parser.parse_args()
    exams = sorted(p for p in options.data.iterdir() if p.is_dir())
    sweep = np.zeros((len(exams), len(CANDIDATES)))
    rows: list[list[object]] = []
    scores: list[list[float]] = []
    for n, folder in enumerate(exams):
        images, brain, truth = load(folder)
        for c, deviations in enumerate(CANDIDATES):
            found = FlairThreshold(deviations=deviations).segment(images, brain)
            sweep[n, c] = dice(found.labels.data > 0, truth["WT"])
        subtraction = get_segmenter("subtraction")
        labels = subtraction.segment(images, brain).labels
        masks = {r: region_mask(labels.data, subtraction.scheme, r) for r in REGIONS}
        errors = {r: (int(masks[r].sum()) - int(truth[r].sum())) * labels.grid.voxel_volume / 1000 for r in REGIONS}
        false = errors["ET"] if not truth["ET"].any() else None
        scores.append([dice(masks[r], truth[r]) for r in REGIONS])
        rows.append(
            [folder.name, *scores[-1], *(f"{errors[r]:+.1f}" for r in REGIONS), "" if false is None else f"{false:.2f}"]
        )
        print(row(rows[-1]), sweep[n].round(3), flush=True)

    others = [np.delete(sweep, n, axis=0).mean(axis=0).argmax() for n in range(len(exams))]
    left_out = [float(sweep[n, c]) for n, c in enumerate(others)]
    shipped = sweep[:, CANDIDATES.index(DEVIATIONS)]
    lines = [MARK, "", "### flair-threshold, whole tumour (Dice)", ""]
    lines += [
        "| exam | k fitted on the other exams | Dice, left out | Dice, shipped k | Dice, best k for this exam |",
        "|---|---|---|---|---|",
    ]
    for n, folder in enumerate(exams):
        lines.append(
            row([folder.name, CANDIDATES[others[n]].__repr__(), left_out[n], float(shipped[n]), float(sweep[n].max())])
        )
    lines.append(row(["**mean**", "", float(np.mean(left_out)), float(shipped.mean()), float(sweep.max(axis=1).mean())]))
    lines += [
        "",
        "Mean Dice of all exams for each k: "
        + ", ".join(f"{k} {m:.3f}" for k, m in zip(CANDIDATES, sweep.mean(axis=0), strict=True))
        + ".",
    ]
    lines += ["", "### subtraction (all exams were seen when its constants were chosen)", ""]
    lines += [
        "| exam | WT | TC | ET | WT error, ml | TC error, ml | ET error, ml | false ET, ml |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [row(r) for r in rows]
    lines.append(row(["**mean**", *(float(m) for m in np.mean(scores, axis=0)), "", "", "", ""]))
    head = options.out.read_text().split(MARK)[0] if options.out.exists() else ""
    write_text(options.out, head + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
