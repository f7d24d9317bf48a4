"""Dice of the imported cascade of BraTS 2017 on labelled exams, most of which it may have learnt from.

python benchmarks/imported_cascade.py --data ../shared [EXAM ...]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from glioscope.bundles.import_cascade import import_cascade
from glioscope.core import SCHEMES, Sequence, read_labels, read_volume, region_mask
from glioscope.segmentation.cascade_segmenter import CascadeSegmenter

NAMES = {"flair": Sequence.T2F, "t1": Sequence.T1N, "t1ce": Sequence.T1C, "t2": Sequence.T2W}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared"))
    parser.add_argument("exams", nargs="*")
    given = parser.parse_args()
    cohort, scheme = given.data / "exams" / "glioma-labelled", SCHEMES["brats-2021"]
    exams = given.exams or sorted(folder.name for folder in cohort.iterdir() if folder.is_dir())
    print("| exam | WT | TC | ET | CPU s | wall s |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        weights = given.data / "weights" / "cascaded-anisotropic-2017"
        segmenter = CascadeSegmenter(import_cascade(weights, Path(scratch) / "bundle"))
        for exam in exams:
            images = {s: read_volume(next((cohort / exam).glob(f"{exam}_{name}.nii*"))) for name, s in NAMES.items()}
            reference = read_labels(next((cohort / exam).glob(f"{exam}_seg.nii*"))).data
            brain = images[Sequence.T2F].with_data(np.any([v.data != 0 for v in images.values()], axis=0))
            wall, cpu = time.perf_counter(), time.process_time()
            found = segmenter.segment(images, brain).labels.data
            seconds = time.process_time() - cpu, time.perf_counter() - wall
            dice = []
            for region in ("WT", "TC", "ET"):
                a, b = region_mask(found, scheme, region), region_mask(reference, scheme, region)
                dice.append(2 * (a & b).sum() / (a.sum() + b.sum()) if a.any() or b.any() else 1.0)
            print(f"| {exam} | " + " | ".join(f"{d:.3f}" for d in dice) + " | {:.0f} | {:.0f} |".format(*seconds), flush=True)


if __name__ == "__main__":
    main()
