"""A trained nnU-Net v2 as a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glioscope.bundles.bundle import Bundle, write_bundle
from glioscope.bundles.foreign_layout import as_described
from glioscope.bundles.foreign_names import channels_of, target_of
from glioscope.bundles.foreign_weights import fitted_weights, load_checkpoint
from glioscope.bundles.nnunet_plans import Planned, read_json, read_plans
from glioscope.core import InputUnreadable

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["import_nnunet"]

_CHECKPOINTS = ("checkpoint_final.pth", "checkpoint_best.pth")


def import_nnunet(
    source: Path,
    folder: Path,
    *,
    name: str,
    channels: Sequence[str] | None = None,
    scheme: str | None = None,
    orientation: str | None = None,
    space: str = "atlas",
    folds: Sequence[str] | None = None,
    licence: str = "unknown",
) -> Bundle:
    """Write a bundle from what `nnUNetv2_train` left behind.

    nnU-Net averages the logits of the folds, a bundle their probabilities; with one fold both are the same. Where images have
    another spacing than the plan's, they are resampled linearly here and by cubic splines there.

    Args:
        source: Folder such as `nnUNetTrainer__nnUNetPlans__3d_fullres`, with plans.json, dataset.json and fold_*.
        folder: The bundle to write.
        name: What it is to be called.
        channels: What its channels are, where dataset.json has names of its own.
        scheme: Label scheme; by default the first that has all its regions or labels.
        orientation: In which the training images were stored; by default what the plan's reader turns to, else LPS, in which
            BraTS comes.
        space: `atlas`, or `native` for one that was trained on images as they come from the scanner.
        folds: Such as 0, 1 or all; by default every fold that is there but fold_all.
        licence: Of the weights.

    Raises:
        InputUnreadable: a file is missing or asks for what Glioscope does not have; the sentence names it. Nothing is written.
        EngineMissing: a Python package that the network needs is not installed.
        OutputUnwritable: the folder cannot be written.
    """
    dataset = read_json(source / "dataset.json")
    checkpoints = _checkpoints(source, folds)
    found = {fold: _checkpoint(file) for fold, file in checkpoints.items()}
    first = next(iter(found.values()))
    configuration = str(first["init_args"]["configuration"])
    plan = read_plans(source / "plans.json", configuration)
    where = str(source / "dataset.json")
    with as_described(where, "nnU-Net"):
        theirs = dataset.get("channel_names") or dataset.get("modality") or {}
        ordered = [str(theirs[key]) for key in sorted(theirs, key=int)]
        wanted = channels_of(ordered, channels, where)
        target = _target(dataset, scheme, where)
    if len(plan.normalisation) != len(wanted):
        raise InputUnreadable(f"'{where}' has {len(wanted)} channels, but the plan {len(plan.normalisation)}.")
    with as_described(next(iter(checkpoints.values())), "nnU-Net"):
        mirror = _mirror(first, plan)
    outputs = len(target["names"]) + int(target["kind"] == "labels")
    members: dict[str, Mapping[str, Tensor]] = {
        f"fold-{fold}.safetensors": fitted_weights(
            plan.network,
            len(wanted),
            outputs,
            plan.parameters,
            checkpoint["network_weights"],
            str(checkpoints[fold]),
            axes=plan.axes,
        )
        for fold, checkpoint in found.items()
    }
    return write_bundle(
        folder,
        {
            "name": name,
            "title": f"nnU-Net {configuration} of {dataset.get('name') or source.parent.name or source.name}",
            "description": f"Imported from nnU-Net v2, folds {', '.join(found)}, trained by {first.get('trainer_name', '?')}.",
            "source": "Isensee et al., nnU-Net, Nature Methods 2021",
            "licence": licence,
            "inputs": {"channels": wanted, "normalisation": _normalisation(wanted, plan, where)},
            "grid": {"space": space, "spacing": plan.spacing, "orientation": orientation or plan.orientation or "LPS"},
            "target": target,
            "network": {"name": plan.network, "parameters": dict(plan.parameters)},
            "inference": {"patch": plan.patch, "overlap": 0.5, "mirror": mirror},
        },
        members,
    )


def _checkpoints(source: Path, folds: Sequence[str] | None) -> dict[str, Path]:
    """Fold -> its checkpoint, the last where it is there."""
    there = {place.name.removeprefix("fold_"): place for place in sorted(source.glob("fold_*")) if place.is_dir()}
    wanted = list(folds) if folds else [fold for fold in there if fold != "all"] or list(there)
    out = {}
    for fold in wanted:
        if fold not in there:
            raise InputUnreadable(f"'{source}' has no folder 'fold_{fold}'; it has {', '.join(there) or 'no fold at all'}.")
        file = next((there[fold] / name for name in _CHECKPOINTS if (there[fold] / name).is_file()), None)
        if file is None and folds:
            raise InputUnreadable(f"'{there[fold]}' has neither {' nor '.join(_CHECKPOINTS)}: it was not trained to an end.")
        if file is not None:
            out[fold] = file
    if not out:
        raise InputUnreadable(f"'{source}' has no fold with a {_CHECKPOINTS[0]}; give the folder that nnUNetv2_train wrote.")
    return out


def _checkpoint(file: Path) -> Mapping[str, Any]:
    found = load_checkpoint(file)
    told = found if isinstance(found, Mapping) else {}
    if not isinstance(told.get("network_weights"), Mapping) or "configuration" not in _table(told.get("init_args")):
        raise InputUnreadable(
            f"'{file}' is not a checkpoint of nnU-Net v2: it lacks network_weights, or init_args with a configuration."
        )
    return told


def _table(value: Any) -> Mapping[str, Any]:  # noqa: ANN401
    return value if isinstance(value, Mapping) else {}


def _target(dataset: Mapping[str, Any], scheme: str | None, where: str) -> dict[str, Any]:
    """Regions (several labels under one name, or an order of regions) or labels, in the order of the network's channels."""
    labels = {
        str(key): value for key, value in (dataset.get("labels") or {}).items() if str(key) not in ("background", "ignore")
    }
    if not labels:
        raise InputUnreadable(f"'{where}' has no 'labels'.")
    if dataset.get("regions_class_order") or any(isinstance(value, list) for value in labels.values()):
        return target_of("regions", labels, scheme, where)
    return target_of("labels", sorted(labels, key=lambda key: int(labels[key])), scheme, where)


def _normalisation(channels: Sequence[str], plan: Planned, where: str) -> str | dict[str, str]:
    if len(set(plan.normalisation)) == 1:
        return plan.normalisation[0]
    if any("-" in channel for channel in channels):
        raise InputUnreadable(f"'{where}': a difference of images and several normalisations do not go together.")
    return dict(zip(channels, plan.normalisation, strict=True))


def _mirror(checkpoint: Mapping[str, Any], plan: Planned) -> list[int] | bool:
    axes = checkpoint.get("inference_allowed_mirroring_axes")
    return sorted(ours for ours, theirs in enumerate(plan.axes) if theirs in axes) if axes else False
