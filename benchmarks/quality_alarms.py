"""Shows that the number of ensemble-discord alarms follows the quality of a fused segmentation.

    python benchmarks/quality_alarms.py --data FOLDER [--pattern "BraTS2021*seg.nii.gz"] [--raters 5] [--exams 100] [--seed 0]

FOLDER holds label maps (`brats-2021` or `brats-2023`), at any depth; by default only those of BraTS 2021, glioma before surgery
with all regions, are taken. The raters are made: each expert label map is distorted
several times, by smooth displacements of its borders (half of them common to all raters of an exam, so that the fusion has
errors that no alarm can see), false lesions and lost enhancing tumour; all of it grows with a difficulty drawn for each exam.
Thresholds are learnt on the even exams, and alarms raised on the odd ones.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import InvalidImage, get_scheme, region_mask
from glioscope.quality import MEASURES, alpha_table, calibrate_alarms, choose_alpha, dice, pearson, raise_alarms, similarities
from glioscope.workflows.rater_cases import read_rater
from glioscope.workflows.rater_similarity import fuse_masks

Mask = NDArray[np.bool_]
REGIONS = ("WT", "TC", "ET")
SCHEME = get_scheme("brats-2023")
MARGIN = 12
SHIFT_MM = 5.0


def smooth(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A random field of unit deviation that changes over about 10 voxels."""
    coarse = rng.normal(size=[n // 8 + 4 for n in shape])
    field = ndimage.zoom(coarse, 8, order=1)[tuple(slice(0, n) for n in shape)]
    return np.asarray(field / field.std())


def distance(mask: Mask) -> NDArray[np.float64]:
    """Distance to the border in voxels, negative inside."""
    if not mask.any():
        return np.full(mask.shape, 1e3)
    return np.asarray(ndimage.distance_transform_edt(~mask) - ndimage.distance_transform_edt(mask))


def distort(
    truth: dict[str, NDArray[np.float64]], common: NDArray[np.float64], hard: float, rng: np.random.Generator
) -> dict[str, Mask]:
    """One rater's regions, nested."""
    shape = common.shape
    field = (common + smooth(rng, shape)) / np.sqrt(2) * SHIFT_MM * hard * rng.uniform(0.5, 1)
    regions = {name: found < field for name, found in truth.items()}
    if rng.random() < hard / 2:
        centre = [rng.uniform(0.2, 0.8) * n for n in shape]
        ball = sum((axis - c) ** 2 for axis, c in zip(np.indices(shape), centre, strict=True)) < rng.uniform(3, 9) ** 2
        for name in REGIONS[: rng.integers(1, 4)]:
            regions[name] |= ball
    if rng.random() < hard / 3:
        regions["ET"] &= rng.random() < 0.5
    regions["TC"] &= regions["WT"]
    regions["ET"] &= regions["TC"]
    return regions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pattern", default="BraTS2021*seg.nii.gz", help="names of the label maps to take")
    parser.add_argument("--raters", type=int, default=5)
    parser.add_argument("--exams", type=int, default=100, help="at most so many, at least 4")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    tables, quality = {}, {}
    files = {path.name: path for path in sorted(options.data.rglob(options.pattern))}  # the same exam may lie in two folders
    for path in list(files.values())[: options.exams]:
        try:
            volume = read_rater(path, "auto", SCHEME)
        except InvalidImage as error:
            print(f"left out: {error}")
            continue
        box = ndimage.find_objects((volume.data > 0).astype(np.uint8))
        if not box:
            continue
        data = np.pad(volume.data[box[0]], MARGIN)
        truth = {name: region_mask(data, SCHEME, name) for name in REGIONS}
        distances = {name: distance(mask) for name, mask in truth.items()}
        hard, common = rng.uniform(), smooth(rng, data.shape)
        masks = {f"rater{n}": distort(distances, common, hard, rng) for n in range(options.raters)}
        fused = {name: fuse_masks({r: found[name] for r, found in masks.items()}, "majority") for name in REGIONS}
        measures = {name: MEASURES[name] for name in ("dice", "hausdorff")}
        tables[path.name] = similarities(masks, fused, volume.grid.spacing.tolist(), measures)
        quality[path.name] = float(np.mean([dice(fused[name], truth[name]) for name in REGIONS]))
        print(f"{path.name}: difficulty {hard:.2f}, Dice of the fusion {quality[path.name]:.3f}", flush=True)
    names = sorted(tables)
    if len(names) < 4:
        parser.error(f"{len(names)} label maps of this pattern in '{options.data}'; at least 4 are needed.")
    learnt, fresh = names[::2], names[1::2]
    calibration = calibrate_alarms({name: tables[name] for name in learnt})
    rows = alpha_table(calibration, [quality[name] for name in learnt])
    print(f"\n{len(learnt)} exams to learn from, {len(fresh)} others; {len(calibration.keys)} alarms possible an exam\n")
    print("| alpha | entropy | r, learnt from | r, others | others without alarm | Dice of these | Dice of the worst quarter |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        tried = calibration.with_alpha(row.alpha)
        risks = np.array([raise_alarms(name, tables[name], tried).risk for name in fresh])
        dices = np.array([quality[name] for name in fresh])
        worst = dices[np.argsort(-risks, kind="stable")[: max(1, len(fresh) // 4)]].mean()
        none = f"{dices[risks == 0].mean():.3f}" if (risks == 0).any() else "–"
        own, other = row.correlations["all"], pearson(risks, dices)
        told = [f"{row.alpha:+.2f}", f"{row.entropy:.2f}", *("–" if r is None else f"{r:+.2f}" for r in (own, other))]
        print("| " + " | ".join([*told, str(int((risks == 0).sum())), none, f"{worst:.3f}"]) + " |")
    for by in ("entropy", "correlation", "both"):
        print(f"alpha by {by}: {choose_alpha(rows, by).alpha:g}")


if __name__ == "__main__":
    main()
