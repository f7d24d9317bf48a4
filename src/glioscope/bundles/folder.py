"""The user's own bundles, and which bundle a name or a path stands for."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from platformdirs import user_data_path

from glioscope.bundles.document import DOCUMENT

__all__ = ["bundles_folder", "find_bundle", "list_bundles"]


def bundles_folder() -> Path:
    """The folder in the user's data directory that holds one folder a bundle."""
    return user_data_path("glioscope", appauthor=False) / "bundles"


def list_bundles() -> list[Path]:
    """Folders of the user's bundles, by name; whether they are in order is not looked at."""
    return sorted(file.parent for file in bundles_folder().glob(f"*/{DOCUMENT}"))


def find_bundle(name: str | PathLike[str]) -> Path | None:
    """The folder of the bundle called `name` in the user's folder, else the folder at the path `name`; None for neither."""
    text = str(name)
    if text and Path(text).name == text and (bundles_folder() / text / DOCUMENT).is_file():
        return bundles_folder() / text
    path = Path(text).expanduser()
    return path if text and path.is_dir() else None
