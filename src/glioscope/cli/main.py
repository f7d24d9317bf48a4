"""The entry point: every error becomes one sentence and an exit code, never a traceback."""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
from typing import Annotated, Any

import typer

import glioscope
from glioscope.cli import (
    archive,
    catalogue,
    deidentification,
    dicom,
    evaluate,
    exams,
    fuse,
    growth,
    longitudinal,
    measurement,
    models,
    quality,
    surgery,
    synthesis,
    training,
    tune,
)
from glioscope.cli.usage import plain_usage
from glioscope.core import GlioscopeError
from glioscope.core.files import of_the_system

__all__ = ["app", "main"]

INTERRUPTED = 130
GO_ON = frozenset(
    {
        *("run", "preprocess", "segment", "demo", "follow", "deidentify", "send", "receive"),
        *("train", "search", "tune", "synthesize", "grow-sweep"),
    }
)
"""Commands that, called again, keep what an interrupted call had finished."""

# Newer versions of Typer carry a Click of their own; this is the base of the usage errors of either.
_USAGE_FAULT: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")

app = typer.Typer(
    name="glioscope",
    help="From a raw brain-tumour MRI exam to sub-regions, volumes, a quality statement and a report.\n\n"
    "Everything runs on this machine; nothing is sent anywhere unless you say where. Not a medical device.",
    epilog="Start with: glioscope demo    Then: glioscope run EXAM OUT",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for room in (
    exams,
    evaluate,
    fuse,
    tune,
    quality,
    training,
    models,
    synthesis,
    growth,
    measurement,
    archive,
    dicom,
    longitudinal,
    surgery,
    deidentification,
    catalogue,
):
    room.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"glioscope {glioscope.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line and exit with 0, or with the exit code of what went wrong."""
    sys.exit(_guarded(sys.argv[1:]))


def _guarded(arguments: list[str]) -> int:
    if any(argument == "" or re.fullmatch("--[^=]+=", argument) for argument in arguments):
        return _tell(
            "An argument is empty, as that of a shell variable without a value is; leave it out, or fill it in.", 2, arguments
        )
    try:
        result = app(args=arguments, prog_name="glioscope", standalone_mode=False)
        if result == INTERRUPTED:  # what Typer makes of Ctrl-C, without a word
            raise KeyboardInterrupt
        return int(result) if isinstance(result, int) else 0
    except (typer.Abort, KeyboardInterrupt):  # Typer makes the one of the other
        return _interrupted(arguments)
    except _USAGE_FAULT as error:
        return _misused(error, arguments)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if _came_of_interruption(error):
            return _interrupted(arguments)
        told = error if isinstance(error, GlioscopeError) else of_the_system(error)
        if told:
            return _tell(str(told), told.exit_code, arguments)
        # a fault of ours
        return _tell(f"A fault in Glioscope stopped it ({type(error).__name__}); {_keep_fault()}", 1, arguments)


def _misused(error: Any, arguments: list[str]) -> int:  # noqa: ANN401
    if unreadable := plain_usage(error):
        return _tell(str(unreadable), unreadable.exit_code, arguments)
    if "--json" in arguments:
        return _tell(error.format_message(), int(error.exit_code), arguments)
    error.show()
    return int(error.exit_code)


def _interrupted(arguments: list[str]) -> int:
    how = "continue where it stopped" if arguments[:1] and arguments[0] in GO_ON else "begin anew; nothing is half-written"
    print(f"Interrupted. Run the same command again to {how}.", file=sys.stderr)  # noqa: T201
    return INTERRUPTED


def _came_of_interruption(error: BaseException | None) -> bool:
    """Whether Ctrl-C was turned into another error on its way, as compiled modules do while they are imported."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _keep_fault() -> str:
    from platformdirs import user_log_path

    from glioscope.core.files import write_text

    log = user_log_path("glioscope") / "fault.txt"
    try:
        write_text(log, traceback.format_exc())
    except (OSError, GlioscopeError):
        return "please report it."
    return f"please report it with the file '{log}'."


def _tell(sentence: str, exit_code: int, arguments: list[str]) -> int:
    if "--json" in arguments:
        print(json.dumps({"error": sentence, "exit_code": exit_code}, indent=2, ensure_ascii=False))  # noqa: T201
    else:
        from rich.console import Console
        from rich.text import Text

        Console(stderr=True, soft_wrap=True).print(Text.assemble(("Error: ", "bold red"), sentence))
    return exit_code
