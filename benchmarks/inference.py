"""Predicts one exam with the same weights by Glioscope and by nnU-Net v2, side by side in one run.

    python benchmarks/inference.py EXAM --peer-python PY [--stretch 1.5] [--no-mirror | --share-flips] [--work FOLDER] …

EXAM is a prepared exam with labels (a BraTS case). The network is nnU-Net's own plain U-Net of 31 million parameters. Random
weights decide nothing, so it first learns this exam (some 10 minutes of one core; --work keeps it). Each side then predicts
in a process of its own: wall time and CPU time of the prediction, peak memory of the process, and in how many voxels of the
brain both labels are the same. Glioscope runs twice, because the first run also measures the ways of running the network and
converts it; the second counts.

PY is a Python with nnU-Net v2: `pip install nnunetv2` in a virtual environment (with a torch of the same version as here).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LABELS = ["NCR", "ED", "ET"]
CHANNELS = ["t1n", "t1c", "t2w", "t2f"]
FEATURES = [32, 64, 128, 256, 320, 320]
COPIES = 4
"""Of each channel of the network that learns, in the one that is compared."""


def load(exam: Path) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.float64]]:
    """(4, X, Y, Z), labels as brats-2023 and spacing, axes to the right, front and top."""
    from glioscope.core import SCHEMES, convert_labels, parse_sequence, read_labels, read_volume

    files = {parse_sequence(f.name.removesuffix(".nii.gz").replace("-", "_").split("_")[-1]): f for f in exam.glob("*.nii.gz")}
    by_name = {str(sequence): file for sequence, file in files.items() if sequence}
    volumes = [read_volume(by_name[name]).reoriented("RAS") for name in CHANNELS]
    (reference,) = exam.glob("*seg*.nii.gz")
    labels = read_labels(reference).reoriented("RAS").data
    if (labels == 4).any():
        labels = convert_labels(labels, SCHEMES["brats-2021"], SCHEMES["brats-2023"])
    return np.stack([volume.data.astype(np.float32) for volume in volumes]), labels, volumes[0].grid.spacing


def brain_of(image: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where any sequence is not 0, holes filled: what nnU-Net normalises over."""
    from scipy import ndimage

    return np.asarray(ndimage.binary_fill_holes((image != 0).any(axis=0)))


