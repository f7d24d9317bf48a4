"""The image of a perfect scanner: tissues of their brightness, with texture and tumours that are not uniform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.synthesis.anatomy import Anatomy
from glioscope.synthesis.fields import smooth_field
from glioscope.synthesis.head import Head
from glioscope.synthesis.tumour import TumourMap

__all__ = ["ideal_head", "ideal_image", "with_tumour"]

TEXTURE = ((5.0, 0.02), (18.0, 0.03))
"""Scale in mm and relative standard deviation of each component of the texture of healthy tissue."""

LUMPS = (5.0, 0.14)
"""The same inside a tumour, in multiples of how much it differs from healthy tissue at most."""


def with_tumour(anatomy: Anatomy, tumour: TumourMap, rng: np.random.Generator) -> Anatomy:
    """`anatomy` with the fractions of the tumour's parts, to which the others give way.

    Borders of core and rim are a mm wide; oedema fades into healthy tissue over some mm and mixes with it. In one of seven
    tumours there is blood.
    """
    depth, shape = tumour.depth, tumour.labels.shape
    fluid = anatomy.fractions["csf"][tumour.box]
    fade = np.float32(rng.uniform(1.5, 7.0))
    mixing = np.float32(rng.uniform(0.65, 1.0)) * (1 + np.float32(0.12) * smooth_field(rng, shape, 12))
    oedema = np.clip((depth["whole"] + 0.2 * fade) / fade + 0.3, 0, 1) * np.clip(mixing, 0, 1) * (1 - fluid)
    core = np.clip(depth["core"] / np.float32(1.2) + 0.5, 0, 1) * (tumour.labels != 0)
    enhancing = core * np.clip(depth["enhancing"] / np.float32(1.4) + 0.5, 0, 1)
    rest = core - enhancing
    parts = {"et": enhancing, "ncr": rest, "ed": oedema * (1 - core)}
    if rng.random() < 0.15:
        blood = np.clip(3 * (smooth_field(rng, shape, 9) - np.float32(rng.uniform(1.0, 1.8))), 0, 1)
        parts["blood"] = blood * core
        parts["et"] = enhancing * (1 - blood)
        parts["ncr"] = rest * (1 - blood)
    if "cavity" in depth:
        cavity = np.clip(depth["cavity"] + 0.5, 0, 1)
        # old blood lines a cavity in places
        lining = np.clip(1.5 - np.abs(depth["cavity"] - 0.5), 0, 1) * np.clip(smooth_field(rng, shape, 10) + 0.2, 0, 1)
        parts = {name: part * (1 - cavity) for name, part in parts.items()}
        parts["cavity"] = cavity * (1 - lining)
        parts["blood"] = np.maximum(parts.get("blood", np.float32(0)) * (1 - lining), lining * anatomy.brain[tumour.box])
    rest = np.clip(1 - sum(parts.values()), 0, 1).astype(np.float32)
    fractions = {name: fraction.copy() for name, fraction in anatomy.fractions.items()}
    for fraction in fractions.values():
        fraction[tumour.box] *= rest
    for name, part in parts.items():
        fractions[name] = np.zeros(anatomy.brain.shape, np.float32)
        fractions[name][tumour.box] = part
    return replace(anatomy, fractions=fractions)


def ideal_image(anatomy: Anatomy, brightness: Mapping[str, float], rng: np.random.Generator) -> NDArray[np.float32]:
    """The image of a perfect scanner: `brightness` weighted by the tissue fractions, with texture; float32, >= 0."""
    image = np.zeros(anatomy.brain.shape, np.float32)
    _add(image, anatomy.fractions, brightness)
    texture = np.ones(image.shape, np.float32)
    for scale, strength in TEXTURE:
        texture += np.float32(strength) * smooth_field(rng, image.shape, scale)
    image *= texture
    if "ed" in anatomy.fractions:
        _mottle(image, anatomy, brightness, rng)
    return np.maximum(image, 0, out=image)


def ideal_head(head: Head, brightness: Mapping[str, float], rng: np.random.Generator) -> NDArray[np.float32]:
    """`ideal_image` of a whole head, on its grid; what lies around the brain has the coarse texture only."""
    image = np.zeros(head.grid.shape, np.float32)
    _add(image, head.around, brightness)
    scale, strength = TEXTURE[-1]
    image *= 1 + np.float32(strength) * smooth_field(rng, image.shape, scale)
    image[head.part] += ideal_image(head.inside, brightness, rng)
    return np.maximum(image, 0, out=image)


def _add(image: NDArray[np.float32], fractions: Mapping[str, NDArray[np.float32]], brightness: Mapping[str, float]) -> None:
    """Add each tissue's part of the signal to `image`."""
    signal = np.empty_like(image)
    for name, fraction in fractions.items():
        image += np.multiply(fraction, np.float32(brightness[name]), out=signal)


def _mottle(image: NDArray[np.float32], anatomy: Anatomy, brightness: Mapping[str, float], rng: np.random.Generator) -> None:
    """Make the tumour in `image` uneven: its core in lumps, its oedema gently."""
    core = anatomy.fractions["ncr"] + anatomy.fractions["et"]
    oedema = anatomy.fractions["ed"]
    box = ndimage.find_objects((oedema + core > 0).astype(np.uint8))
    if not box:
        return
    shape = image[box[0]].shape
    contrast = {name: abs(brightness[name] - brightness["wm"]) for name in ("ncr", "ed", "et")}
    strength = np.float32(LUMPS[1] * max(contrast.values()) + 0.03)
    fine, broad = smooth_field(rng, shape, LUMPS[0]), smooth_field(rng, shape, 15)
    image[box[0]] += strength * core[box[0]] * (fine + np.float32(0.6) * broad)
    image[box[0]] += np.float32(0.24 * contrast["ed"]) * oedema[box[0]] * (broad + np.float32(0.25) * fine)
