"""How bright tissues are in synthetic exams beside real ones, after z-scoring the brain.

    python benchmarks/synthesis_contrast.py --real FOLDER --synthetic FOLDER [--exams 12]

Both folders hold labelled exams of BraTS; `glioscope synthesize` makes the latter. Prints the table of docs/synthesis.md: means
over the exams of the 5th percentile, median and 95th percentile of the brain outside the tumour, and of the medians of NCR, ED
and ET.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from glioscope.core import SCHEMES, Sequence, convert_labels, numbering_of, read_labels, read_volume
from glioscope.training.cohort_data import LabelledExam
from glioscope.workflows.labelled_cohort import labelled_cohort

SCHEME = SCHEMES["brats-2023"]
LEAST = 200
"""Voxels of a label, below which its median is left out."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--synthetic", type=Path, required=True)
    parser.add_argument("--exams", type=int, default=12)
    options = parser.parse_args()
    found = {"real": options.real, "synthetic": options.synthetic}
    with TemporaryDirectory() as unpacked:
        rows = {
            name: np.stack([brightness(exam) for exam in labelled_cohort(path, Path(unpacked))[: options.exams]])
            for name, path in found.items()
        }
    print("| | p5 | median | p95 | NCR | ED | ET |\n|---|---|---|---|---|---|---|")
    for number, sequence in enumerate(Sequence):
        for name, values in rows.items():
            cells = " | ".join(f"{value:.2f}" for value in np.nanmean(values[:, number], axis=0))
            print(f"| {sequence.display_name} {name} | {cells} |")


def brightness(exam: LabelledExam) -> NDArray[np.float64]:
    """(sequences, 6)."""
    labels = read_labels(exam.labels)
    values = convert_labels(labels.data, numbering_of(labels.data, SCHEME), SCHEME)
    images = [read_volume(exam.images[sequence]).data.astype(np.float64) for sequence in Sequence]
    brain = np.any([image != 0 for image in images], axis=0)
    rows = []
    for image in images:
        scaled = (image - image[brain].mean()) / image[brain].std()
        parts = [scaled[values == label] for label in (1, 2, 3)]
        medians = [np.median(part) if part.size >= LEAST else np.nan for part in parts]
        rows.append([*np.percentile(scaled[brain & (values == 0)], (5, 50, 95)), *medians])
    return np.array(rows)


if __name__ == "__main__":
    main()
