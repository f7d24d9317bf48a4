"""The options that several commands share, each with the words that teach it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glioscope.core import InputUnreadable, Sequence

__all__ = [
    "T1C",
    "T1N",
    "T2F",
    "T2W",
    "AsJson",
    "Atlas",
    "AtlasTransform",
    "Best",
    "BrainExtraction",
    "Deface",
    "Dicom",
    "EarlierPath",
    "ExamId",
    "ExamPath",
    "Fast",
    "Interpolate",
    "Jobs",
    "Normalise",
    "OutPath",
    "Postprocess",
    "Registration",
    "ResultScheme",
    "SchemeName",
    "SegmenterName",
    "StripNative",
    "overrides",
]

_CHOOSE = "Which file is which"
_ENGINES = "How it is pre-processed"

ExamPath = Annotated[
    Path,
    typer.Argument(
        metavar="EXAM",
        help="A folder or zip of DICOM, a folder of NIfTI/NRRD/MHA, a BraTS case, a BIDS dataset or subject, a CSV manifest, "
        "or a folder of such exams.",
        show_default=False,
    ),
]
EarlierPath = Annotated[
    Path | None,
    typer.Option(
        "--earlier",
        metavar="EARLIER",
        help="The patient's exam before surgery, like EXAM, for a segmenter that looks at it too; its label map is its tumour.",
    ),
]
OutPath = Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write results to.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else on standard output.")]
ExamId = Annotated[str | None, typer.Option("--id", help="Identifier of the exam, instead of its folder's name.")]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, help="Exams of a cohort, or steps of an exam, at a time; all cores by default."),
]
T1N = Annotated[
    Path | None,
    typer.Option(
        "--t1n",
        metavar="FILE",
        help="Take FILE as native T1: an image, a DICOM series (folder or a file of it) or its number.",
        rich_help_panel=_CHOOSE,
    ),
]
T1C = Annotated[Path | None, typer.Option("--t1c", metavar="FILE", help="… as contrast T1.", rich_help_panel=_CHOOSE)]
T2W = Annotated[Path | None, typer.Option("--t2w", metavar="FILE", help="… as T2.", rich_help_panel=_CHOOSE)]
T2F = Annotated[Path | None, typer.Option("--t2f", metavar="FILE", help="… as FLAIR.", rich_help_panel=_CHOOSE)]

SegmenterName = Annotated[
    str,
    typer.Option(
        "--segmenter", "-s", metavar="NAME", help="A name from `glioscope segmenters`; auto takes the best that can work."
    ),
]
_SCHEME_HELP = "Label scheme of the results; auto: brats-2023, or the segmenter's own where that lacks its labels."
ResultScheme = Annotated[str, typer.Option("--scheme", metavar="NAME", help=_SCHEME_HELP)]
SchemeName = Annotated[str, typer.Option("--scheme", metavar="NAME", help="Label scheme of the results.")]
Postprocess = Annotated[
    str | None,
    typer.Option(
        "--postprocess", metavar="FILE", help="Steps that make the final label map, from `glioscope tune`; or: published."
    ),
]
Fast = Annotated[bool, typer.Option("--fast", help="A network sees the brain in as few windows as fit: quicker, less exact.")]
Best = Annotated[
    bool, typer.Option("--best", help="A network looks four times, flipped; slower, and shows where views differ.")
]
Dicom = Annotated[
    bool,
    typer.Option("--dicom", help="Also write the results as DICOM objects of the patient's study, as `glioscope dicom` does."),
]
Atlas = Annotated[str, typer.Option("--atlas", metavar="NAME", help="SRI24 or MNI152.", rich_help_panel=_ENGINES)]
AtlasTransform = Annotated[
    str, typer.Option("--atlas-transform", metavar="KIND", help="rigid, affine or syn.", rich_help_panel=_ENGINES)
]
Registration = Annotated[
    str, typer.Option("--registration", metavar="ENGINE", help="ants, simpleitk or greedy.", rich_help_panel=_ENGINES)
]
BrainExtraction = Annotated[
    str, typer.Option("--brain-extraction", metavar="ENGINE", help="deepbet, robex or hdbet.", rich_help_panel=_ENGINES)
]
Interpolate = Annotated[
    str, typer.Option("--interpolation", metavar="KIND", help="linear or bspline.", rich_help_panel=_ENGINES)
]
Normalise = Annotated[
    str | None,
    typer.Option(
        "--normalisation",
        metavar="NAME",
        help="Also write images normalised by zscore or percentile.",
        rich_help_panel=_ENGINES,
    ),
]
Deface = Annotated[
    bool, typer.Option("--deface", help="Remove the face from images kept with their skull.", rich_help_panel=_ENGINES)
]
StripNative = Annotated[
    bool, typer.Option("--strip-native", help="Skull-strip the images on the native grid too.", rich_help_panel=_ENGINES)
]


def overrides(t1n: Path | None, t1c: Path | None, t2w: Path | None, t2f: Path | None) -> dict[Sequence, Path]:
    """What the command line names for each sequence; raises InputUnreadable for a file that does not exist."""
    given = {Sequence.T1N: t1n, Sequence.T1C: t1c, Sequence.T2W: t2w, Sequence.T2F: t2f}
    chosen = {sequence: path for sequence, path in given.items() if path is not None}
    for sequence, path in chosen.items():
        if not path.exists() and not str(path).isdigit():
            raise InputUnreadable(f"'{path}', given with --{sequence}, does not exist.")
    return chosen
