"""One synthetic patient: a head, and what grew in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Scheme, Volume, read_labels
from glioscope.growth import Tissue
from glioscope.synthesis.anatomy import FINE, Anatomy, CoarseBrain, deformed_anatomy
from glioscope.synthesis.appearance import with_tumour
from glioscope.synthesis.cavity import resected
from glioscope.synthesis.composition import draw_composition
from glioscope.synthesis.deformation import COARSE, displaced, random_deformation
from glioscope.synthesis.grown import grow_tumour
from glioscope.synthesis.mass_effect import mass_effect
from glioscope.synthesis.placed import place_tumour
from glioscope.synthesis.template import BRATS_GRID, Template, brats_part
from glioscope.synthesis.tumour import POST_OPERATIVE, SCHEME, TumourFields, map_tumour

__all__ = ["Kind", "Patient", "make_patient"]

Kind = Literal["pre-operative", "non-enhancing", "post-operative", "healthy"]


@dataclass(frozen=True, eq=False)
class Patient:
    """A head in the box, with its tumour.

    Attributes:
        anatomy: What fills each voxel, tumour included.
        labels: uint8, exact.
        scheme: Their scheme.
    """

    anatomy: Anatomy
    labels: NDArray[np.uint8]
    scheme: Scheme

    def on_brats_grid(self, data: NDArray[Any]) -> Volume:
        """Voxels of the anatomy on the whole BraTS grid, 0 elsewhere."""
        out = np.zeros(BRATS_GRID.shape, data.dtype, order="F")  # the order of the file, so that writing it is quick
        out[brats_part(self.anatomy.grid)] = data
        return Volume(out, BRATS_GRID)


def make_patient(
    template: Template, seed: int, *, kind: Kind = "pre-operative", shape: Path | None = None, residual_ml: float | None = None
) -> Patient:
    """The patient of that seed; see `synthesise_exam`."""
    rng = np.random.default_rng([seed, 0])
    deformation = random_deformation(template, rng)
    coarse = CoarseBrain.of(template, deformation)
    if kind == "healthy":
        anatomy = deformed_anatomy(template, deformation, coarse, displaced(None, coarse.window), rng)
        return Patient(anatomy, np.zeros(anatomy.brain.shape, np.uint8), SCHEME)
    fields = _tumour(coarse.tissue, kind, shape, residual_ml, np.random.default_rng([seed, 1]))
    every = COARSE // FINE
    at = displaced(mass_effect(_added(fields, rng), coarse.surface[::every, ::every, ::every]), coarse.window)
    anatomy = deformed_anatomy(template, deformation, coarse, at, rng)
    tumour, anatomy = map_tumour(fields, at, anatomy, rng)
    labels = np.zeros(anatomy.brain.shape, np.uint8)
    labels[tumour.box] = tumour.labels
    return Patient(with_tumour(anatomy, tumour, rng), labels, SCHEME if fields.cavity is None else POST_OPERATIVE)


def _tumour(
    tissue: Tissue, kind: Kind, shape: Path | None, residual_ml: float | None, rng: np.random.Generator
) -> TumourFields:
    if shape is not None:
        fields = place_tumour(read_labels(shape), tissue, rng)
    else:
        fields = grow_tumour(tissue, draw_composition(rng, enhancing=kind != "non-enhancing"), rng)
    return resected(fields, rng, residual_ml) if kind == "post-operative" else fields


def _added(fields: TumourFields, rng: np.random.Generator) -> NDArray[np.float32]:
    """Part of each coarse voxel's volume that the tumour brought: much of the core, little of the oedema.

    The sign is that of looking back: a voxel looks towards the source.
    """
    every = round(COARSE / fields.step)
    start = every // 2
    at = tuple(slice(start, None, every) for _ in range(3))
    core, whole = rng.uniform(0.1, 0.7), rng.uniform(0.0, 0.12)
    return -(np.float32(core) * (fields.core[at] > 0) + np.float32(whole) * (fields.whole[at] > 0)).astype(np.float32)
