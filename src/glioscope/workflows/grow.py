"""`glioscope grow`: a simulated tumour, from a place or a segmentation, and how well it foretells a follow-up."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Grid, InvalidImage, Volume, write_volume
from glioscope.core.boxes import box_of
from glioscope.core.files import check_folder, write_bytes, write_json
from glioscope.growth import (
    RANKING_DEFINITIONS,
    Growth,
    GrowthParameters,
    Seed,
    SeedFit,
    Tissue,
    fit_seed,
    rank_growth,
    simulate,
)
from glioscope.workflows.grow_score import forget_ranking, mask_on, read_mask, write_ranking
from glioscope.workflows.growth_start import GrowthStart, LabelledRegion, read_region, read_start
from glioscope.workflows.growth_tissue import TissueFiles, tissue_of
from glioscope.workflows.progress import Progress

__all__ = ["Grown", "Protocol", "grow"]

Protocol = Literal["forward", "bidirectional"]

COARSE = 2.0
"""Width of a voxel over sqrt(D / rho) above which a front is more than a tenth too fast."""


@dataclass(frozen=True)
class Grown:
    """What was written, and the numbers in `growth.json`."""

    folder: Path
    numbers: dict[str, Any]

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return self.numbers


def grow(
    start: str | PathLike[str],
    out: str | PathLike[str],
    *,
    parameters: GrowthParameters | None = None,
    protocol: Protocol = "forward",
    until_volume_ml: float | None = None,
    until_time: float | None = None,
    follow_up: str | PathLike[str] | None = None,
    exclude: tuple[str | PathLike[str], ...] = (),
    region: str = "WT",
    scheme: str = "auto",
    tissue: TissueFiles | None = None,
    on: str | PathLike[str] | None = None,
    restarts: int = 10,
    seed: int = 0,
    progress: Progress | None = None,
) -> Grown:
    """Grow a tumour and write its invasion times, its density at the end, a picture and the numbers.

    Args:
        start: `mm:X,Y,Z`, `voxel:I,J,K`, a label map, or the folder of a prepared exam with one.
        out: Folder to write to.
        parameters: Of the model.
        protocol: What is done with a segmentation. `forward`: growth goes on from it, and of a follow-up the new growth alone
            counts. `bidirectional`: the seed it grew from is fitted, and the tumour grown again from there; of a follow-up all
            remaining tumour counts. The cavity never counts.
        until_volume_ml, until_time: When to stop; with neither, when all of the follow-up is invaded and, where the seed is
            fitted, all of the segmentation.
        follow_up: Label map of a later time, in the same world space.
        exclude: Further masks of what is not to be compared with the follow-up.
        region: Of the label maps.
        scheme: Of the label maps, or `auto`.
        tissue: Files that take the place of the atlas.
        on: Image whose grid a place is meant on; the map of white matter, if given, or the SRI24 atlas where None.
        restarts: Searches for the seed.
        seed: Of the search's random numbers.
        progress: Hears what was decided.

    Raises:
        InputUnreadable, AmbiguousExam, InvalidImage: what was given cannot be read or does not fit together.
        EngineMissing: the atlas is not installed.
        OutputUnwritable: `out` cannot be written.
    """
    parameters, files, progress = parameters or GrowthParameters(), tissue or TissueFiles(), progress or Progress()
    ends = _ends(until_volume_ml, until_time)
    _check_pairs(exclude, follow_up, parameters, files)
    begun = read_start(str(start), region, scheme, Path(on) if on else files.white)
    grid, early = begun.region.grid, begun.region.tumour
    if not ends and follow_up is None and (protocol == "forward" or begun.seed is not None):
        raise InvalidImage("Say how far to grow: until a volume, until a time, or until a follow-up is covered.")
    check_folder(folder := Path(out))
    remarks: list[str] = []
    later = _later(Path(follow_up), region, scheme, grid, remarks) if follow_up is not None else None
    solid = tissue_of(grid, files, begun.images, early, begun.region.cavity, progress)
    brain = solid.brain
    if later is not None:
        excluded = later.cavity | begun.region.cavity | (early if protocol == "forward" else False)
        for file in map(Path, exclude):
            excluded |= read_mask(file, grid, remarks)
        if not (later.tumour & brain & ~excluded).any():
            raise InvalidImage(f"'{Path(str(follow_up)).name}' has no {region} in the brain beyond what is not compared.")
    _warn_of_coarse_voxels(solid, parameters, remarks)
    _check_place(begun, solid)
    fit, origin = _origin(begun, solid, parameters, protocol, restarts, seed)
    covered = early if later is None else later.tumour | early
    growth = simulate(
        solid,
        parameters,
        origin,
        until_volume_ml=until_volume_ml,
        until_time=until_time,
        until_covered=None if ends else covered,
    )
    _warn_of_the_end(_visible_ml(growth, solid), until_volume_ml, until_time, remarks)
    numbers = _numbers(str(start), protocol, parameters, fit, origin, growth, solid, remarks)
    write_volume(folder / "invasion_time.nii.gz", Volume(growth.invasion_time, grid))
    write_volume(folder / "density.nii.gz", Volume(growth.density, grid))
    if fit is not None:
        numbers["seed"]["mm"] = [round(float(v), 2) for v in grid.to_world(fit.seed.index)]
        numbers["fit"] = rank_growth(growth.invasion_time, early, brain).document()
    if later is not None:
        ranking = rank_growth(growth.invasion_time, later.tumour, brain, excluded=excluded)
        numbers["follow_up"] = ranking.document()
        write_ranking(folder, ranking, grid)
    else:
        forget_ranking(folder)
    if fit is not None or later is not None:
        numbers["definitions"] = dict(RANKING_DEFINITIONS)
    for remark in remarks:
        progress.warned(remark)
    if np.isfinite(growth.invasion_time).any():
        _draw(folder / "growth.png", growth, solid, begun, None if later is None else later.tumour)
    else:
        (folder / "growth.png").unlink(missing_ok=True)  # of an earlier growth
    write_json(folder / "growth.json", numbers)
    return Grown(folder, numbers)


def _check_pairs(exclude: tuple[Any, ...], follow_up: object, parameters: GrowthParameters, files: TissueFiles) -> None:
    if exclude and follow_up is None:
        raise InvalidImage("Without a follow-up nothing is compared; give one with --follow-up, or leave out --exclude.")
    if parameters.tau > 0 and files.tensor is None:
        raise InvalidImage("tau weighs the diffusion tensor; give one with --tensor, or leave tau at 0.")


def _ends(*given: float | None) -> list[float]:
    """Those volumes and times until which to grow that were given."""
    ends = [end for end in given if end is not None]
    if not all(math.isfinite(end) and end > 0 for end in ends):
        raise InvalidImage("The volume or time until which to grow must be a number above 0.")
    return ends


def _later(path: Path, region: str, scheme: str, grid: Grid, remarks: list[str]) -> LabelledRegion:
    """The later tumour and cavity on the grid of the start."""
    found = read_region(path, region, scheme)
    tumour = mask_on(Volume(found.tumour, found.grid), grid, path.name, remarks)
    return LabelledRegion(grid, tumour, mask_on(Volume(found.cavity, found.grid), grid, path.name, []))


def _check_place(begun: GrowthStart, tissue: Tissue) -> None:
    """Raise InvalidImage, saying where the brain is, where the place to grow from does not lie in it."""
    if begun.seed is None or not tissue.solid.any():
        return
    box = box_of(tissue.solid)
    if all(part.start - 1 <= index <= part.stop for part, index in zip(box, begun.seed, strict=True)):
        return
    ends = np.array([begun.region.grid.to_world([getattr(part, end) for part in box]) for end in ("start", "stop")])
    low, high = (",".join(f"{value:.0f}" for value in corner) for corner in (ends.min(axis=0), ends.max(axis=0)))
    raise InvalidImage(f"The seed lies outside the brain, which lies between mm:{low} and mm:{high}.")


def _origin(
    begun: GrowthStart, tissue: Tissue, parameters: GrowthParameters, protocol: Protocol, restarts: int, seed: int
) -> tuple[SeedFit | None, Seed | NDArray[np.bool_]]:
    if begun.seed is not None:
        return None, Seed(begun.seed)
    if protocol == "forward":
        return None, begun.region.tumour
    fit = fit_seed(tissue, parameters, begun.region.tumour, restarts=restarts, seed=seed)
    return fit, fit.seed


def _warn_of_coarse_voxels(tissue: Tissue, parameters: GrowthParameters, remarks: list[str]) -> None:
    slowest = min((d for d in (parameters.white, parameters.grey) if d > 0), default=0)
    if parameters.rho > 0 and slowest > 0 and max(tissue.spacing) > COARSE * (slowest / parameters.rho) ** 0.5:
        width = (slowest / parameters.rho) ** 0.5
        remarks.append(
            f"Voxels of {max(tissue.spacing):.3g} mm are coarse for a front {width:.2g} mm wide: along them it is too fast."
        )


def _warn_of_the_end(grown_ml: float, until_volume_ml: float | None, until_time: float | None, remarks: list[str]) -> None:
    if until_volume_ml is not None and until_time is None and grown_ml < until_volume_ml:
        remarks.append(f"It ends at {grown_ml:.1f} ml, not at {until_volume_ml:g}: it has no more brain to grow into.")


def _visible_ml(growth: Growth, tissue: Tissue) -> float:
    return float(np.isfinite(growth.invasion_time).sum()) * tissue.voxel_volume


def _numbers(
    start: str,
    protocol: str,
    parameters: GrowthParameters,
    fit: SeedFit | None,
    origin: Seed | NDArray[np.bool_],
    growth: Growth,
    tissue: Tissue,
    remarks: list[str],
) -> dict[str, Any]:
    place = {"voxel": [round(i, 3) for i in origin.index]} if isinstance(origin, Seed) else None
    return {
        "start": Path(start).name,
        "protocol": protocol,
        "parameters": asdict(parameters),
        "seed": fit.document() if fit else place,
        "time": growth.time,
        "visible_ml": round(_visible_ml(growth, tissue), 3),
        "cells_ml": round(float(growth.density.sum(dtype=np.float64)) * tissue.voxel_volume, 3),
        "remarks": remarks,
    }


def _draw(path: Path, growth: Growth, tissue: Tissue, begun: GrowthStart, later: NDArray[np.bool_] | None) -> None:
    from glioscope.growth.pictures import growth_picture

    grid = begun.region.grid
    time, shade, first = (
        Volume(a, grid).reoriented("LAS") for a in (growth.invasion_time, tissue.white + 0.5 * tissue.grey, begun.region.tumour)
    )
    last = None if later is None else Volume(later, grid).reoriented("LAS").data
    x, y, z = (float(s) for s in time.grid.spacing)
    content = growth_picture(time.data, shade.data, (x, y, z), start=first.data if first.data.any() else None, reference=last)
    write_bytes(path, content)
