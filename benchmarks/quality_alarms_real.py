"""Alarms of real algorithms on real exams, each exam held out once; for docs/quality.md.

    python benchmarks/quality_alarms_real.py --data FOLDER [--out docs/quality.md]

FOLDER holds one folder an exam, BraTS names and `brats-2021` labels. The raters are the two training-free segmenters at several
settings, so their errors are those that algorithms make on images, not distortions of an expert's label map; but they are five
variants of two ideas, and only the whole tumour is found by both. For each exam thresholds are learnt on the others, then
alarms are raised on it, and set against the Dice of the raters' majority with the expert, which nothing was learnt from.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from baselines import load
from numpy.typing import NDArray
from scipy.stats import spearmanr

from glioscope.core import Sequence, Volume
from glioscope.core.files import write_text
from glioscope.quality import MEASURES, calibrate_alarms, dice, pearson, raise_alarms, similarities
from glioscope.segmentation import get_segmenter
from glioscope.segmentation.flair_threshold import FlairThreshold
from glioscope.workflows.rater_similarity import fuse_masks

Mask = NDArray[np.bool_]
DEVIATIONS = (1.2, 1.6, 2.0)
THRESHOLDS = (0.35, 0.65)
ALPHAS = (0.0, 0.1, 0.5, 1.0, 2.0)
MARK, END = "<!-- table: benchmarks/quality_alarms_real.py -->", "<!-- end of table -->"


def whole_tumours(images: Mapping[Sequence, Volume], brain: Volume) -> dict[str, Mask]:
    """Rater -> whole tumour."""
    found = get_segmenter("subtraction").segment(images, brain).probabilities["WT"].data
    masks: dict[str, Mask] = {f"subtraction at {t}": np.asarray(found >= t) for t in THRESHOLDS}
    for k in DEVIATIONS:
        masks[f"flair-threshold at {k}"] = FlairThreshold(deviations=k).segment(images, brain).labels.data > 0
    return masks


def interval(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """95 % bootstrap interval of Pearson's r over exams."""
    rng = np.random.default_rng(0)
    draws = (rng.integers(0, len(a), len(a)) for _ in range(5000))
    found = [r for draw in draws if (r := pearson(a[draw], b[draw])) is not None]
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "docs" / "quality.md")
    options = parser.parse_args()
    tables, quality = {}, {}
    for folder in sorted(p for p in options.data.iterdir() if p.is_dir()):
        images, brain, truth = load(folder)
        masks = whole_tumours(images, brain)
        fused = fuse_masks(masks, "majority")
        measures = {name: MEASURES[name] for name in ("dice", "hausdorff")}
        by_rater = {name: {"WT": mask} for name, mask in masks.items()}
        tables[folder.name] = similarities(by_rater, {"WT": fused}, brain.grid.spacing.tolist(), measures)
        quality[folder.name] = dice(fused, truth["WT"])
        print(f"{folder.name}: Dice of the majority {quality[folder.name]:.3f}", flush=True)
    names = sorted(tables)
    dices = np.array([quality[name] for name in names])
    risks = {}
    for alpha in ALPHAS:
        risks[alpha] = np.array(
            [
                raise_alarms(out, tables[out], calibrate_alarms({n: tables[n] for n in names if n != out}, alpha)).risk
                for out in names
            ],
            float,
        )
    possible = 2 * (len(DEVIATIONS) + len(THRESHOLDS))
    lines = [
        f"Whole tumour, {len(names)} exams, each held out once (thresholds learnt on the other {len(names) - 1}), "
        f"{possible} alarms possible an exam; r is Pearson's, of alarms with the Dice of the majority and the expert, with a "
        "95 % bootstrap interval over exams:",
        "",
        "| alpha | r | interval | Spearman | mean alarms, better half | mean alarms, worse half |",
        "|---|---|---|---|---|---|",
    ]
    order = np.argsort(dices)
    worse, better = order[: len(order) // 2], order[len(order) // 2 :]
    for alpha, risk in risks.items():
        r = pearson(risk, dices)
        low, high = interval(risk, dices)
        rho = float(spearmanr(risk, dices).statistic)
        told = "–" if r is None else f"{r:+.2f}"
        halves = f"{risk[better].mean():.1f} | {risk[worse].mean():.1f}"
        lines.append(f"| {alpha:g} | {told} | {low:+.2f} to {high:+.2f} | {rho:+.2f} | {halves} |")
    lines += ["", "| exam | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    lines.append("| Dice | " + " | ".join(f"{value:.2f}" for value in dices) + " |")
    lines.append("| alarms at 0.1 | " + " | ".join(f"{value:.0f}" for value in risks[0.1]) + " |")
    print("\n".join(lines))
    before, _, rest = options.out.read_text(encoding="utf-8").partition(MARK)
    write_text(options.out, before + "\n".join([MARK, *lines, END]) + rest.partition(END)[2])


if __name__ == "__main__":
    main()
