"""Whether all parts of a recipe can be made, asked before any exam is read."""

from __future__ import annotations

import warnings
from typing import Any

from glioscope.core import InputUnreadable, InvalidImage
from glioscope.training.fingerprint import ExamPrint, Fingerprint
from glioscope.training.machine import process_rank
from glioscope.training.plan import make_plan
from glioscope.training.recipe import arms
from glioscope.training.recipe_schema import Recipe

__all__ = ["build", "rehearse"]

TYPICAL_BRAIN, TYPICAL_SPACING = (140, 176, 140), (1.0, 1.0, 1.0)
"""Voxels and mm of the cohort that is planned for as long as the real one is not read."""
ROOMY_GIB = 64.0
_BY_STAGE = {
    "features_per_stage",
    "strides",
    "kernel_sizes",
    "n_blocks_per_stage",
    "n_conv_per_stage",
    "n_conv_per_stage_decoder",
    "features",
}


def rehearse(recipe: Recipe) -> None:
    """Build losses, augmentation, post-processing and network of each alternative of `recipe`, for a cohort as most are.

    What a recipe gives wrongly is wrong for every cohort: it costs a second here, and would cost the reading of all exams.

    Raises:
        InputUnreadable: an unknown parameter of the augmentation, something to tune that cannot be, or a bundle to start from
            that cannot be read.
        InvalidImage: network, loss or post-processing cannot be built; the sentence names it.
        EngineMissing: what one of them is built on is not installed.
    """
    from glioscope.losses.registry import build_loss
    from glioscope.postprocessing import Chain
    from glioscope.postprocessing.search import TUNABLE
    from glioscope.training.augmentation import build_augmentation
    from glioscope.training.recipe_parsing import nearest
    from glioscope.training.transfer import source_of

    for what in recipe.tune:
        if what not in TUNABLE:
            raise InputUnreadable(f"Recipe '{recipe.name}': 'tune' cannot have '{what}'; {nearest(what, TUNABLE)}")
    if recipe.transfer.from_ is not None:
        source_of(recipe.transfer.from_)
    print_ = ExamPrint("typical", TYPICAL_BRAIN, TYPICAL_SPACING, TYPICAL_BRAIN, {}, {})
    for chosen in _alternatives(recipe):
        plan = make_plan(Fingerprint((print_,)), chosen, ROOMY_GIB)
        try:
            build_loss(chosen.loss, chosen.target.activation)
            if chosen.postprocess is not None:
                Chain.of_document(chosen.postprocess)
        except InvalidImage as error:
            raise InvalidImage(f"Recipe '{recipe.name}': {error}") from None
        build_augmentation(chosen.augmentation.name, chosen.augmentation.parameters, plan.patch, plan.spacing)
        if process_rank() == 0:
            _rehearse_network(chosen, dict(plan.network))


def _alternatives(recipe: Recipe) -> list[Recipe]:
    try:
        return arms(recipe)
    except InputUnreadable as error:
        raise InputUnreadable(f"Recipe '{recipe.name}', in an alternative of 'choose': {error}") from None


def _rehearse_network(recipe: Recipe, parameters: dict[str, Any]) -> None:
    given = recipe.network.parameters.keys()
    try:
        build(recipe, parameters)
    except InvalidImage:
        # What the recipe gives for each stage fits as many stages as the real cohort makes, which is not known yet.
        if not (given & _BY_STAGE and parameters.keys() - given):
            raise


def build(recipe: Recipe, parameters: dict[str, Any]) -> None:
    """Build the recipe's network with the planned `parameters`, to see whether it can be; raises as `build_network`."""
    from glioscope.networks.registry import build_network

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's, of layers without weights, which are refused below
        network = build_network(recipe.network.name, len(recipe.inputs.channels), recipe.target.channels, parameters)
    if not all(weights.numel() for weights in network.parameters()):
        raise InvalidImage(f"Network '{recipe.network.name}' has layers without any weight when it is built from {parameters}.")
