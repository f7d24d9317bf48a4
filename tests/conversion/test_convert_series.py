from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from glioscope.conversion import clean_sidecar, convert_series
from glioscope.core import GlioscopeError, Grid, InvalidImage, Ledger, ProcessingFailed, Step, Volume, read_volume
from tests.dicom_factory import STYLES, oblique_affine, phantom, write_enhanced, write_series


def _convert(files: list[Path], folder: Path) -> Volume:
    convert_series({f"{i:04d}": f for i, f in enumerate(files)}, image=folder / "o.nii.gz", sidecar=folder / "o.json")
    return read_volume(folder / "o.nii.gz")


def _assert_same_world(found: Volume, affine: np.ndarray, data: np.ndarray) -> None:
    """Every voxel of `found` has the value that `data` has at the same world point."""
    indices = np.array(list(itertools.product(*(range(n) for n in found.grid.shape))))
    x, y, z = data.shape
    source = Grid((x, y, z), affine).to_index(found.grid.to_world(indices))
    assert np.abs(source - source.round()).max() < 1e-3
    np.testing.assert_array_equal(data[tuple(source.round().astype(int).T)], found.data.reshape(-1))
    assert found.data.size == data.size


SAGITTAL = np.array([[0, 0, 1.5, -9], [-1, 0, 0, 80], [0, -1.1, 0, 60], [0, 0, 0, 1.0]])


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("affine", [oblique_affine(), oblique_affine((0.5, 0.7, 6.0), -31.0), SAGITTAL])
def test_every_voxel_lands_on_its_world_point(tmp_path: Path, affine: np.ndarray, shuffle: bool) -> None:
    files = write_series(tmp_path / "s", phantom(), affine, STYLES["t1c"], shuffle=shuffle)

    _assert_same_world(_convert(files, tmp_path), affine, phantom())


def test_an_enhanced_object(tmp_path: Path) -> None:
    file = write_enhanced(tmp_path / "s", phantom(), oblique_affine(), STYLES["t2w"])

    _assert_same_world(_convert([file], tmp_path), oblique_affine(), phantom())


def test_the_bytes_depend_on_the_content_alone(tmp_path: Path) -> None:
    results = []
    for name, shuffle in (("a", False), ("b", True)):
        files = write_series(tmp_path / name, phantom(), oblique_affine(), STYLES["t2w"], shuffle=shuffle)
        _convert(files, tmp_path / name)
        results.append(((tmp_path / name / "o.nii.gz").read_bytes(), (tmp_path / name / "o.json").read_bytes()))

    assert results[0] == results[1]


def test_nothing_of_the_patient_is_written(tmp_path: Path) -> None:
    _convert(write_series(tmp_path / "s", phantom(), oblique_affine(), STYLES["t1c"]), tmp_path)

    document = json.loads((tmp_path / "o.json").read_text())

    assert document["EchoTime"] == 0.003 and document["MagneticFieldStrength"] == 1.5
    everything = json.dumps(document) + repr(read_volume(tmp_path / "o.nii.gz"))
    assert not [s for s in ("Secret", "IDA", "1950", "2001", "Hidden", "31415", "1.2.826", "10:11") if s in everything]
    assert not {"SeriesDescription", "ProtocolName", "AcquisitionTime", "DeviceSerialNumber"} & set(document)


def test_only_listed_codes_and_numbers_are_kept() -> None:
    document = {
        "EchoTime": 0.1,
        "PatientName": "x",
        "ImageType": ["ORIGINAL", "M"],
        "ScanOptions": "free text, of John Doe; born 1950 in a town with a long name",
        "RepetitionTime": float("nan"),
        "ContrastBolusIngredient": "GADOLINIUM",
        "SeriesDescription": "x",
    }

    assert clean_sidecar(document) == {"EchoTime": 0.1, "ImageType": ["ORIGINAL", "M"], "ContrastAgentGiven": True}
    assert clean_sidecar(clean_sidecar(document)) == clean_sidecar(document)


def test_it_is_a_step(tmp_path: Path) -> None:
    files = write_series(tmp_path / "s", phantom(), oblique_affine(), STYLES["t2w"])
    inputs = {"files": {f"{i:04d}": f for i, f in enumerate(files)}}
    outputs = {"image": tmp_path / "o.nii.gz", "sidecar": tmp_path / "o.json"}
    step = Step("convert", "Converting", convert_series, inputs, {}, outputs, ("dcm2niix",))

    (record,) = Ledger(tmp_path / "ledger").run(step)
    (again,) = Ledger(tmp_path / "ledger").run(step)

    assert record.facts == {"files": 12, "shape": [20, 24, 12], "spacing_mm": [1.0, 1.2, 5.0], "tilt": False}
    assert again.reused


def test_what_cannot_be_converted(tmp_path: Path) -> None:
    gap = write_series(tmp_path / "gap", phantom(), oblique_affine(), STYLES["t2w"], without=(4, 5))
    with pytest.raises((InvalidImage, ProcessingFailed)):
        _convert(gap, tmp_path)
    two = write_series(tmp_path / "a", phantom(), oblique_affine(), STYLES["t2w"], series=1)
    two += write_series(tmp_path / "b", phantom(), oblique_affine(), STYLES["t1n"], series=2)
    with pytest.raises(ProcessingFailed, match="A series holds 2 volumes"):
        _convert(two, tmp_path)
    text = tmp_path / "text.dcm"
    text.write_text("hello")
    with pytest.raises(ProcessingFailed, match=r"found no image|wrote no volume"):
        _convert([text], tmp_path)
    one_slice = write_series(tmp_path / "one", phantom((20, 24, 1)), oblique_affine(), STYLES["t2w"])
    with pytest.raises(GlioscopeError):
        _convert(one_slice, tmp_path)
    assert not (tmp_path / "o.nii.gz").exists() and not (tmp_path / "o.json").exists()


def test_it_gives_up_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("x", 600)

    monkeypatch.setattr(subprocess, "run", late)
    files = write_series(tmp_path / "s", phantom(), oblique_affine(), STYLES["t2w"])

    with pytest.raises(ProcessingFailed, match="did not finish"):
        _convert(files, tmp_path)
