from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glioscope.core import Sequence, Volume, read_volume
from glioscope.quality import Severity, enhancement, swapped_remarks

GRID = np.diag([1.0, 2.0, 3.0, 1.0])


def head() -> tuple[Volume, Volume, Volume]:
    """T1 with contrast, native T1 and brain: the same noise, and a bright spot of 1 % of the voxels in the former."""
    rng = np.random.default_rng(0)
    mask = np.zeros((40, 30, 20), bool)
    mask[2:-2, 2:-2, 2:-2] = True
    native = rng.normal(500, 20, mask.shape) * mask
    contrast = native + rng.normal(0, 5, mask.shape) * mask
    contrast[18:24, 12:16, 8:12] += 400
    volumes = [Volume.of(np.asarray(data, np.float32), GRID) for data in (contrast, native)]
    return volumes[0], volumes[1], Volume.of(mask, GRID)


def test_an_exchange_is_noticed_whatever_the_scale() -> None:
    contrast, native, brain = head()
    assert swapped_remarks({Sequence.T1C: contrast, Sequence.T1N: native}, brain) == []
    louder = contrast.with_data(contrast.data * 1000)
    (remark,) = swapped_remarks({Sequence.T1C: native, Sequence.T1N: louder}, brain)
    assert (remark.code, remark.severity) == ("t1-swapped", Severity.WARNING)
    assert "--t1c" in remark.sentence


def test_swapping_inverts_the_ratio() -> None:
    contrast, native, brain = head()
    one, other = enhancement(contrast, native, brain), enhancement(native, contrast, brain)
    assert one is not None and other is not None
    assert one > 5
    assert one * other == pytest.approx(1)


def test_nothing_is_said_of_what_cannot_be_told() -> None:
    contrast, native, brain = head()
    flat = native.with_data(np.ones_like(native.data))
    nothing = brain.with_data(np.zeros_like(brain.data))
    assert enhancement(contrast, flat, brain) is None
    assert enhancement(contrast, native, nothing) is None
    assert swapped_remarks({Sequence.T1C: contrast}, brain) == []


def test_every_real_exam_is_told_from_its_exchange(test_data: Path) -> None:
    for folder in sorted((test_data / "exams" / "glioma-labelled").iterdir())[:3]:
        contrast, native = (read_volume(folder / f"{folder.name}_{name}.nii.gz") for name in ("t1ce", "t1"))
        brain = native.with_data(native.data != 0)
        assert swapped_remarks({Sequence.T1C: contrast, Sequence.T1N: native}, brain) == []
        assert swapped_remarks({Sequence.T1C: native, Sequence.T1N: contrast}, brain)
