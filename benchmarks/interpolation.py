"""Which interpolation brings thick slices nearest to the 1 mm image they were made from, each image resampled once.

    python benchmarks/interpolation.py --data FOLDER [--exams NAME...] [--draws 2]

FOLDER holds one folder an exam of the BraTS challenges, as for `pose_accuracy.py`, whose heads and slices these are (0.9 x 0.9
x 5.5 mm, tilted by up to 14 degrees), with noise, without shading. The slices come back to 1 mm at the pose that is known. A
kernel is named after what it does within slices, then across them: `linear`; `cubic`, a B-spline that goes through the samples
(`--interpolation bspline`); `smooth`, the same B-spline without its prefilter, which blurs. For each: correlation with the
true image inside the brain, and PSNR (peak: its 99.9th percentile there) after the best linear fit, as a scanner's units mean
nothing. "against blurred" is the correlation with the true image averaged over 5.5 mm across the slices: a kernel that is good
there and no better against the true image gives back the slice, not what lies in it.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pose_accuracy import EXTENT, IN_PLANE, THICKNESS, TILT, WHITE, real_subject
from scipy import ndimage

from glioscope.core import Grid, Sequence, Transform, Volume
from glioscope.synthesis.acquisition import Protocol, partial_volume, random_rigid, slice_grid

KERNELS = [(a, b) for a in ("linear", "cubic", "smooth") for b in ("linear", "cubic", "smooth")]
NOISE = 0.02
Values = NDArray[np.floating[Any]]


def weights(kernel: str, part: Values) -> dict[int, Values]:
    """Offset of a sample from the one below -> its weight, `part` of a step above that one."""
    f, g = part, 1 - part
    if kernel == "linear":
        return {0: g, 1: f}
    return {-1: g**3 / 6, 0: (3 * f**3 - 6 * f**2 + 4) / 6, 1: (3 * g**3 - 6 * g**2 + 4) / 6, 2: f**3 / 6}


def looked_up(data: Values, index: NDArray[np.float64], kernels: tuple[str, str, str]) -> Values:
    """Values at voxel positions (n, 3), by a kernel of its own along each axis; the edge goes on outside."""
    for axis, kernel in enumerate(kernels):
        if kernel == "cubic":
            data = ndimage.spline_filter1d(data, 3, axis=axis, output=np.float32, mode="nearest")
    below = np.floor(index).astype(int)
    each = [weights(kernel, (index[:, a] - below[:, a]).astype(np.float32)) for a, kernel in enumerate(kernels)]
    x, y, z = ({o: np.clip(below[:, a] + o, 0, data.shape[a] - 1) for o in each[a]} for a in range(3))
    total = np.zeros(len(index), np.float32)
    for i, p in each[0].items():
        for j, q in each[1].items():
            for k, r in each[2].items():
                total += p * q * r * data[x[i], y[j], z[k]]
    return total


def psnr(truth: Values, shown: Values) -> float:
    """In decibels, after the best linear fit of `shown`."""
    slope, offset = np.polyfit(shown, truth, 1)
    wrong = float(np.mean((truth - slope * shown - offset) ** 2))
    return float(20 * np.log10(np.percentile(truth, 99.9)) - 10 * np.log10(wrong))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--exams", nargs="*", help="only these")
    parser.add_argument("--draws", type=int, default=2)
    options = parser.parse_args()
    found: dict[tuple[str, str], dict[Sequence, list[list[float]]]] = {k: defaultdict(list) for k in KERNELS}
    for folder in sorted(p for p in options.data.iterdir() if p.is_dir() and (not options.exams or p.name in options.exams)):
        subject = real_subject(folder, np.random.default_rng([0, *folder.name.encode()]))
        centre = np.eye(4)
        centre[:3, 3] = -subject.brain.grid.to_world(ndimage.center_of_mass(subject.brain.data))
        there = Grid(subject.brain.grid.shape, centre @ subject.brain.grid.affine)
        inside = np.argwhere(subject.brain.data)[::5]
        for draw in range(options.draws):
            rng = np.random.default_rng([draw, *folder.name.encode()])
            for sequence, image in subject.images.items():
                motion: Transform = random_rigid(rng, 3, 4)
                grid = slice_grid(Protocol("", IN_PLANE, THICKNESS, float(rng.uniform(0, TILT))), EXTENT)
                slices = partial_volume(Volume(image.data, there), grid, motion)
                slices += np.float32(NOISE * WHITE) * rng.standard_normal(slices.shape, np.float32)
                index = grid.to_index(motion.inverse().apply(there.to_world(inside)))
                truth = image.data[tuple(inside.T)]
                axis = np.linalg.inv(there.affine)[:3, :3] @ motion.matrix[:3, :3] @ (grid.affine[:3, 2] / THICKNESS)
                steps = np.linspace(-0.5, 0.5, 12) * THICKNESS
                blurred = np.mean([ndimage.map_coordinates(image.data, (inside + t * axis).T, order=1) for t in steps], axis=0)
                for kernel in KERNELS:
                    shown = looked_up(slices, index, (kernel[0], *kernel))
                    both = [float(np.corrcoef(shown, other)[0, 1]) for other in (truth, blurred)]
                    found[kernel][sequence].append([both[0], psnr(truth, shown), both[1]])
        print(f"{folder.name} done", flush=True)
    print(
        "| within, across | " + " | ".join(s.display_name for s in Sequence) + " | mean | against blurred |\n|---|" + "---|" * 6
    )
    for kernel, sequences in found.items():
        cells = [np.mean(sequences[s], axis=0) for s in Sequence]
        mean = np.mean(cells, axis=0)
        text = " | ".join(f"{c[0]:.4f}, {c[1]:.2f} dB" for c in [*cells, mean])
        print(f"| {', '.join(kernel)} | {text} | {mean[2]:.4f} |")


if __name__ == "__main__":
    main()
