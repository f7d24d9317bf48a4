"""How far the poses of thick-sliced sequences end from where they were put, in mm at the brain.

    python benchmarks/pose_accuracy.py --data FOLDER [--exams NAME...] [--synthetic SEED...] [--draws 2] [--reg-aladin PROGRAM]

FOLDER holds one folder an exam of the BraTS challenges: four sequences on one grid of 1 mm, skull-stripped. Each is put into a
synthetic skull and scalp (whose fat lies 0 to 1.5 mm off along one axis, by chemical shift) and acquired anew: every sequence
on slices of its own, 0.9 x 0.9 x 5.5 mm, tilted by 0 to 14 degrees, the head having moved by up to 3 degrees about and 4 mm
along each axis, each voxel the mean over its volume, with shading and noise. `--synthetic` adds heads that `glioscope
synthesize` makes, by their seeds: only there is the truth exact. Ours runs the steps of `glioscope preprocess` (bias-corrected
copies, rough alignment, refinement) with the true brain mask; a peer (reg_aladin of NiftyReg, rigid, its defaults) sees the
same images as they were acquired.

For every sequence: the distance of where a brain's voxels end from where they are, mean over the voxels; then over the draws.
The sequences of a real exam were brought together by its publishers, who were not exact either: an error of theirs counts
as ours here, and is the same in all draws of an exam. "scatter" is without it: the distance from the mean over the draws,
enlarged by sqrt(n / (n - 1)) for n draws.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.atlas import atlas_volume
from glioscope.core import Grid, Sequence, Transform, Volume, read_volume, write_volume
from glioscope.core.boxes import box_of
from glioscope.preprocessing.steps import align_to_reference, make_registration_copy, refine_poses
from glioscope.preprocessing.transform_files import read_transform
from glioscope.synthesis.acquisition import Protocol, acquire, partial_volume, random_rigid, slice_grid
from glioscope.synthesis.anatomy import Anatomy
from glioscope.synthesis.appearance import ideal_head
from glioscope.synthesis.contrast import draw_contrast
from glioscope.synthesis.head import Head, with_head
from glioscope.synthesis.patient import make_patient
from glioscope.synthesis.template import read_template

ENDINGS = {
    Sequence.T1N: ("t1", "t1n"),
    Sequence.T1C: ("t1ce", "t1c"),
    Sequence.T2W: ("t2", "t2w"),
    Sequence.T2F: ("flair", "t2f"),
}
REFERENCE = Sequence.T1C
OTHERS = tuple(s for s in Sequence if s is not REFERENCE)
IN_PLANE, THICKNESS, TILT = 0.9, 5.5, 14.0
EXTENT = (216.0, 236.0, 176.0)
WHITE = 500.0
FAT_MM = 1.5
"""Farthest that chemical shift takes fat: about 1.5 pixels of a spin echo at 1.5 tesla."""
ROOM = 8
"""Voxels around a brain's box, as `with_head` wants them."""


@dataclass(frozen=True)
class Subject:
    """A head at 1 mm: sequence -> image, with its brain mask (bool)."""

    images: Mapping[Sequence, Volume]
    brain: Volume


@dataclass(frozen=True)
class Acquired:
    """The head as scanned: sequence -> image; the brain on the reference's grid; reference world to each sequence's world."""

    images: Mapping[Sequence, Volume]
    brain: Volume
    poses: Mapping[Sequence, Transform]
    motion: Mapping[Sequence, Transform]
    points: NDArray[np.float64]


