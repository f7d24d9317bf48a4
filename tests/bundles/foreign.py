"""Folders as nnU-Net v2 and MONAI leave them, with tiny random networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

KERNELS = [[1, 3, 3], [3, 3, 3]]
STRIDES = [[1, 1, 1], [1, 2, 2]]
REGIONS = {"background": 0, "whole tumor": [1, 2, 3], "tumor core": [2, 3], "enhancing tumor": 3}
CHANNELS = {"0": "FLAIR", "1": "T1ce"}
ARCHITECTURE: dict[str, Any] = {
    "n_stages": 2,
    "features_per_stage": [4, 6],
    "conv_op": "torch.nn.modules.conv.Conv3d",
    "kernel_sizes": KERNELS,
    "strides": STRIDES,
    "n_conv_per_stage": [1, 1],
    "n_conv_per_stage_decoder": [1],
    "conv_bias": True,
    "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
    "norm_op_kwargs": {"eps": 1e-5, "affine": True},
    "dropout_op": None,
    "dropout_op_kwargs": None,
    "nonlin": "torch.nn.LeakyReLU",
    "nonlin_kwargs": {"inplace": True},
}
OLD: dict[str, Any] = {
    "UNet_class_name": "PlainConvUNet",
    "UNet_base_num_features": 4,
    "unet_max_num_features": 6,
    "n_conv_per_stage_encoder": [1, 1],
    "n_conv_per_stage_decoder": [1],
    "conv_kernel_sizes": KERNELS,
    "pool_op_kernel_sizes": STRIDES,
}


def library_network(outputs: int = 3) -> torch.nn.Module:
    """What nnU-Net itself builds from the plan; arrays in (z, y, x)."""
    from dynamic_network_architectures.architectures.unet import PlainConvUNet

    torch.manual_seed(0)
    network: torch.nn.Module = PlainConvUNet(
        2,
        2,
        [4, 6],
        torch.nn.Conv3d,
        KERNELS,
        STRIDES,
        1,
        outputs,
        1,
        True,
        torch.nn.InstanceNorm3d,
        {"eps": 1e-5, "affine": True},
        None,
        None,
        torch.nn.LeakyReLU,
        {"inplace": True},
        deep_supervision=False,
    )
    return network.eval()


def write_nnunet(
    folder: Path,
    *,
    labels: dict[str, Any] | None = None,
    channels: dict[str, str] | None = None,
    older: bool = False,
    plan: dict[str, Any] | None = None,
    checkpoint: dict[str, Any] | None = None,
    outputs: int = 3,
    turned: list[int] | None = None,
) -> Path:
    """A folder `nnUNetTrainer__nnUNetPlans__3d_fullres` with one fold."""
    configuration = {
        "patch_size": [6, 8, 10],
        "spacing": [2.0, 1.0, 0.5],
        "normalization_schemes": ["ZScoreNormalization"] * 2,
        "use_mask_for_norm": [True] * 2,
        "batch_size": 2,
    }
    if older:
        configuration |= OLD
    else:
        name = "dynamic_network_architectures.architectures.unet.PlainConvUNet"
        configuration["architecture"] = {
            "network_class_name": name,
            "arch_kwargs": ARCHITECTURE,
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        }
    configuration |= plan or {}
    plans = {
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": turned or [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "foreground_intensity_properties_per_channel": {"0": {}, "1": {}},
        "configurations": {"base": configuration, "3d_fullres": {"inherits_from": "base"}},
    }
    labels = labels or REGIONS
    dataset: dict[str, Any] = {
        "channel_names": channels or CHANNELS,
        "labels": labels,
        "file_ending": ".nii.gz",
    }
    if any(isinstance(value, list) for value in labels.values()):
        dataset["regions_class_order"] = [1, 2, 3]
    (folder / "fold_0").mkdir(parents=True)
    (folder / "plans.json").write_text(json.dumps(plans))
    (folder / "dataset.json").write_text(json.dumps(dataset))
    content = {
        "network_weights": library_network(outputs).state_dict(),
        "init_args": {"configuration": "3d_fullres", "fold": 0},
        "trainer_name": "nnUNetTrainer",
        "inference_allowed_mirroring_axes": (0, 2),
        "logging": {"mean_fg_dice": [np.float64(0.5), np.float32(0.25)]},
        "_best_ema": np.float64(0.5),
    } | (checkpoint or {})
    torch.save(content, folder / "fold_0" / "checkpoint_final.pth")
    return folder


def write_monai(folder: Path, *, network: dict[str, Any] | None = None, normalise: dict[str, Any] | None = None) -> Path:
    """A MONAI bundle in the layout of brats_mri_segmentation."""
    from monai.networks.nets.segresnet import SegResNet

    told = {
        "init_filters": 8,
        "blocks_down": [1, 1],
        "blocks_up": [1],
        "in_channels": 4,
        "out_channels": 3,
        "dropout_prob": 0.2,
    }
    config = {
        "device": "$torch.device('cpu')",
        "network_def": {"_target_": "SegResNet", **told} | (network or {}),
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": "image"},
                normalise or {"_target_": "NormalizeIntensityd", "keys": "image", "nonzero": True, "channel_wise": True},
            ],
        },
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [16, 16, 8], "overlap": 0.5},
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [{"_target_": "Activationsd", "keys": "pred", "sigmoid": True}],
        },
    }
    names = {"0": "T1c", "1": "T1", "2": "T2", "3": "FLAIR"}
    found = {"0": "Tumor core", "1": "Whole tumor", "2": "Enhancing tumor"}
    metadata = {
        "version": "0.3.0",
        "task": "Multimodal Brain Tumor segmentation",
        "references": ["Myronenko 2018"],
        "eval_metrics": {"val_mean_dice": 0.85},
        "network_data_format": {"inputs": {"image": {"channel_def": names}}, "outputs": {"pred": {"channel_def": found}}},
    }
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    (folder / "configs" / "inference.json").write_text(json.dumps(config))
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata))
    torch.manual_seed(0)
    torch.save(SegResNet(**told).state_dict(), folder / "models" / "model.pt")
    return folder
