"""Patch, batch, depth and spacing for a cohort and a memory budget, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from glioscope.core import InvalidImage
from glioscope.core.counting import counted
from glioscope.training.fingerprint import Fingerprint
from glioscope.training.memory import gibibytes, values_kept
from glioscope.training.recipe_parsing import document_of
from glioscope.training.recipe_schema import Recipe
from glioscope.training.topology import Topology, topology_of

__all__ = ["Plan", "make_plan"]

Triple = tuple[int, int, int]
Floats = tuple[float, float, float]

PLANNED = ("plain-unet", "resenc-unet", "unpooling-unet")
"""Networks whose depth is planned; the others have their own."""
BASE_FEATURES, MOST_FEATURES = 32, 320
RESIDUAL_BLOCKS = (1, 3, 4, 6, 6, 6, 6, 6, 6, 6)
FIRST_VOLUME = 256**3
"""The first patch that is tried is a cube in mm with so many voxels, cut to the median brain."""
LEAST_BATCH, LEAST_SIDE = 2, 8
LARGEST_SHARE = 0.05
"""A batch has at most so much of the cohort's voxels."""


@dataclass(frozen=True)
class Plan:
    """What training and inference work with.

    Attributes:
        patch: Voxels along each axis.
        batch: Patches a step.
        spacing: mm.
        network: Parameters for `build_network`: the recipe's, and where it gives none the planned strides, kernels, features.
        memory_gib: What training is estimated to take.
        reasons: One sentence each.
    """

    patch: Triple
    batch: int
    spacing: Floats
    network: Mapping[str, Any]
    memory_gib: float
    reasons: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """JSON-ready; `of_document` reads it."""
        document: dict[str, Any] = document_of(self)
        return document

    @staticmethod
    def of_document(document: Mapping[str, Any]) -> Plan:
        """What `document` wrote."""
        return Plan(
            tuple(document["patch"]),
            int(document["batch"]),
            tuple(document["spacing"]),
            dict(document["network"]),
            float(document["memory_gib"]),
            tuple(document["reasons"]),
        )


def make_plan(fingerprint: Fingerprint, recipe: Recipe, memory_gib: float = 8.0) -> Plan:
    """Plan as nnU-Net does, keeping to what the recipe says itself.

    The patch starts as large as the median brain allows and loses, where it is largest in relation to the brain, one step of
    the deepest stage at a time, until two patches fit the budget; only if memory is left is the batch larger. Source: Isensee
    et al., Nature Methods 2021, supplementary note 2 ("Adaptation to GPU memory budget"), and for the budget of residual
    encoders Isensee et al., MICCAI 2024.

    Args:
        fingerprint: Of the cohort.
        recipe: Its `grid`, `training.patch`, `training.batch` and `network.parameters` come first.
        memory_gib: Memory for training, GiB.

    Raises:
        InvalidImage: no memory, or the budget holds no patch of the smallest size.
    """
    if not memory_gib > 0:
        raise InvalidImage(f"The memory budget is above 0 GiB, not {memory_gib:g}.")
    reasons: list[str] = []
    spacing = _spacing(fingerprint, recipe, reasons)
    brain = recipe.grid.size or fingerprint.box(spacing)
    patch = _patch(recipe, brain, spacing, memory_gib, reasons)
    batch = _batch(recipe, patch, spacing, fingerprint, memory_gib, reasons)
    needed = gibibytes(_values(recipe, patch, spacing), batch, residual=_residual(recipe))
    if needed > memory_gib * 1.05:
        reasons.append(
            f"It is estimated to take {needed:.1f} GiB, more than the budget of {memory_gib:g} GiB: the recipe fixes it, or it "
            f"cannot be smaller; set training.patch, or training.batch with training.accumulate."
        )
    network = _network(recipe, patch, spacing, reasons)
    return Plan(patch, batch, spacing, network, round(needed, 2), tuple(reasons))


