"""Which prediction belongs to which reference: two files, two folders matched by name, or a table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from glioscope.core import AmbiguousExam, InputUnreadable, is_image, parse_sequence
from glioscope.core.imageio import IMAGE_SUFFIXES
from glioscope.core.tables import read_cells, refuse_twins

__all__ = ["CasePair", "Pairs", "find_pairs", "read_table"]

_BIDS = re.compile(r"^(sub-[0-9A-Za-z]+)(?:.*?_(ses-[0-9A-Za-z]+))?")
_BRATS = re.compile(r"BraTS-[A-Z]{2,}(?:-[A-Z]{2,})*(?:-\d+)+", re.IGNORECASE)
_ENDING = re.compile(
    r"(?:^|[-_. ])(?:t?seg|dseg|segmentation|pred|prediction|gt|gtv|ref|reference|labels?|mask|tumou?r)$", re.IGNORECASE
)
_LABEL_WORDS = re.compile(r"(?:seg|label|gtv?|mask|pred|ref)", re.IGNORECASE)
_NOT_A_LABEL_MAP = ("_probseg", "_mask", "_t1w", "_t2w", "_flair", "_boldref")
_MAX_NAMED = 5


@dataclass(frozen=True)
class CasePair:
    """One case to score.

    Attributes:
        id: Name of the case.
        prediction: Its label map, or None where there is none and it is to be scored as empty.
        reference: The label map it is compared with.
        facts: Further columns of the table it came from (`fold`, `site` …).
    """

    id: str
    prediction: Path | None
    reference: Path
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pairs:
    """All cases, sorted by name, and the predictions that have no reference and are left out."""

    cases: tuple[CasePair, ...]
    left_out: tuple[Path, ...] = ()


def stem(path: Path) -> str:
    """The file's name without the ending of its format."""
    ending = next((s for s in sorted(IMAGE_SUFFIXES, key=len, reverse=True) if path.name.lower().endswith(s)), path.suffix)
    return path.name[: len(path.name) - len(ending)] if ending else path.name


def case_id(path: Path, root: Path) -> str:
    """The case that a file belongs to: its BIDS subject and session, its BraTS identifier, or its name without `-seg`.

    A file that has no name of its own (`seg.nii.gz`) belongs to the case that its folder below `root` is named after.
    """
    name = stem(path)
    if bids := _BIDS.match(name):
        return "_".join(part for part in bids.groups() if part)
    if brats := _BRATS.search(name):
        return brats.group()
    while (shorter := _ENDING.sub("", name)) != name:
        name = shorter
    if not name and path.parent != root:
        return case_id(path.parent / f"{path.parent.name}.nii", root.parent)
    return name or stem(path)


def _plain(text: str) -> str:
    """An identifier as it looks after BIDS has taken its hyphens and underscores."""
    return re.sub(r"[^0-9a-z]", "", text.lower().removeprefix("sub-"))


def _is_label_map(path: Path) -> bool:
    name = stem(path)
    last = re.split(r"[-_. ]", name)[-1]
    if name.startswith("."):
        return False
    return not name.lower().endswith(_NOT_A_LABEL_MAP) and parse_sequence(last) is None


def _label_maps(folder: Path, pattern: str | None, option: str) -> dict[str, Path]:
    """Case -> its one label map below `folder`."""
    files = sorted(path for path in folder.rglob("*") if is_image(path) and path.is_file())
    if pattern and "/" in pattern:
        try:
            within = set(folder.glob(pattern))
        except (NotImplementedError, ValueError) as error:
            raise InputUnreadable(f"'{pattern}' is not a pattern of files within a folder.") from error
        chosen = [path for path in files if path in within]
    else:
        chosen = [path for path in files if (fnmatch(path.name, pattern) if pattern else _is_label_map(path))]
    if not chosen:
        which = f"no image named '{pattern}'" if pattern else "no label map (NIfTI, NRRD or MetaImage)"
        raise InputUnreadable(f"There is {which} in '{folder}'.")
    found: dict[str, list[Path]] = {}
    for path in chosen:
        found.setdefault(case_id(path, folder), []).append(path)
    out = {}
    for name, paths in found.items():
        named = [path for path in paths if _LABEL_WORDS.search(re.split(r"[-_. ]", stem(path))[-1])]
        if len(paths) > 1 and len(named) != 1:
            choices = ", ".join(f"'{path.relative_to(folder)}'" for path in paths[:_MAX_NAMED])
            raise AmbiguousExam(
                f"Case '{name}' has {len(paths)} label maps in '{folder}' ({choices}); choose with {option} PATTERN."
            )
        out[name] = named[0] if len(paths) > 1 else paths[0]
    return out


def _matched(predictions: Iterable[str], references: Iterable[str]) -> dict[str, str]:
    """Reference id -> prediction id: equal names first, then names equal but for punctuation and case, if only one fits."""
    predicted, wanted = set(predictions), list(references)
    out = {name: name for name in wanted if name in predicted}
    rest: dict[str, list[str]] = {}
    for name in predicted - out.keys():
        rest.setdefault(_plain(name), []).append(name)
    rivals: dict[str, int] = {}
    for name in wanted:
        if name not in out:
            rivals[_plain(name)] = rivals.get(_plain(name), 0) + 1
    for name in wanted:
        fitting = rest.get(_plain(name), [])
        if name not in out and len(fitting) == 1 and rivals[_plain(name)] == 1:
            out[name] = fitting[0]
    return out


