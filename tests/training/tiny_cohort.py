"""Exams so small that a training takes seconds: a brain of noise with a tumour that every sequence shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from glioscope.core import Volume, read_labels, read_volume, write_volume

SIDE, MM = 24, 6.0
AFFINE = np.diag([MM, MM, MM, 1])
SEQUENCES = ("t1n", "t1c", "t2w", "t2f")
SHOWN = {"t1n": (0, 0, 0), "t1c": (0, 0, 3), "t2w": (1, 2, 1), "t2f": (1, 3, 1)}
"""What each sequence adds to labels 1, 2 and 3 (necrosis, oedema, enhancing tumour)."""


def write_tiny_exam(folder: Path, name: str, seed: int, *, enhancing: int = 3) -> Path:
    """A BraTS case of 24 voxels a side, coarse enough to be as large as a head; returns its folder."""
    rng = np.random.default_rng(seed)
    grid = np.indices((SIDE,) * 3) - (SIDE - 1) / 2
    depth = SIDE / 2 - 1 - np.sqrt((grid**2).sum(axis=0))
    brain = depth > 0
    dim = np.where(depth < 2, 0.5, 1)  # as the rim of a brain without its skull is
    centre = rng.uniform(-3, 3, 3)[:, None, None, None]
    distance = np.sqrt(((grid - centre) ** 2).sum(axis=0))
    truth = np.zeros((SIDE,) * 3, np.uint8)
    for radius, label in ((6.5, 2), (4.5, 3), (2.5, 1)):
        truth[distance < radius] = label
    truth[~brain] = 0
    place = folder / name
    for sequence in SEQUENCES:
        image = rng.normal(10, 0.4, truth.shape)
        for label, more in zip((1, 2, 3), SHOWN[sequence], strict=True):
            image[truth == label] += more
        write_volume(place / f"{name}-{sequence}.nii.gz", Volume.of((image * brain * dim).astype(np.float32), AFFINE))
    truth[truth == 3] = enhancing
    write_volume(place / f"{name}-seg.nii.gz", Volume.of(truth, AFFINE))
    return place


def write_tiny_cohort(folder: Path, count: int = 3, *, enhancing: int = 3) -> Path:
    """A folder of BraTS cases; the enhancing tumour has label `enhancing`, 4 until 2021 and 3 since."""
    for number in range(count):
        write_tiny_exam(folder, f"BraTS-GLI-{number:05d}-000", number, enhancing=enhancing)
    return folder


TINY = (
    "training.epochs=2",
    "training.iterations=2",
    "training.validate_every=1",
    "training.patch=[16,16,16]",
    "training.batch=2",
    "folds.count=3",
    "grid.spacing=[6,6,6]",
    "inference.mirror=false",
)
"""Overrides that make any recipe small; the network's are its own."""

TINY_UNET = (*TINY, "network.parameters.features_per_stage=[4,8]", "network.parameters.strides=[[1,1,1],[2,2,2]]")

SMALLER = {
    "plain-unet": (*TINY_UNET[len(TINY) :], "network.parameters.kernel_sizes=3"),
    "resenc-unet": (*TINY_UNET[len(TINY) :], "network.parameters.n_blocks_per_stage=[1,1]"),
    "segresnet": ("network.parameters.init_filters=8", "network.parameters.latent=4"),
    "swin-unetr": (
        "network.parameters.feature_size=12",
        "network.parameters.depths=[1,1,1,1]",
        "network.parameters.num_heads=[1,2,2,2]",
        "training.patch=[32,32,32]",
    ),
    "optimised-unet": ("network.parameters.features=[4,4,4,4]",),
    "agunet": ("network.parameters.features=[2,2,4,4,4]", "grid.size=[32,32,32]", "training.patch=[32,32,32]"),
    "res-unet-3d": ("network.parameters.features=[2,4,4]",),
    "unpooling-unet": ("network.parameters.features=[4,4,4]",),
    "folded-unet": ("network.parameters.features=[4,4]", "network.parameters.heads=1"),
}
"""Network -> overrides that make it small."""


def write_follow_up_cohort(folder: Path, count: int = 3) -> Path:
    """A manifest of exams after surgery, whose labels are residual tumour, with image and mask of the exam before it."""
    rows = ["id,patient,site,t1n,t1c,t2w,t2f,labels,pre-t1c,pre-mask"]
    for number in range(count):
        name = f"case{number}"
        place = write_tiny_exam(folder, name, number)
        labels = read_labels(place / f"{name}-seg.nii.gz")
        write_volume(place / f"{name}-pre.nii.gz", read_volume(place / f"{name}-t1c.nii.gz"))
        write_volume(place / f"{name}-mask.nii.gz", labels.with_data((labels.data > 0).astype(np.uint8)))
        write_volume(place / f"{name}-seg.nii.gz", labels.with_data((labels.data == 3).astype(np.uint8)))
        files = [f"{name}/{name}-{part}.nii.gz" for part in (*SEQUENCES, "seg", "pre", "mask")]
        rows.append(",".join([name, f"patient{number}", f"site{number % 2}", *files]))
    table = folder / "cohort.csv"
    table.write_text("\n".join(rows) + "\n")
    return table
