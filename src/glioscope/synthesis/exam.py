"""Whole synthetic exams on disk, as a scanner exports them or as the BraTS challenge publishes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from glioscope.core import (
    REFERENCE_ORDER,
    Grid,
    MissingSequence,
    Scheme,
    Sequence,
    Transform,
    Volume,
    resample_labels,
    write_volume,
)
from glioscope.core.boxes import box_of
from glioscope.core.files import ensure_folder
from glioscope.synthesis.acquisition import Protocol, acquire, partial_volume, random_rigid, slice_grid
from glioscope.synthesis.anatomy import Anatomy
from glioscope.synthesis.appearance import ideal_head, ideal_image
from glioscope.synthesis.contrast import Contrast, Mode, draw_contrast
from glioscope.synthesis.head import with_head
from glioscope.synthesis.patient import Kind, Patient, make_patient
from glioscope.synthesis.scan import draw_scan, scan
from glioscope.synthesis.template import read_template

__all__ = ["PROTOCOLS", "Style", "SyntheticExam", "image_files", "synthesise_exam"]

Style = Literal["raw", "brats"]

NOISE: Mapping[Sequence, float] = MappingProxyType(
    {Sequence.T1N: 0.02, Sequence.T1C: 0.026, Sequence.T2W: 0.04, Sequence.T2F: 0.032}
)
"""Usual noise of each sequence, in multiples of white matter."""

PROTOCOLS: Mapping[Sequence, Protocol] = MappingProxyType(
    {
        Sequence.T1N: Protocol("T1_AX_SE_3", 0.94, 4.0, 6.0),
        Sequence.T2W: Protocol("T2_AX_TSE_4", 0.9, 3.0, 14.0),
        Sequence.T2F: Protocol("FLAIR_AX_TIR_5", 0.94, 5.0, 14.0),
        Sequence.T1C: Protocol("T1_AX_POST_GAD_SE_7", 0.94, 4.0, 6.0),
    }
)
"""How each sequence is acquired in style `raw`."""

EXTENT = (216.0, 236.0, 165.0)
"""Field of view in mm along x, y, z in style `raw`."""

WHITE = 500.0
"""Intensity of white matter in style `raw`."""


@dataclass(frozen=True)
class SyntheticExam:
    """An exam that was made, and the truth about it.

    Attributes:
        folder: Where the images are.
        images: Sequence -> its file.
        labels: The exact tumour labels on the reference sequence's grid, uint8.
        scheme: Their scheme: `brats-2023`, or `brats-2024-gli` after an operation.
        brain: The exact brain mask on the same grid, bool.
        motion: Sequence -> the rigid transform from its world points to those of the reference sequence.
    """

    folder: Path
    images: Mapping[Sequence, Path]
    labels: Volume
    scheme: Scheme
    brain: Volume
    motion: Mapping[Sequence, Transform]


def synthesise_exam(
    folder: Path,
    *,
    maps: Mapping[str, Path],
    seed: int = 0,
    style: Style = "raw",
    sequences: Iterable[Sequence] = tuple(Sequence),
    mode: Mode = "realistic",
    kind: Kind = "pre-operative",
    shape: Path | None = None,
    residual_ml: float | None = None,
) -> SyntheticExam:
    """Make an exam with a tumour of known extent; the same arguments give the same bytes.

    A random head is deformed from the tissue maps of SRI24 and a glioma grown in it. In style `raw` each sequence has its
    skull, its own oblique thick slices and a little motion, and a name such as a scanner's export has. In style `brats` all are
    skull-stripped on the 240 x 240 x 155 grid, with the label map beside them.

    Args:
        folder: Where to write; its name becomes the case's name in style `brats`.
        maps: `csf`, `gm`, `wm` -> probability maps of the installed atlas SRI24, or `t1` and `brain_mask` of MNI152.
        seed: Which exam.
        style: `raw` or `brats`.
        sequences: Which sequences to write; the others' images do not change with the choice.
        mode: `realistic` contrasts, or `random` ones for each tissue.
        kind: `pre-operative`, `non-enhancing` (a large core of which at most a third enhances; grown tumours only),
            `post-operative` (with a resection cavity) or `healthy` (no tumour).
        shape: Label map whose tumour is taken instead of a grown one.
        residual_ml: About how much enhancing tumour an operation leaves, in one place; None draws it. The label map is exact.

    Raises:
        MissingSequence: no sequence is asked for.
        OutputUnwritable: the folder cannot be written.
    """
    wanted = set(sequences)
    if not wanted:
        raise MissingSequence("A synthetic exam needs at least one sequence; name some of t1n, t1c, t2w, t2f.")
    ensure_folder(folder)
    patient = make_patient(read_template(maps), seed, kind=kind, shape=shape, residual_ml=residual_ml)
    contrast = draw_contrast(mode, np.random.default_rng([seed, 2]))
    chosen = {s: np.random.default_rng([seed, 3, number]) for number, s in enumerate(Sequence) if s in wanted}
    if style == "raw":
        return _raw(folder, patient, contrast, chosen, seed)
    images = image_files(folder, style, chosen)
    for sequence, rng in chosen.items():
        ideal = ideal_image(patient.anatomy, contrast[sequence], rng)
        image = scan(ideal, patient.anatomy.brain, draw_scan(NOISE[sequence], rng), rng)
        write_volume(images[sequence], patient.on_brats_grid(image))
    labels, brain = patient.on_brats_grid(patient.labels), patient.on_brats_grid(patient.anatomy.brain)
    write_volume(folder / f"{folder.name}-seg.nii.gz", labels)
    return SyntheticExam(folder, images, labels, patient.scheme, brain, {s: Transform.identity() for s in chosen})


def image_files(folder: Path, style: Style, sequences: Iterable[Sequence]) -> dict[Sequence, Path]:
    """Sequence -> its file in an exam's folder."""
    names = {s: PROTOCOLS[s].name if style == "raw" else f"{folder.name}-{s}" for s in sequences}
    return {sequence: folder / f"{name}.nii.gz" for sequence, name in names.items()}


