"""Whether two label maps can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core.errors import InvalidImage
from glioscope.core.labels import get_scheme
from glioscope.evaluation.protocol import Protocol

__all__ = ["checked_labels", "checked_spacing", "foreign_labels"]


def checked_labels(labels: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """The map as bytes.

    Args:
        labels: (X, Y, Z), whole numbers from 0 to 255 of any type.
        name: What the map is called in a message.

    Raises:
        InvalidImage: not 3-D, without voxels, not numbers, not finite, not whole, or out of range.
    """
    labels = np.asarray(labels)
    if labels.ndim != 3:
        raise InvalidImage(f"The {name} is {labels.ndim}-D, but a label map has three dimensions.")
    if not labels.size:
        raise InvalidImage(f"The {name} has no voxels.")
    if labels.dtype == np.uint8:
        return labels
    if labels.dtype == np.bool_:
        return labels.view(np.uint8)
    if labels.dtype.kind not in "iuf":
        raise InvalidImage(f"The {name} holds {labels.dtype}, but a label map holds whole numbers.")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise InvalidImage(f"The {name} has voxels that are not finite (NaN or infinite); a label map holds whole numbers.")
    with np.errstate(invalid="ignore"):
        whole = labels.astype(np.uint8)
    if not np.array_equal(whole, labels):
        wrong = np.unique(labels[whole != labels])[:5]
        raise InvalidImage(f"The {name} has the values {_listed(wrong)}, but labels are whole numbers from 0 to 255.")
    return whole


def checked_spacing(spacing: Sequence[float] | NDArray[np.floating]) -> tuple[float, float, float]:
    """Three positive finite edge lengths (mm); raises InvalidImage for anything else."""
    mm = tuple(float(edge) for edge in spacing)
    if len(mm) != 3 or not all(np.isfinite(edge) and edge > 0 for edge in mm):
        raise InvalidImage(f"The spacing is {_listed(mm)}, but a voxel has three edge lengths above 0 mm.")
    return mm[0], mm[1], mm[2]


def foreign_labels(labels: NDArray[np.uint8], name: str, protocol: Protocol) -> set[int]:
    """Values that occur though no region has them and the protocol tolerates them.

    Raises:
        InvalidImage: a value that the protocol does not know.
    """
    known = {value for rules in protocol.rules.values() for value in rules.labels}
    if np.count_nonzero(labels) == sum(np.count_nonzero(labels == value) for value in known):
        return set()
    foreign = {int(value) for value in np.unique(labels)} - known - {0}
    unknown = set() if protocol.tolerated is None else foreign - set(protocol.tolerated)
    if unknown:
        names = ", ".join(f"{value} {label.name}" for value, label in get_scheme(protocol.scheme).labels.items())
        values = f"value {_listed(unknown)}" if len(unknown) == 1 else f"values {_listed(sorted(unknown))}"
        raise InvalidImage(
            f"The {name} has the {values}, which protocol '{protocol.name}' does not know (it knows {names}); "
            "convert the labels or choose another protocol."
        )
    return foreign


def _listed(values: Iterable[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
