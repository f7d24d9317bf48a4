"""A labelled cohort in the raw layout of nnU-Net v2: imagesTr, labelsTr, dataset.json."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from glioscope.core import (
    InputUnreadable,
    InvalidImage,
    MissingSequence,
    Scheme,
    convert_labels,
    get_scheme,
    read_header,
    read_labels,
    read_volume,
    write_volume,
)
from glioscope.core.files import atomic, ensure_folder, write_json

__all__ = ["RawExam", "export_nnunet_raw"]

ENDING = ".nii.gz"


@dataclass(frozen=True)
class RawExam:
    """One exam as files on one grid.

    Attributes:
        name: Letters, digits, `-`, `_` and `.`; unique.
        images: Channel (`t1n` …) -> image.
        labels: Label map.
        scheme: Its numbering; None where it is that of the export.
    """

    name: str
    images: Mapping[str, Path]
    labels: Path
    scheme: str | None = None


def export_nnunet_raw(
    exams: Sequence[RawExam],
    raw: Path,
    *,
    dataset: int,
    name: str,
    channels: Sequence[str] = ("t1n", "t1c", "t2w", "t2f"),
    scheme: str = "brats-2023",
    regions: bool = True,
) -> Path:
    """Write `raw/DatasetNNN_NAME`; dataset.json comes last, so that a folder with one is complete.

    nnU-Net wants labels without gaps: values are renumbered 1, 2, 3 … in the scheme's order.

    Args:
        exams: At least one.
        raw: The folder nnUNet_raw.
        dataset: Number, 1 to 999.
        name: Letters, digits and `_`.
        channels: In the order of the files _0000, _0001 …
        scheme: Numbering of the labels.
        regions: Train on the scheme's regions; otherwise on its labels.

    Returns:
        The dataset's folder.

    Raises:
        InputUnreadable: no exam, a bad name or number, or an image that cannot be read.
        MissingSequence: an exam lacks a channel.
        InvalidImage: the files of an exam lie on different grids, or a label is not in the scheme.
        OutputUnwritable: the folder cannot be written, or has other files already.
    """
    _check(exams, dataset, name)
    wanted = get_scheme(scheme)
    number = {value: n for n, value in enumerate(wanted.labels, 1)}
    folder = raw / f"Dataset{dataset:03d}_{name}"
    if (folder / "dataset.json").exists():
        raise InputUnreadable(f"'{folder}' exists already; give another --dataset or remove it.")
    for exam in exams:
        lacking = [channel for channel in channels if channel not in exam.images]
        if lacking:
            raise MissingSequence(f"Exam '{exam.name}' lacks {', '.join(lacking)}, which nnU-Net needs for every exam.")
    new = not folder.exists()
    try:
        for part in ("imagesTr", "labelsTr"):
            ensure_folder(folder / part)
        for exam in exams:
            _write(exam, folder, channels, wanted, number)
        write_json(folder / "dataset.json", _document(exams, name, channels, wanted, number, regions))
    except BaseException:
        if new:  # half a dataset would be taken for a whole one by who looks at its images only
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _check(exams: Sequence[RawExam], dataset: int, name: str) -> None:
    if not exams:
        raise InputUnreadable("There is no exam to export.")
    if not 1 <= dataset <= 999:
        raise InputUnreadable(f"nnU-Net numbers datasets from 1 to 999, not {dataset}.")
    if not re.fullmatch(r"[A-Za-z0-9_]+", name):
        raise InputUnreadable(f"The dataset's name '{name}' has other characters than letters, digits and '_'.")
    seen: set[str] = set()
    for exam in exams:
        if exam.name in seen or not re.fullmatch(r"[A-Za-z0-9._-]+", exam.name):
            raise InputUnreadable(f"The exam's name '{exam.name}' occurs twice or cannot be a file name.")
        seen.add(exam.name)


def _write(exam: RawExam, folder: Path, channels: Sequence[str], scheme: Scheme, number: Mapping[int, int]) -> None:
    labels = read_labels(exam.labels)
    for n, channel in enumerate(channels):
        source = exam.images[channel]
        if not read_header(source).grid.same_as(labels.grid):
            raise InvalidImage(f"'{source.name}' of exam '{exam.name}' and its label map lie on different grids.")
        target = folder / "imagesTr" / f"{exam.name}_{n:04d}{ENDING}"
        if source.name.endswith(ENDING):
            with atomic(target) as scratch:
                shutil.copyfile(source, scratch)
        else:
            write_volume(target, read_volume(source))
    # A map without enhancing tumour reads the same in several schemes, so the values alone decide what is refused.
    values = convert_labels(labels.data, get_scheme(exam.scheme) if exam.scheme else scheme, scheme)
    table = np.zeros(256, np.uint8)
    table[list(number)] = list(number.values())
    write_volume(folder / "labelsTr" / f"{exam.name}{ENDING}", labels.with_data(table[values]))


def _document(
    exams: Sequence[RawExam], name: str, channels: Sequence[str], scheme: Scheme, number: Mapping[int, int], regions: bool
) -> dict[str, Any]:
    classes: dict[str, Any] = {"background": 0}
    order: list[int] = []
    if regions:
        later = [set(values) for values in scheme.regions.values()]
        for n, (region, values) in enumerate(scheme.regions.items()):
            numbers = [number[value] for value in values]
            classes[region] = numbers if len(numbers) > 1 else numbers[0]
            # Regions are painted in this order: what no later one covers gives the region its label.
            own = set(values) - set().union(*later[n + 1 :])
            order.append(number[min(own or values)])
    else:
        classes |= {label.name: number[value] for value, label in scheme.labels.items()}
    return {
        "name": name,
        "channel_names": {str(n): channel for n, channel in enumerate(channels)},
        "labels": classes,
        **({"regions_class_order": order} if regions else {}),
        "numTraining": len(exams),
        "file_ending": ENDING,
    }
