"""One picture of an exam: a row per sequence, a column per slice, the brain mask outlined."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import Sequence, Volume, parse_sequence, read_labels, read_volume
from glioscope.core.files import write_bytes

__all__ = ["draw_overview", "overview_figure"]

COLUMNS = 7
TILE = 180
"""Height of a tile in pixels."""
OUTLINE = (255, 196, 0)


def _axial(volume: Volume) -> Volume:
    """Axes such that array[:, :, k].T is a slice as radiologists look at it: patient's right on the left, front on top."""
    return volume.reoriented("LPS")


def _grey(data: NDArray[np.float32], brain: NDArray[np.bool_]) -> NDArray[np.uint8]:
    inside = data[brain] if brain.any() else data.ravel()
    low, high = np.percentile(inside, [0.5, 99.5])
    return np.asarray((255 * np.clip((data - min(low, 0.0)) / max(float(high - min(low, 0.0)), 1e-6), 0, 1)).astype(np.uint8))


def _slices(brain: NDArray[np.bool_]) -> list[int]:
    """Even steps through the brain, its first and last tenth left out."""
    filled = np.flatnonzero(brain.any(axis=(0, 1)))
    first, last = (filled[0], filled[-1]) if len(filled) else (0, brain.shape[2] - 1)
    margin = (last - first) * 0.1
    return [int(k) for k in np.rint(np.linspace(first + margin, last - margin, COLUMNS))]


def _tile(grey: NDArray[np.uint8], outline: NDArray[np.bool_], size: tuple[int, int]) -> Any:  # noqa: ANN401
    from PIL import Image

    picture = Image.fromarray(grey).convert("RGB").resize(size, Image.Resampling.BILINEAR)
    line = np.asarray(Image.fromarray(outline.astype(np.uint8) * 255).resize(size, Image.Resampling.NEAREST)) > 0
    edge = line & ~ndimage.binary_erosion(line)
    pixels = np.array(picture)
    pixels[edge] = OUTLINE
    return Image.fromarray(pixels)


def overview_figure(images: Mapping[Sequence, Volume], brain: Volume) -> bytes:
    """A PNG of axial slices at even steps through the brain, the same bytes each time.

    Radiological convention: the patient's right is on the left of the picture, marked R and L. Pixels are square in mm,
    whatever the voxels are.

    Args:
        images: Sequence -> volume, all on the grid of `brain`.
        brain: Mask whose outline is drawn.
    """
    from PIL import Image, ImageDraw

    mask = _axial(brain).data > 0
    spacing = _axial(brain).grid.spacing
    chosen = _slices(mask)
    width = max(1, round(TILE * mask.shape[0] * spacing[0] / (mask.shape[1] * spacing[1])))
    sheet = Image.new("RGB", (width * COLUMNS, TILE * len(images)))
    draw = ImageDraw.Draw(sheet)
    for row, (sequence, volume) in enumerate(images.items()):
        grey = _grey(np.asarray(_axial(volume).data, np.float32), mask)
        for column, k in enumerate(chosen):
            tile = _tile(np.ascontiguousarray(grey[:, :, k].T), np.ascontiguousarray(mask[:, :, k].T), (width, TILE))
            sheet.paste(tile, (column * width, row * TILE))
            draw.text((column * width + 3, row * TILE + TILE // 2 - 5), "R", fill=OUTLINE)
            draw.text(((column + 1) * width - 9, row * TILE + TILE // 2 - 5), "L", fill=OUTLINE)
        draw.text((4, row * TILE + 4), sequence.display_name, fill=(255, 255, 255))
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    return stream.getvalue()


def draw_overview(*, images: Mapping[str, Path], mask: Path, output: Path) -> None:
    """Write the overview of `images` (sequence spelling -> file) on the grid of `mask` as PNG."""
    volumes = {s: read_volume(path) for name, path in images.items() if (s := parse_sequence(name)) is not None}
    write_bytes(output, overview_figure(volumes, read_labels(mask)))
