"""Run the whole chain on a raw exam and compare its regions with a published consensus, in atlas space.

    python model/raw_exam.py --exam FOLDER --consensus FILE --work FOLDER [--segmenters default subtraction flair-threshold]

The figures go to WORK/scores/raw.json, from where `model/card.py` takes them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import glioscope
from glioscope.core import SCHEMES, convert_labels, numbering_of, read_labels, region_mask, resample_labels
from glioscope.core.files import write_json
from glioscope.quality import dice
from glioscope.segmentation import find_entry

SCHEME = SCHEMES["brats-2023"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exam", type=Path, required=True)
    parser.add_argument("--consensus", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--segmenters", nargs="+", default=["default", "subtraction", "flair-threshold"])
    options = parser.parse_args()
    consensus = read_labels(options.consensus)
    truth = convert_labels(consensus.data, numbering_of(consensus.data, SCHEME), SCHEME)
    found = {}
    for name in options.segmenters:
        outcomes = glioscope.run(options.exam, options.work / "raw", segmenter=name)
        outcomes.check()
        entity = name.replace("-", "")
        labels = read_labels(next((options.work / "raw").glob(f"sub-*/anat/*_space-SRI24_seg-{entity}_dseg.nii.gz")))
        on_grid = labels if labels.grid.same_as(consensus.grid) else resample_labels(labels, consensus.grid, SCHEME)
        found[name] = {
            region: dice(region_mask(on_grid.data, SCHEME, region), region_mask(truth, SCHEME, region))
            for region in find_entry(name).regions
        }
        print(name, found[name])
    write_json(options.work / "scores" / "raw.json", found)


if __name__ == "__main__":
    main()
