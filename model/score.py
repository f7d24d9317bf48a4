"""Measure the default model: every exam by the fold that did not see it, with every subset of the sequences.

    python model/score.py --data FOLDER --work FOLDER [--cascade FOLDER] [--jobs 2]

WORK is that of `model/build.py`. What is measured goes to WORK/scores, one JSON file an exam, subset and system, and is not
measured again; `model/card.py` makes the card of it. Beside the default model (standard, and `fast` and `best` on all four
sequences) stand the pretrained network as it is, the training-free segmenters and, with `--cascade`, the imported networks of
BraTS 2017, which may have learnt from some of these exams. With WORK/scratch, the folds of a training without synthetic exams,
these are scored too.

Dice is legacy Dice: 1 where both are empty, 0 where one is. Lesion-wise Dice and HD95 (mm) are by the protocol brats-2023-gli.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from glioscope.bundles import Bundle, read_bundle
from glioscope.core import SCHEMES, Sequence, Volume, convert_labels, numbering_of, read_labels, read_volume, region_mask
from glioscope.core.files import write_json
from glioscope.evaluation import evaluate_pair
from glioscope.measurement import label_interval, label_parts, volume_interval
from glioscope.quality import calibration_curve, dice
from glioscope.segmentation import Segmenter, get_segmenter
from glioscope.segmentation.bundle_segmenter import BundleSegmenter
from glioscope.training.recipe import load_recipe
from glioscope.workflows.labelled_cohort import labelled_cohort

PROTOCOL = "brats-2023-gli"
SUBSETS = [subset for size in range(4, 0, -1) for subset in combinations(Sequence, size)]
FULL = SUBSETS[0]
SCHEME = SCHEMES["brats-2023"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--cascade", type=Path, help="folder of the weights of BraTS 2017, as numpy arrays")
    parser.add_argument("--only", nargs="+", help="systems to measure; all by default")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    (options.work / "scores").mkdir(exist_ok=True)
    with TemporaryDirectory() as unpacked:
        exams = labelled_cohort(options.data, Path(unpacked))
        tasks = [
            (exam, system, subset)
            for exam in exams
            for system, subsets in systems(options)
            for subset in subsets
            if not file_of(options.work, exam.name, system, subset).is_file() and (not options.only or system in options.only)
        ]
        threads = max(1, (os.cpu_count() or 1) // options.jobs)
        Parallel(n_jobs=options.jobs)(delayed(measure)(options, *task, threads) for task in tasks)


def systems(options: argparse.Namespace) -> Iterator[tuple[str, list[tuple[Sequence, ...]]]]:
    """Name of each system, and the subsets of sequences that it is given."""
    yield "default", SUBSETS
    yield "default-fast", [FULL]
    yield "synthetic-only", [FULL]
    yield "default-best", [FULL]
    yield "subtraction", [FULL]
    yield "flair-threshold", [FULL]
    if (options.work / "scratch").is_dir():
        yield "scratch", [FULL]
    if options.cascade:
        yield "cascade-2017", [FULL]


def file_of(work: Path, exam: str, system: str, subset: tuple[Sequence, ...]) -> Path:
    return work / "scores" / f"{exam}_{system}_{'-'.join(subset)}.json"


def segmenter_for(options: argparse.Namespace, system: str, exam: str) -> Segmenter:
    """The system that did not learn from `exam`, as far as that is known."""
    if system in ("subtraction", "flair-threshold"):
        return get_segmenter(system)
    if system == "cascade-2017":
        from glioscope.bundles.import_cascade import import_cascade
        from glioscope.segmentation.cascade_segmenter import CascadeSegmenter

        return CascadeSegmenter(import_cascade(options.cascade, options.work / "cascade-2017"))
    if system == "synthetic-only":
        return BundleSegmenter(pretrained(options.work), backend="torch")
    folder = options.work / ("scratch/bundle" if system == "scratch" else "folds/trusting")
    return BundleSegmenter(fold_bundle(folder, exam), backend="torch", effort=system.partition("-")[2] or "standard")


def fold_bundle(folder: Path, exam: str) -> Bundle:
    """Of the bundle of a run, the network of the fold that held out `exam`, with the rules that ship."""
    folds = json.loads((folder.parent / "folds.json").read_text())["folds"]
    number = next(fold["number"] for fold in folds if exam in fold["validation"])
    whole, recipe = read_bundle(folder), load_recipe("default")
    member = next(entry for entry in whole.document["members"] if entry["file"] == f"fold-{number}.safetensors")
    # The run's bundle has thresholds chosen on all folds; what ships has those of the recipe.
    rules = {"postprocess": recipe.postprocess, "target": recipe.document()["target"]}
    return replace(whole, document={**whole.document, "members": [member], **rules})


def pretrained(work: Path) -> Bundle:
    """The network before it saw a real exam, with the windows and rules that the recipe gives it afterwards."""
    bundle, recipe = read_bundle(work / "pretraining" / "bundle"), load_recipe("default")
    windows = {"patch": list(recipe.training.patch), **asdict(recipe.inference)}
    return replace(bundle, document={**bundle.document, "inference": windows, "postprocess": recipe.postprocess})


def read_exam(exam: Any) -> tuple[dict[Sequence, Volume], Volume, Volume]:  # noqa: ANN401
    """Its images, the experts' label map in SCHEME, and its brain."""
    images = {s: read_volume(exam.images[s]) for s in Sequence}
    labels = read_labels(exam.labels)
    brain = labels.with_data(np.any([image.data != 0 for image in images.values()], axis=0))
    return images, labels.with_data(convert_labels(labels.data, numbering_of(labels.data, SCHEME), SCHEME)), brain


