"""Times fusion of ten raters side by side with SimpleITK's STAPLE, and compares the decisions.

    python benchmarks/fusion.py [--raters 10] [--repeat 5]

The masks are synthetic: one ellipsoid on 240x240x155 voxels, moved, scaled, with specks, and for one rater in five far off.
"Everywhere" has votes scattered over the whole volume, which is the worst case.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from glioscope.fusion import fuse_masks

SHAPE = (240, 240, 155)


def tumour(raters: int, specks: float) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    axes = [np.arange(n, dtype=np.float32).reshape([-1 if a == b else 1 for b in range(3)]) for a, n in enumerate(SHAPE)]
    masks = []
    for rater in range(raters):
        spread = 12 if rater % 5 == 4 else 3
        centre, radius = np.array([120, 110, 80]) + rng.normal(0, spread, 3), np.array([38, 33, 28]) + rng.normal(0, 3, 3)
        inside = sum(((axis - c) / r) ** 2 for axis, c, r in zip(axes, centre, radius, strict=True)) < 1
        masks.append((inside ^ (rng.random(SHAPE, np.float32) < specks)).astype(np.uint8))
    return masks


def seconds(masks: list[NDArray[np.uint8]], method: str, repeat: int) -> float:
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        fuse_masks(masks, method)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--raters", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    for title, specks in (("one tumour", 1e-4), ("votes everywhere", 0.02)):
        masks = tumour(options.raters, specks)
        taken = {m: seconds(masks, m, options.repeat) for m in ("majority", "simple", "staple")}
        images = [sitk.GetImageFromArray(mask) for mask in masks]
        peer = sitk.STAPLEImageFilter()
        peer.SetForegroundValue(1)
        start = time.perf_counter()
        theirs = sitk.GetArrayFromImage(peer.Execute(images))
        itk = time.perf_counter() - start
        ours = fuse_masks(masks, "staple")
        differ = (theirs > 0.5) != ours.mask
        tied = differ & (np.abs(theirs - 0.5) < 1e-6)
        assert ours.decision.sensitivity is not None and ours.decision.specificity is not None
        apart = max(
            np.abs(np.array(peer.GetSensitivity()) - ours.decision.sensitivity).max(),
            np.abs(np.array(peer.GetSpecificity()) - ours.decision.specificity).max(),
        )
        print(f"\n{title}: {options.raters} raters, {len(ours.votes.counts)} vote patterns in {ours.votes.where.size} voxels")
        for method, took in taken.items():
            print(f"  {method:<9} {took:7.3f} s   SimpleITK STAPLE takes {itk / took:6.0f} times as long")
        print(f"  SimpleITK {itk:7.3f} s   {peer.GetElapsedIterations()} iterations; ours {ours.decision.rounds}")
        print(f"  same decision in {1 - differ.mean():.6%} of voxels; {int(differ.sum())} differ, {int(tied.sum())} are ties")
        print(f"  sensitivity and specificity differ by at most {apart:.1e}")
    many = tumour(30, 1e-4)
    told = ", ".join(f"{method} {seconds(many, method, 2):.3f} s" for method in ("simple", "staple"))
    print(f"\n30 raters: {told}; {len(fuse_masks(many).votes.counts)} patterns")


if __name__ == "__main__":
    main()
