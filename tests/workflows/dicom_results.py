"""What a run leaves of a DICOM exam, made without the work of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.conversion import convert_series
from glioscope.core import Transform, Volume, get_scheme, read_header, write_volume
from glioscope.core.files import sha256, write_bytes, write_json
from glioscope.measurement import measure
from glioscope.preprocessing.transform_files import write_transform

PDF = b"%PDF-1.4 made up"


def leave_results(
    out: Path,
    name: str,
    files: list[Path],
    ball_mm: NDArray[np.float64],
    *,
    sequence: str = "t1c",
    known: tuple[str, ...] = ("WT", "TC", "ET"),
    others: dict[str, tuple[list[Path], NDArray[np.float64]]] | None = None,
) -> Volume:
    """Label map, measurements, PDF and provenance of the exam `name`, as `glioscope run` names and records them.

    Args:
        files: Of the reference sequence, converted by dcm2niix as a run does; none for an exam that came as NIfTI.
        ball_mm: Centre (RAS) of a tumour 40 mm wide, its core 20 mm.
        others: Sequence -> its files, and the rigid way from points of the reference to points of it.
    """
    folder, records = out / name, out / ".glioscope" / name
    image = records / f"{sequence}.nii.gz"
    image.parent.mkdir(parents=True)
    steps: list[dict[str, Any]] = []
    if files:
        convert_series({f"{i:05d}": f for i, f in enumerate(files)}, image=image, sidecar=records / f"{sequence}.json")
        grid = read_header(image).grid
        steps.append({"name": f"convert-{sequence}", "inputs": {f"files.{i:05d}": sha256(f) for i, f in enumerate(files)}})
    else:
        grid = Volume.of(np.zeros((20, 20, 12)), np.diag([3.0, 3, 5, 1])).grid
    for other, (members, way) in (others or {}).items():
        steps.append({"name": f"convert-{other}", "inputs": {str(i): sha256(f) for i, f in enumerate(members)}})
        (records / "work").mkdir(exist_ok=True)
        write_transform(records / "work" / f"{sequence}-to-{other}.h5", Transform(way))
    points = grid.to_world(np.moveaxis(np.indices(grid.shape), 0, -1))
    far = np.linalg.norm(points - ball_mm, axis=-1)
    data = np.where(far < 10, 3, np.where(far < 20, 2, 0)).astype(np.uint8)
    labels = Volume.of(data, grid.affine)
    path = folder / "anat" / f"{name}_space-orig_seg-toysegmenter_dseg.nii.gz"
    write_volume(path, labels)
    steps.append(
        {
            "name": "segment-toy-segmenter",
            "inputs": {},
            "outputs": {"native_labels": sha256(path)},
            "parameters": {"identity": "f00"},
        }
    )
    steps.append({"name": "report-quality", "inputs": {}, "parameters": {"trained": True}})
    measured = measure(labels, get_scheme("brats-2023"), known=known).document()
    location = {"regions": {"WT": {"side": "right"}}}
    about = {"exam": name, "segmenter": "toy-segmenter", "scheme": "brats-2023", "location": location}
    write_json(folder / "report" / "measurements.json", {**measured, **about})
    write_bytes(folder / "report" / "report.pdf", PDF)
    came = [sequence, *(others or {})]
    write_json(folder / "provenance.json", {"inputs": {s: {"sha256": "0"} for s in came}, "steps": steps})
    return labels