def measure(options: argparse.Namespace, exam: Any, system: str, subset: tuple[Sequence, ...], threads: int) -> None:  # noqa: ANN401
    import torch

    torch.set_num_threads(threads)
    every, labels, brain = read_exam(exam)
    images, reference = {s: every[s] for s in subset}, labels.data
    segmenter = segmenter_for(options, system, exam.name)
    wall, cpu = time.perf_counter(), time.process_time()
    found = segmenter.segment(images, brain)
    seconds = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    answer = convert_labels(found.labels.data, segmenter.scheme, SCHEME)
    scores = evaluate_pair(answer, reference, labels.grid.spacing, PROTOCOL, case_id=exam.name)
    document: dict[str, Any] = {"exam": exam.name, "system": system, "sequences": list(subset), "seconds": seconds}
    document["regions"] = {
        region: {
            "dice": dice(region_mask(answer, SCHEME, region), region_mask(reference, SCHEME, region)),
            "lesion_dice": scores.regions[region].values["lesion_dice"],
            "lesion_hd95": scores.regions[region].values["lesion_hd95"],
            "ml": volume(answer, region, labels),
            "reference_ml": volume(reference, region, labels),
        }
        for region in segmenter.regions_from(images)
    }
    if system == "default":
        likely = {region: probability.data for region, probability in found.probabilities.items()}
        to_ml = labels.grid.voxel_volume / 1000
        told = {region: volume_interval(values, to_ml) for region, values in likely.items()}
        truth = {region: region_mask(reference, SCHEME, region) for region in likely}
        for name, (outer, inner) in label_parts(likely, SCHEME).items():
            told[name] = label_interval(likely[outer], likely[inner] if inner else None, to_ml)
            truth[name] = reference == SCHEME.value_of(name)
        document["intervals"] = {
            name: {"ml": interval, "reference_ml": float(truth[name].sum() * to_ml)} for name, interval in told.items()
        }
    if system == "default" and subset == FULL:
        document["calibration"] = {
            region: calibration_curve(
                probability.data, region_mask(reference, SCHEME, region), within=brain.data.astype(bool)
            ).document()
            for region, probability in found.probabilities.items()
        }
        np.savez_compressed(options.work / "scores" / f"{exam.name}.npz", labels=answer, reference=reference)
    file = file_of(options.work, exam.name, system, subset)
    write_json(file, document)
    dices = ", ".join(f"{region} {values['dice']:.3f}" for region, values in document["regions"].items())
    print(f"{file.stem}: {dices} ({seconds['wall']:.1f} s)", flush=True)


def volume(labels: Any, region: str, like: Volume) -> float:  # noqa: ANN401
    return float(region_mask(labels, SCHEME, region).sum() * like.grid.voxel_volume / 1000)


if __name__ == "__main__":
    main()
