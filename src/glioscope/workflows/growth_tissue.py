"""The tissue that a tumour is grown in: given maps, the exam's own, or an atlas's, brought to one grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.atlas import atlas_volume
from glioscope.core import (
    Grid,
    InputUnreadable,
    InvalidImage,
    Sequence,
    read_probabilities,
    read_volume,
    resample,
)
from glioscope.growth import Tissue
from glioscope.growth.own_tissue import own_tissue
from glioscope.workflows.grow_score import read_mask
from glioscope.workflows.growth_tensors import read_tensors
from glioscope.workflows.progress import Progress

__all__ = ["TissueFiles", "tissue_of"]

ATLAS = "SRI24"
LEAST, NEAR = 0.8, 10.0
"""The two share a space when the brains overlap with this Dice, and this part of the tumour lies in the atlas's brain or not
farther from it than so many mm (a brain that is larger than the atlas's has tumours beyond its border)."""


@dataclass(frozen=True)
class TissueFiles:
    """Files that take the place of the atlas; each may lie on any grid in the tumour's world space.

    Attributes:
        white, grey: Probability maps; both or none.
        brain: Mask.
        tensor: Diffusion tensor, four-dimensional with six components.
        tensor_order: Whose convention `tensor` follows: `fsl` or `mrtrix`.
    """

    white: Path | None = None
    grey: Path | None = None
    brain: Path | None = None
    tensor: Path | None = None
    tensor_order: str = "fsl"

    def __post_init__(self) -> None:
        if (self.white is None) != (self.grey is None):
            raise InputUnreadable("White and grey matter belong together; give the maps of both or of none.")


def tissue_of(
    grid: Grid,
    files: TissueFiles,
    images: Mapping[Sequence, Path],
    lesion: NDArray[np.bool_],
    cavity: NDArray[np.bool_],
    progress: Progress,
) -> Tissue:
    """The tissue on `grid`; its brain includes the fluid.

    Maps given win; else the exam's own tissue is found in its images with the atlas as prior; without images it is the atlas's.
    The lesion counts as solid whatever the maps say, the cavity as none.

    Args:
        grid: Of the tumour.
        files: What the user gave.
        images: Sequence -> skull-stripped image, on `grid`; may be empty.
        lesion, cavity: (X, Y, Z) on `grid`.
        progress: Hears where the tissue comes from.

    Raises:
        InputUnreadable, InvalidImage: a file cannot be read, or the atlas lies in another space than the tumour.
        EngineMissing: the atlas is not installed.
    """
    remarks: list[str] = []
    brain = read_mask(files.brain, grid, remarks) if files.brain else None
    for remark in remarks:
        progress.decided(remark)
    if files.white and files.grey:
        white, grey = (_fraction(path, grid, progress) for path in (files.white, files.grey))
        if brain is None:
            brain = white + grey > 0.1
        progress.decided(f"Tissue: the maps '{files.white.name}' and '{files.grey.name}'.")
    else:
        priors, where = _atlas(grid)
        atlas_brain = priors.sum(axis=0) > 0.5
        volumes = {s: read_volume(path) for s, path in images.items()}
        if brain is None and volumes:
            brain = np.any([volume.data != 0 for volume in volumes.values()], axis=0)
        brain = atlas_brain if brain is None else brain
        _check_space(brain, atlas_brain, lesion, grid)
        telling: list[Sequence] = [s for s in volumes if s in (Sequence.T1N, Sequence.T2W)]
        chosen = telling or list(volumes)
        if chosen:
            priors = own_tissue([volumes[s].data for s in chosen], brain, priors, lesion)
            named = " and ".join(str(s) for s in chosen)
            progress.decided(f"Tissue: the exam's own, from {named} with the {ATLAS} atlas as prior ({where}).")
        else:
            progress.decided(f"Tissue: that of the {ATLAS} atlas ({where}); the patient's own differs.")
        _, grey, white = priors
    brain = brain & ~cavity
    solid = np.where(lesion, white + grey, 1)
    white = np.where(lesion, white / np.maximum(solid, 1e-3), white)
    grey = np.where(lesion, 1 - white, grey)
    spacing = (float(grid.spacing[0]), float(grid.spacing[1]), float(grid.spacing[2]))
    tensor = read_tensors(files.tensor, files.tensor_order, grid) if files.tensor else None
    return Tissue(white.astype(np.float32), grey.astype(np.float32), brain | (lesion & ~cavity), spacing, tensor)


def _fraction(path: Path, grid: Grid, progress: Progress) -> NDArray[np.float32]:
    volume = read_probabilities(path)
    if not volume.grid.same_as(grid):
        progress.decided(f"'{path.name}' lies on another grid: brought to the tumour's through world coordinates.")
        volume = resample(volume, grid)
    return np.asarray(volume.data, np.float32)


def _atlas(grid: Grid) -> tuple[NDArray[np.float32], str]:
    """Fluid, grey and white matter of the atlas on `grid`, (3, X, Y, Z), and in words how they came there."""
    maps = [read_volume(atlas_volume(ATLAS, key)) for key in ("csf", "gm", "wm")]
    turned = [volume.reoriented(grid.orientation) for volume in maps]
    if turned[0].grid.same_as(grid):
        return np.stack([volume.data for volume in turned]), "on the same grid"
    if (
        turned[0].grid.shape == grid.shape
        and np.allclose(turned[0].grid.spacing, grid.spacing, atol=1e-3)
        and grid.obliquity < 1
    ):
        return np.stack([volume.data for volume in turned]), "voxel for voxel, as the grid is the atlas's with another origin"
    return np.stack([resample(volume, grid).data for volume in maps]), "resampled through world coordinates"


def _check_space(brain: NDArray[np.bool_], atlas: NDArray[np.bool_], lesion: NDArray[np.bool_], grid: Grid) -> None:
    overlap = float(2 * (brain & atlas).sum() / max(1, brain.sum() + atlas.sum()))
    away = ndimage.distance_transform_edt(~atlas[::2, ::2, ::2], sampling=2 * grid.spacing)
    near = float((away[lesion[::2, ::2, ::2]] <= NEAR).mean()) if lesion[::2, ::2, ::2].any() else 1.0
    if not atlas.any() or min(overlap, near) < LEAST:
        what = (
            f"the brains overlap with a Dice of {overlap:.2f}" if overlap < LEAST else f"{near:.0%} of the tumour lies near it"
        )
        raise InvalidImage(
            f"The tumour does not lie in the space of the {ATLAS} atlas ({what}); give tissue maps in its own space, or bring "
            "the exam to the atlas with `glioscope preprocess`."
        )
