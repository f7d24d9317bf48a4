"""The registration stage beside that of brainles-preprocessing: seconds and similarity, in one run.

    python -m venv peer && peer/bin/pip install torch==2.13.0 && peer/bin/pip install brainles-preprocessing
    python benchmarks/registration.py EXAM --peer-python peer/bin/python [--engines ants niftyreg] [--repeat 2]

Both do the same four rigid registrations: T1, T2 and FLAIR to T1c, and T1c to the head of SRI24. EXAM is a folder of images
as `glioscope run` takes it; the peer gets the same files and the same atlas, and its registrators run with their defaults,
one pair after another, as its own pipeline calls them. Its clock starts when its libraries are loaded. Ours runs the ledger
steps of `glioscope preprocess` with two processes, and its clock includes the bias-corrected copies that only registration
sees, starting the two processes and loading the libraries in them. Neither clock includes the brain mask (made once, before).

Similarity is the normalised mutual information (64 bins from the 1st to the 99th percentile, inside the brain mask of the
fixed image; 1 is independent, 2 the most there can be) of the fixed image and the raw moving image, resampled linearly by
the same code through each side's transform: "same" is that figure, and "own" the one of the image that the peer wrote, whose
interpolation is its own choice.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glioscope.atlas import atlas_volume
from glioscope.core import Exam, Ledger, Step, Transform, Volume, read_labels, read_volume, resample
from glioscope.inspection import inspect_path
from glioscope.preprocessing.registration.itk_space import from_lps
from glioscope.preprocessing.steps import (
    align_to_atlas,
    align_to_reference,
    find_brain_mask,
    make_registration_copy,
    refine_poses,
)
from glioscope.preprocessing.transform_files import read_transform
from glioscope.workflows.convert_exam import convert_exam

BINS = 64
PEERS = {
    "ants": ("ANTsRegistrator", ".mat"),
    "niftyreg": ("NiftyRegRegistrator", ".txt"),
    "greedy": ("GreedyRegistrator", ".mat"),
}
"""Name -> the peer's class, and the ending it gives to transforms."""

PEER = """
import json, pathlib, sys, time, warnings
warnings.simplefilter("ignore")
from brainles_preprocessing import registration

order = json.loads(sys.argv[1])
registrator = getattr(registration, order["class"])()
out = pathlib.Path(order["out"])
seconds = {}
for name, (fixed, moving) in order["pairs"].items():
    started = time.perf_counter()
    registrator.register(
        fixed_image_path=fixed,
        moving_image_path=moving,
        transformed_image_path=str(out / f"{name}.nii.gz"),
        matrix_path=str(out / f"{name}{order['ending']}"),
        log_file_path=str(out / f"{name}.log"),
    )
    seconds[name] = time.perf_counter() - started
(out / "seconds.json").write_text(json.dumps(seconds))
"""


@dataclass(frozen=True)
class Pair:
    """Two raw images, and the brain of the fixed one."""

    fixed: Path
    moving: Path
    brain: Path


@dataclass(frozen=True)
class Result:
    """What one side's run gave: wall seconds, and for each pair its own seconds, the transform and any image written."""

    wall: float
    seconds: Mapping[str, float]
    transforms: Mapping[str, Transform]
    images: Mapping[str, Path]


def run_ours(exam: Exam, brain: Path, folder: Path) -> Result:
    """The copies and the registrations, as `preprocess_exam` orders them."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)  # so that every run starts its processes anew
    ledger, reference = Ledger(folder), exam.reference
    copy = {s: folder / f"{s}.nii.gz" for s in exam.images}
    copies = [Step(f"bias-{s}", "", make_registration_copy, {"image": exam.images[s]}, {}, {"copy": copy[s]}) for s in copy]
    others = {s.value: copy[s] for s in copy if s is not reference}
    rough = {name: folder / f"rough-{name}.h5" for name in ("atlas", "home", *others)}
    files = {name: folder / f"{name}.h5" for name in ("atlas", *others)}
    head = atlas_volume("SRI24-BraTS", "t1")
    there = {"forward": rough["atlas"], "backward": rough["home"]}
    inputs = {"atlas": head, "reference": copy[reference]}
    registrations = [Step("atlas", "", align_to_atlas, inputs, {"engine": "ants", "seed": 0, "kind": "rigid"}, there)]
    for name, unshaded in others.items():
        images = {"reference": copy[reference], "moving": unshaded}
        registrations.append(Step(name, "", align_to_reference, images, {"seed": 0}, {"transform": rough[name]}))
    starts = {"starts": {name: rough[name] for name in others}, "pose": {"forward": rough["atlas"]}}
    ends = {"transforms": {n: files[n] for n in others}, "onto": {"forward": files["atlas"], "backward": folder / "home.h5"}}
    refined = Step("refine", "", refine_poses, {**inputs, "mask": brain, "others": others, **starts}, {"seed": 0}, ends)
    started = time.perf_counter()
    shading = ledger.run(*copies, jobs=2)
    records = [*ledger.run(*registrations, jobs=2), *ledger.run(refined)]
    wall = time.perf_counter() - started
    seconds = {"copies": sum(r.seconds for r in shading), **{r.name: r.seconds for r in records}}
    return Result(wall, seconds, {name: read_transform(path) for name, path in files.items()}, {})


def run_peer(python: Path, engine: str, pairs: Mapping[str, Pair], folder: Path) -> Result:
    """The peer's registrator `engine` on all pairs."""
    name, ending = PEERS[engine]
    files = {key: (str(pair.fixed), str(pair.moving)) for key, pair in pairs.items()}
    order = {"class": name, "ending": ending, "out": str(folder), "pairs": files}
    done = subprocess.run([python, "-c", PEER, json.dumps(order)], capture_output=True, text=True, check=False, cwd=folder)
    matrices = {key: folder / f"{key}{ending}" for key in pairs}
    if done.returncode or not all(path.exists() for path in matrices.values()):
        sys.exit(f"The peer's {engine} failed: {(done.stderr or done.stdout)[-2000:]}")
    seconds = json.loads((folder / "seconds.json").read_text())
    transforms = {key: _peer_transform(path, engine) for key, path in matrices.items()}
    return Result(sum(seconds.values()), seconds, transforms, {key: folder / f"{key}.nii.gz" for key in pairs})