def _some(names: Iterable[object]) -> str:
    listed = [f"'{name}'" for name in names]
    return ", ".join(listed[:_MAX_NAMED]) + (f" and {len(listed) - _MAX_NAMED} more" if len(listed) > _MAX_NAMED else "")


def _from_folders(
    prediction: Path, reference: Path, allow_missing: bool, prediction_files: str | None, reference_files: str | None
) -> Pairs:
    predictions = _label_maps(prediction, prediction_files, "--pred-files")
    references = _label_maps(reference, reference_files, "--ref-files")
    matched = _matched(predictions, references)
    without = sorted(references.keys() - matched.keys())
    left_out = sorted(predictions.keys() - set(matched.values()))
    if not matched:
        raise InputUnreadable(
            f"No file in '{prediction}' ({_some(sorted(predictions))}) has the name of one in '{reference}' "
            f"({_some(sorted(references))}); name them alike or give a table with the columns id, prediction, reference."
        )
    if (without or left_out) and not allow_missing:
        told = ([f"no prediction for {_some(without)}"] if without else []) + (
            [f"no reference for {_some(left_out)}"] if left_out else []
        )
        raise InputUnreadable(
            f"There is {' and '.join(told)}; add the files, or use --allow-missing to score a missing prediction as empty "
            "and leave out what has no reference."
        )
    cases = [CasePair(name, predictions.get(matched.get(name, "")), path) for name, path in sorted(references.items())]
    return Pairs(tuple(cases), tuple(predictions[name] for name in left_out))


def read_table(path: Path, *, keep_case: bool = False, apart: Sequence[str] = ()) -> tuple[list[str], list[dict[str, str]]]:
    """Column names in lower case and rows of a CSV or TSV file.

    Args:
        path: The file.
        keep_case: Leave what follows a colon in a column's name (`model:NAME`) as it is.
        apart: Columns besides `id` that tell rows apart.

    Raises:
        InputUnreadable: as `read_cells`; no column `id`, two of one name, or an id that is empty or given twice.
    """
    rows = read_cells(path, "case")
    names = [cell.partition(":") for cell in rows[0]]
    columns = [head.lower() + colon + (tail.strip() if keep_case else tail.lower()) for head, colon, tail in names]
    if "id" not in columns:
        raise InputUnreadable(f"'{path.name}' has no column 'id'; its columns are {', '.join(columns)}.")
    refuse_twins(path, columns)
    table = [dict(zip(columns, row, strict=True)) for row in rows[1:]]
    seen: set[tuple[str, ...]] = set()
    for number, record in enumerate(table, start=2):
        if not record.get("id"):
            raise InputUnreadable(f"'{path.name}' has no id in row {number}.")
        key = (record["id"], *(record.get(column, "") for column in apart))
        if key in seen:
            raise InputUnreadable(f"'{path.name}' has two rows for '{record['id']}'.")
        seen.add(key)
    return columns, table


def _from_table(path: Path, allow_missing: bool) -> Pairs:
    columns, rows = read_table(path)
    if lacking := [name for name in ("prediction", "reference") if name not in columns]:
        raise InputUnreadable(f"'{path.name}' has no column '{lacking[0]}'; it needs id, prediction and reference.")
    if bare := [row["id"] for row in rows if not row.get("reference")]:
        raise InputUnreadable(f"'{path.name}' names no reference for {_some(bare)}.")
    if (bare := [row["id"] for row in rows if not row.get("prediction")]) and not allow_missing:
        raise InputUnreadable(
            f"'{path.name}' names no prediction for {_some(bare)}; use --allow-missing to score a missing prediction as empty."
        )
    return Pairs(
        tuple(
            CasePair(
                row["id"],
                path.parent / row["prediction"] if row.get("prediction") else None,
                path.parent / row["reference"],
                {key: value for key, value in row.items() if key not in ("id", "prediction", "reference") and value},
            )
            for row in rows
        )
    )


def find_pairs(
    prediction: Path,
    reference: Path | None = None,
    *,
    allow_missing: bool = False,
    prediction_files: str | None = None,
    reference_files: str | None = None,
) -> Pairs:
    """The cases to score.

    Args:
        prediction: A label map, a folder of them (at any depth), or, without `reference`, a table with the columns `id`,
            `prediction`, `reference`, files relative to the table.
        reference: A label map or a folder.
        allow_missing: Keep references that have no prediction, leave out predictions that have no reference; else both refuse.
        prediction_files: Pattern of the files to take in a folder: of names at any depth (`*_dseg.nii.gz`), or with a slash of
            paths from the folder (`*/*_seg.nii.gz`).
        reference_files: The same for references.

    Raises:
        InputUnreadable: something does not exist, has no label maps, or does not match.
        AmbiguousExam: several files of a folder belong to one case.
    """
    for path in (prediction, reference):
        if path is not None and not path.exists():
            raise InputUnreadable(f"'{path}' does not exist.")
    if reference is None:
        if prediction.suffix.lower() not in (".csv", ".tsv"):
            raise InputUnreadable(
                f"There is nothing to compare '{prediction}' with; give the reference too, or a CSV table with the columns id, "
                "prediction, reference."
            )
        return _from_table(prediction, allow_missing)
    if prediction.is_dir() and reference.is_dir():
        return _from_folders(prediction, reference, allow_missing, prediction_files, reference_files)
    if prediction.is_dir() or reference.is_dir():
        raise InputUnreadable(f"'{prediction}' and '{reference}' must be two files or two folders.")
    return Pairs((CasePair(case_id(reference, reference.parent), prediction, reference),))
