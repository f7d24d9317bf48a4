"""How bright each tissue is in each sequence, in multiples of white matter: drawn for one exam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from glioscope.core import Sequence

__all__ = ["TISSUES", "Contrast", "Mode", "draw_contrast"]

Mode = Literal["realistic", "random"]
Contrast = Mapping[Sequence, Mapping[str, float]]

TISSUES = (
    *("csf", "gm", "wm", "wmh", "plexus", "vessel", "dura", "scrap", "bone", "fat", "muscle"),
    *("ncr", "ed", "et", "blood", "cavity"),
)


def draw_contrast(mode: Mode, rng: np.random.Generator) -> Contrast:
    """The brightness of each of `TISSUES` in each sequence.

    Realistic: ranges seen in ten exams of BraTS, where what is common to a tissue (how watery it is, how much it enhances)
    moves all sequences together; for the core that does not enhance, how it differs from oedema. Random: any brightness for
    any tissue, so that a network learns shapes (Billot et al., Med Image Anal 86 (2023), SynthSeg).
    """
    if mode == "random":
        return {s: {t: float(rng.uniform(0.05, 2.0)) for t in TISSUES} for s in Sequence}
    native = _native(rng)
    return {
        Sequence.T1N: native,
        Sequence.T1C: _enhanced(native, rng),
        Sequence.T2W: _t2(rng),
        Sequence.T2F: _flair(rng),
    }


def _log(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _native(rng: np.random.Generator) -> dict[str, float]:
    u = rng.uniform
    csf, oedema = u(0.3, 0.62), u(0.76, 0.96)
    return {
        "wm": 1.0,
        "gm": u(0.78, 0.93),
        "csf": csf,
        "wmh": u(0.82, 0.95),
        "plexus": u(0.6, 0.85),
        "vessel": u(0.4, 1.2),
        "dura": u(0.5, 1.0),
        "scrap": u(0.6, 1.6),
        "bone": 0.1,
        "fat": u(1.3, 1.7),
        "muscle": u(0.5, 0.65),
        "ncr": max(csf, oedema - u(-0.04, 0.2)),
        "ed": oedema,
        "et": u(0.74, 1.0),
        "blood": u(1.05, 1.7),
        "cavity": csf * u(1.0, 1.35),
    }


def _enhanced(native: Mapping[str, float], rng: np.random.Generator) -> dict[str, float]:
    u = rng.uniform
    gain = _log(rng, 0.15, 0.95)
    return {
        **native,
        "gm": native["gm"] * u(0.99, 1.06),
        "csf": native["csf"] * u(0.8, 1.25),
        "plexus": 1 + gain * u(0.2, 1.0),
        "vessel": 1 + _log(rng, 0.3, 2.5),
        "dura": u(0.8, 1.9),
        "ncr": native["ncr"] * u(0.9, 1.05),
        "ed": native["ed"] * u(0.94, 1.02),
        "et": native["et"] + gain,
        "blood": native["blood"] * u(0.95, 1.15),
        "cavity": native["cavity"] * u(0.9, 1.1),
    }


def _t2(rng: np.random.Generator) -> dict[str, float]:
    u = rng.uniform
    fluid = _log(rng, 0.6, 3.0)  # how much brighter fluid is than white matter
    oedema = u(0.34, 0.64)
    wetter = u(0.6, 1.1) if u(0, 1) < 0.2 else u(1.1, 2.0)
    return {
        "wm": 1.0,
        "gm": 1 + fluid * u(0.03, 0.12),
        "csf": 1 + fluid,
        "wmh": 1 + fluid * u(0.1, 0.3),
        "plexus": 1 + fluid * u(0.4, 0.8),
        "vessel": u(0.2, 1.0),
        "dura": u(0.2, 0.9),
        "scrap": u(0.4, 1.6),
        "bone": 0.1,
        "fat": u(1.2, 2.0),
        "muscle": u(0.4, 0.7),
        "ncr": 1 + fluid * min(0.95, oedema * wetter),
        "ed": 1 + fluid * oedema,
        "et": 1 + fluid * u(0.24, 0.7),
        "blood": u(0.4, 1.3),
        "cavity": 1 + fluid * u(0.8, 1.05),
    }


def _flair(rng: np.random.Generator) -> dict[str, float]:
    u = rng.uniform
    gain = _log(rng, 0.22, 0.95)
    fluid = u(0.15, 0.85)
    kind = u(0, 1)
    necrosis = u(0.35, 0.95) if kind < 0.06 else 1 + gain * (u(0.25, 1.0) if kind < 0.35 else u(0.95, 1.5))
    return {
        "wm": 1.0,
        "gm": u(0.96, 1.12),
        "csf": fluid,
        "wmh": 1 + gain * u(0.4, 1.1),
        "plexus": u(0.6, 1.4),
        "vessel": u(0.4, 1.0),
        "dura": u(0.5, 1.2),
        "scrap": u(0.4, 1.5),
        "bone": 0.1,
        "fat": u(0.9, 1.5),
        "muscle": u(0.5, 0.7),
        "ncr": necrosis,
        "ed": 1 + gain,
        "et": 1 + gain * u(0.3, 1.15),
        "blood": u(0.5, 1.5),
        "cavity": fluid * u(1.0, 1.5),
    }
