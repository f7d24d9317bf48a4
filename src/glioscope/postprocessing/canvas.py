"""A label map that remembers what is painted over, worked on inside the box of its tumour."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage, Scheme
from glioscope.core.boxes import box_of
from glioscope.postprocessing.record import Change

__all__ = ["Canvas"]

Mask = NDArray[np.bool_]


class Canvas:
    """A copy of a label map under change.

    Args:
        labels: 3-D label map in `scheme`; it is not changed.
        scheme: Its numbering.
        voxel_mm3: Volume of a voxel.

    Raises:
        InvalidImage: not three axes, or a value that the scheme does not define.

    Attributes:
        box: uint8, the part of the map that holds all tumour, with one voxel of background around it on every side (also
            beyond the edge of the volume, so that what is open there is not enclosed).
        changes: What was painted, in order.
    """

    def __init__(self, labels: NDArray[np.integer[Any]], scheme: Scheme, voxel_mm3: float) -> None:
        if labels.ndim != 3:
            raise InvalidImage(f"A label map has three axes, this one has {labels.ndim}.")
        self.scheme, self.voxel_mm3 = scheme, voxel_mm3
        self._whole = np.array(labels, np.uint8, order="C")
        present = np.flatnonzero(np.bincount(self._whole.ravel(), minlength=1))
        unknown = sorted(set(present.tolist()) - {0, *scheme.labels})
        if unknown or (self._whole != labels).any():
            told = unknown[0] if unknown else "beyond 0 to 255"
            raise InvalidImage(f"The label map has the value {told}, which scheme '{scheme.name}' does not define.")
        tumour = self._whole > 0
        self._slices = box_of(tumour) if tumour.any() else (slice(0, 0),) * 3
        self.box: NDArray[np.uint8] = np.pad(self._whole[self._slices], 1)
        self.changes: list[Change] = []

    @property
    def labels(self) -> NDArray[np.uint8]:
        """The label map as it is now, of the shape it came in."""
        self._whole[self._slices] = self.box[1:-1, 1:-1, 1:-1]
        return self._whole

    def region(self, name: str) -> Mask:
        """Mask of a region in the box."""
        table = np.zeros(256, bool)
        table[list(self.scheme.regions[name])] = True
        return table[self.box]

    def paint(self, parts: NDArray[np.integer[Any]], after: int, step: str, region: str) -> None:
        """Give the label `after` to the voxels of the box where `parts` is not 0, one change for each number in it."""
        where = np.flatnonzero(parts)
        if not where.size:
            return
        number = parts.ravel()[where]
        order = np.argsort(number, kind="stable")
        where, number = where[order], number[order]
        before = self.box.ravel()[where]
        starts = [s.start for s in self._slices]
        inside = np.array(np.unravel_index(where, self.box.shape)) - 1 + np.array(starts)[:, None]
        place = np.ravel_multi_index(tuple(inside), self._whole.shape)
        fresh = (np.diff(place) != 1) | (np.diff(before) != 0) | (np.diff(number) != 0)
        first = np.concatenate(([0], np.flatnonzero(fresh) + 1))
        length = np.diff(np.concatenate((first, [place.size])))
        runs: dict[int, list[tuple[int, int, int]]] = {}
        for key, at, size, old in zip(number[first], place[first], length, before[first], strict=True):
            runs.setdefault(int(key), []).append((int(at), int(size), int(old)))
        for of_part in runs.values():
            volume = round(sum(size for _, size, _ in of_part) * self.voxel_mm3, 3)
            self.changes.append(Change(step, region, after, tuple(of_part), volume))
        self.box.ravel()[where] = after
