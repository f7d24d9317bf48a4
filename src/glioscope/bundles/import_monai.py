"""A MONAI bundle in the layout of `brats_mri_segmentation` as a bundle of this package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from glioscope.bundles.bundle import Bundle, write_bundle
from glioscope.bundles.foreign_layout import as_described
from glioscope.bundles.foreign_names import channels_of, target_of
from glioscope.bundles.foreign_weights import fitted_weights, load_checkpoint
from glioscope.bundles.nnunet_plans import read_json
from glioscope.core import InputUnreadable

__all__ = ["import_monai"]

_NETWORKS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "SegResNet": (
        "segresnet",
        {"init_filters": "init_filters", "blocks_down": "blocks_down", "blocks_up": "blocks_up", "dropout_prob": "dropout"},
    ),
    "SwinUNETR": (
        "swin-unetr",
        {"feature_size": "feature_size", "depths": "depths", "num_heads": "num_heads", "window_size": "window"},
    ),
}
"""MONAI's class -> our network, and what its parameters are called here."""
_USUAL: Mapping[str, Mapping[str, Any]] = {
    "SegResNet": {"init_filters": 8, "blocks_down": [1, 2, 2, 4], "blocks_up": [1, 1, 1]},
    "SwinUNETR": {"feature_size": 24},
}
"""What MONAI builds where a configuration does not say, as far as the networks here differ from it."""
_FIXED: Mapping[str, Mapping[str, Any]] = {
    "SegResNet": {"num_groups": 8, "use_conv_final": True, "upsample_mode": "nontrainable"},
    "SwinUNETR": {
        "patch_size": 2,
        "qkv_bias": True,
        "mlp_ratio": 4.0,
        "norm_name": "instance",
        "normalize": True,
        "patch_norm": False,
        "downsample": "merging",
        "use_v2": False,
    },
}
"""What is one way only here."""
_IGNORED = {
    "_target_",
    "in_channels",
    "out_channels",
    "img_size",
    "use_checkpoint",
    "spatial_dims",
    "drop_rate",
    "attn_drop_rate",
    "dropout_path_rate",
}
"""What leaves no trace in the weights, or shows in their shapes."""


def import_monai(
    source: Path,
    folder: Path,
    *,
    name: str,
    channels: Sequence[str] | None = None,
    scheme: str | None = None,
    orientation: str | None = None,
    space: str = "atlas",
    licence: str | None = None,
) -> Bundle:
    """Write a bundle from configs/inference.json, configs/metadata.json and models/model.pt below `source`.

    Nothing of the configuration is executed: what is an expression there (`$…`) cannot be imported.

    Args:
        source: The MONAI bundle, unpacked.
        folder: The bundle to write.
        name: What it is to be called.
        channels: What its channels are, where metadata.json does not say.
        scheme: Label scheme; by default the first that has all its regions.
        orientation: In which the training images were stored; by default that of `Orientationd`, else LPS, as BraTS comes.
        space: `atlas` or `native`.
        licence: Of the weights; by default what metadata.json says, else unknown.

    Raises:
        InputUnreadable: a file or key is missing, or it asks for what Glioscope does not have. Nothing is written.
        EngineMissing: MONAI is not installed.
        OutputUnwritable: the folder cannot be written.
    """
    file = source / "configs" / "inference.json"
    config, metadata = read_json(file), read_json(source / "configs" / "metadata.json")
    where = str(source / "configs" / "metadata.json")
    with as_described(file, "MONAI"):
        network, parameters, sizes = _network(config, file)
        steps = _transforms(config)
        _check_normalisation(steps, file)
        grid = {"space": space, "spacing": _pixdim(steps), "orientation": orientation or _axcodes(steps) or "LPS"}
        inferer = config.get("inferer") or {}
        inference = {"patch": _roi(inferer, file), "overlap": float(inferer.get("overlap", 0.25)), "mirror": False}
        kind = "regions" if _sigmoid(config) else "labels"
    with as_described(where, "MONAI"):
        formats = metadata.get("network_data_format") or {}
        wanted = channels_of(_defined(formats, "inputs", "image"), channels, where)
        regions = [word for word in _defined(formats, "outputs", "pred") if word.lower() != "background"]
        references = "; ".join(map(str, metadata.get("references") or ()))
    if not wanted:
        raise InputUnreadable(f"'{where}' does not say what the channels are; say so with --channels.")
    target = target_of(kind, regions, scheme, where)
    outputs = len(target["names"]) + int(target["kind"] == "labels")
    if (len(wanted), outputs) != sizes:
        raise InputUnreadable(
            f"'{file}' has a network of {sizes[0]} inputs and {sizes[1]} outputs, but '{where}' names {len(wanted)} and "
            f"{outputs}."
        )
    weights = source / "models" / "model.pt"
    state = load_checkpoint(weights)
    state = next((state[key] for key in ("state_dict", "model") if isinstance(state.get(key), Mapping)), state)
    return write_bundle(
        folder,
        {
            "name": name,
            "title": str(metadata.get("task") or source.name),
            "description": f"{metadata.get('description', '')} (MONAI bundle, version {metadata.get('version')})",
            "source": references or str(metadata.get("authors") or "unknown"),
            "licence": licence or str(metadata.get("license") or "unknown"),
            "inputs": {"channels": wanted, "normalisation": "zscore"},
            "grid": grid,
            "target": target,
            "network": {"name": network, "parameters": parameters},
            "inference": inference,
            **({"published": str(metadata["eval_metrics"])} if metadata.get("eval_metrics") else {}),
        },
        {"model.safetensors": fitted_weights(network, len(wanted), outputs, parameters, state, str(weights))},
    )


