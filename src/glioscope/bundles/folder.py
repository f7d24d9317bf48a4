"""The bundles that ship with the package, the user's own, and which bundle a name or a path stands for."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from platformdirs import user_data_path

from glioscope.bundles.document import DOCUMENT

__all__ = ["SHIPPED", "bundles_folder", "find_bundle", "list_bundles", "shipped_bundles"]

SHIPPED = Path(__file__).parent.parent / "models"
"""One folder a bundle, part of the package."""


def bundles_folder() -> Path:
    """The folder in the user's data directory that holds one folder a bundle."""
    return user_data_path("glioscope", appauthor=False) / "bundles"


def shipped_bundles() -> list[Path]:
    """Folders of the bundles in the package, by name."""
    return sorted(file.parent for file in SHIPPED.glob(f"*/{DOCUMENT}"))


def list_bundles() -> list[Path]:
    """Folders of the user's bundles, by name; whether they are in order is not looked at."""
    return sorted(file.parent for file in bundles_folder().glob(f"*/{DOCUMENT}"))


def find_bundle(name: str | PathLike[str]) -> Path | None:
    """The folder of the bundle called `name` in the user's folder or in the package, else that at the path `name`, or None."""
    text = str(name)
    for place in (bundles_folder(), SHIPPED) if text and Path(text).name == text else ():
        if (place / text / DOCUMENT).is_file():
            return place / text
    path = Path(text).expanduser()
    return path if text and path.is_dir() else None