def real_subject(folder: Path, rng: np.random.Generator, fat: float = FAT_MM) -> Subject:
    """The exam in `folder`, its brain in a synthetic head."""
    files = {s: next(f for e in ends for f in folder.glob(f"*[_-]{e}.nii.gz")) for s, ends in ENDINGS.items()}
    images = {s: read_volume(file).reoriented("LPS") for s, file in files.items()}
    brain = ndimage.binary_fill_holes(np.any([v.data > 0 for v in images.values()], axis=0))
    whole = images[REFERENCE].grid
    box = box_of(brain)
    lower = [max(0, b.start - ROOM) for b in box]
    upper = [min(n, b.stop + ROOM) for b, n in zip(box, whole.shape, strict=True)]
    window = tuple(slice(low, high) for low, high in zip(lower, upper, strict=True))
    inside = brain[window]
    surface = ndimage.distance_transform_edt(~inside) - ndimage.distance_transform_edt(inside)
    surface = np.asarray(ndimage.gaussian_filter(surface, 1.5), np.float32)  # not the border that all four masks share
    nothing = {"dura": np.zeros(inside.shape, np.float32)}
    head = with_head(Anatomy(whole.cropped(lower, upper), nothing, inside, surface), rng)
    contrast, heads = draw_contrast("realistic", rng), {}
    solid = np.clip(0.5 - surface, 0, 1)
    for sequence, image in images.items():
        data = np.asarray(image.data[window], np.float32)
        nearest = ndimage.distance_transform_edt(data <= 0, return_distances=False, return_indices=True)
        brightness = np.clip(data[tuple(nearest)] / np.median(data[inside & (data > 0)]), 0, None)
        shown = ideal_head(_fat_moved(head, rng, fat), contrast[sequence], rng)
        shown[head.part] += solid * brightness
        heads[sequence] = Volume(shown * np.float32(WHITE), head.grid)
    return Subject(heads, _mask(head))


def synthetic_subject(seed: int, fat: float = FAT_MM) -> Subject:
    """The head of a patient that `glioscope synthesize` makes."""
    template = read_template({key: atlas_volume("SRI24", key) for key in ("csf", "gm", "wm")})
    rng = np.random.default_rng([seed, 9])
    head = with_head(make_patient(template, seed).anatomy, rng)
    contrast = draw_contrast("realistic", rng)
    images = {s: ideal_head(_fat_moved(head, rng, fat), contrast[s], rng) * np.float32(WHITE) for s in Sequence}
    return Subject({s: Volume(data, head.grid) for s, data in images.items()}, _mask(head))


def _mask(head: Head) -> Volume:
    brain = np.zeros(head.grid.shape, bool)
    brain[head.part] = head.inside.brain
    return Volume(brain, head.grid)


def _fat_moved(head: Head, rng: np.random.Generator, most: float) -> Head:
    """Chemical shift: fat shows up to `most` mm away along left-right or front-back."""
    move = np.zeros(3)
    move[rng.integers(2)] = rng.uniform(0, most)
    return replace(head, around={**head.around, "fat": ndimage.shift(head.around["fat"], move, order=1)})


def scanned(subject: Subject, rng: np.random.Generator) -> Acquired:
    """The four sequences, each on tilted thick slices of its own, the head lying a little otherwise in each."""
    centre = np.eye(4)
    centre[:3, 3] = -subject.brain.grid.to_world(ndimage.center_of_mass(subject.brain.data))
    there = Grid(subject.brain.grid.shape, centre @ subject.brain.grid.affine)
    motion = {s: random_rigid(rng, 3, 4) for s in Sequence}
    grids = {s: slice_grid(Protocol(s.value, IN_PLANE, THICKNESS, float(rng.uniform(0, TILT))), EXTENT) for s in Sequence}
    images = {s: acquire(Volume(v.data, there), grids[s], motion[s], rng) for s, v in subject.images.items()}
    mask = partial_volume(Volume(subject.brain.data.astype(np.float32), there), grids[REFERENCE], motion[REFERENCE]) > 0.5
    points = motion[REFERENCE].inverse().apply(there.to_world(np.argwhere(subject.brain.data)[::997]))
    poses = {s: motion[REFERENCE].then(motion[s].inverse()) for s in OTHERS}
    return Acquired(images, Volume(mask, grids[REFERENCE]), poses, motion, points)


def written(exam: Acquired, folder: Path) -> tuple[dict[Sequence, Path], Path]:
    """The images as files, and the brain mask."""
    files = {s: folder / f"{s.value}.nii.gz" for s in exam.images}
    for s, image in exam.images.items():
        write_volume(files[s], image)
    write_volume(folder / "brain.nii.gz", exam.brain)
    return files, folder / "brain.nii.gz"


