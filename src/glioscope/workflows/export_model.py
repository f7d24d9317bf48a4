"""`glioscope export`: bundles and cohorts in the formats of other programs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from glioscope.core import (
    InputUnreadable,
    get_scheme,
    numbering_of,
    read_labels,
)

__all__ = ["export_cohort", "export_network"]


def export_network(bundle: str, out: Path) -> list[Path]:
    """Write the networks of the bundle at, or called, `bundle` as ONNX into the folder `out`; returns the files.

    Raises:
        InputUnreadable: there is no such bundle, or it is no network.
        EngineMissing: the Python package onnx is not installed.
        ProcessingFailed: the network cannot be exported.
    """
    from glioscope.bundles import find_bundle, read_bundle
    from glioscope.bundles.export_onnx import export_onnx

    folder = find_bundle(bundle)
    if folder is None:
        raise InputUnreadable(f"There is no bundle '{bundle}'.")
    return export_onnx(read_bundle(folder), out)


def export_cohort(
    cohort: Path,
    raw: Path,
    *,
    dataset: int,
    name: str,
    channels: Sequence[str] | None = None,
    scheme: str = "brats-2023",
    source: str = "auto",
    regions: bool = True,
    told: Callable[[str], None] = lambda sentence: None,
) -> Path:
    """Write the labelled exams below `cohort` as a raw dataset of nnU-Net; returns its folder.

    Args:
        cohort: Folder of BraTS cases, BIDS dataset or manifest with label maps.
        raw: The folder nnUNet_raw.
        dataset: Number of the dataset.
        name: Its name.
        channels: In order; t1n, t1c, t2w, t2f by default.
        scheme: Label scheme wanted.
        source: Scheme of the label maps; `auto` takes brats-2021 for a map that has a 4 and no 3.
        regions: Whether nnU-Net is to train on regions.
        told: Hears of each exam that is left out, and why.

    Raises:
        GlioscopeError: as `labelled_cohort` and `export_nnunet_raw`.
    """
    from glioscope.bundles.export_nnunet_raw import RawExam, export_nnunet_raw
    from glioscope.workflows.labelled_cohort import labelled_cohort

    with tempfile.TemporaryDirectory(prefix="glioscope-export-") as workdir:
        exams = [
            RawExam(
                exam.name,
                {channel: file for channel, file in exam.images.items() if "-" not in channel},
                exam.labels,
                _scheme(exam.labels, source, scheme),
            )
            for exam in labelled_cohort(cohort, Path(workdir), told=told)
        ]
        order = {"channels": tuple(channels)} if channels else {}
        return export_nnunet_raw(exams, raw, dataset=dataset, name=name, scheme=scheme, regions=regions, **order)


def _scheme(labels: Path, source: str, wanted: str) -> str:
    if source != "auto":
        return source
    return numbering_of(read_labels(labels).data, get_scheme(wanted)).name
