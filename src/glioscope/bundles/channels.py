"""From the images of an exam to the input of a network: normalised channels, in the order that the network learnt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Listed
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.bundles.wording import closest
from glioscope.core import InvalidImage, MissingSequence, Sequence, Volume, parse_sequence
from glioscope.normalisation import NORMALISATIONS, histogram

__all__ = ["Channel", "Inputs", "build_channels", "named", "parse_channel", "parse_inputs"]

_SOURCE = r"(?:(?:pre-)?(?:t1n|t1c|t2w|t2f)|pre-mask)"
_CHANNEL = re.compile(rf"({_SOURCE})(?:-({_SOURCE}))?")
FINDERS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "flair-threshold": (("t2f",), ("WT",)),
    "subtraction": (("t1c", "t1n", "t2f"), ("WT", "TC", "ET")),
}
"""Segmenters that learnt nothing, whose probabilities a network may be given: what they need, what they find."""
_KEYS = ("channels", "normalisation", "optional", "reference")


@dataclass(frozen=True)
class Channel:
    """One input channel: an image, the difference of two, or what a segmenter that learnt nothing believes of a region.

    Attributes:
        name: As it is written, such as `t1c`, `t1c-t1n`, `pre-t1c`, `pre-mask` or `subtraction:ET`.
        sources: The images that it is made of.
        finder: The segmenter and the region, or None.
    """

    name: str
    sources: tuple[str, ...]
    finder: tuple[str, str] | None = None


@dataclass(frozen=True)
class Inputs:
    """What a network is given.

    Attributes:
        channels: In the network's order.
        normalisation: Source -> name of a normalisation; masks have none.
        optional: Sources that an exam may lack; a channel made of one that is not there is zero.
        reference: Source -> quantiles that `histogram` matches.
    """

    channels: tuple[Channel, ...]
    normalisation: Mapping[str, str]
    optional: frozenset[str]
    reference: Mapping[str, tuple[float, ...]]

    @property
    def sources(self) -> frozenset[str]:
        """All images that some channel is made of: sequences, `pre-` and a sequence, `pre-mask`."""
        return frozenset(source for channel in self.channels for source in channel.sources)

    @property
    def needed(self) -> frozenset[str]:
        """Those without which the network cannot work."""
        return self.sources - self.optional


def parse_channel(text: str) -> Channel:
    """The channel that `text` names; raises InvalidImage for anything else."""
    finder, _, region = str(text).partition(":")
    if finder in FINDERS and region in FINDERS[finder][1]:
        return Channel(str(text), FINDERS[finder][0], (finder, region))
    found = _CHANNEL.fullmatch(str(text))
    if not found:
        raise InvalidImage(
            f"There is no channel '{text}': a channel is t1n, t1c, t2w or t2f, one of an earlier exam (pre-t1c, pre-mask), "
            "a difference of two (t1c-t1n), or what a segmenter finds that learnt nothing (flair-threshold:WT, subtraction:ET)."
        )
    return Channel(str(text), tuple(source for source in found.groups() if source))


def parse_inputs(document: Any) -> Inputs:  # noqa: ANN401
    """Read the `inputs` of a recipe or bundle.

    Args:
        document: A mapping (or an object with such attributes) of `channels`, a list of names; `normalisation`, one name for
            all images or a name for each; where wanted `optional`, a list of sources, and `reference`, quantiles by source.

    Raises:
        InvalidImage: one sentence naming the key or value that is wrong.
    """
    if not isinstance(document, Mapping):
        document = {key: getattr(document, key) for key in _KEYS if getattr(document, key, None) is not None}
    for key in document:
        if key not in _KEYS:
            raise InvalidImage(f"'inputs' has no key '{key}'; {closest(key, _KEYS)}.")
    named = document.get("channels")
    if not isinstance(named, Listed) or isinstance(named, str) or not named:
        raise InvalidImage("'inputs.channels' is not a list of at least one channel.")
    channels = tuple(parse_channel(name) for name in named)
    sources = list(dict.fromkeys(source for channel in channels for source in channel.sources))
    images = [source for source in sources if not source.endswith("mask")]
    given = document.get("normalisation", "zscore")
    normalisation = dict(given) if isinstance(given, Mapping) else dict.fromkeys(images, str(given))
    for source in images:
        if source not in normalisation:
            raise InvalidImage(f"'inputs.normalisation' says nothing of '{source}'.")
        if normalisation[source] not in NORMALISATIONS:
            known = closest(normalisation[source], tuple(NORMALISATIONS))
            raise InvalidImage(f"There is no normalisation '{normalisation[source]}'; {known}.")
    optional, reference = document.get("optional") or (), document.get("reference") or {}
    if not isinstance(optional, Listed) or isinstance(optional, str):
        raise InvalidImage("'inputs.optional' is not a list of images.")
    quantiles = _quantiles(reference)
    for key, listed in (("optional", optional), ("reference", reference)):
        for source in listed:
            if source not in sources:
                raise InvalidImage(f"'inputs.{key}' names '{source}', of which no channel is made.")
    return Inputs(channels, normalisation, frozenset(optional), quantiles)


def _quantiles(reference: Any) -> dict[str, tuple[float, ...]]:  # noqa: ANN401
    try:
        return {source: tuple(map(float, values)) for source, values in reference.items()}
    except (AttributeError, TypeError, ValueError):
        raise InvalidImage("'inputs.reference' is not a table: image, then a list of its quantiles.") from None


def build_channels(
    images: Mapping[str, NDArray[Any]],
    brain: NDArray[Any],
    inputs: Any,  # noqa: ANN401
    affine: NDArray[np.float64] | None = None,
) -> NDArray[np.float32]:
    """The input of a network, the same for training and for prediction.

    Each image is normalised once over the brain; a difference is that of the normalised images; a mask is 0 and 1; what a
    segmenter finds goes from -1 (surely not) to 1 (surely), so that 0 is not known. What lies outside the brain is 0.

    Args:
        images: Source (a Sequence, or `pre-t1c`, `pre-mask` …) -> image (X, Y, Z) of any intensity scale.
        brain: Mask (X, Y, Z), not 0 inside.
        inputs: As `parse_inputs` takes or gives it.
        affine: Voxels to world (mm, RAS+), for the segmenters; voxels of 1 mm in RAS order where None.

    Returns:
        (C, X, Y, Z) in the order of the channels.

    Raises:
        MissingSequence: an image that is not optional is not there.
        InvalidImage: shapes differ, or `inputs` is wrong.
    """
    wanted = inputs if isinstance(inputs, Inputs) else parse_inputs(inputs)
    lacking = sorted(wanted.needed - set(images))
    if lacking:
        raise MissingSequence(f"The network needs {named(lacking)}, which the exam lacks.")
    inside = np.asarray(brain) > 0
    mask = Volume.of(inside, np.eye(4) if affine is None else affine)
    ready: dict[str, NDArray[np.float32]] = {}
    for source in sorted(wanted.sources & set(images)):
        image = np.asarray(images[source])
        if image.shape != inside.shape:
            raise InvalidImage(f"The image '{source}' has the shape {image.shape}, but the brain mask {inside.shape}.")
        ready[source] = _ready(source, image, mask, wanted)
    finders = {c.finder[0] for c in wanted.channels if c.finder and all(source in ready for source in c.sources)}
    found = _beliefs(finders, images, mask) if finders else {}
    out = np.zeros((len(wanted.channels), *inside.shape), np.float32)
    for n, channel in enumerate(wanted.channels):
        if channel.finder:
            finder, region = channel.finder
            if finder in found:
                out[n] = np.where(inside, 2 * found[finder][region].data - 1, 0)
        elif all(source in ready for source in channel.sources):
            out[n] = ready[channel.sources[0]]
            for source in channel.sources[1:]:
                out[n] -= ready[source]
    return out


def _ready(source: str, image: NDArray[Any], mask: Volume, inputs: Inputs) -> NDArray[np.float32]:
    if source.endswith("mask"):
        return np.asarray((image > 0) & mask.data, np.float32)
    volume, name = mask.with_data(image), inputs.normalisation[source]
    if name == "histogram":
        return np.asarray(histogram(volume, mask, inputs.reference.get(source)).data, np.float32)
    return np.asarray(NORMALISATIONS[name](volume, mask).data, np.float32)


def _beliefs(finders: set[str], images: Mapping[str, NDArray[Any]], brain: Volume) -> Mapping[str, Mapping[str, Volume]]:
    from glioscope.segmentation.beliefs import find_beliefs  # it needs this module for what bundles are given

    sources = {source for finder in finders for source in FINDERS[finder][0]}
    return find_beliefs(finders, {Sequence(s): brain.with_data(images[s]) for s in sources}, brain)


def named(sources: Iterable[str]) -> str:
    """Sources in words for people: `T1, the tumour mask of the earlier exam`."""

    def shown(source: str) -> str:
        sequence = parse_sequence(source.removeprefix("pre-"))
        name = sequence.display_name if sequence else "tumour mask"
        return f"the {name} of the earlier exam" if source.startswith("pre-") else name

    return ", ".join(shown(source) for source in sources)
