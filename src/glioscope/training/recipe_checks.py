"""What a recipe may not say although every key and type is right."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import fields

from glioscope.core import SCHEMES, InputUnreadable, InvalidImage
from glioscope.inference.settings import MOST_STRETCH
from glioscope.training.recipe_parsing import nearest
from glioscope.training.recipe_schema import Inputs, Recipe, Target, Training

__all__ = ["check"]


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check(recipe: Recipe) -> None:
    """Raise InputUnreadable, naming the key and the nearest right value, for a recipe that cannot be trained."""
    if not _NAME.fullmatch(recipe.name):
        raise InputUnreadable(f"'name' has letters, digits, '-', '_' and '.' only, unlike '{recipe.name}'; so has the file's.")
    _check_names(recipe)
    _check_inputs(recipe)
    _check_target(recipe.target, recipe.inputs)
    _check_numbers(recipe.training)
    _check_rates(recipe)
    for key, alternatives in (recipe.choose or {}).items():
        if key.split(".")[0] not in {field.name for field in fields(Recipe)}:
            raise InputUnreadable(f"There is no key '{key}' for 'choose'; {nearest(key, (f.name for f in fields(Recipe)))}")
        if len(alternatives) < 2:
            raise InputUnreadable(f"'choose.{key}' needs at least two alternatives.")
    if recipe.folds.count < 2:
        raise InputUnreadable(f"'folds.count' is at least 2, not {recipe.folds.count}.")
    if not 0 <= recipe.inference.overlap < 1:
        raise InputUnreadable(f"'inference.overlap' is at least 0 and below 1, not {recipe.inference.overlap:g}.")
    if not 1 <= recipe.inference.stretch <= MOST_STRETCH:
        raise InputUnreadable(f"'inference.stretch' is from 1 to {MOST_STRETCH:g}, not {recipe.inference.stretch:g}.")
    if recipe.ensemble is not None and len(recipe.ensemble.members) < 2:
        raise InputUnreadable("'ensemble.members' names at least two recipes.")


def _known(key: str, value: str, known: Iterable[str]) -> None:
    listed = list(known)
    if value not in listed:
        raise InputUnreadable(f"'{key}' cannot be '{value}'; {nearest(value, listed)}")


def _check_names(recipe: Recipe) -> None:
    from glioscope.losses.registry import LOSSES
    from glioscope.networks.registry import NETWORKS
    from glioscope.training.augmentation import AUGMENTATIONS

    _known("network.name", recipe.network.name, NETWORKS)
    _known("augmentation.name", recipe.augmentation.name, AUGMENTATIONS)
    if not recipe.loss:
        raise InputUnreadable("'loss' has no terms; give at least one, such as {name: dice}.")
    for number, term in enumerate(recipe.loss):
        if "name" not in term:
            raise InputUnreadable(f"The key 'loss.{number}.name' is missing.")
        _known(f"loss.{number}.name", str(term["name"]), LOSSES)
    given = {"in_channels": len(recipe.inputs.channels), "out_channels": recipe.target.channels}
    for key, wanted in given.items():
        if key in recipe.network.parameters and recipe.network.parameters[key] != wanted:
            raise InputUnreadable(
                f"'network.parameters.{key}' is {recipe.network.parameters[key]}, but the recipe's inputs and target make it "
                f"{wanted}; leave the key out."
            )


def _check_inputs(recipe: Recipe) -> None:
    from glioscope.bundles.channels import parse_inputs

    channels = recipe.inputs.channels
    try:
        parse_inputs(recipe.inputs)
    except InvalidImage as error:
        raise InputUnreadable(str(error)) from None
    for number, channel in enumerate(channels):
        if channel in channels[:number]:
            raise InputUnreadable(f"'inputs.channels' names '{channel}' twice.")


def _check_target(target: Target, inputs: Inputs) -> None:
    from glioscope.bundles.channels import parse_inputs
    from glioscope.bundles.document import check_region_needs
    from glioscope.training.recipe_parsing import document_of

    _known("target.scheme", target.scheme, SCHEMES)
    scheme = SCHEMES[target.scheme]
    known = list(scheme.regions) if target.kind == "regions" else [label.name for label in scheme.labels.values()]
    if not target.names:
        raise InputUnreadable(f"'target.names' is empty; known are {', '.join(known)}.")
    for name in target.names:
        if name not in known:
            what = "region" if target.kind == "regions" else "label"
            raise InputUnreadable(f"'target.names': scheme '{scheme.name}' has no {what} '{name}'; {nearest(name, known)}")
        if target.names.count(name) > 1:
            raise InputUnreadable(f"'target.names' names '{name}' twice.")
    try:
        check_region_needs(document_of(target), parse_inputs(inputs).sources)
    except InvalidImage as error:
        raise InputUnreadable(str(error)) from None


def _check_numbers(training: Training) -> None:
    at_least_one = ("accumulate", "epochs", "iterations", "validate_every", "channel_dropout_most")
    shares = ("foreground", "channel_dropout")
    for key in at_least_one:
        if getattr(training, key) < 1:
            raise InputUnreadable(f"'training.{key}' is at least 1, not {getattr(training, key)}.")
    for key in shares:
        if not 0 <= getattr(training, key) <= 1:
            raise InputUnreadable(f"'training.{key}' is from 0 to 1, not {getattr(training, key):g}.")
    if (share := training.train_only_share) is not None and not 0 < share < 1:
        raise InputUnreadable(f"'training.train_only_share' lies between 0 and 1 (or is null), not {share:g}.")
    if not 0 <= training.ema < 1:
        raise InputUnreadable(f"'training.ema' is at least 0 and below 1, not {training.ema:g}.")
    if training.patch != "auto" and min(training.patch) < 1:
        raise InputUnreadable(f"'training.patch' has sides of at least 1 voxel, not {list(training.patch)}.")
    if training.batch != "auto" and training.batch < 1:
        raise InputUnreadable(f"'training.batch' is at least 1, not {training.batch}.")
    if training.clip is not None and not 0 < training.clip < math.inf:
        raise InputUnreadable(f"'training.clip' is a number above 0 (or null), not {training.clip:g}.")
    if training.patience is not None and training.patience < 1:
        raise InputUnreadable(f"'training.patience' is at least 1 (or null), not {training.patience}.")
    if training.seed < 0:
        raise InputUnreadable(f"'training.seed' is at least 0, not {training.seed}.")


def _check_rates(recipe: Recipe) -> None:
    optimiser, schedule = recipe.optimiser, recipe.schedule
    wrong = {
        "optimiser.lr": (not optimiser.lr > 0, "above 0", optimiser.lr),
        "optimiser.momentum": (not 0 <= optimiser.momentum < 1, "at least 0 and below 1", optimiser.momentum),
        "optimiser.weight_decay": (optimiser.weight_decay < 0, "at least 0", optimiser.weight_decay),
        "schedule.gamma": (not 0 < schedule.gamma <= 1, "above 0 and at most 1", schedule.gamma),
        "schedule.exponent": (not schedule.exponent > 0, "above 0", schedule.exponent),
        "schedule.warmup": (schedule.warmup < 0, "at least 0", schedule.warmup),
    }
    for key, (is_wrong, wanted, value) in wrong.items():
        if is_wrong or not math.isfinite(value):
            raise InputUnreadable(f"'{key}' is {wanted}, not {value:g}.")
    spacing = recipe.grid.spacing
    if spacing != "auto" and not all(0 < mm < math.inf for mm in spacing):
        raise InputUnreadable(f"'grid.spacing' is above 0 mm along each axis, not {list(spacing)}.")
    if recipe.grid.size is not None and min(recipe.grid.size) < 1:
        raise InputUnreadable(f"'grid.size' has sides of at least 1 voxel, not {list(recipe.grid.size)}.")
