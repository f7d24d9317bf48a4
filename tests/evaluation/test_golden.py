"""The official scripts' answers, to 1e-6 in every field."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from glioscope.core.imageio import read_labels
from glioscope.evaluation import OFFICIAL_NAMES, evaluate_pair

CHALLENGES = [f"2023/BraTS-{name}" for name in ("GLI", "SSA", "MEN", "PED", "MET")]
CHALLENGES += [f"2024/BraTS-{name}" for name in ("GLI", "SSA", "MET", "PED", "MEN-RT")]


@pytest.fixture(scope="module")
def golden(test_data: Path) -> Path:
    folder = test_data / "golden" / "lesionwise"
    if not (folder / "expected.json").is_file():
        pytest.skip(f"no official answers in {folder}")
    return folder


_read = cache(read_labels)


@cache
def _answers(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.mark.parametrize("challenge", CHALLENGES)
@pytest.mark.parametrize("case", [f"case{number:02d}" for number in range(14)])
def test_official_numbers(golden: Path, case: str, challenge: str) -> None:
    expected: dict[str, Any] = _answers(golden / "expected.json")[case][challenge]
    prediction, reference = (_read(golden / f"{case}_{kind}.nii.gz") for kind in ("pred", "gt"))
    protocol = "brats-" + challenge.lower().replace("/brats", "")
    scores = evaluate_pair(prediction.data, reference.data, prediction.grid.spacing.tolist(), protocol)
    assert list(scores.regions) == list(expected)
    for region, fields in expected.items():
        values = scores.regions[region].values
        assert set(values) == {OFFICIAL_NAMES[field] for field in fields}
        for field, value in fields.items():
            assert values[OFFICIAL_NAMES[field]] == pytest.approx(value, abs=1e-6), (region, field)
