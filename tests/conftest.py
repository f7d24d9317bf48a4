"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples every time: a red run can be repeated.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def brats_exam(test_data: Path) -> Path:
    """A real exam in the BraTS convention: four sequences on one grid, skull-stripped, with expert labels."""
    return test_data / "exams" / "glioma-labelled" / "BraTS2021_01659"


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real exams and reference answers; the test is skipped where there is none."""
    folder = Path(os.environ.get("GLIOSCOPE_TEST_DATA", ROOT.parent / "shared"))
    if not (folder / "exams").is_dir():
        pytest.skip(f"no reference data in {folder}; set GLIOSCOPE_TEST_DATA")
    return folder
