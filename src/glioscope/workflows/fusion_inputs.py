"""The raters of one exam as files: who they are, which scheme each speaks, and all of them on one grid."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glioscope.core import (
    Grid,
    InputUnreadable,
    InvalidImage,
    Scheme,
    Volume,
    convert_labels,
    get_scheme,
    is_image,
    numbering_of,
    read_labels,
    read_probabilities,
    resample_fraction,
    resample_labels,
)
from glioscope.core.counting import are, counted
from glioscope.fusion import Votes
from glioscope.workflows.case_pairs import stem
from glioscope.workflows.rater_cases import stored_scheme
from glioscope.workflows.score_case import grid_difference

__all__ = ["LabelRaters", "Onto", "ProbabilityRaters", "find_files", "read_label_raters", "read_probability_raters"]

_REGION = re.compile(r"[_-]label-([0-9A-Za-z]+)(?=_|$)")
_SEGMENTER = re.compile(r"_seg-([0-9A-Za-z]+)(?:_|$)")
AUTO = "auto"


@dataclass
class Onto:
    """Brings volumes onto the grid of the first, and remembers what that took.

    Attributes:
        resample: Turn or resample what lies on another grid, instead of refusing it.
        ignore_affine: Go by the arrays where only orientation or position differ.
        told: One sentence for each volume that was not on the grid.
    """

    resample: bool = False
    ignore_affine: bool = False
    told: list[str] = field(default_factory=list)
    grid: Grid | None = None
    first: str = ""

    def bring(self, volume: Volume, name: str, resampled: Callable[[Volume, Grid], Volume]) -> Volume:
        """`volume` on the grid; raises InvalidImage naming the file and the difference."""
        if self.grid is None:
            self.grid, self.first = volume.grid, name
            return volume
        if volume.grid.same_as(self.grid):
            return volume
        how = grid_difference(volume.grid, self.grid)
        same_voxels = volume.grid.shape == self.grid.shape and np.allclose(volume.grid.spacing, self.grid.spacing, atol=1e-3)
        if self.ignore_affine and same_voxels:
            self.told.append(f"'{name}' has {how} (as '{self.first}' has it) and was taken voxel by voxel, as asked.")
            return Volume(volume.data, self.grid)
        if self.resample:
            turned = volume.reoriented(self.grid.orientation)
            if turned.grid.same_as(self.grid):
                self.told.append(f"'{name}' has {how} and was turned to it; no voxel changed.")
                return turned
            self.told.append(f"'{name}' has {how} and was resampled to the grid of '{self.first}'.")
            return resampled(volume, self.grid)
        remedy = "use --resample to bring it there"
        if same_voxels:
            remedy += ", or --ignore-affine if the voxels are in the same order and only its header is wrong"
        raise InvalidImage(f"'{name}' has {how}, which is that of '{self.first}'; all masks must lie on one grid: {remedy}.")


@dataclass(frozen=True, eq=False)
class LabelRaters:
    """Label maps of one exam, in one scheme.

    Attributes:
        names: Of the raters.
        schemes: The scheme that each was read as.
        scheme: The one that the votes are in.
        votes: Their vote patterns.
        grid: Where the voxels are.
    """

    names: tuple[str, ...]
    schemes: tuple[str, ...]
    scheme: Scheme
    votes: Votes
    grid: Grid


@dataclass(frozen=True, eq=False)
class ProbabilityRaters:
    """Region probability maps of one exam: one mapping region -> map a rater."""

    names: tuple[str, ...]
    maps: tuple[Mapping[str, NDArray[np.float32]], ...]
    grid: Grid


def find_files(paths: Sequence[Path], wanted: str) -> list[Path]:
    """The images among files and folders, in order; a folder stands for its label maps or probability maps, as `wanted`.

    Raises:
        InputUnreadable: a path does not exist, or a folder has none.
    """
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputUnreadable(f"'{path}' does not exist.")
        if not path.is_dir():
            files.append(path)
            continue
        inside = [p for p in sorted(path.iterdir()) if p.is_file() and is_image(p) and not p.name.startswith(".")]
        inside = [p for p in inside if ("probseg" in p.name) == (wanted == "probabilities")]
        if not inside:
            what = "probability maps (…_label-REGION_probseg)" if wanted == "probabilities" else "label maps"
            raise InputUnreadable(f"The folder '{path}' has no {what} in it.")
        files += inside
    there = [path.resolve() for path in files]
    repeated = next((p for n, p in enumerate(files) if there[n] in there[:n]), None)
    if repeated is not None:
        raise InputUnreadable(f"'{repeated}' is given twice; each rater has one vote.")
    return files


def _names(keys: Sequence[tuple[Path, str]], given: Sequence[str], known: Collection[str] = ()) -> tuple[str, ...]:
    """Names of raters from (folder, file stem): as given, else those `known`, else the shortest that tell them apart."""
    if given:
        if len(given) != len(keys):
            raise InputUnreadable(
                f"{counted(len(given), 'name')} {are(len(given))} given for {counted(len(keys), 'rater')}; give one for "
                "each, in order."
            )
        if len(set(given)) != len(given):
            raise InputUnreadable("Two raters have the same name; give each its own.")
        return tuple(given)
    matches = [_SEGMENTER.search(name) for _, name in keys]
    choices = [[m[1] if m else "" for m in matches], [name for _, name in keys], [f"{at.name}/{name}" for at, name in keys]]
    folders = [next((f.name for f in (at, *at.parents) if f.name in known), "") for at in (at.resolve() for at, _ in keys)]
    for choice in sorted([*choices, folders], key=lambda names: not known or set(names) != set(known)):
        if all(choice) and len(set(choice)) == len(choice):
            return tuple(choice)
    return tuple(f"{at}/{name}" for at, name in keys)


def _scheme_of(path: Path, volume: Volume, wanted: str) -> Scheme:
    """The scheme named; for `auto` that of the table beside the file, else `brats-2021` if it has a 4 and no 3, or 2023."""
    if wanted != AUTO:
        return get_scheme(wanted)
    if stored := stored_scheme(path):
        return stored
    return numbering_of(volume.data, get_scheme("brats-2023"))


def read_label_raters(
    files: Sequence[Path],
    onto: Onto,
    *,
    source: str | Sequence[str] = AUTO,
    scheme: str | None = None,
    names: Sequence[str] = (),
    known: Collection[str] = (),
) -> LabelRaters:
    """Read label maps of one exam.

    Args:
        files: One a rater.
        onto: What to do with different grids.
        source: Scheme of the files, or one for each in order, or `auto`.
        scheme: Scheme to convert to; the files' own where None and they share one, else `brats-2023`.
        names: Of the raters; from the file names where empty.
        known: Names that raters may have by one of their folders.

    Raises:
        InputUnreadable, InvalidImage: a file cannot be read, has labels that its scheme lacks, or lies on another grid.
    """
    called = _names([(path.parent, stem(path)) for path in files], names, known)
    wanted = [source] * len(files) if isinstance(source, str) else list(source) * (len(files) if len(source) == 1 else 1)
    if len(wanted) != len(files):
        raise InputUnreadable(
            f"{counted(len(wanted), 'scheme')} {are(len(wanted))} given for {counted(len(files), 'mask')}; give one for all, "
            "or one for each."
        )
    spoken: list[Scheme] = []
    arrays: list[NDArray[np.uint8]] = []
    for path, named in zip(files, wanted, strict=True):
        volume = read_labels(path)
        own = _scheme_of(path, volume, named)
        spoken.append(own)
        arrays.append(onto.bring(volume, path.name, lambda v, g, own=own: resample_labels(v, g, own)).data)  # type: ignore[misc]
    shared = spoken[0].name if len({s.name for s in spoken}) == 1 else "brats-2023"
    target = get_scheme(scheme or shared)
    votes = Votes.of(arrays)
    patterns = votes.patterns.copy()
    for index, (path, own) in enumerate(zip(files, spoken, strict=True)):
        try:
            patterns[:, index] = convert_labels(votes.patterns[:, index], own, target)
        except InvalidImage as error:
            raise InvalidImage(f"'{path.name}': {error} Say with --from which scheme it is in.") from None
    assert onto.grid is not None
    return LabelRaters(called, tuple(s.name for s in spoken), target, votes.with_patterns(patterns), onto.grid)


def read_probability_raters(
    files: Sequence[Path], onto: Onto, *, names: Sequence[str] = (), known: Collection[str] = ()
) -> ProbabilityRaters:
    """Read probability maps of one exam: `…_label-REGION_probseg`, where the rest of the name is the rater.

    Files without a region in their name are one map of one nameless region each.

    Args:
        files: One a rater and region.
        onto: What to do with different grids.
        names: Of the raters; from the file names where empty.
        known: Names that raters may have by one of their folders.

    Raises:
        InputUnreadable, InvalidImage: a file cannot be read, is no probability map, or lies on another grid, or a rater lacks a
            region.
    """
    found: dict[tuple[Path, str], dict[str, Path]] = {}
    for path in files:
        name = stem(path)
        match = _REGION.search(name)
        key = (path.parent, name[: match.start()] + name[match.end() :] if match else name)
        found.setdefault(key, {})[match[1] if match else ""] = path
    called = _names(list(found), names, known)
    regions = list(dict.fromkeys(region for maps in found.values() for region in maps))
    for name, own in zip(called, found.values(), strict=True):
        lacking = [region or "the nameless region" for region in regions if region not in own]
        if lacking:
            raise InputUnreadable(f"Rater '{name}' has no map of {', '.join(lacking)}; each rater needs one of each region.")
    read = tuple(
        {region: onto.bring(read_probabilities(own[region]), own[region].name, resample_fraction).data for region in regions}
        for own in found.values()
    )
    assert onto.grid is not None
    return ProbabilityRaters(called, read, onto.grid)
