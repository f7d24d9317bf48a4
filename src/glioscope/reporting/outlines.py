"""Which regions are outlined in figures, and in which colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Scheme

__all__ = ["REGION_TITLES", "Outline", "outlines", "region_title"]

REGION_TITLES = {
    "WT": "Whole tumour",
    "TC": "Tumour core",
    "ET": "Enhancing tumour",
    "NETC": "Non-enhancing core",
    "SNFH": "Surrounding FLAIR hyperintensity",
    "RC": "Resection cavity",
    "ED": "Oedema",
    "CC": "Cyst",
    "GTV": "Gross tumour volume",
    "RT": "Residual tumour",
}
"""Region name -> the words shown to people."""


def region_title(region: str) -> str:
    """A region's words and its name, such as `Tumour core (TC)`."""
    return f"{REGION_TITLES[region]} ({region})" if region in REGION_TITLES else region


_CHAIN = ("WT", "TC", "ET")


@dataclass(frozen=True)
class Outline:
    """A region to outline: its name, its words, its label values, its colour (sRGB hex)."""

    region: str
    title: str
    values: tuple[int, ...]
    colour: str

    def mask(self, labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Where the region is in (a slice of) a label map."""
        return np.isin(labels, self.values)


def outlines(scheme: Scheme) -> list[Outline]:
    """The nested regions WT, TC, ET and every label outside them, from the largest to the smallest.

    A region has the colour of the label that sets it apart from the next smaller one: WT that of oedema, TC that of the
    non-enhancing core, ET its own.
    """
    chain = [name for name in _CHAIN if name in scheme.regions]
    chained = {value for name in chain for value in scheme.regions[name]}
    out = []
    for name, inner in zip(chain, [*chain[1:], None], strict=False):
        values = scheme.regions[name]
        shell = [v for v in values if not inner or v not in scheme.regions[inner]] or list(values)
        out.append(Outline(name, REGION_TITLES[name], values, scheme.labels[shell[0]].colour))
    for value, label in scheme.labels.items():
        if value not in chained:
            out.append(Outline(label.name, REGION_TITLES.get(label.name, label.meaning), (value,), label.colour))
    return out
