"""Random changes of patches, by name; listing them imports no engine."""

from __future__ import annotations

from glioscope.training.augmentation.registry import AUGMENTATIONS, build_augmentation, list_augmentations

__all__ = ["AUGMENTATIONS", "build_augmentation", "list_augmentations"]
