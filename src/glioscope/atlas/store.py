"""The installed atlases in the user's data folder: finding, listing, verifying and removing them."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from glioscope.atlas.catalogue import CATALOGUE, DERIVED_LOCATION, AtlasEntry, VolumeEntry
from glioscope.core import EngineMissing, InputUnreadable
from glioscope.core.files import output_errors, sha256

__all__ = [
    "LAYOUT",
    "AtlasStatus",
    "atlas_volume",
    "atlases_folder",
    "entries",
    "find_atlas",
    "list_atlases",
    "read_manifest",
    "remove_atlas",
    "verify_atlas",
]

LAYOUT = 1
"""Number of the way volumes are cleaned and stored; an installation of another layout counts as absent."""

MANIFEST = "atlas.json"


@dataclass(frozen=True)
class AtlasStatus:
    """An atlas of the catalogue on this machine.

    Attributes:
        entry: What the catalogue says of it.
        installed: Whether all its own files are there.
        folder: Where they are, or would be.
        keys: The volumes that `atlas_volume` finds now.
    """

    entry: AtlasEntry
    installed: bool
    folder: Path
    keys: tuple[str, ...]

    @property
    def name(self) -> str:
        """The atlas's name."""
        return self.entry.name

    def document(self) -> dict[str, Any]:
        """The status as JSON-ready values."""
        return {
            "name": self.name,
            "installed": self.installed,
            "title": self.entry.title,
            "licence": self.entry.licence,
            "wheel": f"{self.entry.distribution}=={self.entry.version}",
            "folder": str(self.folder),
            "volumes": list(self.keys),
        }


def atlases_folder() -> Path:
    """The folder in the user's data directory that holds one folder an atlas."""
    return user_data_path("glioscope", appauthor=False) / "atlases"


def find_atlas(name: str) -> AtlasEntry:
    """The catalogue's entry for `name` in any case; raises InputUnreadable, listing the known ones."""
    for entry in CATALOGUE.values():
        if entry.name.lower() == name.lower():
            return entry
    raise InputUnreadable(f"There is no atlas '{name}'; known are {', '.join(CATALOGUE)}.")


def entries(entry: AtlasEntry) -> dict[str, VolumeEntry]:
    """All files that the atlas can have, the derived ones last."""
    return {**entry.volumes, **(DERIVED_LOCATION if entry.name == "SRI24" else {})}


def read_manifest(entry: AtlasEntry) -> dict[str, Any] | None:
    """The record of the installation, or None where there is none of this layout and source."""
    try:
        document = json.loads((atlases_folder() / entry.name / MANIFEST).read_text())
    except (OSError, ValueError):
        return None
    current = isinstance(document, dict) and document.get("layout") == LAYOUT and document.get("wheel_sha256") == entry.sha256
    return document if current else None


def _status(entry: AtlasEntry) -> AtlasStatus:
    folder = atlases_folder() / entry.name
    manifest = read_manifest(entry) or {"volumes": {}}
    keys = tuple(k for k, v in entries(entry).items() if k in manifest["volumes"] and (folder / f"{k}{v.suffix}").is_file())
    return AtlasStatus(entry, set(entry.volumes) <= set(keys), folder, keys)


def list_atlases() -> list[AtlasStatus]:
    """Every atlas of the catalogue and whether it is installed."""
    return [_status(entry) for entry in CATALOGUE.values()]


def atlas_volume(name: str, key: str) -> Path:
    """The installed file of volume `key` (such as `t1_brain`, `lobes`) of atlas `name`.

    Raises:
        InputUnreadable: no such atlas or volume in the catalogue.
        EngineMissing: not installed; the sentence says how to install it.
    """
    entry = find_atlas(name)
    status = _status(entry)
    if key not in entries(entry):
        raise InputUnreadable(f"The atlas {entry.name} has no volume '{key}'; it has {', '.join(entries(entry))}.")
    if not status.installed:
        raise EngineMissing(f"The atlas {entry.name} is not installed; run `glioscope atlases install`.")
    if key not in status.keys:
        raise EngineMissing(
            f"The '{key}' map of {entry.name} is made from MNI152, which is not installed; run `glioscope atlases install`."
        )
    return status.folder / f"{key}{entries(entry)[key].suffix}"


def verify_atlas(name: str) -> tuple[str, ...]:
    """The keys whose file is missing or has changed since installation; empty for an intact atlas.

    Raises:
        EngineMissing: the atlas is not installed at all.
    """
    entry = find_atlas(name)
    manifest = read_manifest(entry)
    if manifest is None:
        raise EngineMissing(f"The atlas {entry.name} is not installed; run `glioscope atlases install`.")
    folder = atlases_folder() / entry.name
    files = {key: folder / f"{key}{volume.suffix}" for key, volume in entries(entry).items()}
    recorded = manifest["volumes"]
    wanted = [key for key in files if key in entry.volumes or key in recorded]
    return tuple(key for key in wanted if not files[key].is_file() or sha256(files[key]) != recorded.get(key))


def remove_atlas(name: str) -> bool:
    """Delete the installed files of an atlas; False where there were none. Raises OutputUnwritable."""
    folder = atlases_folder() / find_atlas(name).name
    if not folder.exists():
        return False
    with output_errors(folder):
        (folder / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(folder)
    return True