def learn(work: Path, steps: int, crop: int, features: list[int]) -> None:
    """A network that knows the exam by heart.

    It has a quarter of the channels, because that takes a sixteenth of the time; each channel is then copied, with noise, so
    that the network has nnU-Net's width and decides as one that has learnt.
    """
    import torch

    from glioscope.bundles import build_channels
    from glioscope.losses import build_loss
    from glioscope.networks import build_network

    exam = np.load(work / "exam.npz")
    brain = brain_of(exam["image"])
    inputs = {"channels": CHANNELS, "normalisation": "zscore"}
    channels = torch.from_numpy(build_channels(dict(zip(CHANNELS, exam["image"], strict=True)), brain, inputs))
    target = torch.from_numpy(exam["labels"].astype(np.int64))
    torch.manual_seed(0)
    parameters = {"strides": [1] + [2] * (len(features) - 1), "kernel_sizes": 3}
    narrow = [width // COPIES for width in features]
    network = build_network("plain-unet", 4, len(LABELS) + 1, {**parameters, "features_per_stage": narrow})
    optimiser = torch.optim.Adam(network.parameters(), lr=0.003)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    criterion = build_loss([{"name": "ce", "weight": 1}, {"name": "dice", "weight": 1}], "softmax")
    rng = np.random.default_rng(0)
    tumour, inside = np.argwhere(exam["labels"] > 0), np.argwhere(brain)
    for step in range(steps):
        chosen = tumour if step % 2 else inside
        centre = chosen[rng.integers(len(chosen))]
        first = [int(np.clip(c - crop // 2, 0, n - crop)) for c, n in zip(centre, brain.shape, strict=True)]
        place = tuple(slice(f, f + crop) for f in first)
        turned = [axis for axis in range(3) if rng.random() < 0.5]
        seen, known = channels[:, *place].flip([a + 1 for a in turned]), target[place].flip(turned)
        one_hot = torch.nn.functional.one_hot(known, len(LABELS) + 1).permute(3, 0, 1, 2).float()
        loss = criterion(network(seen[None]), one_hot[None])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 20 == 0:
            print(f"learning: step {step} of {steps}, loss {float(loss.detach()):.3f}", flush=True)
    library: Any = network
    torch.save(library.network.state_dict(), work / "narrow.pt")


def write_both(work: Path, patch: int, features: list[int]) -> None:
    """What was learnt, as a bundle and as a trained model of nnU-Net, of the full width."""
    import torch

    from glioscope.bundles import write_bundle
    from glioscope.networks import build_network

    weights = widened(torch.load(work / "narrow.pt"))
    parameters = {"strides": [1] + [2] * (len(features) - 1), "kernel_sizes": 3, "features_per_stage": features}
    network = build_network("plain-unet", 4, len(LABELS) + 1, parameters)
    library: Any = network
    library.network.load_state_dict(weights)
    document = {
        "name": "benchmark",
        "title": "a network that has seen one exam",
        "source": "benchmarks/inference.py",
        "licence": "CC0-1.0",
        "inputs": {"channels": CHANNELS, "normalisation": "zscore"},
        "grid": {"space": "atlas", "spacing": None, "orientation": "RAS"},
        "target": {"kind": "labels", "scheme": "brats-2023", "names": LABELS},
        "network": {"name": "plain-unet", "parameters": parameters},
        "inference": {"patch": [patch] * 3, "overlap": 0.5, "mirror": True},
    }
    write_bundle(work / "bundle", document, {"fold-0.safetensors": network.state_dict()})
    write_nnunet(work / "nnunet", weights, patch, features)


def widened(weights: dict[str, Any]) -> dict[str, Any]:
    """The weights of a network with `COPIES` of every channel, each weight between two of them 2 % off."""
    import torch

    torch.manual_seed(1)
    wide = {}
    for name, value in weights.items():
        head, up = "seg_layers" in name, "transpconv" in name
        out = value
        if value.ndim == 5:
            into, from_ = (1, 0) if up else (0, 1)
            of_image = value.shape[from_] == len(CHANNELS)  # every other width is larger
            if not of_image:
                out = out.repeat_interleave(COPIES, from_) / COPIES
            if not head:
                out = out.repeat_interleave(COPIES, into)
            if not of_image and not head:
                out = out * (1 + 0.02 * torch.randn_like(out))
        elif not head:
            out = out.repeat_interleave(COPIES, 0)
        wide[name] = out.contiguous()
    return wide


def write_nnunet(folder: Path, weights: dict[str, Any], patch: int, features: list[int]) -> None:
    """The same network and weights as nnU-Net v2 leaves them after training."""
    import torch

    depth = len(features)
    resampling = {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None}
    architecture = {
        "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
        "arch_kwargs": {
            "n_stages": depth,
            "features_per_stage": features,
            "conv_op": "torch.nn.modules.conv.Conv3d",
            "kernel_sizes": [[3, 3, 3]] * depth,
            "strides": [[1, 1, 1]] + [[2, 2, 2]] * (depth - 1),
            "n_conv_per_stage": [2] * depth,
            "n_conv_per_stage_decoder": [2] * (depth - 1),
            "conv_bias": True,
            "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
            "norm_op_kwargs": {"eps": 1e-05, "affine": True},
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }
    configuration = {
        "data_identifier": "benchmark",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 2,
        "patch_size": [patch] * 3,
        "median_image_size_in_voxels": [140.0, 170.0, 140.0],
        "spacing": [1.0, 1.0, 1.0],
        "normalization_schemes": ["ZScoreNormalization"] * len(CHANNELS),
        "use_mask_for_norm": [True] * len(CHANNELS),
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": resampling,
        "resampling_fn_seg": "resample_data_or_seg_to_shape",
        "resampling_fn_seg_kwargs": {**resampling, "is_seg": True, "order": 1},
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities_kwargs": {**resampling, "order": 1},
        "batch_dice": False,
        "architecture": architecture,
    }
    plans = {
        "dataset_name": "Dataset001_benchmark",
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": [1.0, 1.0, 1.0],
        "original_median_shape_after_transp": [240, 240, 155],
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "configurations": {"3d_fullres": configuration},
        "foreground_intensity_properties_per_channel": {str(n): {} for n in range(len(CHANNELS))},
    }
    dataset = {
        "channel_names": {str(n): name for n, name in enumerate(CHANNELS)},
        "labels": {"background": 0, **{name: n for n, name in enumerate(LABELS, start=1)}},
        "numTraining": 1,
        "file_ending": ".nii.gz",
    }
    (folder / "fold_0").mkdir(parents=True, exist_ok=True)
    (folder / "plans.json").write_text(json.dumps(plans))
    (folder / "dataset.json").write_text(json.dumps(dataset))
    checkpoint = {
        "network_weights": weights,
        "trainer_name": "nnUNetTrainer",
        "init_args": {"configuration": "3d_fullres"},
        "inference_allowed_mirroring_axes": (0, 1, 2),
    }
    torch.save(checkpoint, folder / "fold_0" / "checkpoint_final.pth")


def ours(work: Path, bundle_name: str, threads: int, precision: str) -> None:
    """The side of Glioscope; the label map goes to `ours.npy`, the numbers to standard output."""
    started = time.perf_counter()
    import torch

    from glioscope.bundles import read_bundle
    from glioscope.core import Sequence, Volume
    from glioscope.segmentation.bundle_segmenter import BundleSegmenter

    torch.set_num_threads(threads)
    exam = np.load(work / "exam.npz")
    affine = np.diag([*exam["spacing"], 1.0])
    bundle = read_bundle(work / bundle_name)
    segmenter = BundleSegmenter(bundle, precision=precision)
    ready, used = time.perf_counter(), time.process_time()
    image = exam["image"]
    images = {Sequence(name): Volume.of(channel, affine) for name, channel in zip(CHANNELS, image, strict=True)}
    found = segmenter.segment(images, Volume.of(brain_of(image), affine))
    ended = time.perf_counter()
    np.save(work / "ours.npy", found.labels.data)
    told = {
        "seconds": ended - ready,
        "cpu_seconds": time.process_time() - used,
        "whole_seconds": ended - started,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "ran_by": found.facts["ran_by"],
    }
    print(json.dumps(told))


def measured(command: list[str], work: Path) -> dict[str, Any]:
    """What a process prints last."""
    environment = {**os.environ, "XDG_DATA_HOME": str(work / "data")}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr)
    numbers: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return numbers


def changed_bundle(work: Path, changes: dict[str, Any]) -> str:
    """The name of a copy of the bundle with other settings of inference."""
    from glioscope.bundles import read_bundle, write_bundle

    if not changes:
        return "bundle"
    full, folder = read_bundle(work / "bundle"), work / f"bundle-{'-'.join(changes)}"
    folder.mkdir(exist_ok=True)
    for file in full.files:
        (folder / file.name).unlink(missing_ok=True)
        os.link(file, folder / file.name)
    write_bundle(folder, {**full.document, "inference": {**full.document["inference"], **changes}})
    return folder.name


def compare(work: Path, peer_python: str, threads: int, changes: dict[str, Any], precision: str) -> dict[str, Any]:
    here = Path(__file__).resolve()
    flags = ["--threads", str(threads)]
    name = changed_bundle(work, changes)
    command = [sys.executable, str(here), "--ours", str(work), "--bundle", name, "--precision", precision, *flags]
    first, own = measured(command, work), measured(command, work)
    plain = [] if changes.get("mirror", True) else ["--no-mirror"]
    peer = measured([peer_python, str(here.with_name("inference_peer.py")), str(work), *flags, *plain], work)
    exam = np.load(work / "exam.npz")
    brain = brain_of(exam["image"])
    one, other = np.load(work / "ours.npy"), np.load(work / "peer.npy")
    dice = [
        2 * float((found & truth).sum()) / max(1, int(found.sum() + truth.sum())) for found, truth in [(one > 0, other > 0)]
    ]
    return {
        "first run": first,
        "ours": own,
        "nnU-Net v2": peer,
        "times faster (wall)": round(peer["seconds"] / own["seconds"], 2),
        "times less CPU": round(peer["cpu_seconds"] / own["cpu_seconds"], 2),
        "share of memory": round(own["peak_mb"] / peer["peak_mb"], 3),
        "equal labels in the brain": round(float((one == other)[brain].mean()), 6),
        "Dice of WT between both": round(dice[0], 5),
        "tumour voxels": [int((one > 0).sum()), int((other > 0).sum()), int((exam["labels"] > 0).sum())],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exam", type=Path, nargs="?")
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--peer-python")
    parser.add_argument("--patch", type=int, default=128)
    parser.add_argument("--crop", type=int, default=80, help="side of what it learns from")
    parser.add_argument("--steps", type=int, default=240)
    parser.add_argument("--features", type=int, nargs="+", default=FEATURES)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--stretch", type=float, default=1.0, help="how much a window may grow to cover the brain at once")
    parser.add_argument("--precision", default="auto", help="auto, fp32, bf16 or float")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--no-mirror", action="store_true")
    how.add_argument("--share-flips", action="store_true", help="neighbouring windows share the flips; nnU-Net does all")
    parser.add_argument("--bundle", default="bundle", help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help="keeps the weights for another run")
    options = parser.parse_args()
    if options.ours:
        ours(options.ours, options.bundle, options.threads, options.precision)
        return
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        if not (work / "narrow.pt").is_file():
            image, labels, spacing = load(options.exam)
            np.savez(work / "exam.npz", image=image, labels=labels, spacing=spacing)
            learn(work, options.steps, options.crop, options.features)
        if not (work / "nnunet").is_dir():
            write_both(work, options.patch, options.features)
        changes: dict[str, Any] = {"mirror": False} if options.no_mirror else {}
        changes |= {"share_flips": True} if options.share_flips else {}
        changes |= {"stretch": options.stretch} if options.stretch > 1 else {}
        print(json.dumps(compare(work, options.peer_python, options.threads, changes, options.precision), indent=2))


if __name__ == "__main__":
    main()
