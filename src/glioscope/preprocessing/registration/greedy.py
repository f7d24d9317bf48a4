"""Greedy (Yushkevich et al.), fast and accurate; an optional extra because of its licence, GPL-3."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from glioscope.core import EngineMissing, Transform, Volume
from glioscope.preprocessing.registration.engine import Alignment, Kind, RegistrationEngine, affine_alignment
from glioscope.preprocessing.registration.itk_space import to_sitk

__all__ = ["GreedyEngine"]


class GreedyEngine(RegistrationEngine):
    """Normalised mutual information on three levels, one thread."""

    name: ClassVar[str] = "greedy"
    kinds: ClassVar[tuple[Kind, ...]] = ("rigid", "affine")

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
        try:
            from picsl_greedy import Greedy3D
        except ImportError as error:
            raise EngineMissing(
                "The registration engine 'greedy' is not installed; run: pip install 'glioscope[greedy]'."
            ) from error
        images: dict[str, Any] = {"fix": to_sitk(fixed), "mov": to_sitk(moving)}
        only = ""
        if mask is not None:
            images["gm"] = to_sitk(mask.with_data(mask.data > 0))
            only = "-gm gm"
        engine = Greedy3D()
        with tempfile.TemporaryDirectory() as folder, _silenced():
            path = Path(folder, "start.mat")  # Greedy's matrices are RAS, fixed to moving, as ours
            np.savetxt(path, start.matrix, fmt="%.12g")
            engine.execute(
                f"-d 3 -threads 1 -a -dof {6 if kind == 'rigid' else 12} -i fix mov {only} -ia {path} -o found"
                f" -m NMI -n {'100x30x0' if quick else '100x50x10'}",
                found=None,
                **images,
            )
        return affine_alignment(Transform(np.asarray(engine["found"], np.float64)))


@contextmanager
def _silenced() -> Iterator[None]:
    """Greedy writes to the process's standard output from C++, where a `--json` document may be due."""
    sys.stdout.flush()
    kept = os.dup(1)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)
