"""Label maps: named schemes that give the numbers meaning, and regions as named unions of labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from glioscope.core.errors import InvalidImage

__all__ = ["SCHEMES", "Label", "Scheme", "convert_labels", "get_scheme", "implied_regions", "numbering_of", "region_mask"]


@dataclass(frozen=True)
class Label:
    """One tissue class: its short name, what it means, and the colour it is drawn in (sRGB hex)."""

    name: str
    meaning: str
    colour: str


NCR = Label("NCR", "necrotic and non-enhancing tumour core", "#4477AA")
NETC = Label("NETC", "non-enhancing tumour core", "#4477AA")
ED = Label("ED", "peritumoural oedema and infiltrated tissue", "#CCBB44")
SNFH = Label("SNFH", "surrounding non-enhancing FLAIR hyperintensity", "#CCBB44")
ET = Label("ET", "enhancing tumour", "#EE6677")
CC = Label("CC", "cystic component", "#66CCEE")
RC = Label("RC", "resection cavity", "#AA3377")
GTV = Label("GTV", "gross tumour volume", "#EE6677")
RT = Label("RT", "residual enhancing tumour", "#EE6677")

SAME_TISSUE: Mapping[str, str] = MappingProxyType({"NETC": "NCR", "SNFH": "ED"})
"""What BraTS calls a tissue since 2024 -> what it called it before; no scheme uses both names."""


@dataclass(frozen=True)
class Scheme:
    """A named numbering of labels and the regions built from them.

    Attributes:
        name: The scheme's name, such as `brats-2023`.
        labels: Value in the volume -> label; 0 is always background and never listed.
        regions: Region name -> the label values it unites, from the largest region to the smallest.
    """

    name: str
    labels: Mapping[int, Label]
    regions: Mapping[str, tuple[int, ...]]

    def value_of(self, name: str) -> int:
        """The integer that label `name` has in this scheme; raises KeyError where it has none."""
        return next(value for value, label in self.labels.items() if label.name == name)


def _scheme(name: str, labels: dict[int, Label], regions: dict[str, tuple[int, ...]]) -> Scheme:
    return Scheme(name, MappingProxyType(labels), MappingProxyType(regions))


SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        s.name: s
        for s in (
            _scheme("brats-2021", {1: NCR, 2: ED, 4: ET}, {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}),
            _scheme("brats-2023", {1: NCR, 2: ED, 3: ET}, {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,)}),
            _scheme(
                "brats-2024-gli",
                {1: NETC, 2: SNFH, 3: ET, 4: RC},
                {"WT": (1, 2, 3), "TC": (1, 3), "NETC": (1,), "SNFH": (2,), "ET": (3,), "RC": (4,)},
            ),
            _scheme(
                "brats-ped",
                {1: ET, 2: NETC, 3: CC, 4: ED},
                {"WT": (1, 2, 3, 4), "TC": (1, 2, 3), "ET": (1,), "NETC": (2,), "CC": (3,), "ED": (4,)},
            ),
            _scheme("brats-met", {1: NETC, 2: SNFH, 3: ET}, {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,)}),
            _scheme(
                "brats-2024-met",
                {1: NETC, 2: SNFH, 3: ET, 4: RC},
                {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,), "RC": (4,)},
            ),
            _scheme("brats-men-rt", {1: GTV}, {"GTV": (1,)}),
            _scheme("residual", {1: RT}, {"RT": (1,)}),
        )
    }
)


def get_scheme(name: str) -> Scheme:
    """The scheme called `name`; raises InvalidImage, listing the known names, when there is none."""
    try:
        return SCHEMES[name]
    except KeyError:
        raise InvalidImage(f"There is no label scheme '{name}'; known are {', '.join(SCHEMES)}.") from None


def numbering_of(labels: NDArray[np.integer], wanted: Scheme) -> Scheme:
    """The scheme that a label map without one is taken to have where `wanted` is what it will be used in.

    The two numberings of the same three tissues are told apart by their values: a 4 and no 3 is `brats-2021`, a 3 and no 4
    is `brats-2023`. Anything else is `wanted`.
    """
    if wanted.name not in ("brats-2021", "brats-2023"):
        return wanted
    has_3, has_4 = (bool((labels == value).any()) for value in (3, 4))
    if has_3 == has_4:
        return wanted
    return SCHEMES["brats-2021" if has_4 else "brats-2023"]


def region_mask(labels: NDArray[np.integer], scheme: Scheme, region: str) -> NDArray[np.bool_]:
    """Boolean mask of `region` in a label map of `scheme`, same shape."""
    return np.isin(labels, scheme.regions[region])


def _tissue(name: str) -> str:
    return SAME_TISSUE.get(name, name)


def implied_regions(known: Collection[str], scheme: Scheme) -> tuple[str, ...]:
    """The regions of a scheme that are told where those in `known` are, in its order: these, and what is one but not another.

    A label map of WT, TC and ET tells the oedema, which is WT without TC.
    """
    told = [frozenset(scheme.regions[name]) for name in scheme.regions if name in known]
    found = {*told, *(outer - inner for outer in told for inner in told if inner < outer)}
    return tuple(name for name, values in scheme.regions.items() if frozenset(values) in found)


def convert_labels(labels: NDArray[np.integer], source: Scheme, target: Scheme) -> NDArray[np.uint8]:
    """The same label map in another numbering, matched by label name; names of the same tissue match (`SAME_TISSUE`).

    Raises:
        InvalidImage: a value is not in `source`, or the label it stands for does not exist in `target`.
    """
    numbers = {_tissue(label.name): value for value, label in target.labels.items()}
    table = np.zeros(256, np.uint8)
    for value in np.unique(labels):
        if value == 0:
            continue
        if int(value) not in source.labels:
            raise InvalidImage(f"The label map has the value {int(value)}, which scheme '{source.name}' does not define.")
        name = source.labels[int(value)].name
        if _tissue(name) not in numbers:
            raise InvalidImage(f"Label {name} of scheme '{source.name}' does not exist in '{target.name}'.")
        table[int(value)] = numbers[_tissue(name)]
    return table[np.asarray(labels, np.uint8)]
