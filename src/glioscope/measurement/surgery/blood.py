"""Blood among what was taken for enhancement: bright before contrast already."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glioscope.core.errors import InvalidImage
from glioscope.normalisation.matched_subtraction import ENOUGH

__all__ = ["BLOOD_DEFINITIONS", "BRIGHT_PERCENTILE", "bright_on_t1n"]

BRIGHT_PERCENTILE = 98.0

BLOOD_DEFINITIONS = {
    "bright_on_t1n": f"Enhancing label brighter on native T1 than {BRIGHT_PERCENTILE:g} % of the brain outside all labels: "
    "blood products, or fat, melanin and shading. Residual tumour is bright after contrast and dark before it.",
    "subtraction": "T1c - T1n, T1n brought to the intensities of T1c by a line fitted to the brain outside all labels; in "
    "standard deviations of what remains there.",
}


def _check(inside: NDArray[np.bool_]) -> None:
    if int(inside.sum()) < ENOUGH:
        raise InvalidImage("There is too little brain outside the labels to know what is bright on native T1.")


def bright_on_t1n(
    t1n: NDArray[np.floating], enhancing: NDArray[np.bool_], normal: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], float]:
    """Voxels of the enhancing label that are bright on native T1, and the intensity from which they are.

    Percentiles do not change with the scale of the image. Normal white matter is the brightest tissue of a skull-stripped
    brain on T1, so the top hundredths of the normal brain are about as bright as white matter gets.

    Args:
        t1n: Native T1, any units.
        enhancing: Where the label says enhancing tumour.
        normal: Brain outside all labels.

    Raises:
        InvalidImage: too little normal brain.

    Source: Helland et al., Scientific Reports 2023, section 2.1 (blood is told from residual tumour by a hyperintense signal on
    T1w); the percentile is a choice of this package.
    """
    _check(normal)
    limit = float(np.percentile(t1n[normal], BRIGHT_PERCENTILE))
    return enhancing & (t1n > limit), limit
