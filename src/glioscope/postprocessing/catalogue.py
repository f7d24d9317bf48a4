"""The steps by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from glioscope.core import InvalidImage
from glioscope.postprocessing.fill_holes import FillHoles
from glioscope.postprocessing.keep_largest import KeepLargest
from glioscope.postprocessing.label_step import LabelStep
from glioscope.postprocessing.minimum_volume import MinimumVolume
from glioscope.postprocessing.remove_dust import RemoveDust
from glioscope.postprocessing.small_et_to_core import SmallEnhancingToCore

__all__ = ["STEPS", "step_of"]

_KINDS: tuple[type[LabelStep], ...] = (RemoveDust, FillHoles, SmallEnhancingToCore, MinimumVolume, KeepLargest)

STEPS: Mapping[str, type[LabelStep]] = MappingProxyType({kind.name: kind for kind in _KINDS})


def step_of(document: Any) -> LabelStep:  # noqa: ANN401
    """The step written as `{"step": NAME, parameter: value}`; raises InvalidImage, listing the known ones."""
    given = document.get("step") if isinstance(document, Mapping) else document
    if not isinstance(document, Mapping) or not isinstance(given, str) or given not in STEPS:
        raise InvalidImage(f"There is no step {given!r}; known are {', '.join(STEPS)}.")
    return STEPS[given].of_document(document)
