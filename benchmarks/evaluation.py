"""Scoring beside other packages on the same pair in one run, and how the cost grows with the number of lesions.

    python benchmarks/evaluation.py REFERENCE PREDICTION [--peer-python PYTHON] [--official FOLDER]

REFERENCE and PREDICTION are label maps in the numbering of BraTS 2024 glioma. PYTHON is an interpreter that has `panoptica`,
`monai` and, for the official scripts, `medpy`, `pandas`, `nibabel` and `connected-components-3d`; FOLDER holds `metrics_GLI.py`
of the 2024 challenge beside the `surface_distance` package that it was written for, which takes numbers for booleans (the one
on PyPI does not). All run on one core, one after the other, so that the ratios mean something on a busy machine too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
import tracemalloc
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glioscope.core.imageio import read_labels
from glioscope.evaluation import OFFICIAL_NAMES, evaluate_pair, get_protocol

PROTOCOL = "brats-2024-gli"
SHAPE = (240, 240, 155)
LESIONS = (1, 3, 10, 30, 100)
OFFICIAL_LESIONS = (1, 10, 30)
Labels = NDArray[np.uint8]
Pair = tuple[Labels, Labels]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reference", type=Path)
    parser.add_argument("prediction", type=Path)
    parser.add_argument("--peer-python", help="interpreter with panoptica and monai")
    parser.add_argument("--official", type=Path, help="folder with metrics_GLI.py")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    reference, prediction = read_labels(options.reference), read_labels(options.prediction)
    pair = prediction.data.astype(np.uint8), reference.data.astype(np.uint8)
    spacing = [float(edge) for edge in reference.grid.spacing]
    print(f"pair of {' x '.join(map(str, pair[0].shape))} voxels, one core, fastest of {options.repeats}, CPU seconds")
    own = {name: fastest(pair, spacing, name, options.repeats) for name in (PROTOCOL, f"{PROTOCOL}-corrected", "general")}
    for name, seconds in own.items():
        print(f"  {name:<28} {seconds:7.3f} s")
    print(f"  memory beyond the images     {peak_mib(pair, spacing):7.0f} MiB")
    if options.peer_python:
        for peer in ("monai", "panoptica", *(["official"] if options.official else [])):
            show_peer(peer, pair, spacing, options.peer_python, options.official, own[PROTOCOL])
    show_scaling(options.repeats, options.peer_python, options.official)


def fastest(pair: Pair, spacing: list[float], name: str, repeats: int) -> float:
    protocol = get_protocol("general", "brats-2024-gli") if name == "general" else get_protocol(name)
    times = []
    for _ in range(repeats):
        start = time.process_time()
        evaluate_pair(*pair, spacing=spacing, protocol=protocol)
        times.append(time.process_time() - start)
    return min(times)


def peak_mib(pair: Pair, spacing: list[float]) -> float:
    tracemalloc.start()
    evaluate_pair(*pair, spacing=spacing, protocol=PROTOCOL)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def show_peer(peer: str, pair: Pair, spacing: list[float], python: str, official: Path | None, own: float) -> None:
    regions = {name: list(labels) for name, labels in get_protocol(PROTOCOL).regions.items()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "pair.npz", prediction=pair[0], reference=pair[1], spacing=spacing)
        (folder / "regions.json").write_text(json.dumps(regions))
        script = Path(__file__).with_name("evaluation_peers.py").resolve()
        command = [python, str(script), peer, str(folder), *([str(official.resolve())] if official else [])]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        if done.returncode:
            print(f"  {peer:<28} failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
            return
        seconds = float(done.stdout.strip().splitlines()[-1])
        print(f"  {peer:<28} {seconds:7.3f} s   {seconds / own:6.1f} x {PROTOCOL}")
        if peer == "official":
            show_difference(pair, spacing, json.loads((folder / "official.json").read_text()))


def show_difference(pair: Pair, spacing: list[float], answers: Mapping[str, Mapping[str, float]]) -> None:
    """The largest difference between the official script's numbers and ours."""
    regions = evaluate_pair(*pair, spacing=spacing, protocol=PROTOCOL).regions
    differences = {
        (region, field): abs(regions[region].values[OFFICIAL_NAMES[field]] - value)
        for region, fields in answers.items()
        for field, value in fields.items()
    }
    region, field = max(differences, key=differences.__getitem__)
    print(f"  {len(differences)} numbers, largest difference {differences[region, field]:.1e} ({region}, {field})")


def show_scaling(repeats: int, python: str | None, official: Path | None) -> None:
    print(f"lesions of 7 x 7 x 7 voxels in {' x '.join(map(str, SHAPE))}, each found one voxel off, {PROTOCOL}")
    base = 0.0
    spacing = [1.0, 1.0, 1.0]
    for count in LESIONS:
        pair = scattered(count)
        seconds = fastest(pair, spacing, PROTOCOL, repeats)
        base = base or seconds
        print(f"  {count:4d} lesions {seconds:7.3f} s   {seconds / base:5.1f} x one lesion", flush=True)
        if python and official and count in OFFICIAL_LESIONS:
            show_peer("official", pair, spacing, python, official, seconds)


def scattered(count: int) -> Pair:
    """A prediction and a reference with `count` enhancing lesions spread over the image."""
    reference = np.zeros(SHAPE, np.uint8)
    places = np.stack(np.meshgrid(range(20, 220, 38), range(20, 220, 38), range(15, 140, 32), indexing="ij"), axis=-1)
    for x, y, z in np.random.default_rng(0).permutation(places.reshape(-1, 3))[:count]:
        reference[x : x + 7, y : y + 7, z : z + 7] = 3
    return np.roll(reference, 1, axis=0), reference


if __name__ == "__main__":
    main()