def _network(config: Mapping[str, Any], file: Path) -> tuple[str, dict[str, Any], tuple[int, int]]:
    told = config.get("network_def")
    if not isinstance(told, Mapping) or "_target_" not in told:
        raise InputUnreadable(f"'{file}' has no 'network_def' that names a network.")
    label = str(told["_target_"]).rpartition(".")[2]
    if label not in _NETWORKS:
        raise InputUnreadable(f"'{file}' asks for the network '{label}'; {' and '.join(_NETWORKS)} can be imported.")
    network, words = _NETWORKS[label]
    parameters: dict[str, Any] = {words[key]: value for key, value in _USUAL[label].items()}
    for key, value in told.items():
        if isinstance(value, str) and value.startswith(("$", "@")):
            raise InputUnreadable(f"'{file}': '{key}' of the network is an expression, which is not executed.")
        if key in words:
            parameters[words[key]] = value if value is not None else 0.0
        elif key in _FIXED[label]:
            if value != _FIXED[label][key]:
                raise InputUnreadable(f"'{file}' asks for '{key}: {value}', which Glioscope's '{network}' does not have.")
        elif key not in _IGNORED:
            raise InputUnreadable(f"'{file}': Glioscope's '{network}' has nothing like the parameter '{key}'.")
    return network, parameters, (int(told.get("in_channels", 1)), int(told.get("out_channels", 2)))


def _transforms(config: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Pre-processing steps by their name."""
    listed = (config.get("preprocessing") or {}).get("transforms") or ()
    return {
        str(step["_target_"]).rpartition(".")[2]: step for step in listed if isinstance(step, Mapping) and "_target_" in step
    }


def _check_normalisation(steps: Mapping[str, Mapping[str, Any]], file: Path) -> None:
    step = steps.get("NormalizeIntensityd")
    if step is None or not step.get("nonzero") or not step.get("channel_wise") or "subtrahend" in step:
        raise InputUnreadable(
            f"'{file}' does not normalise each channel over its non-zero voxels (NormalizeIntensityd with nonzero and "
            "channel_wise), the one way that can be imported."
        )


def _defined(formats: Mapping[str, Any], side: str, key: str) -> list[str]:
    told = ((formats.get(side) or {}).get(key) or {}).get("channel_def") or {}
    return [str(told[number]) for number in sorted(told, key=int)]


def _sigmoid(config: Mapping[str, Any]) -> bool:
    listed = (config.get("postprocessing") or {}).get("transforms") or ()
    activations = [
        step for step in listed if isinstance(step, Mapping) and str(step.get("_target_", "")).endswith("Activationsd")
    ]
    return not any(step.get("softmax") for step in activations)


def _axcodes(steps: Mapping[str, Mapping[str, Any]]) -> str | None:
    told = steps.get("Orientationd", {}).get("axcodes")
    return str(told) if told else None


def _pixdim(steps: Mapping[str, Mapping[str, Any]]) -> list[float]:
    told = steps.get("Spacingd", {}).get("pixdim") or (1.0, 1.0, 1.0)
    return [float(value) for value in told]


def _roi(inferer: Mapping[str, Any], file: Path) -> list[int]:
    told = inferer.get("roi_size")
    if not isinstance(told, list) or len(told) != 3:
        raise InputUnreadable(f"'{file}' has no 'inferer' with a 'roi_size' of three numbers.")
    return [int(side) for side in told]
