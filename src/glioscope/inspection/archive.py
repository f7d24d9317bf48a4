"""Unpacking a zip file that may be hostile."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from glioscope.core import InputUnreadable, bids_name
from glioscope.core.files import ensure_folder, output_errors

__all__ = ["unpack"]

MAX_ENTRIES = 200_000
MAX_BYTES = 64 * 2**30
MAX_NESTED = 4
"""A patient's zip in a hospital's zip in a download; one that holds itself has no end."""
MAX_RATIO = 200
"""DICOM and NIfTI shrink 2 to 20 times, an empty mask perhaps 1000 times but it is small; a bomb 1000 times and is large."""
RATIO_APPLIES_ABOVE = 256 * 2**20

_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
)


def _safe_name(archive: Path, entry: zipfile.ZipInfo) -> PurePosixPath | None:
    """The entry's path below the target folder, None for one that is skipped (a folder, hidden litter)."""
    name = entry.filename.replace("\\", "/")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or (len(name) > 1 and name[1] == ":") or "\0" in name:
        raise InputUnreadable(
            f"'{archive.name}' is unsafe: it holds a path that leads out of the archive; it was not unpacked."
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise InputUnreadable(f"'{archive.name}' is unsafe: it holds a symbolic link; pack the files themselves.")
    if entry.flag_bits & 1:
        raise InputUnreadable(f"'{archive.name}' is encrypted; unpack it with its password and name the folder.")
    if entry.is_dir() or not path.parts or any(part.startswith(".") or part == "__MACOSX" for part in path.parts):
        return None
    return path


def _checked(archive: Path, bundle: zipfile.ZipFile, workdir: Path) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    entries = bundle.infolist()
    if len(entries) > MAX_ENTRIES:
        raise InputUnreadable(
            f"'{archive.name}' holds {len(entries)} entries, more than the {MAX_ENTRIES} that an exam or cohort has."
        )
    total = sum(entry.file_size for entry in entries)
    packed = max(1, archive.stat().st_size)
    if total > MAX_BYTES or (total > RATIO_APPLIES_ABOVE and total / packed > MAX_RATIO):
        raise InputUnreadable(
            f"'{archive.name}' would unpack to {total / 2**30:.1f} GiB from {packed / 2**20:.1f} MiB, as a zip bomb does; "
            "unpack it yourself if you trust it, and name the folder."
        )
    free = shutil.disk_usage(workdir).free
    if total > 0.9 * free:
        raise InputUnreadable(
            f"'{archive.name}' needs {total / 2**30:.1f} GiB unpacked, {free / 2**30:.1f} GiB are free; free some space."
        )
    return [(entry, name) for entry in entries if (name := _safe_name(archive, entry)) is not None]


def _nested(archive: Path, workdir: Path) -> int:
    """How many archives `archive` was in, which the folder that the last of them was unpacked to tells."""
    within = archive.relative_to(workdir).parts[0] if workdir in archive.parents else ""
    found = re.fullmatch(r"unpacked-.*-([0-9]+)", within)
    return int(found[1]) + 1 if found else 0


def unpack(archive: Path, workdir: Path) -> Path:
    """Unpack `archive` into a folder below `workdir` and return that folder; nothing is left of a failed attempt.

    Raises:
        InputUnreadable: not a zip file, damaged, encrypted, unsafe (paths out of the archive, links), a zip bomb, in more
            than four other archives, or larger than the free disk space.
        OutputUnwritable: `workdir` cannot be written.
    """
    ensure_folder(workdir)
    whole = hashlib.sha256(os.fsencode(archive.resolve())).hexdigest()[:8]  # another archive may have the same name
    nested = _nested(archive, workdir)
    if nested > MAX_NESTED:
        raise InputUnreadable(f"'{archive.name}' is a zip in a zip, more than {MAX_NESTED} deep; unpack them, name the folder.")
    target = workdir / f"unpacked-{bids_name(archive.stem)}-{whole}-{nested}"
    scratch = target.with_name(target.name + ".part")
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as bundle:
            for entry, name in _checked(archive, bundle, workdir):
                with output_errors(scratch):
                    (scratch / name).parent.mkdir(parents=True, exist_ok=True)
                    with bundle.open(entry) as source, (scratch / name).open("wb") as sink:
                        shutil.copyfileobj(source, sink, 2**20)
        with output_errors(target):
            scratch.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(target, ignore_errors=True)
            scratch.replace(target)
    except (*_FAULTS, OSError) as error:
        detail = " ".join(str(error).split())[:100] or type(error).__name__
        raise InputUnreadable(f"'{archive.name}' is not a usable zip file ({detail}); pack it again.") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target
