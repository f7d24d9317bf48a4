"""A label map cut into the frames of a DICOM series, voxel by voxel, without interpolation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage, Volume
from glioscope.dicom.source_series import SourceSeries

__all__ = ["TOLERANCE", "label_frames"]

TOLERANCE = 0.1
"""Of a voxel: how far the corners of a frame may lie from the voxels of the label map that go there."""


def label_frames(labels: Volume, series: SourceSeries) -> NDArray[np.uint8]:
    """The labels of every frame of `series`, (frames, rows, columns), in the order of `series.positions`.

    The label map lies on the grid that the series was converted to; its axes may be flipped or permuted, as converters do. Each
    frame is placed by its own position, so the order and the numbering of the images do not matter.

    Raises:
        InvalidImage: a frame lies more than `TOLERANCE` of a voxel beside the label map's (unevenly spaced slices, a corrected
            gantry tilt, another series), or a slice of the label map has no frame.
    """
    rows, columns = series.shape
    ends = np.array([[0, 0], [columns - 1, 0], [0, rows - 1], [columns - 1, rows - 1]], np.float64)
    corners = np.column_stack([ends, np.zeros(4), np.ones(4)])
    step = np.rint(np.linalg.solve(labels.grid.affine, series.plane(series.positions[0])))[:3, :2].astype(int)
    frames = np.zeros((len(series.positions), rows, columns), np.uint8)
    seen = np.zeros(labels.grid.shape, bool)
    for frame, position in zip(frames, series.positions, strict=True):
        index = labels.grid.to_index((corners @ series.plane(position).T)[:, :3])
        start = np.rint(index[0]).astype(int)
        wanted = start + ends.astype(int) @ step.T
        if np.abs(index - wanted).max() > TOLERANCE or (wanted < 0).any() or (wanted >= labels.grid.shape).any():
            raise InvalidImage(
                "The slices of the source series do not lie where the label map has its voxels: they are unevenly spaced, or "
                "the series was resampled when it was converted. No DICOM is made of it."
            )
        i, j, k = (
            start[axis] + np.arange(columns)[None, :] * step[axis, 0] + np.arange(rows)[:, None] * step[axis, 1]
            for axis in range(3)
        )
        frame[:] = labels.data[i, j, k]
        seen[i, j, k] = True
    if not seen.all():
        raise InvalidImage("The label map has slices that the source series lacks; give the whole series that was run.")
    return frames