def _spacing(fingerprint: Fingerprint, recipe: Recipe, reasons: list[str]) -> Floats:
    given = recipe.grid.spacing
    if given != "auto":
        reasons.append(f"Spacing {_mm(given)}: the recipe says so.")
        return given
    spacing = fingerprint.spacing
    low = int(np.argmax(spacing))
    others = [spacing[axis] for axis in range(3) if axis != low]
    if spacing[low] > 3 * max(others):
        # Few exams have such thick slices through and through: the thinner tenth keeps more detail.
        fine = float(np.percentile([exam.spacing[low] for exam in fingerprint.exams], 10))
        changed = list(spacing)
        changed[low] = round(max(fine, *others), 4)
        spacing = (changed[0], changed[1], changed[2])
        reasons.append(f"Spacing {_mm(spacing)}: the median, but for the thick slices their 10th percentile.")
    else:
        reasons.append(f"Spacing {_mm(spacing)}: the median of {counted(len(fingerprint.exams), 'exam')}.")
    return spacing


def _patch(recipe: Recipe, brain: Triple, spacing: Floats, memory_gib: float, reasons: list[str]) -> Triple:
    if recipe.training.patch != "auto":
        reasons.append(f"Patch {_x(recipe.training.patch)}: the recipe says so.")
        return recipe.training.patch
    if recipe.grid.size is not None:
        reasons.append(f"Patch {_x(recipe.grid.size)}: the whole volume, which the recipe resizes to that.")
        return recipe.grid.size
    density = 1 / np.asarray(spacing)
    cube = np.rint(density * (FIRST_VOLUME / density.prod()) ** (1 / 3)).astype(int)
    patch = _multiple(tuple(min(a, b) for a, b in zip(cube.tolist(), brain, strict=True)), spacing)
    first = patch
    while gibibytes(_values(recipe, patch, spacing), LEAST_BATCH, residual=_residual(recipe)) > memory_gib:
        smaller = _smaller(patch, brain, spacing)
        if smaller == patch:
            raise InvalidImage(f"{memory_gib:g} GiB hold no two patches of {_x(patch)} voxels; give more with --memory.")
        patch = smaller
    fits = "which two of fit" if patch == first else f"cut from {_x(first)} in proportion to it until two fit"
    reasons.append(f"Patch {_x(patch)}: the median brain is {_x(brain)} voxels, {fits} {memory_gib:g} GiB.")
    return patch


