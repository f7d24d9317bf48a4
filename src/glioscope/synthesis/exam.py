"""Whole synthetic exams on disk, as a scanner exports them or as the BraTS challenge publishes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np

from glioscope.core import (
    REFERENCE_ORDER,
    Grid,
    MissingSequence,
    Scheme,
    Sequence,
    Transform,
    Volume,
    resample_labels,
    resample_mask,
    write_volume,
)
from glioscope.core.files import ensure_folder
from glioscope.synthesis.acquisition import Protocol, acquire, random_rigid, slice_grid
from glioscope.synthesis.anatomy import Anatomy, deformed_anatomy
from glioscope.synthesis.contrast import ideal_image
from glioscope.synthesis.tumour import SCHEME, grow_tumour

__all__ = ["PROTOCOLS", "Style", "SyntheticExam", "synthesise_exam"]

Style = Literal["raw", "brats"]

PROTOCOLS: Mapping[Sequence, Protocol] = MappingProxyType(
    {
        Sequence.T1N: Protocol("T1_AX_SE_3", 0.94, 4.0, 6.0),
        Sequence.T2W: Protocol("T2_AX_TSE_4", 0.9, 3.0, 14.0),
        Sequence.T2F: Protocol("FLAIR_AX_TIR_5", 0.94, 5.0, 14.0),
        Sequence.T1C: Protocol("T1_AX_POST_GAD_SE_7", 0.94, 4.0, 6.0),
    }
)

EXTENT = (216.0, 236.0, 165.0)
"""Field of view in mm along x, y, z."""


@dataclass(frozen=True)
class SyntheticExam:
    """An exam that was made, and the truth about it.

    Attributes:
        folder: Where the images are.
        images: Sequence -> its file.
        labels: The exact tumour labels on the reference sequence's grid, uint8.
        scheme: The label scheme, `brats-2023`.
        brain: The exact brain mask on the same grid, bool.
        motion: Sequence -> the rigid transform from its world points to those of the reference sequence.
    """

    folder: Path
    images: Mapping[Sequence, Path]
    labels: Volume
    scheme: Scheme
    brain: Volume
    motion: Mapping[Sequence, Transform]


def _positioned(grid: Grid, anatomy: Anatomy, rng: np.random.Generator) -> Grid:
    """The anatomy's grid as the head lies in the scanner: near the isocentre, turned by a few degrees."""
    centre = np.eye(4)
    lower, upper = (f(np.argwhere(anatomy.brain), axis=0) for f in (np.min, np.max))
    centre[:3, 3] = -grid.to_world((lower + upper) / 2)
    return Grid(grid.shape, random_rigid(rng, 4, 5).matrix @ centre @ grid.affine)


def _both(job: Callable[[Sequence], None], sequences: Iterable[Sequence]) -> None:
    """Do `job` for each sequence, two at a time; each has its own randomness, so the order changes nothing."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(job, sequences))


def synthesise_exam(
    folder: Path,
    *,
    maps: Mapping[str, Path],
    seed: int = 0,
    style: Style = "raw",
    sequences: Iterable[Sequence] = tuple(Sequence),
) -> SyntheticExam:
    """Make an exam with a tumour of known extent; the same arguments give the same bytes.

    A random head is deformed from the tissue maps of SRI24 and a glioma grown in it. In style `raw` each sequence has its
    skull, its own oblique thick slices and a little motion, and a name such as a scanner's export has. In style `brats` all are
    skull-stripped on the 240 x 240 x 155 grid, with the label map beside them.

    Args:
        folder: Where to write; its name becomes the case's name in style `brats`.
        maps: `csf`, `gm`, `wm` -> probability maps of the installed atlas SRI24.
        seed: Which exam.
        style: `raw` or `brats`.
        sequences: Which sequences to write; the others' images do not change with the choice.

    Raises:
        MissingSequence: no sequence is asked for.
        OutputUnwritable: the folder cannot be written.
    """
    wanted = set(sequences)
    if not wanted:
        raise MissingSequence("A synthetic exam needs at least one sequence; name some of t1n, t1c, t2w, t2f.")
    ensure_folder(folder)
    anatomy, truth = grow_tumour(deformed_anatomy(maps, np.random.default_rng([seed, 0])), np.random.default_rng([seed, 1]))
    labels, brain = Volume(truth, anatomy.grid), Volume(anatomy.brain, anatomy.grid)
    rngs = {sequence: np.random.default_rng([seed, 2, number]) for number, sequence in enumerate(Sequence)}
    chosen = {sequence: rng for sequence, rng in rngs.items() if sequence in wanted}
    if style == "brats":
        images = {sequence: folder / f"{folder.name}-{sequence}.nii.gz" for sequence in chosen}

        def stripped(sequence: Sequence) -> None:
            ideal = brain.with_data(ideal_image(anatomy, sequence, chosen[sequence]))
            image = acquire(ideal, anatomy.grid, Transform.identity(), chosen[sequence])
            write_volume(images[sequence], image.with_data(np.where(brain.data, np.maximum(image.data, 1), 0).astype(np.int16)))

        _both(stripped, chosen)
        write_volume(folder / f"{folder.name}-seg.nii.gz", labels)
        return SyntheticExam(folder, images, labels, SCHEME, brain, {s: Transform.identity() for s in chosen})

    head = _positioned(anatomy.grid, anatomy, np.random.default_rng([seed, 3]))
    reference = next(sequence for sequence in REFERENCE_ORDER if sequence in chosen)
    images = {sequence: folder / f"{PROTOCOLS[sequence].name}.nii.gz" for sequence in chosen}
    motion = {sequence: random_rigid(rng, 1.5, 2.0) for sequence, rng in chosen.items()}
    motion[reference] = Transform.identity()

    def scan(sequence: Sequence) -> None:
        ideal = Volume(ideal_image(anatomy, sequence, chosen[sequence]), head)
        grid = slice_grid(PROTOCOLS[sequence], EXTENT)
        write_volume(images[sequence], acquire(ideal, grid, motion[sequence], chosen[sequence]))

    _both(scan, chosen)
    grid = slice_grid(PROTOCOLS[reference], EXTENT)
    on_grid = resample_labels(Volume(truth, head), grid, SCHEME)
    return SyntheticExam(folder, images, on_grid, SCHEME, resample_mask(Volume(anatomy.brain, head), grid), motion)
