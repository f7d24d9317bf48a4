"""Finding tracts, cortical regions and resection maps of a package that the user has."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from glioscope.atlas import find_location_volumes, opened_volumes, parcel_names
from glioscope.core import InputUnreadable, Volume, write_volume

TRACT = "bcb_tracts/StandAlone/Superior_Londgitudinal_Fasciculus_II_Left_mni.nii.gz"


def atlases(root: Path) -> Path:
    """A folder `raidionicsrads/Atlases` with one tract, one parcellation and one resection map."""
    folder = root / "raidionicsrads" / "Atlases"
    data = np.zeros((4, 4, 4), np.float32)
    data[0] = 0.5
    for name in (TRACT, "resectability_maps/Resection_probability_map_left_mni.nii.gz"):
        write_volume(folder / name, Volume.of(data, np.eye(4)))
    write_volume(folder / "Schaefer400/schaefer7MNI_mni.nii.gz", Volume.of(data.astype(np.uint8), np.eye(4)))
    (folder / "Schaefer400/7regions_description.csv").write_text(",Label,Region\n0,1,visual\n1,2,somatomotor\n")
    return folder


@pytest.mark.parametrize("inner", ["", "raidionicsrads", "raidionicsrads/Atlases"])
def test_a_folder_is_read_from_any_of_its_levels(tmp_path: Path, inner: str) -> None:
    atlases(tmp_path)
    found = find_location_volumes(tmp_path / inner)
    assert found is not None
    assert list(found.tracts) == ["Superior Longitudinal Fasciculus II Left"]
    assert list(found.cortex) == ["Schaefer, 7 networks"]
    assert list(found.resection) == ["left"]
    assert parcel_names(found.cortex["Schaefer, 7 networks"][1]) == {1: "visual", 2: "somatomotor"}


def test_a_wheel_is_unpacked_for_as_long_as_it_is_used(tmp_path: Path) -> None:
    folder = atlases(tmp_path)
    wheel = tmp_path / "raidionicsrads-1.3.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in sorted(folder.rglob("*.*")):
            archive.write(path, path.relative_to(tmp_path))
        archive.writestr("raidionicsrads/code.py", "raise SystemExit")
    with opened_volumes(wheel) as found:
        assert found is not None
        (tract,) = found.tracts.values()
        assert tract.is_file()
        assert not list(tract.parents[3].glob("*.py"))
    assert not tract.exists()


@pytest.mark.parametrize("kind", ["missing", "empty folder", "text", "other zip"])
def test_what_holds_no_volumes_is_refused(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "x"
    if kind == "empty folder":
        place.mkdir()
    elif kind == "text":
        place.write_text("no wheel")
    elif kind == "other zip":
        with zipfile.ZipFile(place, "w") as archive:
            archive.writestr("a.txt", "a")
    with pytest.raises(InputUnreadable, match="x"), opened_volumes(place):
        pass


def test_without_the_package_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata

    def absent(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.distribution", absent)
    assert find_location_volumes() is None
    with opened_volumes() as found:
        assert found is None


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputUnreadable, match=r"t\.csv"):
        parcel_names(tmp_path / "t.csv")