def _multiple(patch: tuple[int, ...], spacing: Floats) -> Triple:
    """The patch with sides that can be halved as often as its topology wants."""
    x, y, z = patch
    divisor = topology_of((x, y, z), spacing).divisor
    x, y, z = (-(-side // d) * d for side, d in zip(patch, divisor, strict=True))
    return x, y, z


def _smaller(patch: Triple, brain: Triple, spacing: Floats) -> Triple:
    """One step less along the axis on which most of the brain is seen and a step is left."""
    divisor = topology_of(patch, spacing).divisor
    for axis in sorted(range(3), key=lambda a: -patch[a] / brain[a]):
        less = patch[axis] - divisor[axis]
        if less < LEAST_SIDE:
            continue
        # The smaller patch may be halved less often: it then loses less than a whole step.
        finer = topology_of(_with(patch, axis, less), spacing).divisor
        smaller = _multiple(_with(patch, axis, patch[axis] - finer[axis]), spacing)
        if smaller != patch:
            return smaller
    return patch


def _with(patch: Triple, axis: int, side: int) -> Triple:
    x, y, z = (side if a == axis else n for a, n in enumerate(patch))
    return x, y, z


def _batch(
    recipe: Recipe, patch: Triple, spacing: Floats, fingerprint: Fingerprint, memory_gib: float, reasons: list[str]
) -> int:
    if recipe.training.batch != "auto":
        reasons.append(f"Batch {recipe.training.batch}: the recipe says so.")
        return recipe.training.batch
    one = gibibytes(_values(recipe, patch, spacing), 1, residual=_residual(recipe))
    fitting = max(LEAST_BATCH, int(memory_gib / one))
    voxels = len(fingerprint.exams) * float(np.prod(recipe.grid.size or fingerprint.box(spacing)))
    allowed = max(LEAST_BATCH, round(LARGEST_SHARE * voxels / np.prod(patch)))
    batch = min(fitting, allowed)
    if batch == LEAST_BATCH:
        reasons.append(f"Batch {batch}: the least that is trained with; memory goes to the patch first.")
    elif batch == fitting:
        reasons.append(f"Batch {batch}: a patch takes about {one:.1f} GiB of {memory_gib:g}.")
    else:
        reasons.append(f"Batch {batch}: 5 % of the cohort's voxels; memory would hold {fitting}.")
    return batch


def _network(recipe: Recipe, patch: Triple, spacing: Floats, reasons: list[str]) -> dict[str, Any]:
    given = dict(document_of(recipe.network.parameters))
    if recipe.network.name == "segresnet" and given.get("variational"):
        return {"patch": list(patch), **given}
    if recipe.network.name not in PLANNED or not {"strides", "features"}.isdisjoint(given):
        own = f"network '{recipe.network.name}' has its own" if recipe.network.name not in PLANNED else "the recipe says so"
        reasons.append(f"Depth: {own}.")
        return given
    topology = topology_of(patch, spacing)
    stages = len(topology.strides)
    if recipe.network.name == "unpooling-unet":
        return _unpooling(topology, given, reasons)
    planned: dict[str, Any] = {
        "features_per_stage": list(topology.features(BASE_FEATURES, MOST_FEATURES)),
        "strides": [list(stride) for stride in topology.strides],
        "kernel_sizes": [list(kernel) for kernel in topology.kernels],
    }
    if recipe.network.name == "resenc-unet":
        planned["n_blocks_per_stage"] = list(RESIDUAL_BLOCKS[:stages])
    deepest = tuple(n // d for n, d in zip(patch, topology.divisor, strict=True))
    reasons.append(f"Depth: {stages} stages, an axis is halved while 8 voxels are left: {_x(deepest)} at the deepest.")
    if any(kernel != (3, 3, 3) for kernel in topology.kernels) or any(min(s) != max(s) for s in topology.strides[:2]):
        reasons.append("Thick slices: the first stages look and halve within the slices only.")
    return {**planned, **given}


def _unpooling(topology: Topology, given: dict[str, Any], reasons: list[str]) -> dict[str, Any]:
    """Unpooling halves all axes together, and its two deepest stages are of one width."""
    stages = min(sum(stride[axis] == 2 for stride in topology.strides) for axis in range(3)) + 1
    features = list(topology.features(BASE_FEATURES, MOST_FEATURES)[: max(2, stages)])
    features[-1] = features[-2]
    reasons.append(f"Depth: {len(features)} stages, all axes are halved while 8 voxels are left.")
    return {"features": features, **given}


def _values(recipe: Recipe, patch: Triple, spacing: Floats) -> int:
    topology: Topology = topology_of(patch, spacing)
    residual = _residual(recipe)
    return values_kept(
        patch,
        topology,
        topology.features(BASE_FEATURES, MOST_FEATURES),
        recipe.target.channels,
        encoder=RESIDUAL_BLOCKS if residual else 2,
        decoder=1 if residual else 2,
        residual=residual,
        deep_supervision=recipe.training.deep_supervision,
    )


def _residual(recipe: Recipe) -> bool:
    return recipe.network.name == "resenc-unet"


def _x(sides: tuple[int, ...]) -> str:
    return " x ".join(map(str, sides))


def _mm(spacing: Floats) -> str:
    return " x ".join(f"{s:g}" for s in spacing) + " mm"
