"""What a plan of nnU-Net v2 says of a network, with its axes in our order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glioscope.bundles.foreign_layout import as_described
from glioscope.core import InputUnreadable

__all__ = ["Planned", "read_json", "read_plans"]

_CLASSES = {"PlainConvUNet": "plain-unet", "ResidualEncoderUNet": "resenc-unet"}
_COPIED = ("features_per_stage", "n_conv_per_stage", "n_blocks_per_stage", "n_conv_per_stage_decoder", "conv_bias")
_SPATIAL = ("kernel_sizes", "strides")
_SCHEMES = {"ZScoreNormalization": "zscore", "NoNormalization": "none"}
_FIXED: Mapping[str, tuple[Any, ...]] = {
    "conv_op": ("torch.nn.modules.conv.Conv3d",),
    "norm_op": ("torch.nn.modules.instancenorm.InstanceNorm3d",),
    "nonlin": ("torch.nn.LeakyReLU",),
    "nonlin_kwargs": ({"inplace": True}, {}, None),
    "dropout_op": (None,),
    "dropout_op_kwargs": (None, {}),
    "nonlin_first": (False,),
    "deep_supervision": (True, False),
}


@dataclass(frozen=True)
class Planned:
    """One configuration of a plan.

    Attributes:
        network: Name in `NETWORKS`.
        parameters: Of the network.
        patch: Voxels.
        spacing: mm.
        normalisation: A name for each channel.
        axes: For each of our axes (X, Y, Z), which of the plan's it is.
        orientation: In which the training images were read, where the reader turned them; None where it took them as they came.
    """

    network: str
    parameters: Mapping[str, Any]
    patch: list[int]
    spacing: list[float]
    normalisation: list[str]
    axes: tuple[int, int, int]
    orientation: str | None


def read_json(file: Path) -> dict[str, Any]:
    """The object in a JSON file; raises InputUnreadable."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise InputUnreadable(f"'{file.parent}' has no file '{file.name}'.") from None
    except (OSError, ValueError):
        raise InputUnreadable(f"'{file}' is not JSON.") from None
    if not isinstance(found, dict):
        raise InputUnreadable(f"'{file}' is not a table of keys and values.")
    return found


def read_plans(file: Path, configuration: str) -> Planned:
    """Read `configuration` of the plan in `file`, of the layout since nnU-Net 2.4 (`architecture`) or of the one before.

    Raises:
        InputUnreadable: the configuration or a key is missing, or it asks for what Glioscope does not have.
    """
    plans = read_json(file)
    with as_described(file, "nnU-Net v2"):
        return _planned(plans, _configuration(plans, configuration, file), file)


def _configuration(plans: Mapping[str, Any], name: str, file: Path) -> dict[str, Any]:
    known = plans["configurations"]
    if name not in known:
        raise InputUnreadable(f"'{file}' has no configuration '{name}'; it has {', '.join(known)}.")
    told = dict(known[name])
    parent = told.pop("inherits_from", None)
    return {**_configuration(plans, str(parent), file), **told} if parent else told


def _planned(plans: Mapping[str, Any], told: Mapping[str, Any], file: Path) -> Planned:
    if len(told["patch_size"]) != 3:
        raise InputUnreadable(f"'{file}': the configuration is of 2-D slices; only 3-D networks can be imported.")
    if told.get("previous_stage"):
        raise InputUnreadable(f"'{file}': the configuration refines that of '{told['previous_stage']}'; import 3d_fullres.")
    architecture = told.get("architecture") or _older(told)
    label = str(architecture["network_class_name"]).rpartition(".")[2]
    if label not in _CLASSES:
        raise InputUnreadable(f"'{file}' asks for the network '{label}'; {' and '.join(_CLASSES)} can be imported.")
    # The plan counts axes from its arrays, (z, y, x) turned by transpose_forward; ours are (x, y, z).
    forward = [int(axis) for axis in plans.get("transpose_forward", (0, 1, 2))]
    axes = (forward.index(2), forward.index(1), forward.index(0))
    reader = str(plans.get("image_reader_writer", ""))
    return Planned(
        _CLASSES[label],
        _parameters(architecture["arch_kwargs"], axes, file),
        [int(told["patch_size"][axis]) for axis in axes],
        [float(told["spacing"][axis]) for axis in axes],
        [
            _normalisation(n, used, file)
            for n, used in zip(told["normalization_schemes"], told["use_mask_for_norm"], strict=True)
        ],
        axes,
        "RAS" if "Reorient" in reader else None,
    )


def _parameters(told: Mapping[str, Any], axes: Sequence[int], file: Path) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in told.items():
        if key in _COPIED:
            out[key] = value
        elif key in _SPATIAL:
            out[key] = [[int(step[axis]) for axis in axes] if isinstance(step, list) else int(step) for step in value]
        elif key == "norm_op_kwargs":
            if not value.get("affine") or set(value) - {"affine", "eps"}:
                raise InputUnreadable(f"'{file}' asks for a normalisation layer with {value}, which Glioscope does not have.")
            out["norm_eps"] = float(value.get("eps", 1e-5))
        elif key in _FIXED and value not in _FIXED[key]:
            raise InputUnreadable(f"'{file}' asks for '{key}: {value}', which Glioscope does not have.")
        elif key not in _FIXED and key != "n_stages":
            raise InputUnreadable(f"'{file}' has the unknown key '{key}' in its architecture.")
    return out


def _older(told: Mapping[str, Any]) -> dict[str, Any]:
    """The architecture that a plan from before nnU-Net 2.4 implies."""
    convolutions = told["n_conv_per_stage_encoder"]
    kind = str(told["UNet_class_name"])
    base, most = int(told["UNet_base_num_features"]), int(told["unet_max_num_features"])
    return {
        "network_class_name": kind,
        "arch_kwargs": {
            "features_per_stage": [min(base * 2**stage, most) for stage in range(len(convolutions))],
            "kernel_sizes": told["conv_kernel_sizes"],
            "strides": told["pool_op_kernel_sizes"],
            ("n_blocks_per_stage" if kind == "ResidualEncoderUNet" else "n_conv_per_stage"): convolutions,
            "n_conv_per_stage_decoder": told["n_conv_per_stage_decoder"],
            "conv_bias": True,
        },
    }


def _normalisation(name: str, masked: bool, file: Path) -> str:
    if name not in _SCHEMES:
        raise InputUnreadable(f"'{file}' asks for the normalisation '{name}'; {' and '.join(_SCHEMES)} can be imported.")
    if _SCHEMES[name] == "zscore" and not masked:
        raise InputUnreadable(
            f"'{file}' normalises over the whole image and not over the brain (use_mask_for_norm is false), as for images "
            "with a skull; Glioscope's networks see skull-stripped images only."
        )
    return _SCHEMES[name]
