"""The options of the commands that make systems, each with the words that teach it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "TrainingCache",
    "TrainingChanges",
    "TrainingCheckpoint",
    "TrainingCohort",
    "TrainingDevice",
    "TrainingDevices",
    "TrainingFold",
    "TrainingLogger",
    "TrainingMemory",
    "TrainingNodes",
    "TrainingPrecision",
    "TrainingRecipe",
    "TrainingScheme",
    "TrainingWorkers",
]

_MACHINE = "What it runs on"

TrainingRecipe = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A name from `glioscope recipes`, or a YAML file.", show_default=False)
]
TrainingCohort = Annotated[
    Path,
    typer.Option(
        "--data",
        "-d",
        metavar="COHORT",
        help="Labelled exams: a folder of BraTS cases, a BIDS dataset, or a CSV manifest with a column of label maps.",
        show_default=False,
    ),
]
TrainingScheme = Annotated[
    str,
    typer.Option(
        "--scheme",
        metavar="NAME",
        help="How the cohort's label maps are numbered, such as brats-2021; auto goes by their values.",
    ),
]
TrainingChanges = Annotated[
    list[str] | None,
    typer.Argument(metavar="[key=value]...", help="Over the recipe, such as training.epochs=300.", show_default=False),
]
TrainingFold = Annotated[
    str, typer.Option("--fold", metavar="K", help="A number from 0; all; or full: all exams, none held out.")
]
TrainingCache = Annotated[
    Path | None,
    typer.Option("--cache", metavar="DIR", help="Where prepared exams are kept, to share them between runs; OUT/cache."),
]
TrainingMemory = Annotated[
    float | None,
    typer.Option("--memory", metavar="GIB", min=0.1, help="Memory that a step may take; what the device has, by default."),
]
TrainingDevice = Annotated[str, typer.Option("--device", metavar="NAME", help="auto, cpu or cuda.", rich_help_panel=_MACHINE)]
TrainingDevices = Annotated[
    int, typer.Option("--devices", min=1, help="GPUs, or processes, on each computer.", rich_help_panel=_MACHINE)
]
TrainingNodes = Annotated[
    int, typer.Option("--nodes", min=1, help="Computers; start it with torchrun or srun then.", rich_help_panel=_MACHINE)
]
TrainingPrecision = Annotated[
    str | None,
    typer.Option(
        "--precision",
        metavar="NAME",
        help="fp32, bf16, fp16 or auto: bf16 where the chip has it.",
        rich_help_panel=_MACHINE,
        show_default=False,
    ),
]
TrainingWorkers = Annotated[
    int | None,
    typer.Option("--workers", min=0, help="Processes that prepare samples, for each device.", rich_help_panel=_MACHINE),
]
TrainingLogger = Annotated[
    str,
    typer.Option(
        "--logger", metavar="NAME", help="none, tensorboard or mlflow: files in OUT, nothing is sent.", rich_help_panel=_MACHINE
    ),
]
TrainingCheckpoint = Annotated[
    int | None,
    typer.Option(
        "--checkpoint-every",
        metavar="STEPS",
        min=1,
        help="Steps between checkpoints; by default two minutes.",
        rich_help_panel=_MACHINE,
    ),
]
