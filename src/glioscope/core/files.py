"""Files that appear under their final name only when they are complete, and what a file contains."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from glioscope.core.errors import OutputUnwritable

__all__ = ["atomic", "ensure_folder", "output_errors", "sha256", "sweep", "write_bytes", "write_json", "write_text"]


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write `path` into OutputUnwritable; other errors pass."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            name = _SCRATCH.sub(r"\1", path.name)
            raise OutputUnwritable(
                f"The disk is full: '{name}' could not be written to '{path.parent}'; free some space and run again."
            ) from error
        named = None if error.filename is None else Path(os.fsdecode(error.filename))
        elsewhere = named is not None and not _within(path.parent, named)
        no_folder = error.errno == errno.ENOENT and named is not None and (named == path or named in path.parents)
        if no_folder or (error.errno in _REFUSALS and not elsewhere):
            raise OutputUnwritable(
                f"'{path}' cannot be written ({error.strerror}); choose an output folder that you may write to."
            ) from error
        raise


_SCRATCH = re.compile(r"^\.(.+)\.\d+\.part")
_REFUSALS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG)


def _within(folder: Path, path: Path) -> bool:
    """Whether `path` is in `folder`, or is a folder on the way to it."""
    return path == folder or folder in path.parents or path in folder.parents


def ensure_folder(folder: Path) -> Path:
    """Make `folder` and its parents, and prove that a file can be made in it; raises OutputUnwritable."""
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".write-test-{os.getpid()}"
        probe.touch()
        probe.unlink()
    return folder


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A scratch path beside `path`, with the same ending, that becomes `path` when the block ends well.

    The scratch file is flushed to disk before it is renamed, and removed when the block fails.
    """
    suffix = "".join(Path(path.name).suffixes[-2:]) if path.name.endswith(".gz") else path.suffix
    scratch = path.with_name(f".{path.name.removesuffix(suffix)}.{os.getpid()}.part{suffix}")
    try:
        with output_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield scratch
            with scratch.open("rb+") as stream:
                os.fsync(stream.fileno())
            scratch.replace(path)
    finally:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` atomically; raises OutputUnwritable."""
    with atomic(path) as scratch:
        scratch.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write `content` as UTF-8 to `path` atomically; raises OutputUnwritable."""
    write_bytes(path, content.encode())


def write_json(path: Path, document: Any) -> None:  # noqa: ANN401
    """Write `document` as indented JSON to `path` atomically; raises OutputUnwritable."""
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sweep(folder: Path) -> None:
    """Remove the scratch files that a killed process left below `folder`; those of living processes stay."""
    for scratch in folder.rglob(".*.part*"):
        pid = scratch.name.split(".part")[0].rpartition(".")[2]
        if pid.isdigit() and not _alive(int(pid)):
            scratch.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
