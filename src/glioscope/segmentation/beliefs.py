"""What the segmenters that learnt nothing believe, for a network that learns what to add."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from glioscope.core import Sequence, Volume
from glioscope.segmentation.flair_threshold import FlairAbnormality, FlairThreshold, find_flair_abnormality
from glioscope.segmentation.subtraction import Subtraction

__all__ = ["find_beliefs"]


def find_beliefs(
    finders: Collection[str], images: Mapping[Sequence, Volume], brain: Volume
) -> Mapping[str, Mapping[str, Volume]]:
    """Probabilities of each region, by each of `finders`: `subtraction`, `flair-threshold` or both.

    Both look for the same abnormality on FLAIR; it is looked for once.

    Raises:
        MissingSequence, InvalidImage: as `Segmenter.segment`.
    """
    found: list[FlairAbnormality] = []

    def find_flair(*arguments: Any) -> FlairAbnormality:  # noqa: ANN401
        if not found:
            found.append(find_flair_abnormality(*arguments))
        return found[0]

    known = (Subtraction(find_flair=find_flair), FlairThreshold(find_flair=find_flair))
    return {finder.name: finder.segment(images, brain).probabilities for finder in known if finder.name in finders}
