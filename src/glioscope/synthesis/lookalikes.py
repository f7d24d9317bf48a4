"""What in a healthy head may be taken for tumour: vessels and sinuses, white-matter lesions of age, choroid plexus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glioscope.synthesis.fields import smooth_field

__all__ = ["Age", "blood_vessels", "draw_age", "hyperintensities", "plexus"]


@dataclass(frozen=True)
class Age:
    """How old a brain looks.

    Attributes:
        atrophy: Factor on the fluid in and around the gyri.
        lesions: Burden of white-matter hyperintensities, from 0 (none) to 1 (confluent).
    """

    atrophy: float
    lesions: float


def draw_age(rng: np.random.Generator) -> Age:
    """Most brains have few lesions; a large burden is rare."""
    old = rng.random()
    atrophy = np.clip(0.4 + 0.55 * old + rng.normal(0, 0.1), 0.3, 1.3)
    return Age(float(atrophy), float(np.clip(old**2 * rng.uniform(0.2, 1.2), 0, 1)))


def blood_vessels(
    csf: NDArray[np.float32], surface: NDArray[np.float32], left: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Vessels as the lines on which two random fields are both zero, and the sagittal sinus; part of each voxel.

    Args:
        csf: Part of each voxel that is fluid: most vessels run in it.
        surface: Signed distance in mm to the border of the brain.
        left: Distance in mm from the plane between the hemispheres.
        rng: Where all randomness comes from.
    """
    across = smooth_field(rng, csf.shape, 15) ** 2 + smooth_field(rng, csf.shape, 15) ** 2
    width = np.float32(rng.uniform(0.08, 0.15))
    lines = np.clip(1.6 - np.sqrt(across) / width, 0, 1) * np.clip(2.2 * csf + np.float32(0.08), 0, 1)
    lines *= np.clip((surface + 30) / 10, 0.15, 1)  # few run as deep as the ventricles
    sinus = np.clip(4.0 - np.hypot(left * 1.2, surface + 1.5), 0, 1) * (surface < 0)
    return np.asarray(np.maximum(lines, sinus * np.float32(rng.uniform(0.2, 1))), np.float32)


def hyperintensities(
    wm: NDArray[np.float32], ventricle: NDArray[np.float32], age: Age, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Caps and bands along the ventricles and spots in the deep white matter; part of each voxel."""
    caps = np.clip((1.2 + 5 * age.lesions) * (1 + 0.5 * smooth_field(rng, wm.shape, 14)) - ventricle, 0, 2) / 2
    spots = np.clip(2 * (smooth_field(rng, wm.shape, 7) - np.float32(3.4 - 1.8 * age.lesions)), 0, 1)
    return np.asarray(wm * np.maximum(caps * (ventricle > 0) * np.float32(0.4 + 0.6 * age.lesions), spots), np.float32)


def plexus(csf: NDArray[np.float32], ventricle: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Choroid plexus: lumps in the ventricles; part of each voxel."""
    lumps = np.clip(2 * (smooth_field(rng, csf.shape, 6) - np.float32(rng.uniform(1.3, 2.3))), 0, 1)
    return np.asarray(lumps * csf * (ventricle <= 0), np.float32)
