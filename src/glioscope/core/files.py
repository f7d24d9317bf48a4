"""Files that appear under their final name only when they are complete, and what a file contains."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from glioscope.core.errors import GlioscopeError, InputUnreadable, OutputUnwritable

__all__ = [
    "atomic",
    "check_file",
    "check_folder",
    "check_readable",
    "ensure_folder",
    "of_the_system",
    "output_errors",
    "read_json",
    "real",
    "sha256",
    "sweep",
    "write_bytes",
    "write_json",
    "write_text",
]


_SCRATCH = re.compile(r"^\.(.+)\.\d+\.part")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_BLOCKED = (errno.ENOTDIR, errno.EEXIST, errno.ELOOP)
_REFUSALS = (*_BLOCKED, errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR, errno.ENAMETOOLONG)


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write `path` into OutputUnwritable; other errors pass."""
    try:
        yield
    except OSError as error:
        named = None if error.filename is None else Path(os.fsdecode(error.filename))
        elsewhere = named is not None and not _within(path.parent, named)
        no_folder = error.errno == errno.ENOENT and named is not None and (named == path or named in path.parents)
        if no_folder or error.errno in _FULL or (error.errno in _REFUSALS and not elsewhere):
            raise _unwritable(path, error) from error
        raise


def _within(folder: Path, path: Path) -> bool:
    """Whether `path` is in `folder`, or is a folder on the way to it."""
    return path == folder or folder in path.parents or path in folder.parents


def _unwritable(path: Path, error: OSError) -> OutputUnwritable:
    if error.errno in _FULL:
        name = _SCRATCH.sub(r"\1", path.name)
        return OutputUnwritable(
            f"The disk is full: '{name}' could not be written to '{path.parent}'; free some space and run again."
        )
    why = error.strerror
    in_the_way = [place for place in (*reversed(path.parents), path) if os.path.lexists(place) and not place.is_dir()]
    if in_the_way and error.errno in _BLOCKED:
        what = "it" if in_the_way[0] == path else f"'{in_the_way[0]}'"
        why = f"{what} is {'no folder' if in_the_way[0].exists() else 'a link that leads nowhere'}"
    return OutputUnwritable(f"'{path}' cannot be written ({why}); choose an output folder that you may write to.")


def of_the_system(error: Exception) -> GlioscopeError | None:
    """The sentence for what the operating system refuses to do with a file of the user's; None for a fault of ours."""
    if not isinstance(error, OSError) or error.filename is None or error.errno not in (*_FULL, *_REFUSALS, errno.EIO):
        return None
    path = Path(os.fsdecode(error.filename))
    if error.errno in (*_FULL, errno.EROFS):
        return _unwritable(path, error)
    return InputUnreadable(f"'{path}' cannot be used ({error.strerror}); check its name and its permissions.")


def ensure_folder(folder: Path) -> Path:
    """Make `folder` and its parents, and prove that a file can be made in it.

    Raises:
        OutputUnwritable: it cannot be made or written to; folders that were made on the way to it are gone again.
    """
    _make(folder)
    return folder


def check_folder(folder: Path) -> None:
    """Prove that `folder` can be made and written to, and leave everything as it was; raises OutputUnwritable."""
    _remove(_make(folder))


def check_file(path: Path) -> None:
    """Prove that a file can be written to `path`, its folder made, and leave everything as it was.

    Raises:
        OutputUnwritable: it cannot, or `path` is a folder, a pipe or a device.
    """
    new = _make(path.parent)
    try:
        with _scratch(path) as scratch:
            if path.is_dir():
                raise OutputUnwritable(f"'{path}' is a folder; name the file to write.")
            scratch.touch()
    finally:
        _remove(new)


def check_readable(path: Path) -> None:
    """Raise InputUnreadable where the permissions of an existing file let nobody read it who runs this."""
    if not os.access(path, os.R_OK):
        raise InputUnreadable(f"'{path.name}' cannot be read (Permission denied); check its permissions.")


def _make(folder: Path) -> list[Path]:
    """Make `folder`, prove that a file can be made in it, and return the folders that were not there, the innermost first."""
    new = _missing(folder)
    probe = folder / f".write-test-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        _remove(new)
        raise _unwritable(folder, error) from error
    return new


def _missing(folder: Path) -> list[Path]:
    """`folder` and those above it that are not there, the innermost first."""
    return [place for place in (folder, *folder.parents) if not os.path.lexists(place)]


def _remove(folders: Iterable[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # not there, or another process has put something in it
            folder.rmdir()


@contextmanager
def _scratch(path: Path) -> Iterator[Path]:
    """A name beside `path`, with the same ending, for what is removed in the end; refusals are raised as OutputUnwritable."""
    suffix = "".join(Path(path.name).suffixes[-2:]) if path.name.endswith(".gz") else path.suffix
    scratch = path.with_name(f".{path.name.removesuffix(suffix)}.{os.getpid()}.part{suffix}")
    try:
        with output_errors(path):
            if path.exists() and not path.is_file() and not path.is_dir():  # as root, a rename would replace /dev/null
                raise OutputUnwritable(f"'{path}' is a pipe or a device; name a file.")
            yield scratch
    finally:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A scratch path beside `path`, with the same ending, that becomes `path` when the block ends well.

    The scratch file is flushed to disk before it is renamed, and removed when the block fails, as are folders made for it.
    """
    new = _missing(path.parent)
    try:
        with _scratch(path) as scratch:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield scratch
            with scratch.open("rb+") as stream:
                os.fsync(stream.fileno())
            scratch.replace(path)
    except BaseException:
        _remove(new)
        raise


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


def read_json(path: Path) -> Any:  # noqa: ANN401
    """What a JSON file of the user's holds; raises OSError where it cannot be read, ValueError where it is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


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


def real(path: Path) -> Path:
    """Where `path` leads, links followed; unlike with `resolve`, a link that leads to itself is no fault."""
    return Path(os.path.realpath(path))


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
