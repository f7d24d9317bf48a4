"""Finding the brain with a chosen engine, checking the result, and falling back to another where it fails."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from glioscope.core import EngineMissing, ProcessingFailed, Volume
from glioscope.preprocessing.brain_extraction.extractor import BrainExtractor
from glioscope.preprocessing.brain_extraction.plausibility import implausible

__all__ = ["ENGINES", "Extraction", "extract_brain", "find_brain", "get_extractor"]

_HERE = "glioscope.preprocessing.brain_extraction"
ENGINES: Mapping[str, str] = MappingProxyType(
    {"deepbet": f"{_HERE}.deepbet:Deepbet", "robex": f"{_HERE}.robex:Robex", "hdbet": f"{_HERE}.hdbet:HdBet"}
)
"""Name -> where its class is; nothing is imported before it is asked for."""

FALLBACK = "robex"


@dataclass(frozen=True)
class Extraction:
    """A brain mask and how it came about.

    Attributes:
        mask: bool, on the grid of the image.
        facts: JSON-ready: `engine` that made the mask, `volume_ml`, and `remarks` on a fallback where there was one.
    """

    mask: Volume
    facts: Mapping[str, Any]


def get_extractor(engine: str) -> BrainExtractor:
    """The engine called `engine`; raises EngineMissing, listing the known names, when there is none."""
    if engine not in ENGINES:
        raise EngineMissing(f"There is no brain extraction engine '{engine}'; known are {', '.join(ENGINES)}.")
    module, _, name = ENGINES[engine].partition(":")
    extractor: BrainExtractor = getattr(importlib.import_module(module), name)()
    return extractor


def _attempt(volume: Volume, engine: str) -> Volume:
    mask = get_extractor(engine).extract(volume)
    reason = implausible(mask)
    if reason:
        raise ProcessingFailed(f"The brain mask that {engine} found is implausible: {reason}.")
    return mask


def find_brain(volume: Volume, engine: str = "deepbet") -> Extraction:
    """The brain of a head, checked for plausibility.

    Where `engine` fails or its mask is implausible, ROBEX is tried if it is installed, and the facts say so.

    Args:
        volume: Image of a head with its skull, any sequence, orientation and spacing.
        engine: A name of `ENGINES`.

    Raises:
        EngineMissing: the engine asked for, or its weights, are not installed.
        ProcessingFailed: no engine gave a plausible mask; the sentence is that of the engine asked for.
    """
    remarks: list[str] = []
    used = engine
    try:
        mask = _attempt(volume, engine)
    except ProcessingFailed as failure:
        if engine == FALLBACK:
            raise
        try:
            mask = _attempt(volume, FALLBACK)
        except (EngineMissing, ProcessingFailed):
            raise failure from None
        used = FALLBACK
        remarks.append(f"{failure} The mask is the one of {FALLBACK} instead.")
    volume_ml = float(mask.data.sum()) * mask.grid.voxel_volume / 1000
    return Extraction(mask, {"engine": used, "volume_ml": round(volume_ml, 1), "remarks": remarks})


def extract_brain(volume: Volume, engine: str = "deepbet") -> Volume:
    """The brain mask of `volume`, bool on the same grid; `find_brain` also tells how it came about.

    Raises:
        EngineMissing: the engine asked for, or its weights, are not installed.
        ProcessingFailed: no engine gave a plausible mask.
    """
    return find_brain(volume, engine).mask
