"""Makes the exams that benchmarks/cut_probability.py and benchmarks/volume_intervals.py look at, and segments them.

    python benchmarks/cut_exams.py post-operative OUT [--exams 100] [--seed 0] [--by default subtraction]
    python benchmarks/cut_exams.py pre-operative OUT [--exams 100] [--seed 0] [--by default subtraction]
    python benchmarks/cut_exams.py COHORT OUT [--scheme brats-2024-gli] [--by default after-surgery=BUNDLE]

Synthetic exams in BraTS geometry, or those of a labelled cohort. Segmenters are named, or bundles given as NAME=FOLDER. After
an operation a fifth of them has no residual tumour that enhances, two fifths a residual of 0 to 1 ml and two fifths one of
0.05 to 0.35 ml, near the cut. Kept of each, in OUT/NAME.npz (SEED-NUMBER of synthetic ones): the true voxels of every region,
and for each segmenter those that it marks and its probabilities from 0.001 on. What is there is kept. 10 s of CPU time an
exam; the atlas SRI24 has to be installed.
"""

from __future__ import annotations

import argparse
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from glioscope.atlas import atlas_volume
from glioscope.core import (
    SCHEMES,
    Scheme,
    Sequence,
    Volume,
    convert_labels,
    numbering_of,
    read_labels,
    read_volume,
    region_mask,
)
from glioscope.segmentation import Segmenter, get_segmenter
from glioscope.synthesis import Kind, synthesise_exam
from glioscope.training.cohort_data import LabelledExam
from glioscope.workflows.labelled_cohort import labelled_cohort

REGIONS = ("WT", "TC", "ET", "RC")
LEAST = 0.001
Kept = NDArray[np.int32] | NDArray[np.float32]
Exam = tuple[dict[Sequence, Volume], Volume, dict[str, NDArray[np.bool_]]]
"""Images, brain, and the true regions."""


@cache
def segmenter(named: str) -> Segmenter:
    """By its name, or by the folder after NAME=."""
    name, _, folder = named.partition("=")
    return get_segmenter(folder or name)


def residual(rng: np.random.Generator) -> float:
    """How much an operation leaves, ml."""
    drawn = rng.random()
    return 0.0 if drawn < 0.2 else float(rng.uniform(0, 1) if drawn < 0.6 else rng.uniform(0.05, 0.35))


def make(kind: Kind, seed: int, number: int) -> Exam:
    """A synthetic exam."""
    rng = np.random.default_rng([seed, number])
    left = residual(rng) if kind == "post-operative" else None
    maps = {key: atlas_volume("SRI24", key) for key in ("csf", "gm", "wm")}
    made = int(rng.integers(2**62))
    with TemporaryDirectory() as folder:
        exam = synthesise_exam(Path(folder) / "exam", maps=maps, seed=made, style="brats", kind=kind, residual_ml=left)
        images = {sequence: read_volume(path) for sequence, path in exam.images.items()}
    brain = images[Sequence.T1C].with_data(np.any([image.data != 0 for image in images.values()], axis=0))
    return images, brain, regions_of(exam.labels.data, exam.scheme)


def regions_of(labels: NDArray[np.uint8], scheme: Scheme) -> dict[str, NDArray[np.bool_]]:
    return {region: region_mask(labels, scheme, region) for region in REGIONS if region in scheme.regions}


def read(exam: LabelledExam, scheme: Scheme) -> Exam:
    """An exam of a labelled cohort."""
    labels = read_labels(exam.labels)
    values = labels.data
    if "RC" not in scheme.regions:
        values = convert_labels(values, numbering_of(values, scheme), scheme)
    images = {Sequence(name): read_volume(path) for name, path in exam.images.items()}
    brain = labels.with_data(np.any([image.data != 0 for image in images.values()], axis=0))
    return images, brain, regions_of(values, scheme)


def segmented(exam: Exam, by: list[str]) -> dict[str, Kept]:
    """What is kept of an exam."""
    images, brain, truth = exam
    kept: dict[str, Kept] = {f"{region}-true": np.flatnonzero(mask).astype(np.int32) for region, mask in truth.items()}
    for named in by:
        answer, name = segmenter(named).segment(images, brain), named.partition("=")[0]
        for region in (region for region in REGIONS if region in answer.probabilities):
            p = answer.probabilities[region].data.ravel()
            likely = np.flatnonzero(p >= LEAST)
            marked = region_mask(answer.labels.data, segmenter(named).scheme, region)
            kept[f"{region}-{name}"] = np.flatnonzero(marked).astype(np.int32)
            kept[f"{region}-{name}-where"], kept[f"{region}-{name}-p"] = likely.astype(np.int32), p[likely].astype(np.float32)
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exams_of", metavar="post-operative | pre-operative | COHORT")
    parser.add_argument("out", type=Path)
    parser.add_argument("--exams", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--by", nargs="+", default=["default", "subtraction"])
    parser.add_argument("--scheme", default="brats-2023", help="of the label maps of COHORT")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as unpacked:
        if options.exams_of in ("post-operative", "pre-operative"):
            seed, numbers = options.seed, range(options.exams)
            exams = {f"{seed}-{number:04d}": partial(make, options.exams_of, seed, number) for number in numbers}
        else:
            cohort, scheme = labelled_cohort(Path(options.exams_of), Path(unpacked)), SCHEMES[options.scheme]
            exams = {exam.name: partial(read, exam, scheme) for exam in cohort}
        for name, made in exams.items():
            if (options.out / f"{name}.npz").is_file():
                continue
            kept = segmented(made(), options.by)
            part = options.out / f".{name}.part.npz"
            np.savez_compressed(part, **kept)  # type: ignore[arg-type]
            part.rename(options.out / f"{name}.npz")
            who = ["true", *(named.partition("=")[0] for named in options.by)]
            volumes = [f"{one} {len(kept[f'ET-{one}']) / 1000:.3f} ml" for one in who]
            print(f"{name}: enhancing {', '.join(volumes)}", flush=True)


if __name__ == "__main__":
    main()
