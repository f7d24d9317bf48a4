"""Which slices to show, how they are cut and which way they are turned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import Scheme, Sequence, Volume, region_mask

__all__ = ["PLANES", "Plane", "Scene", "make_scene"]

Plane = Literal["axial", "sagittal", "coronal"]

PLANES: Mapping[Plane, tuple[int, tuple[str, str]]] = {
    "axial": (2, ("R", "L")),
    "sagittal": (0, ("A", "P")),
    "coronal": (1, ("R", "L")),
}
"""Plane -> the array axis (of an LPS volume) across it, and the letters at the left and the right of its picture."""

MARGIN_MM = 5.0


@dataclass(frozen=True)
class Scene:
    """An exam turned to LPS and cut to the brain, ready to be drawn in the radiological convention.

    Attributes:
        images: Sequence -> volume; array axes run to the patient's left, back and head.
        labels: Label map on the same grid.
        windows: Sequence -> grey values shown as black and as white.
        focus: Voxel that the three planes go through.
        slices: Axial slices across the tumour, or across the brain where there is none, from below.
        focus_region: Region that chose the focus, None without tumour.
    """

    images: Mapping[Sequence, Volume]
    labels: Volume
    windows: Mapping[Sequence, tuple[float, float]]
    focus: tuple[int, int, int]
    slices: tuple[int, ...]
    focus_region: str | None

    def picture(self, volume: Volume, plane: Plane, index: int | None = None) -> NDArray[Any]:
        """A slice as rows from the top and columns from the left, as it is shown."""
        axis = PLANES[plane][0]
        data = volume.data.take(self.focus[axis] if index is None else index, axis=axis).T
        return np.asarray(data if plane == "axial" else data[::-1])

    def size_mm(self, plane: Plane) -> tuple[float, float]:
        """Width and height of a plane's picture."""
        a, b = (float(self.labels.grid.extent[axis]) for axis in range(3) if axis != PLANES[plane][0])
        return a, b

    def position_mm(self, plane: Plane, index: int | None = None) -> float:
        """World coordinate (RAS) across a plane at the focus, to the nearest mm."""
        axis = PLANES[plane][0]
        point = list(self.focus)
        point[axis] = self.focus[axis] if index is None else index
        return float(np.round(self.labels.grid.to_world(point)[axis])) + 0.0  # never -0


def _crop(volume: Volume, box: tuple[slice, ...]) -> Volume:
    affine = volume.grid.affine.copy()
    affine[:3, 3] = volume.grid.to_world([s.start for s in box])
    return Volume.of(volume.data[box], affine)


def _box(mask: NDArray[np.bool_], spacing: NDArray[np.float64]) -> tuple[slice, ...]:
    found = ndimage.find_objects(mask.astype(np.uint8))
    if not found:
        return tuple(slice(0, n) for n in mask.shape)
    margin = np.ceil(MARGIN_MM / spacing).astype(int)
    return tuple(slice(max(0, s.start - m), min(n, s.stop + m)) for s, m, n in zip(found[0], margin, mask.shape, strict=True))


def _focus(labels: NDArray[np.uint8], scheme: Scheme, brain: NDArray[np.bool_]) -> tuple[tuple[int, int, int], str | None]:
    """The middle of the tumour core (else of the next largest region) in the axial slice in which its area is largest."""
    for name in [*(r for r in ("TC", "WT") if r in scheme.regions), *scheme.regions]:
        mask = region_mask(labels, scheme, name)
        if mask.any():
            break
    else:
        mask, name = brain if brain.any() else np.ones_like(brain), ""
    k = int(mask.sum(axis=(0, 1)).argmax())
    i, j = (int(v) for v in np.median(np.argwhere(mask[:, :, k]), axis=0))
    return (i, j, k), name or None


def make_scene(images: Mapping[Sequence, Volume], labels: Volume, scheme: Scheme, brain: Volume, *, slices: int = 6) -> Scene:
    """Turn, cut and window an exam for figures.

    Args:
        images: Any of the four sequences on one grid.
        labels: Label map of `scheme` on that grid.
        brain: Brain mask on that grid; its percentiles 1 and 99.5 are the window.
        slices: How many axial slices to choose across the tumour.
    """
    turned = labels.reoriented("LPS")
    mask = brain.reoriented("LPS").data > 0
    box = _box(mask | (turned.data > 0), turned.grid.spacing)
    shown, mask = _crop(turned, box), mask[box]
    cut = {s: _crop(images[s].reoriented("LPS"), box) for s in Sequence if s in images}
    windows = {}
    for sequence, volume in cut.items():
        values = volume.data[mask] if mask.any() else volume.data
        low, high = (float(v) for v in np.percentile(values[::3], (1, 99.5)))
        windows[sequence] = (low, max(high, low + 1e-6))
    focus, region = _focus(shown.data, scheme, mask)
    heights = np.flatnonzero((shown.data > 0 if region else mask).any(axis=(0, 1)))
    inside = heights if len(heights) else np.arange(shown.data.shape[2])
    places = np.linspace(inside[0], inside[-1], slices + 2)[1:-1]
    return Scene(cut, shown, windows, focus, tuple(dict.fromkeys(int(p) for p in places.round())), region)
