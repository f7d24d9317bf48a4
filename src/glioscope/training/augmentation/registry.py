"""Which augmentations there are, as data."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from glioscope.core import EngineMissing, InputUnreadable
from glioscope.training.recipe_parsing import nearest

if TYPE_CHECKING:
    from glioscope.training.augmentation.augmentation import Augmentation

__all__ = ["AUGMENTATIONS", "AugmentationEntry", "build_augmentation", "list_augmentations"]


@dataclass(frozen=True)
class AugmentationEntry:
    """One augmentation as it appears in lists.

    Attributes:
        name: What recipes call it.
        title: One line.
        source: Who published it.
        path: `module:Class`, called with `patch`, `spacing` and the parameters, all by keyword.
        defaults: Parameters that a recipe need not give.
    """

    name: str
    title: str
    source: str
    path: str
    defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


_STRONGER = {
    "p_rotation": 0.3,
    "degrees": 90.0,
    "p_scaling": 0.3,
    "scaling": (0.65, 1.6),
    "p_same_scaling": 0.7,
    "p_elastic": 0.2,
    "p_shift": 0.3,
    "gamma": (0.5, 1.6),
}
_ENTRIES = (
    AugmentationEntry("none", "patches as they are", "", "glioscope.training.augmentation.unchanged:Unchanged"),
    AugmentationEntry(
        "light",
        "mirroring, rotation, translation, intensity scale and shift",
        "Hatamizadeh et al., BrainLes 2021 (Swin UNETR)",
        "glioscope.training.augmentation.light:Light",
    ),
    AugmentationEntry(
        "nnunet",
        "rotation, scaling, noise, blur, brightness, contrast, low resolution, gamma, mirroring",
        "Isensee et al., Nature Methods 2021, supplement 4; batchgeneratorsv2",
        "glioscope.training.augmentation.nnunet:NNUNet",
    ),
    AugmentationEntry(
        "heavy",
        "the same with larger rotations and scalings, elastic deformation and additive brightness",
        "Isensee et al., BrainLes 2020 (nnU-Net for brain tumour segmentation), 2.3",
        "glioscope.training.augmentation.nnunet:NNUNet",
        MappingProxyType(_STRONGER),
    ),
)

AUGMENTATIONS: Mapping[str, AugmentationEntry] = MappingProxyType({entry.name: entry for entry in _ENTRIES})


def list_augmentations() -> list[AugmentationEntry]:
    """All augmentations, the weakest first."""
    return list(AUGMENTATIONS.values())


def build_augmentation(
    name: str, parameters: Mapping[str, Any], patch: tuple[int, int, int], spacing: tuple[float, float, float]
) -> Augmentation:
    """The augmentation called `name` for patches of `patch` voxels of `spacing` mm.

    Raises:
        InputUnreadable: there is no such augmentation or parameter; the sentence names it and what was probably meant.
        EngineMissing: what it is built on is not installed.
    """
    if name not in AUGMENTATIONS:
        raise InputUnreadable(f"'augmentation.name' cannot be '{name}'; {nearest(name, AUGMENTATIONS)}")
    entry = AUGMENTATIONS[name]
    module, _, attribute = entry.path.partition(":")
    try:
        kind = getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise EngineMissing(
            f"Augmentation '{name}' needs the Python package '{error.name}'; install it with pip install 'glioscope[train]'."
        ) from error
    known = [key for key in inspect.signature(kind).parameters if key not in ("patch", "spacing")]
    for key in parameters:
        if key not in known:
            raise InputUnreadable(f"There is no key 'augmentation.parameters.{key}'; {nearest(key, known)}")
    augmentation: Augmentation = kind(patch=patch, spacing=spacing, **{**entry.defaults, **parameters})
    return augmentation
