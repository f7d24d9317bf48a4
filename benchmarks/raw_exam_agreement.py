"""Agreement of a pre-processed exam with the atlas-space images published for it.

python benchmarks/raw_exam_agreement.py OUT/sub-ID/anat PUBLISHED [--atlas SRI24]

"Brain" is where the published image is not 0. Two correlations are printed: over the published brain (voxels that our mask
leaves out count as 0), and over the voxels that both masks call brain; and the Dice coefficient of the masks.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from glioscope.core import read_labels, read_volume

PUBLISHED = {"T1w": "t1", "ce-gadolinium": "t1c", "T2w": "t2", "FLAIR": "fla"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("anat", type=Path)
    parser.add_argument("published", type=Path)
    parser.add_argument("--atlas", default="SRI24")
    arguments = parser.parse_args()
    mask = read_labels(next(arguments.anat.glob(f"*space-{arguments.atlas}_desc-brain_mask.nii.gz"))).data > 0
    for path in sorted(arguments.anat.glob(f"*space-{arguments.atlas}_desc-preproc_*.nii.gz")):
        key = "ce-gadolinium" if "ce-gadolinium" in path.name else path.name.split("_")[-1].split(".")[0]
        ours, theirs = read_volume(path).data, read_volume(arguments.published / f"{PUBLISHED[key]}.nii.gz").data
        brain = theirs != 0
        both = brain & mask
        dice = 2 * both.sum() / (brain.sum() + mask.sum())
        whole = np.corrcoef(ours[brain], theirs[brain])[0, 1]
        common = np.corrcoef(ours[both], theirs[both])[0, 1]
        print(f"{PUBLISHED[key]:4s} correlation in the published brain {whole:.3f}, in both {common:.3f}; mask Dice {dice:.3f}")


if __name__ == "__main__":
    main()
