"""One other package on the pair that `evaluation.py` left in a folder; prints CPU seconds, in the package's own interpreter."""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    peer, folder = sys.argv[1], Path(sys.argv[2])
    pair = np.load(folder / "pair.npz")
    regions: dict[str, list[int]] = json.loads((folder / "regions.json").read_text())
    if peer == "official":
        work = official(folder, pair, Path(sys.argv[3]))
    else:
        masks = [(np.isin(pair["prediction"], labels), np.isin(pair["reference"], labels)) for labels in regions.values()]
        work = {"monai": monai, "panoptica": panoptica}[peer](masks, pair["spacing"].tolist())
    start = time.process_time()
    work()
    print(time.process_time() - start)


def monai(masks: list[tuple[Any, Any]], spacing: list[float]) -> Callable[[], None]:
    """Dice, HD95 and surface Dice at 0.5 and 1 mm of whole regions; MONAI has no lesion-wise scores."""
    torch, metrics = importlib.import_module("torch"), importlib.import_module("monai.metrics")
    torch.set_num_threads(1)

    def work() -> None:
        for prediction, reference in masks:
            p, r = (torch.from_numpy(mask[None, None]) for mask in (prediction, reference))
            metrics.compute_dice(p.float(), r.float())
            metrics.compute_hausdorff_distance(p, r, include_background=True, percentile=95, spacing=spacing)
            for tolerance in (0.5, 1.0):
                metrics.compute_surface_dice(p, r, [tolerance], include_background=True, spacing=spacing, use_subvoxels=True)

    return work


def panoptica(masks: list[tuple[Any, Any]], spacing: list[float]) -> Callable[[], None]:
    """Panoptic quality with Dice, Jaccard and HD95 of matched components."""
    package = importlib.import_module("panoptica")
    evaluator = package.Panoptica_Evaluator(
        expected_input=package.InputType.SEMANTIC,
        instance_approximator=package.ConnectedComponentsInstanceApproximator(),
        instance_matcher=package.NaiveThresholdMatching(),
        instance_metrics=[package.Metric.DSC, package.Metric.IOU, package.Metric.HD95],
    )

    def work() -> None:
        for prediction, reference in masks:
            evaluator.evaluate(
                prediction.astype(np.uint8), reference.astype(np.uint8), voxelspacing=tuple(spacing), verbose=False
            )

    return work


def official(folder: Path, pair: Mapping[str, Any], scripts: Path) -> Callable[[], None]:
    """The challenge's own script: reads files, leaves others where it runs; its answers go to `official.json`."""
    nibabel = importlib.import_module("nibabel")
    for name in ("prediction", "reference"):
        nibabel.save(nibabel.Nifti1Image(pair[name], np.diag([*pair["spacing"], 1])), folder / f"{name}.nii.gz")
    sys.path.insert(0, str(scripts))
    module = importlib.import_module("metrics_GLI")
    paths = str(folder / "prediction.nii.gz"), str(folder / "reference.nii.gz")

    def work() -> None:
        rows = module.get_LesionWiseResults(*paths, "BraTS-GLI")[0].set_index("Labels").to_dict("index")
        answers = {region: {field: float(value) for field, value in row.items()} for region, row in rows.items()}
        (folder / "official.json").write_text(json.dumps(answers))

    return work


if __name__ == "__main__":
    main()
