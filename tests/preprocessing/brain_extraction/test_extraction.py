from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from glioscope.core import EngineMissing, ProcessingFailed, Volume, read_volume
from glioscope.preprocessing.brain_extraction import (
    BrainExtractor,
    extract_brain,
    extraction,
    find_brain,
    get_extractor,
    implausible,
)

OBLIQUE = np.array([[-1.9, 0.2, 0.0, 70.0], [0.2, 1.9, 0.6, -80.0], [0.0, -0.3, 3.8, -60.0], [0, 0, 0, 1.0]])


def ball(radius: float, shape: tuple[int, int, int] = (80, 80, 80), spacing: float = 2.5) -> Volume:
    index = np.indices(shape) - (np.array(shape).reshape(3, 1, 1, 1) - 1) / 2
    return Volume.of(np.sqrt((index**2).sum(axis=0)) * spacing < radius, np.diag([spacing, spacing, spacing, 1.0]))


class Bright(BrainExtractor):
    """Calls every voxel of the upper half of the array brain that is above 5: sensitive to the order of the axes."""

    name, distribution = "bright", "none"

    def check(self) -> None:
        pass

    def _segment(self, volume: Volume) -> NDArray[np.bool_]:
        assert volume.grid.orientation == "RAS"
        upper = np.zeros(volume.grid.shape, bool)
        upper[:, :, volume.grid.shape[2] // 2 :] = True
        return np.asarray((volume.data > 5) & upper)


@pytest.mark.parametrize("orientation", ["RAS", "LPS", "PIR", "SLA", "ASL"])
def test_mask_comes_back_on_the_very_grid_in_any_orientation(orientation: str) -> None:
    data = np.random.default_rng(0).uniform(0, 10, (7, 9, 6)).astype(np.float32)
    plain = Volume.of(data, OBLIQUE)
    expected = Bright().extract(plain)
    turned = Bright().extract(plain.reoriented(orientation))
    assert turned.grid.same_as(plain.reoriented(orientation).grid)
    assert turned.data.dtype == bool
    np.testing.assert_array_equal(turned.reoriented(plain.grid.orientation).data, expected.data)
    top = plain.grid.to_world(np.argwhere(expected.data))[:, 2].mean()
    assert top > plain.grid.to_world([(n - 1) / 2 for n in plain.grid.shape])[2]


def test_empty_mask_is_a_failure() -> None:
    with pytest.raises(ProcessingFailed, match="found no brain"):
        Bright().extract(Volume.of(np.zeros((4, 4, 4), np.float32), np.eye(4)))


def test_plausibility() -> None:
    assert implausible(ball(70)) is None  # 1437 ml
    assert "ml" in str(implausible(ball(50)))  # 524 ml
    assert "ml" in str(implausible(ball(85)))  # 2572 ml
    pieces = ball(60)
    pieces.data[0:20, 0:20, 0:20] = True  # 125 ml beside 905 ml
    assert "pieces" in str(implausible(pieces))
    full = Volume.of(np.ones((10, 10, 10), bool), np.diag([12.0, 12, 12, 1]))  # 1728 ml
    assert "6 of the six sides" in str(implausible(full))


def test_unknown_engine_lists_the_known_ones() -> None:
    with pytest.raises(EngineMissing, match="deepbet, robex, hdbet"):
        get_extractor("magic")


class Working(Bright):
    def _segment(self, volume: Volume) -> NDArray[np.bool_]:
        return np.asarray(volume.data > 0)


class Failing(Bright):
    def _segment(self, volume: Volume) -> NDArray[np.bool_]:
        raise ProcessingFailed("It gave up.")


def test_fallback_is_used_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "get_extractor", lambda name: Working() if name == "robex" else Failing())
    head = ball(70)
    found = find_brain(head.with_data(head.data.astype(np.float32)))
    assert found.facts["engine"] == "robex"
    assert found.facts["volume_ml"] == pytest.approx(4 / 3 * np.pi * 7**3, rel=0.01)
    assert "It gave up." in found.facts["remarks"][0]


def test_failure_without_fallback_keeps_its_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "get_extractor", lambda name: Failing())
    with pytest.raises(ProcessingFailed, match=r"^It gave up\.$"):
        extract_brain(ball(70))


def test_hdbet_absent_says_what_to_do() -> None:
    with pytest.raises(EngineMissing, match="HD-BET"):
        get_extractor("hdbet").check()


def test_raw_exam(test_data: Path) -> None:
    head = read_volume(test_data / "exams/raw/TCGA-FG-6692/MRHR_T1_AX_POST_GAD_SE_13_se2d1r.nii.gz")
    found = find_brain(head)
    assert found.mask.grid.same_as(head.grid)
    assert found.facts["engine"] == "deepbet"
    assert found.facts["volume_ml"] == pytest.approx(1554, rel=0.02)