def _peer_transform(path: Path, engine: str) -> Transform:
    """NiftyReg and greedy write 4x4 matrices from fixed to moving world in RAS; ANTs writes ITK's, in LPS."""
    if engine != "ants":
        return Transform(np.loadtxt(path))
    import SimpleITK as sitk

    itk = sitk.ReadTransform(str(path))
    parameters = np.asarray(itk.GetParameters(), np.float64)
    return from_lps(parameters[:9].reshape(3, 3), parameters[9:12], np.asarray(itk.GetFixedParameters(), np.float64)[:3])


def similarity(fixed: Volume, moving: Volume, brain: Volume) -> float:
    """Normalised mutual information (Studholme, Hill and Hawkes, Pattern Recognition 32, 1999) inside `brain`."""

    def entropy(counts: NDArray[np.float64]) -> float:
        p = counts[counts > 0] / counts.sum()
        return float(-(p * np.log(p)).sum())

    def clipped(volume: Volume) -> NDArray[np.float32]:
        values = np.nan_to_num(volume.data[brain.data > 0])
        return np.asarray(np.clip(values, *np.percentile(values, [1, 99])), np.float32)

    joint, _, _ = np.histogram2d(clipped(fixed), clipped(moving), bins=BINS)
    return (entropy(joint.sum(axis=0)) + entropy(joint.sum(axis=1))) / entropy(joint.ravel())


def print_similarity(pairs: Mapping[str, Pair], results: Mapping[str, Result]) -> None:
    for key, pair in pairs.items():
        fixed, moving, brain = read_volume(pair.fixed), read_volume(pair.moving), read_labels(pair.brain)
        line = f"  {key:<6} as it came {similarity(fixed, resample(moving, fixed.grid), brain):.4f}"
        for side, result in results.items():
            same = similarity(fixed, resample(moving, fixed.grid, result.transforms[key]), brain)
            line += f"   {side} same {same:.4f}"
            if key in result.images:
                line += f" own {similarity(fixed, read_volume(result.images[key]), brain):.4f}"
        print(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exam", type=Path)
    parser.add_argument("--peer-python", type=Path, required=True, help="interpreter that has brainles-preprocessing")
    parser.add_argument("--engines", nargs="+", choices=PEERS, default=["ants", "niftyreg"], help="of the peer")
    parser.add_argument("--repeat", type=int, default=2)
    arguments = parser.parse_args()
    python = arguments.peer_python.absolute()  # not resolved: the link is what makes it that environment's interpreter

    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        (inspection,) = inspect_path(arguments.exam.absolute(), workdir=work)
        exam = convert_exam(inspection, work, Ledger(work / "conversion"))
        brain, reference = work / "brain.nii.gz", exam.images[exam.reference]
        find_brain_mask(image=reference, engine="deepbet", mask=brain)
        pairs = {s.value: Pair(reference, path, brain) for s, path in exam.images.items() if s is not exam.reference}
        pairs["atlas"] = Pair(atlas_volume("SRI24-BraTS", "t1"), reference, atlas_volume("SRI24-BraTS", "brain_mask"))

        walls: dict[str, list[float]] = {}
        last: dict[str, Result] = {}
        for round_ in range(1, arguments.repeat + 1):
            for side in ("glioscope", *arguments.engines):
                folder = work / f"{side}-{round_}"
                folder.mkdir()
                load = os.getloadavg()[0]
                ours = side == "glioscope"
                result = run_ours(exam, brain, folder) if ours else run_peer(python, side, pairs, folder)
                walls.setdefault(side, []).append(result.wall)
                last[side] = result
                each = ", ".join(f"{key} {value:.1f}" for key, value in result.seconds.items())
                print(f"run {round_}  {side:<10}{result.wall:7.1f} s   load before {load:.2f}   ({each})", flush=True)

        print(f"\nwall seconds, median of {arguments.repeat}, {os.cpu_count()} cores")
        for side, values in walls.items():
            ratio = statistics.median(values) / statistics.median(walls["glioscope"])
            against = "" if side == "glioscope" else f"   {ratio:.2f} times ours"
            print(f"  {side:<10}{statistics.median(values):7.1f} s   ({min(values):.1f} to {max(values):.1f}){against}")
        print("\nnormalised mutual information, last run")
        print_similarity(pairs, last)


if __name__ == "__main__":
    main()
