"""What synthetic label maps are like beside real ones, and the CPU seconds of an exam.

    python benchmarks/synthesis.py --labels FOLDER... --out PNG [--exams 60]

Every FOLDER holds label maps (`seg` in their names) of BraTS exams in atlas space, at any depth. The synthetic tumours are
grown ones, not copies of those shapes. Prints the tables of docs/synthesis.md.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glioscope.atlas import atlas_volume
from glioscope.core import is_image, read_labels
from glioscope.core.files import write_bytes
from glioscope.synthesis import synthesise_exam
from glioscope.synthesis.label_figure import label_figure
from glioscope.synthesis.label_statistics import COLUMNS, LabelStatistics, label_statistics, quartiles
from glioscope.synthesis.patient import make_patient
from glioscope.synthesis.template import BRATS_GRID, read_template


def real(folders: list[Path]) -> list[LabelStatistics]:
    files = sorted(f for folder in folders for f in folder.rglob("*") if is_image(f) and "seg" in f.name.lower())
    maps = [read_labels(file) for file in files]
    return [label_statistics(labels) for labels in maps if labels.grid.same_as(BRATS_GRID)]


def table(cohorts: dict[str, list[LabelStatistics]]) -> str:
    lines = ["| | " + " | ".join(f"{name} (n = {len(maps)})" for name, maps in cohorts.items()) + " |"]
    lines.append("|---|" + "---|" * len(cohorts))
    rows: list[NDArray[np.float64]] = [quartiles(maps) for maps in cohorts.values()]
    for number, column in enumerate(COLUMNS):
        cells = [f"{r[number, 2]:.2f} ({r[number, 1]:.2f} to {r[number, 3]:.2f})" for r in rows]
        lines.append(f"| {column} | " + " | ".join(cells) + " |")
    none = [f"{np.mean([one.values[2] == 0 for one in maps]):.0%}" for maps in cohorts.values()]
    lines.append("| without enhancing tumour | " + " | ".join(none) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--exams", type=int, default=60)
    options = parser.parse_args()
    maps = {key: atlas_volume("SRI24", key) for key in ("csf", "gm", "wm")}
    template = read_template(maps)
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(5):
            started = time.process_time()
            synthesise_exam(Path(folder) / f"SYN-{seed}", maps=maps, seed=seed, style="brats")
            seconds.append(time.process_time() - started)
    made = []
    for seed in range(options.exams):
        patient = make_patient(template, seed)
        made.append(label_statistics(patient.on_brats_grid(patient.labels)))
    cohorts = {"real": real(options.labels), "synthetic": made}
    write_bytes(options.out, label_figure(cohorts))
    print("Median (quartiles):\n\n" + table(cohorts))
    print(f"\nOne exam of four sequences, style brats: {np.median(seconds):.1f} s CPU (median of {len(seconds)}).")


if __name__ == "__main__":
    main()
