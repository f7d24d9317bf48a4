"""A segmenter of residual tumour that has learnt from synthetic exams after surgery, for benchmarks alone.

Voxel by voxel, from its brightness on the four images at three scales and its place in the brain, by a network of two hidden
layers. It stands for a trained system: its probabilities are about those of the exams that it learnt from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import Sequence, Volume
from glioscope.core.boxes import box_of

Features = NDArray[np.float32]
BRIGHT = 1.0
"""Difference of contrast and native T1, in deviations of the brain, from which a voxel is more often learnt from."""

SHARES = {True: 0.1, False: 0.001}
"""Share of the voxels without residual tumour that are learnt from, bright and others; what is told is corrected for it."""

DIFFERENCE = 20
"""Number of the feature that this difference is, not smoothed."""


def features(images: Mapping[Sequence, Volume], brain: NDArray[np.bool_]) -> tuple[Features, NDArray[np.int64]]:
    """(n, F) of the brain's voxels, and where these are in the flat image."""
    box = box_of(brain, [3, 3, 3])
    inside = brain[box]
    scaled = {}
    for sequence in Sequence:
        image = images[sequence].data[box].astype(np.float32)
        values = image[inside]
        scaled[sequence] = np.where(inside, (image - np.median(values)) / values.std(), 0).astype(np.float32)
    looked_at = [*scaled.values(), scaled[Sequence.T1C] - scaled[Sequence.T1N]]
    columns = []
    for image in looked_at:
        columns += [image[inside], ndimage.gaussian_filter(image, 1.0, truncate=3)[inside]]
        columns += [_blurred(image, every)[inside] for every in (2, 4, 8)]
    depth = ndimage.distance_transform_edt(inside)[inside] / 20
    place = np.argwhere(inside) / np.array(inside.shape) - 0.5
    place[:, 0] = np.abs(place[:, 0])
    flat = np.flatnonzero(np.ravel(_whole(brain, box, inside)))
    return np.column_stack([*columns, depth, place]).astype(np.float32), flat


def _whole(brain: NDArray[np.bool_], box: tuple[slice, ...], inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    out = np.zeros(brain.shape, bool)
    out[box] = inside
    return out


def _blurred(image: NDArray[np.float32], every: int) -> NDArray[np.float32]:
    """Means over blocks of `every` voxels a side, smoothed over as many."""
    shape = tuple(-(-n // every) for n in image.shape)
    padded = np.pad(image, [(0, m * every - n) for n, m in zip(image.shape, shape, strict=True)])
    blocks = padded.reshape(shape[0], every, shape[1], every, shape[2], every).mean(axis=(1, 3, 5))
    smooth = ndimage.gaussian_filter(blocks, 0.7)
    for axis in range(3):
        smooth = np.repeat(smooth, every, axis)
    return np.asarray(smooth[: image.shape[0], : image.shape[1], : image.shape[2]])


def sample(found: Features, truth: NDArray[np.bool_], rng: np.random.Generator) -> tuple[Features, Features]:
    """Voxels to learn from: features and truth."""
    share = np.where(truth, 1.0, _share(found))
    kept = rng.random(len(share)) < share
    return found[kept], truth[kept].astype(np.float32)


def _share(found: Features) -> NDArray[np.float64]:
    return np.where(found[:, DIFFERENCE] > BRIGHT, SHARES[True], SHARES[False])


def learn(samples: Iterable[tuple[Features, Features]], file: Path, seed: int = 0) -> None:
    """Train, and write the network."""
    x, y = (torch.from_numpy(np.concatenate(part)) for part in zip(*samples, strict=True))
    torch.manual_seed(seed)
    mean, spread = x.mean(0), x.std(0)
    network = _network(x.shape[1])
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-2)
    epochs, batch = 30, 2048
    steps = epochs * -(-len(x) // batch)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    x = (x - mean) / spread
    for _ in range(epochs):
        for at in torch.randperm(len(x)).split(batch):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(network(x[at])[:, 0], y[at])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            rate.step()
    torch.save({"mean": mean, "spread": spread, "network": network.state_dict()}, file)


def _network(channels: int) -> torch.nn.Sequential:
    return torch.nn.Sequential(
        torch.nn.Linear(channels, 64), torch.nn.GELU(), torch.nn.Linear(64, 64), torch.nn.GELU(), torch.nn.Linear(64, 1)
    )


def probabilities(found: Features, file: Path) -> Features:
    """Of residual tumour, of each voxel."""
    kept = torch.load(file, weights_only=True)
    network = _network(found.shape[1])
    network.load_state_dict(kept["network"])
    with torch.no_grad():
        parts = torch.from_numpy(found).split(1 << 18)
        told = [network((part - kept["mean"]) / kept["spread"])[:, 0] for part in parts]
    odds = torch.cat(told).numpy().astype(np.float64) + np.log(_share(found))
    return np.asarray(1 / (1 + np.exp(-odds)), np.float32)
