"""DICOM objects in a folder: one file each, named by the hash of its UID, there only when it is complete."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

from glioscope.archive.dicom_file import Identity, hashed, identify
from glioscope.core.files import atomic, output_errors

__all__ = ["Kept", "instance_path", "keep_instance", "sync_folder"]


class Kept(StrEnum):
    """What became of an object that came."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


def instance_path(folder: Path, instance_uid: str) -> Path:
    """Where the object with that SOPInstanceUID is or would be."""
    return folder / f"{hashed(instance_uid)}.dcm"


def keep_instance(folder: Path, identity: Identity, content: bytes) -> Kept:
    """Write `content` (a DICOM file) to `folder`, on disk for good when this returns.

    An object that is there already is not written again: a duplicate where its data set is the same, a conflict, which is
    left to the caller, where another object goes by the same UID.

    Raises:
        OutputUnwritable: the folder cannot be written, or the disk is full.
    """
    path = instance_path(folder, identity.instance)
    if path.exists():
        there = path.read_bytes()
        same = there == content or _data_set(there) == _data_set(content)
        return Kept.DUPLICATE if same else Kept.CONFLICT
    with atomic(path) as scratch:
        scratch.write_bytes(content)
    with output_errors(path):
        sync_folder(folder)
    return Kept.NEW


def sync_folder(folder: Path) -> None:
    """Have the names in `folder` on disk for good, as their contents are."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _data_set(content: bytes) -> tuple[str, bytes]:
    """Transfer syntax and encoded data set: the file without the group 0002 that every sender writes its own of."""
    length = int.from_bytes(content[140:144], "little") if content[132:140] == b"\x02\x00\x00\x00UL\x04\x00" else 0
    identity = identify(content)
    return (identity.syntax if identity else "", content[144 + length :] if length else content)
