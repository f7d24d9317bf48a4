"""One DICOM series to one NIfTI volume by dcm2niix (Li et al., J Neurosci Methods 2016;264:47-56)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from glioscope.conversion.sidecar import clean_sidecar
from glioscope.core import EngineMissing, InvalidImage, ProcessingFailed, Volume, read_volume, write_volume
from glioscope.core.files import write_json

__all__ = ["convert_series"]

TIMEOUT_SECONDS = 600

# -b y -ba y: sidecar without dates; -z n: compressed once, by us; -g i: ignore the user's defaults file;
# -x i: neither crop nor rotate; -l o: the stored numbers as they are.
_OPTIONS = ("-b", "y", "-ba", "y", "-z", "n", "-g", "i", "-x", "i", "-l", "o", "-f", "series")

_EXIT_CODES = {
    2: "it found no image in the files",
    4: "a file is corrupt",
    7: "its scratch folder cannot be written",
    8: "a part of the series could not be converted",
    10: "the series is incomplete",
}


def _binary() -> str:
    try:
        import dcm2niix  # type: ignore[import-untyped]
    except ImportError as error:
        raise EngineMissing("DICOM conversion needs dcm2niix; install it with: pip install dcm2niix") from error
    binary = Path(str(dcm2niix.bin))
    for candidate in (binary, binary.with_suffix(".exe")):
        if candidate.is_file():
            return str(candidate)
    raise EngineMissing(
        "The program in the package dcm2niix is missing; install it again: pip install --force-reinstall dcm2niix"
    )


def _gather(files: Mapping[str, Path], folder: Path) -> None:
    """Links (copies where links are refused) to just these files, under names that tell nothing."""
    folder.mkdir()
    for number, name in enumerate(sorted(files)):
        target = folder / f"{number:06d}.dcm"
        source = files[name].resolve()
        try:
            os.link(source, target)
        except OSError:
            try:
                shutil.copyfile(source, target)
            except OSError as error:
                raise ProcessingFailed(f"A DICOM file of the series cannot be read ({error.strerror}).") from error


def _run(source: Path, target: Path) -> None:
    target.mkdir()
    command = [_binary(), *_OPTIONS, "-o", str(target), str(source)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ProcessingFailed(
            f"dcm2niix did not finish a series within {TIMEOUT_SECONDS} s; export the series again."
        ) from error
    except OSError as error:
        raise EngineMissing(
            f"dcm2niix cannot be started ({error.strerror}); install it again with: pip install dcm2niix"
        ) from error
    if done.returncode != 0:
        why = _EXIT_CODES.get(done.returncode, f"exit code {done.returncode}")
        raise ProcessingFailed(f"dcm2niix could not convert a series: {why}; export the series again.")


def _the_volume(folder: Path) -> Path:
    """The one image that dcm2niix wrote; of a series with gantry tilt the corrected one."""
    images = sorted(folder.glob("*.nii"))
    tilted = [path for path in images if "_Tilt" in path.name]
    if any("_Eq" in path.name for path in images):
        raise InvalidImage("The slices of a series are unevenly spaced or one is missing; export the series again.")
    if len(tilted) == 1:
        return tilted[0]
    if not images:
        raise ProcessingFailed("dcm2niix wrote no volume for a series, so its files hold no readable image; export it again.")
    if len(images) > 1:
        raise ProcessingFailed(f"A series holds {len(images)} volumes; export the one that is meant as a series of its own.")
    return images[0]


def _voxels(path: Path, volume: Volume) -> Volume:
    """`volume` with the integers that are stored, where they are stored without scaling."""
    stored = np.asanyarray(nib.load(path).dataobj).reshape(volume.grid.shape)
    return volume.with_data(np.ascontiguousarray(stored)) if stored.dtype.kind in "iu" else volume


def convert_series(files: Mapping[str, Path], *, image: Path, sidecar: Path) -> Mapping[str, Any]:
    """Convert one DICOM series. The bytes written depend on the content of the files alone.

    Args:
        files: All files of the series (and no others) under any names; the names give the order in which they are read.
        image: NIfTI to write: the stored numbers and the affine that dcm2niix found.
        sidecar: JSON to write: the attributes that `clean_sidecar` keeps.

    Returns:
        Number of `files`, `shape` and `spacing_mm` of the volume, and whether gantry `tilt` was corrected.

    Raises:
        EngineMissing: dcm2niix is not there.
        ProcessingFailed: it gave up, wrote nothing, or several volumes.
        InvalidImage: unevenly spaced slices, or a volume that cannot be an image (2-D, 4-D, one value, not finite).
    """
    with tempfile.TemporaryDirectory(prefix="glioscope-") as scratch:
        source, target = Path(scratch) / "dicom", Path(scratch) / "nifti"
        _gather(files, source)
        _run(source, target)
        found = _the_volume(target)
        volume = _voxels(found, read_volume(found))
        if 1 < len(files) != volume.grid.shape[2]:
            raise ProcessingFailed(
                f"A series of {len(files)} files became {volume.grid.shape[2]} slices; some repeat a position or do not belong."
            )
        beside = found.with_suffix(".json")
        document = json.loads(beside.read_text(encoding="utf-8", errors="replace")) if beside.is_file() else {}
        write_volume(image, volume)
        write_json(sidecar, clean_sidecar(document))
        return {
            "files": len(files),
            "shape": list(volume.grid.shape),
            "spacing_mm": [round(float(s), 4) for s in volume.grid.spacing],
            "tilt": "_Tilt" in found.name,
        }
