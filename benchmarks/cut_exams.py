"""Makes the exams that benchmarks/cut_probability.py and benchmarks/volume_intervals.py look at, and segments them.

    python benchmarks/cut_exams.py learn OUT [--exams 40] [--seed 0]
    python benchmarks/cut_exams.py post-operative OUT [--exams 100] [--seed 0] [--by default stand-in]
    python benchmarks/cut_exams.py pre-operative OUT [--exams 100] [--seed 0] [--by default]

Synthetic exams in BraTS geometry. After an operation a fifth of them has no residual tumour that enhances, two fifths a
residual of 0 to 1 ml and two fifths one of 0.05 to 0.35 ml, near the cut. `learn` makes such exams and trains the stand-in for
a system that has learnt from exams after surgery (stand_in.py), as OUT/stand-in.pt. Kept of each exam that is segmented, in
OUT/SEED-NUMBER.npz: the true voxels of every region, and for each segmenter those that it marks and its probabilities from
0.001 on. What is there is kept. 5 to 15 s of CPU time an exam; the atlas SRI24 has to be installed.
"""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from stand_in import features, learn, probabilities, sample

from glioscope.atlas import atlas_volume
from glioscope.core import Sequence, Volume, read_volume, region_mask
from glioscope.segmentation import get_segmenter
from glioscope.synthesis import Kind, synthesise_exam

REGIONS = ("WT", "TC", "ET")
LEAST = 0.001
Images = dict[Sequence, Volume]
Mask = NDArray[np.bool_]
Kept = NDArray[np.int32] | NDArray[np.float32]


segmenter = cache(get_segmenter)


def residual(rng: np.random.Generator) -> float:
    """How much an operation leaves, ml."""
    drawn = rng.random()
    return 0.0 if drawn < 0.2 else float(rng.uniform(0, 1) if drawn < 0.6 else rng.uniform(0.05, 0.35))


def make(kind: Kind, seed: int, number: int) -> tuple[Images, Volume, dict[str, Mask]]:
    """Images, brain, and the true regions of an exam."""
    rng = np.random.default_rng([seed, number])
    left = residual(rng) if kind == "post-operative" else None
    maps = {key: atlas_volume("SRI24", key) for key in ("csf", "gm", "wm")}
    made = int(rng.integers(2**62))
    with TemporaryDirectory() as folder:
        exam = synthesise_exam(Path(folder) / "exam", maps=maps, seed=made, style="brats", kind=kind, residual_ml=left)
        images = {sequence: read_volume(path) for sequence, path in exam.images.items()}
    brain = images[Sequence.T1C].with_data(np.any([image.data != 0 for image in images.values()], axis=0))
    truth = exam.labels.data
    if exam.scheme.name == "brats-2024-gli":  # the cavity is no tumour
        truth = np.where(truth == exam.scheme.value_of("RC"), 0, truth)
    return images, brain, {region: region_mask(truth, exam.scheme, region) for region in REGIONS}


def segmented(images: Images, brain: Volume, truth: dict[str, Mask], by: list[str], stand_in: Path) -> dict[str, Kept]:
    """What is kept of an exam."""
    kept: dict[str, Kept] = {f"{region}-true": np.flatnonzero(mask).astype(np.int32) for region, mask in truth.items()}
    for name in by:
        if name == "stand-in":
            found, where = features(images, brain.data)
            keep(kept, "ET", name, where, probabilities(found, stand_in))
            continue
        answer = segmenter(name).segment(images, brain)
        for region in REGIONS:
            p = answer.probabilities[region].data.ravel()
            keep(kept, region, name, np.arange(p.size), p)
            marked = region_mask(answer.labels.data, segmenter(name).scheme, region)
            kept[f"{region}-{name}"] = np.flatnonzero(marked).astype(np.int32)
    return kept


def keep(kept: dict[str, Kept], region: str, name: str, where: NDArray[np.int64], p: NDArray[np.float32]) -> None:
    likely = p >= LEAST
    kept[f"{region}-{name}"] = where[p >= 0.5].astype(np.int32)
    kept[f"{region}-{name}-where"], kept[f"{region}-{name}-p"] = where[likely].astype(np.int32), p[likely].astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("learn", "post-operative", "pre-operative"))
    parser.add_argument("out", type=Path)
    parser.add_argument("--exams", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--by", nargs="+", default=["default"])
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    stand_in = options.out / "stand-in.pt"
    if options.kind == "learn":
        rng = np.random.default_rng([options.seed, 7])
        samples = []
        for number in range(options.exams):
            images, brain, truth = make("post-operative", options.seed, number)
            found, where = features(images, brain.data)
            samples.append(sample(found, truth["ET"].ravel()[where], rng))
            print(f"{number}: {int(samples[-1][1].sum())} of {len(samples[-1][0])} voxels", flush=True)
        learn(samples, stand_in)
        return
    for number in range(options.exams):
        file = options.out / f"{options.seed}-{number:04d}.npz"
        if not file.is_file():
            kept = segmented(*make(options.kind, options.seed, number), options.by, stand_in)
            np.savez_compressed(file.with_suffix(".part.npz"), **kept)  # type: ignore[arg-type]
            file.with_suffix(".part.npz").rename(file)
            volumes = [f"{who} {len(kept[f'ET-{who}']) / 1000:.3f} ml" for who in ("true", *options.by)]
            print(f"{file.name}: enhancing {', '.join(volumes)}", flush=True)


if __name__ == "__main__":
    main()