def _raw(
    folder: Path, patient: Patient, contrast: Contrast, chosen: Mapping[Sequence, np.random.Generator], seed: int
) -> SyntheticExam:
    """The exam as a scanner exports it."""
    head = with_head(patient.anatomy, np.random.default_rng([seed, 4]))
    placed = _placed(head.inside, np.random.default_rng([seed, 5]))
    reference = next(sequence for sequence in REFERENCE_ORDER if sequence in chosen)
    images = image_files(folder, "raw", chosen)
    motion = {sequence: random_rigid(rng, 1.5, 2.0) for sequence, rng in chosen.items()}
    motion[reference] = Transform.identity()
    there = Grid(head.grid.shape, placed @ head.grid.affine)
    for sequence, rng in chosen.items():
        ideal = ideal_head(head, contrast[sequence], rng)
        ideal *= np.float32(WHITE)
        slices = slice_grid(PROTOCOLS[sequence], EXTENT)
        write_volume(images[sequence], acquire(Volume(ideal, there), slices, motion[sequence], rng))
    slices = slice_grid(PROTOCOLS[reference], EXTENT)
    inside = Grid(head.inside.grid.shape, placed @ head.inside.grid.affine)
    labels = resample_labels(Volume(patient.labels, inside), slices, patient.scheme)
    brain = partial_volume(Volume(head.inside.brain.astype(np.float32), inside), slices, motion[reference]) > 0.5
    return SyntheticExam(folder, images, labels, patient.scheme, Volume(brain, slices), motion)


def _placed(anatomy: Anatomy, rng: np.random.Generator) -> NDArray[np.float64]:
    """The 4 x 4 matrix that moves the world so that the head lies in the scanner: near the isocentre, turned a little."""
    centre = np.eye(4)
    box = box_of(anatomy.brain)
    centre[:3, 3] = -anatomy.grid.to_world([(part.start + part.stop - 1) / 2 for part in box])
    matrix: NDArray[np.float64] = random_rigid(rng, 4, 5).matrix @ centre
    return matrix
