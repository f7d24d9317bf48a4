"""Which label maps are whose: exams with several raters, from files, folders, a manifest or a results dataset."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from glioscope.core import (
    SCHEMES,
    InputUnreadable,
    InvalidImage,
    Scheme,
    Volume,
    convert_labels,
    get_scheme,
    is_image,
    numbering_of,
    read_labels,
)

__all__ = [
    "FUSED",
    "Layout",
    "RaterCase",
    "label_maps",
    "named_case",
    "rater_cases",
    "rater_name",
    "read_rater",
    "stored_scheme",
]

Layout = Literal["case/rater", "rater/case"]

FUSED = "fused"
"""Rater's name of a fusion among the label maps of an exam; it is no rater."""

REFERENCE = "reference"
_INNER = ("raters", "algorithms", "segmentations")
_LABEL_MAP = re.compile(r"_space-orig_seg-([0-9A-Za-z]+)_dseg\.nii\.gz$")


@dataclass(frozen=True)
class RaterCase:
    """One exam's label maps.

    Attributes:
        name: Of the exam.
        raters: Rater -> label map.
        reference: Label map of the truth, where there is one.
        folder: The exam's folder in a results dataset, or None.
        chosen: Whether each rater was named, so that none may be left out; else they are all that was found.
    """

    name: str
    raters: Mapping[str, Path]
    reference: Path | None = None
    folder: Path | None = None
    chosen: bool = False


def label_maps(folder: Path) -> dict[str, Path]:
    """Segmenter -> label map on the native grid, of one exam's folder in a results dataset.

    Fusions are left out, and so is an answer that is the mean of views which are there themselves.
    """
    found = {m[1]: path for path in sorted((folder / "anat").glob("*_dseg.nii.gz")) if (m := _LABEL_MAP.search(path.name))}
    return {name: path for name, path in found.items() if name != FUSED and f"{name}view0" not in found}


def named_case(arguments: Iterable[str], name: str = "exam", folder: Path | None = None) -> RaterCase:
    """One exam from `FILE` or `NAME=FILE` arguments; a file without a name is called by its own.

    Raises:
        InputUnreadable: a file that does not exist, or two raters of one name.
    """
    raters: dict[str, Path] = {}
    for argument in arguments:
        head, _, tail = argument.partition("=")
        path = Path(tail) if tail and not Path(argument).exists() else Path(argument)
        rater = head if tail and not Path(argument).exists() else rater_name(path)
        if not path.exists():
            raise InputUnreadable(f"'{path}' does not exist.")
        if rater in raters:
            raise InputUnreadable(f"Two masks are called '{rater}'; name them with NAME=FILE.")
        raters[rater] = path
    return RaterCase(name, raters, folder=folder, chosen=True)


def rater_cases(path: Path, layout: Layout = "case/rater") -> list[RaterCase]:
    """The exams at `path`, by name: a results dataset, a CSV manifest (case, rater, file), or a folder.

    A folder holds one folder an exam with one label map a rater (or these in its sub-folder `raters`, `algorithms` or
    `segmentations`); with `rater/case` it holds one folder a rater with one label map an exam. `reference` is the truth's name.

    Raises:
        InputUnreadable: nothing of the kind is there.
    """
    if path.is_file() and path.suffix.lower() == ".csv":
        cases = _from_manifest(path)
    elif (path / "dataset_description.json").is_file():
        folders = sorted({found.parent.parent for found in path.glob("sub-*/**/anat/*_dseg.nii.gz")})
        cases = [RaterCase("_".join(f.relative_to(path).parts), label_maps(f), folder=f) for f in folders]
    elif path.is_dir():
        cases = _from_folders(path, layout)
    else:
        raise InputUnreadable(f"'{path}' is no folder and no CSV manifest of exams with several raters.")
    cases = [case for case in cases if case.raters]
    if not cases:
        raise InputUnreadable(
            f"'{path}' holds no label maps of several raters; give a folder with one folder an exam and one label map a rater."
        )
    return cases


def _from_folders(path: Path, layout: Layout) -> list[RaterCase]:
    found: dict[str, dict[str, Path]] = {}
    for folder in sorted(p for p in path.iterdir() if p.is_dir()):
        files = _images(folder)
        for inner in _INNER if layout == "case/rater" else ():
            files = (
                {**{k: v for k, v in files.items() if k == REFERENCE}, **inside}
                if (inside := _images(folder / inner))
                else files
            )
        for name, file in files.items():
            case, rater = (folder.name, name) if layout == "case/rater" else (name, folder.name)
            found.setdefault(case, {})[rater] = file
    return [_case(name, files) for name, files in sorted(found.items())]


def _from_manifest(path: Path) -> list[RaterCase]:
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
        found: dict[str, dict[str, Path]] = {}
        for row in rows:
            found.setdefault(row["case"], {})[row["rater"]] = path.parent / row["file"]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise InputUnreadable(f"'{path}' is not a manifest; its columns have to be case, rater, file.") from error
    return [_case(name, files) for name, files in sorted(found.items())]


def _case(name: str, files: Mapping[str, Path]) -> RaterCase:
    raters = {rater: file for rater, file in sorted(files.items()) if rater not in (REFERENCE, FUSED)}
    return RaterCase(name, raters, files.get(REFERENCE))


def _images(folder: Path) -> dict[str, Path]:
    return {_stem(p): p for p in sorted(folder.iterdir()) if p.is_file() and is_image(p)} if folder.is_dir() else {}


def rater_name(path: Path) -> str:
    """What a label map's maker is called: the BIDS label after `seg-`, else the file's name without its ending."""
    found = re.search(r"_seg-([0-9A-Za-z]+)_", path.name)
    return found[1] if found else _stem(path)


def _stem(path: Path) -> str:
    return re.sub(r"\.(nii\.gz|nii|nrrd|nhdr|mha|mhd)$", "", path.name, flags=re.IGNORECASE)


def stored_scheme(path: Path) -> Scheme | None:
    """The scheme of a label map by the table (`dseg.tsv`) beside it, or None."""
    table = path.with_name(path.name.replace(".nii.gz", ".tsv"))
    if table == path or not table.is_file():
        return None
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines(), delimiter="\t"))
    names = {int(row["index"]): row["abbreviation"] for row in rows if row.get("index", "").isdigit() and int(row["index"])}
    return next((s for s in SCHEMES.values() if {v: label.name for v, label in s.labels.items()} == names), None)


def read_rater(path: Path, scheme: str, target: Scheme) -> Volume:
    """A label map in the numbering of `target`.

    Args:
        path: Label map.
        scheme: Its scheme, or `auto`: what the table beside it says, else as `numbering_of`.
        target: Numbering to convert to.

    Raises:
        InputUnreadable, InvalidImage: the file cannot be read, or has labels that its scheme does not define.
    """
    volume = read_labels(path)
    told = None if scheme == "auto" else get_scheme(scheme)
    source = told or stored_scheme(path) or numbering_of(volume.data, target)
    try:
        return volume.with_data(convert_labels(volume.data, source, target))
    except InvalidImage as error:
        raise InvalidImage(f"'{path.name}': {error} Say which scheme it is with --scheme.") from error
