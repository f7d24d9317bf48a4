"""`glioscope grow-score`: how well a prediction of growth, by whatever model, ranks where the tumour went."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from glioscope.core import (
    Grid,
    InputUnreadable,
    InvalidImage,
    Volume,
    read_header,
    read_labels,
    read_probabilities,
    resample_mask,
    write_volume,
)
from glioscope.core.files import check_folder, write_bytes, write_json
from glioscope.growth import RANKING_DEFINITIONS, GrowthRanking, rank_growth, time_of_density
from glioscope.workflows.growth_start import read_region

__all__ = ["GrowthScore", "forget_ranking", "grow_score", "mask_on", "read_mask", "read_times", "write_ranking"]


AGREEMENT, CURVE = "agreement.nii.gz", "precision_recall.png"


@dataclass(frozen=True)
class GrowthScore:
    """A prediction's score and the files that show it (none without an output folder)."""

    ranking: GrowthRanking
    files: tuple[Path, ...]
    remarks: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            **self.ranking.document(),
            "remarks": list(self.remarks),
            "files": [str(path) for path in self.files],
            "definitions": dict(RANKING_DEFINITIONS),
        }


def grow_score(
    prediction: str | PathLike[str],
    reference: str | PathLike[str],
    *,
    brain: str | PathLike[str],
    exclude: Sequence[str | PathLike[str]] = (),
    density: bool = False,
    region: str = "WT",
    scheme: str = "auto",
    out: str | PathLike[str] | None = None,
) -> GrowthScore:
    """Average precision, volume-matched Dice and agreement map of a predicted order of invasion.

    Args:
        prediction: Times of invasion (NIfTI; infinity where never), or cell densities.
        reference: Label map or mask of the tumour seen later.
        brain: Brain mask; what of the reference lies outside is dropped.
        exclude: Masks, or label maps, of which no voxel is compared: the cavity, the earlier tumour.
        density: The prediction is a density in [0, 1], ranked with the highest first.
        region: Of the reference.
        scheme: Of the reference, or `auto`; its resection cavity is excluded too.
        out: Folder for `agreement.nii.gz`, `precision_recall.png` and `ranking.json`.

    Raises:
        InputUnreadable, InvalidImage: a file cannot be read, or nothing is left to compare.
        OutputUnwritable: `out` cannot be written.
    """
    path = Path(prediction)
    predicted = read_probabilities(path) if density else read_times(path)
    if out is not None:
        check_folder(Path(out))
    times = time_of_density(predicted.data) if density else predicted.data
    remarks: list[str] = []
    later = read_region(Path(reference), region, scheme)
    truth = mask_on(Volume(later.tumour, later.grid), predicted.grid, Path(reference).name, remarks)
    left_out = mask_on(Volume(later.cavity, later.grid), predicted.grid, Path(reference).name, [])
    for file in map(Path, exclude):
        left_out |= read_mask(file, predicted.grid, remarks)
    inside = read_mask(Path(brain), predicted.grid, remarks)
    ranking = rank_growth(times, truth, inside, excluded=left_out)
    files = write_ranking(Path(out), ranking, predicted.grid) if out is not None else []
    score = GrowthScore(ranking, tuple(files), tuple(remarks))
    if out is not None:
        write_json(Path(out) / "ranking.json", score.document())
    return score


def read_times(path: Path) -> Volume:
    """Times of invasion as float32, infinity where never; raises InputUnreadable and InvalidImage."""
    grid = read_header(path).grid
    try:
        data = np.asarray(nib.load(path).dataobj, np.float32).reshape(grid.shape)
    except (OSError, EOFError, ValueError, zlib.error, ImageFileError) as error:
        raise InputUnreadable(f"'{path.name}' cannot be read as NIfTI; it is damaged or of another kind.") from error
    if np.isnan(data).any():
        raise InvalidImage(f"'{path.name}' has voxels that are not numbers (NaN); write infinity where the tumour never comes.")
    if not np.isfinite(data).any() or np.ptp(data[np.isfinite(data)]) == 0:
        raise InvalidImage(f"'{path.name}' has the same time everywhere, so it predicts no order of invasion.")
    return Volume(data, grid)


def mask_on(mask: Volume, grid: Grid, name: str, remarks: list[str]) -> NDArray[np.bool_]:
    """A mask on `grid`; one that lies on another goes through world coordinates, which is remarked."""
    if mask.grid.same_as(grid):
        return np.array(mask.data, bool)
    remarks.append(f"'{name}' lies on another grid and was resampled through world coordinates.")
    return np.asarray(resample_mask(mask, grid).data, bool)


def read_mask(path: Path, grid: Grid, remarks: list[str]) -> NDArray[np.bool_]:
    """Where a mask or label map is not 0, on `grid`; see `mask_on`. Raises as `read_labels`."""
    volume = read_labels(path)
    return mask_on(volume.with_data(volume.data > 0), grid, path.name, remarks)


def forget_ranking(folder: Path) -> None:
    """Remove what `write_ranking` wrote for another prediction."""
    for name in (AGREEMENT, CURVE):
        (folder / name).unlink(missing_ok=True)


def write_ranking(folder: Path, ranking: GrowthRanking, grid: Grid) -> list[Path]:
    """Write the agreement map and the precision-recall curve into `folder`; raises OutputUnwritable."""
    from glioscope.growth.pictures import precision_recall_picture

    agreement, picture = folder / AGREEMENT, folder / CURVE
    write_volume(agreement, Volume(ranking.agreement, grid))
    write_bytes(picture, precision_recall_picture(ranking))
    return [agreement, picture]
