"""Location maps on the SRI24 grid, carried from MNI152 by one deformable registration of the two T1 brains.

Run as a module by the installation, `python -m glioscope.atlas.location MNI SRI`: ITK fixes its number of threads when it is
loaded, and only a single thread gives the same maps on every machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import ProcessingFailed, Volume, read_labels, read_volume, write_volume
from glioscope.core.files import write_json

__all__ = ["carry_labels", "carry_location"]

REGISTRATION_SPACING = 2.5
"""Spacing in mm of the images registered; lobes need no more, and it takes seconds instead of minutes."""


def carry_location(mni: Path, sri: Path) -> None:
    """Write `lobes`, `lateralisation` and `lobe_names` into the folder `sri`, from the atlas in the folder `mni`.

    Raises:
        ProcessingFailed: the registration gave up.
    """
    environment = {**os.environ, "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
    command = [sys.executable, "-m", "glioscope.atlas.location", str(mni), str(sri)]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if outcome.returncode:
        reason = (outcome.stderr.strip() or "no message").splitlines()[-1]
        raise ProcessingFailed(f"The lobes could not be carried from MNI152 to SRI24 ({reason[:160]}).")


def carry_labels(labels: NDArray[np.integer], where: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The label with the largest share, by linear interpolation of each label's mask, at continuous voxel indices.

    Args:
        labels: Label map of three axes; 0 is carried like any other.
        where: Continuous indices into `labels`, shape (3, n). Outside the map the nearest voxel counts.

    Returns:
        The n labels; of two with equal shares the smaller.
    """
    best = np.full(where.shape[1], -1.0, np.float32)
    out = np.zeros(where.shape[1], np.uint8)
    for value in np.unique(labels):
        share = ndimage.map_coordinates((labels == value).astype(np.float32), where, order=1, mode="nearest")
        better = share > best + 1e-6
        out[better], best[better] = value, share[better]
    return out


def _ants_image(volume: Volume) -> Any:  # noqa: ANN401
    import ants

    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.grid.affine
    direction = affine[:3, :3] / volume.grid.spacing
    return ants.from_numpy(
        np.asarray(volume.data, np.float32),
        origin=affine[:3, 3].tolist(),
        spacing=volume.grid.spacing.tolist(),
        direction=direction,
    )


def _corresponding_points(fixed: Volume, moving: Volume) -> NDArray[np.float64]:
    """World points of `moving` (mm, RAS) that correspond to each voxel of `fixed`, shape (*fixed.grid.shape, 3)."""
    import ants

    ants.config.set_ants_deterministic(on=True, seed_value=1)  # the only seed that the engine heeds
    spacing = (REGISTRATION_SPACING,) * 3
    target, source = _ants_image(fixed), _ants_image(moving)
    result = ants.registration(
        ants.resample_image(target, spacing),
        ants.resample_image(source, spacing),
        "SyN",
        aff_iterations=(500, 300, 100),
        aff_shrink_factors=(4, 2, 1),
        aff_smoothing_sigmas=(2, 1, 0),
        reg_iterations=(60, 40, 5),
    )
    # Carrying the coordinates themselves as images gives the points whatever form the engine keeps its transforms in.
    index = np.indices(moving.grid.shape).reshape(3, -1).T
    world = moving.grid.to_world(index).reshape(*moving.grid.shape, 3).astype(np.float32)
    carried = [
        ants.apply_transforms(target, _ants_image(moving.with_data(world[..., axis])), result["fwdtransforms"]).numpy()
        for axis in range(3)
    ]
    return np.stack(carried, axis=-1).astype(np.float64)


def _carry(mni: Path, sri: Path) -> None:
    fixed, moving = read_volume(sri / "t1_brain.nii.gz"), read_volume(mni / "t1_brain.nii.gz")
    points = _corresponding_points(fixed, moving)
    brain = fixed.data > 0
    # a margin, so that a brain mask somewhat larger than the atlas's still falls into a lobe
    near = ndimage.binary_dilation(brain, iterations=5)
    lobes = read_labels(mni / "lobes.nii.gz")
    filled = np.zeros(fixed.grid.shape, np.uint8)
    filled[brain] = carry_labels(lobes.data, lobes.grid.to_index(points[brain]).T)
    nearest = ndimage.distance_transform_edt(filled == 0, return_distances=False, return_indices=True)
    carried = np.where(near, filled[tuple(nearest)], 0).astype(np.uint8)
    sides = read_labels(mni / "lateralisation.nii.gz")
    side = np.zeros(fixed.grid.shape, np.uint8)
    side[near] = carry_labels(sides.data, sides.grid.to_index(points[near]).T)
    write_volume(sri / "lobes.nii.gz", fixed.with_data(carried))
    write_volume(sri / "lateralisation.nii.gz", fixed.with_data(side))
    write_json(sri / "lobe_names.json", json.loads((mni / "lobe_names.json").read_text()))


if __name__ == "__main__":
    _carry(Path(sys.argv[1]), Path(sys.argv[2]))
