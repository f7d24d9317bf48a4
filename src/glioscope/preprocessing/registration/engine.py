"""What every registration engine is: two volumes in, one transform out, checked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from glioscope.core import EngineMissing, ProcessingFailed, Transform, Volume
from glioscope.preprocessing.registration.itk_space import orthonormal
from glioscope.preprocessing.registration.plausibility import implausible
from glioscope.preprocessing.registration.start import coarse_alignment

__all__ = ["Alignment", "Kind", "RegistrationEngine"]

Kind = Literal["rigid", "affine", "syn", "deformation"]


@dataclass(frozen=True, eq=False)
class Alignment:
    """What a registration found.

    Attributes:
        transform: Fixed world points to moving world points (RAS, mm): what `resample(moving, fixed_grid, …)` takes.
        inverse: Moving world points to fixed world points.
    """

    transform: Transform
    inverse: Transform


class RegistrationEngine(ABC):
    """An engine implements `_optimise`; start, geometry and the check of the result are the same for all."""

    name: ClassVar[str]
    kinds: ClassVar[tuple[Kind, ...]]

    def register(
        self,
        fixed: Volume,
        moving: Volume,
        *,
        kind: Kind = "rigid",
        fixed_mask: Volume | None = None,
        excluded: Volume | None = None,
        start: Transform | None = None,
        seed: int = 0,
        quick: bool = False,
    ) -> Alignment:
        """Find where each point of `fixed` lies in `moving`, by mutual information.

        Args:
            fixed: Image whose space is kept; any contrast, orientation, spacing and obliquity.
            moving: Image to be brought to it.
            kind: `rigid` (6 degrees of freedom), `affine` (12), `syn` (affine, then a diffeomorphism), or `deformation` (the
                diffeomorphism alone, from `start`, between two images of one sequence).
            fixed_mask: Where in `fixed` to compare, on its grid.
            excluded: Where in `fixed` not to compare, on its grid: a lesion that the other image has not, or not so (Brett et
                al., NeuroImage 14, 2001). A deformation goes on through it as its surroundings do.
            start: A rigid transform that is right to a few millimetres; searched for where None.
            quick: Stop at the coarse level, some millimetres from the best: for a pose that will be refined.
            seed: Of the sampling; the same seed gives the same transform to the last bit.

        Raises:
            EngineMissing: the engine is not installed, or cannot do `kind`.
            ProcessingFailed: it gave up, or what it found cannot be: not finite, scaled beyond 0.6 to 1.6, images that
                hardly overlap, or less alike than before.
        """
        if kind not in self.kinds:
            raise EngineMissing(f"The registration engine '{self.name}' has no '{kind}' transform; choose 'ants' for it.")
        fixed, moving = orthonormal(fixed), orthonormal(moving)
        fixed_mask = None if fixed_mask is None else orthonormal(fixed_mask)
        if start is None:
            start = coarse_alignment(fixed, moving, fixed_mask=fixed_mask, seed=seed)
        kept = None if excluded is None else _kept(fixed, fixed_mask, orthonormal(excluded))
        mask = fixed_mask if kept is None else kept
        try:
            found = self._optimise(fixed, moving, kind, start, mask=mask, deform_mask=kept, seed=seed, quick=quick)
        except RuntimeError as error:
            detail = " ".join(str(error).split())[-120:]
            raise ProcessingFailed(f"Registration by '{self.name}' gave up ({detail}); try another engine.") from error
        fault = implausible(found.transform, fixed, moving, fixed_mask)
        if fault:
            raise ProcessingFailed(f"Registration by '{self.name}' failed: {fault}; look at the images or try another engine.")
        return found

    @abstractmethod
    def _optimise(
        self,
        fixed: Volume,
        moving: Volume,
        kind: Kind,
        start: Transform,
        *,
        mask: Volume | None,
        deform_mask: Volume | None,
        seed: int,
        quick: bool,
    ) -> Alignment:
        """The engine's own optimisation, from `start` on; both grids are without shear.

        `mask` is where linear stages compare, `deform_mask` where a deformable one does; everywhere where None.
        """


def _kept(fixed: Volume, mask: Volume | None, excluded: Volume) -> Volume:
    """Where to compare: in `mask`, or everywhere, but for `excluded`."""
    inside = np.ones(fixed.grid.shape, bool) if mask is None else mask.data > 0
    return fixed.with_data(inside & (excluded.data == 0))


def affine_alignment(transform: Transform) -> Alignment:
    """An alignment without displacement, whose inverse is a matter of algebra."""
    if not np.isfinite(transform.matrix).all() or abs(np.linalg.det(transform.matrix)) < 1e-6:
        raise RuntimeError("the transform is not invertible")
    return Alignment(transform, transform.inverse())
