"""The document of a bundle of kind `external`: a command with placeholders, and what it gives."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from glioscope.bundles.bundle import Bundle, write_bundle
from glioscope.bundles.document import check_orientation
from glioscope.bundles.foreign_names import channels_of
from glioscope.core import InputUnreadable, InvalidImage, get_scheme, parse_sequence

__all__ = ["ExternalProgram", "import_external", "read_program"]

SEQUENCES = ("t1c", "t1n", "t2w", "t2f")
PLACEHOLDERS = (*SEQUENCES, "mask", "out", "in_folder", "out_folder")
CASE = "BraTS-GLI-00000-000"
TIME_LIMIT_S = 3600.0
_PLACEHOLDER = re.compile(r"\{([A-Za-z0-9_]+)\}")


@dataclass(frozen=True)
class ExternalProgram:
    """What to run.

    Attributes:
        command: Arguments with placeholders.
        needs: Sequences that it is given.
        scheme: Of the label map that it writes.
        space: `atlas`, `native` or `any`.
        orientation: Of the files that it is given; None leaves it.
        time_limit_s: Seconds after which it is stopped.
        case: What `{in_folder}` calls the exam.
    """

    command: tuple[str, ...]
    needs: tuple[str, ...]
    scheme: str
    space: Literal["atlas", "native", "any"]
    orientation: str | None
    time_limit_s: float
    case: str

    @property
    def placeholders(self) -> frozenset[str]:
        """Those in the command."""
        return frozenset(name for argument in self.command for name in _PLACEHOLDER.findall(argument))

    def arguments(self, files: Mapping[str, Path]) -> list[str]:
        """The command with every placeholder replaced."""
        return [_PLACEHOLDER.sub(lambda found: str(files[found[1]]), argument) for argument in self.command]


def import_external(
    command: str,
    folder: Path,
    *,
    name: str,
    channels: Sequence[str] | None = None,
    scheme: str | None = None,
    orientation: str | None = None,
    space: str = "atlas",
    time_limit_s: float = TIME_LIMIT_S,
    licence: str = "unknown",
    case: str = CASE,
) -> Bundle:
    """Write a bundle that runs a program.

    Args:
        command: Words as a shell would split them, with placeholders; no shell runs it.
        folder: The bundle to write.
        name: What it is to be called.
        channels: Sequences that it needs; by default those that the command mentions, all four with `{in_folder}`.
        scheme: Of the label map that it writes; brats-2023 by default.
        orientation: Of the files that it is given; LPS, in which BraTS comes, by default.
        space: `atlas` for what was made for BraTS exams, `native` or `any`.
        time_limit_s: Seconds after which it is stopped.
        licence: Of the program and its weights.
        case: What the folder layout calls the exam.

    Raises:
        InputUnreadable: the command cannot be split, or lacks a placeholder or has an unknown one. Nothing is written.
        InvalidImage: there is no such scheme.
        OutputUnwritable: the folder cannot be written.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InputUnreadable(f"The command cannot be split into words ({error}).") from None
    used = {found for word in words for found in _PLACEHOLDER.findall(word)}
    mentioned = SEQUENCES if "in_folder" in used else [s for s in SEQUENCES if s in used]
    wanted = get_scheme(scheme or "brats-2023")
    document = {
        "kind": "external",
        "name": name,
        "title": f"the program {Path(words[0]).name}" if words else name,
        "description": "A program that is not part of Glioscope, run with files in and out.",
        "source": "external program",
        "licence": licence,
        "command": words,
        "time_limit_s": float(time_limit_s),
        "case": case,
        "inputs": {
            "channels": channels_of(mentioned, None, "command") if not channels else channels_of([], channels, "command")
        },
        "grid": {"space": space, "orientation": orientation or "LPS"},
        "target": {"kind": "regions", "scheme": wanted.name, "names": list(wanted.regions)},
    }
    _program(document)
    return write_bundle(folder, document)


def read_program(bundle: Bundle) -> ExternalProgram:
    """What a bundle of kind `external` runs; raises InputUnreadable, naming the bundle and the key, where it is wrong."""
    try:
        return _program(bundle.document)
    except InputUnreadable as error:
        raise InputUnreadable(f"The bundle '{bundle.name}' cannot be used: {error}") from None


def _program(document: Mapping[str, Any]) -> ExternalProgram:
    command = document.get("command")
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        raise InputUnreadable("'command' is not a list of words.")
    used = {found for word in command for found in _PLACEHOLDER.findall(word)}
    for found in sorted(used):
        if found not in PLACEHOLDERS:
            raise InputUnreadable(f"the command has the placeholder '{{{found}}}'; known are {', '.join(PLACEHOLDERS)}.")
    if ("out" in used) == ("out_folder" in used):
        raise InputUnreadable("the command needs just one of '{out}' and '{out_folder}', or its result cannot be found.")
    inputs, grid, target = (document.get(key) for key in ("inputs", "grid", "target"))
    if not isinstance(inputs, Mapping) or not isinstance(grid, Mapping) or not isinstance(target, Mapping):
        raise InputUnreadable("'inputs', 'grid' or 'target' is missing.")
    needs = [parse_sequence(str(name)) for name in inputs.get("channels") or ()]
    if not needs or None in needs:
        raise InputUnreadable("'inputs.channels' does not name the sequences that the program is given.")
    lacking = sorted({s for s in SEQUENCES if s in used} - {str(s) for s in needs})
    if lacking:
        raise InputUnreadable(f"the command mentions '{{{lacking[0]}}}', but 'inputs.channels' does not.")
    try:
        check_orientation(grid.get("orientation") or "LPS")
    except InvalidImage as error:
        raise InputUnreadable(str(error)) from None
    space, limit = grid.get("space", "atlas"), document.get("time_limit_s", TIME_LIMIT_S)
    if space not in ("atlas", "native", "any"):
        raise InputUnreadable(f"'grid.space' is atlas, native or any, not '{space}'.")
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit > 0:
        raise InputUnreadable(f"'time_limit_s' is a number of seconds above 0, not '{limit}'.")
    case = str(document.get("case", CASE))
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", case):
        raise InputUnreadable(f"'case' is letters, digits and hyphens, not '{case}'.")
    try:
        scheme = get_scheme(str(target.get("scheme"))).name
    except InvalidImage as error:
        raise InputUnreadable(f"'target.scheme': {error}") from None
    return ExternalProgram(
        tuple(command), tuple(str(s) for s in needs), scheme, space, grid.get("orientation"), float(limit), case
    )
