"""Every distinct system learns one real exam by heart; docs/recipes.md has the figures."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
overfit: Any = importlib.import_module("overfit")
sys.path.pop(0)


@pytest.fixture(scope="module")
def exams(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    torch.set_num_threads(1)
    exam = test_data / "exams" / "glioma-labelled" / "BraTS2021_00006"
    found: dict[str, Any] = overfit.write_exams(exam, tmp_path_factory.mktemp("exam"))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", list(overfit.SYSTEMS))
def test_a_system_learns_one_exam_by_heart(name: str, exams: dict[str, Any], tmp_path: Path) -> None:
    for arm in overfit.learn(name, exams, tmp_path, side=24):
        assert min(arm.dice.values()) >= overfit.ENOUGH, arm