def our_poses(files: Mapping[Sequence, Path], mask: Path, folder: Path) -> dict[Sequence, Transform]:
    """The registration of `glioscope preprocess`."""
    copies = {s: folder / f"copy-{s.value}.nii.gz" for s in files}
    for s, file in files.items():
        make_registration_copy(image=file, copy=copies[s])
    rough = {s.value: folder / f"rough-{s.value}.h5" for s in OTHERS}
    for s in OTHERS:
        align_to_reference(reference=copies[REFERENCE], moving=copies[s], seed=0, transform=rough[s.value])
    out = {s.value: folder / f"{s.value}.h5" for s in OTHERS}
    refine_poses(
        atlas=mask,  # not asked for a pose in the atlas, which is not looked at then
        reference=copies[REFERENCE],
        mask=mask,
        others={s.value: copies[s] for s in OTHERS},
        starts=rough,
        pose={},
        seed=0,
        transforms=out,
        onto={},
    )
    return {s: read_transform(out[s.value]) for s in OTHERS}


def aladin_poses(program: Path, files: Mapping[Sequence, Path], folder: Path) -> dict[Sequence, Transform]:
    """reg_aladin's; its matrices go from the world of the reference to that of the other image, in RAS."""
    found = {}
    for s in OTHERS:
        matrix = folder / f"aladin-{s.value}.txt"
        images = ["-ref", str(files[REFERENCE]), "-flo", str(files[s]), "-res", str(folder / "aladin.nii.gz")]
        subprocess.run(
            [program, *images, "-aff", str(matrix), "-rigOnly", "-omp", "1", "-voff"], check=True, capture_output=True
        )
        found[s] = Transform(np.loadtxt(matrix))
    return found


def offsets(exam: Acquired, found: Mapping[Sequence, Transform]) -> dict[Sequence, NDArray[np.float64]]:
    """Where each point of the brain ends, less where it is, mm in the head's own axes; (points, 3)."""
    return {
        s: exam.motion[s].apply(found[s].apply(exam.points)) - exam.motion[s].apply(exam.poses[s].apply(exam.points))
        for s in OTHERS
    }


def subjects(data: Path | None, only: list[str] | None, seeds: list[int]) -> Iterator[tuple[str, Subject]]:
    """Name and head, real ones first."""
    for folder in sorted(p for p in data.iterdir() if p.is_dir() and (not only or p.name in only)) if data else ():
        yield folder.name, real_subject(folder, np.random.default_rng([0, *folder.name.encode()]))
    for seed in seeds:
        yield f"syn{seed}", synthetic_subject(seed)


def far(vectors: NDArray[np.float64]) -> float:
    """Mean length."""
    return float(np.linalg.norm(vectors, axis=-1).mean())


def scatter(draws: list[dict[Sequence, NDArray[np.float64]]]) -> float:
    """Mean distance from the mean over the draws, all sequences together; nan for one draw."""
    if len(draws) < 2:
        return float("nan")
    middle = {s: np.mean([d[s] for d in draws], axis=0) for s in OTHERS}
    return float(np.mean([far(d[s] - middle[s]) for d in draws for s in OTHERS]) * np.sqrt(len(draws) / (len(draws) - 1)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--exams", nargs="*", help="of FOLDER, only these")
    parser.add_argument("--synthetic", nargs="*", type=int, default=[], help="seeds")
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--reg-aladin", type=Path)
    options = parser.parse_args()
    print(
        "| exam | side | " + " | ".join(s.display_name for s in OTHERS) + " | scatter |\n|---|---|" + "---|" * (len(OTHERS) + 1)
    )
    rows: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    for name, subject in subjects(options.data, options.exams, options.synthetic):
        errors: dict[str, list[dict[Sequence, NDArray[np.float64]]]] = defaultdict(list)
        for draw in range(options.draws):
            exam = scanned(subject, np.random.default_rng([draw, *name.encode()]))
            with tempfile.TemporaryDirectory() as scratch:
                files, mask = written(exam, Path(scratch))
                errors["ours"].append(offsets(exam, our_poses(files, mask, Path(scratch))))
                if options.reg_aladin:
                    errors["reg_aladin"].append(offsets(exam, aladin_poses(options.reg_aladin, files, Path(scratch))))
        for side, draws in errors.items():
            row = [*(float(np.mean([far(d[s]) for d in draws])) for s in OTHERS), scatter(draws)]
            rows["synthetic" if name.startswith("syn") else "real", side].append(row)
            print(f"| {name} | {side} | " + " | ".join(f"{v:.2f}" for v in row) + " |", flush=True)
    for (kind, side), values in rows.items():
        print(f"| {kind}, mean | {side} | " + " | ".join(f"{v:.2f}" for v in np.mean(values, axis=0)) + " |")


if __name__ == "__main__":
    main()
