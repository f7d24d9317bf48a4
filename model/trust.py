"""How far the default model should trust the segmenters that learnt nothing: one fold left out after the other.

    python model/trust.py --data FOLDER --work FOLDER [--jobs 2]

WORK is that of `model/build.py`, whose folds are done. Each exam is segmented by the fold that did not see it; then what is
added to the weight of the belief for each region is varied. For each fold the choice is taken that has the highest mean Dice on
the exams of the other folds, and counted on its own. The table goes to WORK/trust.json; `TRUST` in `model/build.py` is what it
says.
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from score import SCHEME, fold_bundle, read_exam

from glioscope.core import region_mask
from glioscope.core.files import write_json
from glioscope.postprocessing import Thresholds
from glioscope.quality import dice
from glioscope.segmentation.bundle_segmenter import BundleSegmenter
from glioscope.training.recipe import load_recipe
from glioscope.workflows.labelled_cohort import labelled_cohort

ADDED = {"WT": (0.0, 1.0), "TC": (-2.0, -1.0, 0.0), "ET": (0.0, 2.0, 4.0)}
"""What is added to the weight of each region's belief; more than four, and the network would have no say in it."""

BELIEFS = {"WT": "flair-threshold:WT", "TC": "subtraction:TC", "ET": "subtraction:ET"}
Added = tuple[float, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    with TemporaryDirectory() as unpacked:
        exams = labelled_cohort(options.data, Path(unpacked))
        found = Parallel(options.jobs)(delayed(measure)(options.work / "folds" / "bundle", exam) for exam in exams)
    dices = {exam.name: table for exam, table in zip(exams, found, strict=True)}
    rows = [{"exam": name, "added": added, "dice": of} for name, table in dices.items() for added, of in table.items()]
    write_json(options.work / "trust.json", {"rows": rows})
    folds = {name: fold_bundle(options.work / "folds" / "bundle", name).files[0].name for name in dices}
    nested = []
    for fold in sorted(set(folds.values())):
        others = [table for name, table in dices.items() if folds[name] != fold]
        best = max(product(*ADDED.values()), key=lambda added: np.mean([list(table[added].values()) for table in others]))
        print(f"{fold}: " + ", ".join(f"{region} {more:+g}" for region, more in zip(ADDED, best, strict=True)))
        nested += [table[best] for name, table in dices.items() if folds[name] == fold]
    print("left out:", ", ".join(f"{region} {np.mean([d[region] for d in nested]):.3f}" for region in ("WT", "TC", "ET")))


def measure(folder: Path, exam: Any) -> dict[Added, dict[str, float]]:  # noqa: ANN401
    """What is added, in the order of `ADDED` -> region -> Dice (1 where both are empty)."""
    images, reference, brain = read_exam(exam)
    segmenter = BundleSegmenter(fold_bundle(folder, exam.name), backend="torch")
    found = {region: volume.data for region, volume in segmenter.segment(images, brain).probabilities.items()}
    channels = [channel.name for channel in segmenter.bundle.inputs.channels]
    upright = brain.reoriented("RAS")
    seen, _, _ = segmenter.seen({s: image.reoriented("RAS") for s, image in images.items()}, upright)
    beliefs = {
        region: upright.with_data(seen[channels.index(channel)]).reoriented(brain.grid.orientation).data
        for region, channel in BELIEFS.items()
    }
    rules = load_recipe("default").postprocess
    assert rules is not None
    thresholds = Thresholds(rules["thresholds"], rules["least_mean"])
    table = {}
    for added in product(*ADDED.values()):
        maps = {region: shifted(found[region], more * beliefs[region]) for region, more in zip(ADDED, added, strict=True)}
        answer = thresholds.apply(maps, SCHEME)
        table[added] = {
            region: dice(region_mask(answer, SCHEME, region), region_mask(reference.data, SCHEME, region)) for region in found
        }
    return table


def shifted(probability: Any, more: Any) -> Any:  # noqa: ANN401
    """The probability of logits that are higher by `more`; as near to 0 and 1 as float16 gets."""
    likely = np.clip(probability.astype(np.float64), 1e-4, 1 - 1e-4)
    return (1 / (1 + (1 - likely) / likely * np.exp(-more))).astype(np.float32)


if __name__ == "__main__":
    main()
