"""What synthetic exams look like: one of each kind, in the slice with most tumour.

    python benchmarks/synthesis_gallery.py --out PNG [--seed 2]

Makes one exam a row as `glioscope synthesize OUT --exams 1` does with the options that the row names; the picture of
docs/synthesis.md.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from glioscope.core import Sequence, read_labels, read_volume
from glioscope.core.files import write_bytes
from glioscope.workflows.synthesize import synthesize

KINDS: dict[str, dict[str, Any]] = {
    "(no option)": {},
    "--non-enhancing": {"kind": "non-enhancing"},
    "--post-operative": {"kind": "post-operative"},
    "--healthy": {"kind": "healthy"},
    "--mode random": {"mode": "random"},
}
COLOURS = ("#00000000", "#4477AA", "#228833", "#EE6677", "#CCBB44")
"""Of the labels: necrosis, oedema, enhancing tumour, cavity."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=2)
    options = parser.parse_args()
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.colors import ListedColormap

    figure, rows = pyplot.subplots(len(KINDS), 5, figsize=(8, 1.62 * len(KINDS) + 0.2), layout="constrained", facecolor="white")
    for axes, (title, kind) in zip(rows, KINDS.items(), strict=True):
        with tempfile.TemporaryDirectory() as folder:
            (exam,) = synthesize(folder, exams=1, seed=options.seed, **kind).exams
            labels = read_labels(exam / f"{exam.name}-seg.nii.gz").data
            images = {s: read_volume(exam / f"{exam.name}-{s}.nii.gz").data for s in Sequence}
        areas = (labels > 0).sum(axis=(0, 1))
        plane = int(areas.argmax()) if areas.any() else 80
        for number, (axis, (sequence, image)) in enumerate(zip(axes[:4], images.items(), strict=True)):
            shown = image[20:220, 15:225, plane].T
            axis.imshow(shown, cmap="gray", vmin=0, vmax=np.percentile(image[image > 0], 99.7))
            rows[0, number].set_title(sequence.display_name, fontsize=8)
        axes[4].imshow(images[Sequence.T2F][20:220, 15:225, plane].T > 0, cmap="gray", vmin=-4, vmax=1.3)
        axes[4].imshow(labels[20:220, 15:225, plane].T, cmap=ListedColormap(COLOURS), vmin=0, vmax=4, interpolation="nearest")
        for axis in axes:
            axis.set(xticks=[], yticks=[])
        axes[0].set_ylabel(title, fontsize=8)
    rows[0, 4].set_title("label map", fontsize=8)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=80, metadata={"Software": None})
    write_bytes(options.out, stream.getvalue())


if __name__ == "__main__":
    main()
