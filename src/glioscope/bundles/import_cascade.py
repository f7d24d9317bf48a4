"""The cascaded anisotropic networks of BraTS 2017 as a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from glioscope.bundles.bundle import Bundle, write_bundle
from glioscope.core import InputUnreadable

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["import_cascade"]

STAGES = {"WT": ("wt", 2), "TC": ("tc", 2), "ET": ("en", 1)}
"""Region -> how the files call it, and how often its networks halve their slices."""
VIEWS = {"axial": "", "sagittal": "sg", "coronal": "cr"}
LEAST = {  # slice sizes of the published test configuration, in the order of the axes of `anisotropic`
    "WT": {"axial": [160, 180], "sagittal": [180, 160], "coronal": [160, 160]},
    "TC": {view: [96, 96] for view in VIEWS},
    "ET": {view: [96, 96] for view in VIEWS},
}
BLOCKS = (2, 2, 3, 3)  # residual blocks of each stage of a network
NORM = {"weight": "gamma", "bias": "beta"}  # the moving averages were never kept up and are not used


def import_cascade(source: Path, folder: Path) -> Bundle:
    """Write a bundle of kind `cascade` from the published weights.

    Args:
        source: Folder with the nine files `msnet_{wt,tc,en}32{,sg,cr}_*.npz`, arrays under their TensorFlow names.
        folder: The bundle to write.

    Raises:
        InputUnreadable: a file is missing, or does not hold what the network needs; nothing is written then.
        OutputUnwritable: the folder cannot be written.
    """
    members: dict[str, Mapping[str, Tensor]] = {}
    stages = []
    for region, (short, halvings) in STAGES.items():
        views: dict[str, Any] = {}
        for view, ending in VIEWS.items():
            name = f"{region.lower()}-{view}.safetensors"
            members[name] = _weights(_file(source, f"msnet_{short}32{ending}"), halvings)
            views[view] = {"file": name, "least": list(LEAST[region][view])}
        stages.append({"region": region, "halvings": halvings, "views": views})
    return write_bundle(folder, {**_CARD, "stages": stages}, members)


_CARD: Mapping[str, Any] = {
    "kind": "cascade",
    "name": "anisotropic-cascade-2017",
    "title": "cascaded anisotropic networks, BraTS 2017 (three views, three stages)",
    "description": (
        "Whole tumour, core and enhancing tumour, each within the box of the one before, by networks for axial, sagittal and "
        "coronal slices whose answers are averaged. Trained on the 285 exams of BraTS 2017 before treatment: scores on exams "
        "of BraTS 2017 to 2021 may be scores on exams that it learnt from."
    ),
    "source": (
        "Wang, Li, Ourselin, Vercauteren: Automatic brain tumor segmentation using cascaded anisotropic convolutional neural "
        "networks. BrainLes 2017, LNCS 10670"
    ),
    "licence": "BSD-3-Clause",
    "inputs": {"channels": ["t2f", "t1n", "t1c", "t2w"], "normalisation": "zscore"},
    "grid": {"space": "atlas", "spacing": [1.0, 1.0, 1.0], "orientation": "LPS"},
    "target": {"kind": "regions", "scheme": "brats-2021", "names": ["WT", "TC", "ET"]},
    "network": {"name": "anisotropic", "parameters": {"statistics": "local"}},
    "inference": {"margin_mm": 5.0, "seed": 0},
    "published": "Mean Dice: WT 0.905, TC 0.838, ET 0.786 on BraTS 2017 validation; 0.874, 0.775, 0.783 on its test.",
}


def _file(source: Path, stem: str) -> Path:
    found = sorted(source.glob(f"{stem}_*.npz")) if source.is_dir() else []
    if len(found) != 1:
        raise InputUnreadable(f"'{source}' has {len(found) or 'no'} files '{stem}_*.npz'; the cascade needs just one.")
    return found[0]


def _weights(file: Path, halvings: int) -> dict[str, Tensor]:
    """The arrays of one network under our names; raises InputUnreadable where one is missing."""
    import torch

    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, BadZipFile):
        raise InputUnreadable(f"'{file}' is not a file of NumPy arrays (.npz).") from None

    def tensor(name: str) -> NDArray[np.float32]:
        if name not in arrays:
            raise InputUnreadable(f"'{file}' is not one of the networks of the cascade: it lacks '{name}'.")
        return np.asarray(arrays[name], np.float32)

    out: dict[str, Tensor] = {}

    def put(name: str, values: NDArray[np.float32]) -> None:
        out[name] = torch.from_numpy(np.ascontiguousarray(values))

    def convolution(ours: str, theirs: str) -> None:
        # (depth, height, width, in, out) here; the transposed ones store (…, out, in), so the same turn fits both.
        put(f"{ours}.weight", tensor(f"{theirs}/w").transpose(4, 3, 0, 1, 2))

    def normalised(ours: str, number: str, theirs: str, suffix: str) -> None:
        for key, name in NORM.items():
            put(f"{ours}.norm{number}.{key}", tensor(f"{theirs}/bn_{suffix}/{name}"))
        put(f"{ours}.activation{number}.weight", tensor(f"{theirs}/prelu_acti_{suffix}/alpha"))

    for stage, blocks in enumerate(BLOCKS, 1):
        for block in range(blocks):
            for n in (0, 1):
                ours, theirs = f"stage{stage}.{block}", f"block{stage}_{block + 1}"
                normalised(ours, str(n + 1), theirs, str(n))
                convolution(f"{ours}.convolution{n + 1}", f"{theirs}/conv_{n}")
    units = {f"fuse{n}": (f"fuse{n}", "conv_") for n in range(1, 5)}
    units |= {f"halve{n}": (f"downsample{n}", "conv_") for n in range(3 - halvings, 3)}
    units |= {f"raise{r}.{n}": (f"pred_up{r}_{n + 1}", "deconv_") for r in (2, 3) for n in range(halvings)}
    if halvings == 2:
        units["raise1.0"] = ("pred_up1", "deconv_")
    else:
        convolution("raise1", "pred1")
    for ours, (theirs, kind) in units.items():
        convolution(f"{ours}.convolution", f"{theirs}_bn_prelu/{kind}")
        normalised(ours, "", f"{theirs}_bn_prelu", "")
    convolution("predict", "final_pred")
    return out
