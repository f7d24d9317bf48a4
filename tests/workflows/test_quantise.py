from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from glioscope.core import EngineMissing, InputUnreadable, InvalidImage, ProcessingFailed
from glioscope.inference.model_store import ModelStore
from glioscope.workflows import quantise as module
from glioscope.workflows.quantise import quantise
from glioscope.workflows.quantise_measure import Measured
from tests.bundles.toy import document_of, write_toy
from tests.training.tiny_cohort import write_tiny_cohort

pytest.importorskip("dynamic_network_architectures")


GRID = {"space": "atlas", "spacing": None, "orientation": "RAS"}


def cohort(folder: Path) -> Path:
    return write_tiny_cohort(folder, 3)


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def scored(dice: float, name: str = "a") -> Measured:
    return Measured(name, {"WT": dice, "ET": 0.9}, {"WT": 2.0}, 3.0, 100.0, ("x",))


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Dice of WT before and after; nothing is converted or segmented."""
    dice = {"float": 0.9, "none": 0.9, "ends": 0.9}

    def convert(bundle: Any, windows: Any, spared: str, trial: ModelStore) -> list[Path]:
        file = trial.model(bundle.member_keys[0], (1, 2, 8, 8, 8), "int8")
        file.parent.mkdir(parents=True)
        file.write_text(spared)
        return [file]

    def measured(folder: Path, exams: Any, precision: str, store: Path | None) -> tuple[Measured, ...]:
        value = dice["float" if store is None else store.name]
        return tuple(scored(value, exam.name) for exam in exams)

    monkeypatch.setattr(module, "check_int8", lambda: None)
    monkeypatch.setattr(module, "_convert", convert)
    monkeypatch.setattr(module, "_measured", measured)
    return dice


@pytest.mark.parametrize(
    ("none", "ends", "accepted", "spared"),
    [(0.899, 0.0, True, "none"), (0.95, 0.0, True, "none"), (0.898, 0.899, True, "ends"), (0.8, 0.8975, False, "ends")],
)
def test_int8_is_kept_only_below_the_limit(
    none: float, ends: float, accepted: bool, spared: str, tmp_path: Path, pretended: dict[str, float]
) -> None:
    bundle = write_toy(tmp_path / "toy", document=document_of(grid=GRID))
    pretended.update(none=none, ends=ends)
    result = quantise(tmp_path / "toy", cohort(tmp_path / "cohort"), 0.0015)
    assert (result.accepted, result.spared) == (accepted, spared)
    kept = ModelStore().model(bundle.member_keys[0], (1, 2, 8, 8, 8), "int8")
    assert kept.is_file() == accepted
    if accepted:
        assert kept.read_text() == spared
        assert (kept.parent / "quantised.json").is_file()
    worst = 0.9 - (none if spared == "none" else ends)
    assert result.loss == pytest.approx(max(0, worst))  # ET stays as it was
    assert [exam.name for exam in result.after] == ["BraTSGLI00001000", "BraTSGLI00002000"]  # the first one calibrates
    assert result.table()[0] == {
        "": "before",
        "Dice WT": 0.9,
        "Dice ET": 0.9,
        "HD95 WT": 2.0,
        "HD95 ET": None,
        "seconds": 3.0,
        "peak_mb": 100.0,
        "ran_by": ["x"],
    }


def test_an_accepted_version_changes_the_identity(tmp_path: Path, pretended: dict[str, float]) -> None:
    from glioscope.segmentation import get_segmenter

    write_toy(tmp_path / "toy")
    before = get_segmenter(str(tmp_path / "toy")).identity
    quantise(tmp_path / "toy", cohort(tmp_path / "cohort"), 0.0015)
    assert get_segmenter(str(tmp_path / "toy")).identity != before


def test_what_cannot_be_quantised_is_said(tmp_path: Path) -> None:
    write_toy(tmp_path / "toy")
    with pytest.raises(InvalidImage, match="limit of the Dice loss"):
        quantise(tmp_path / "toy", tmp_path, 0)
    with pytest.raises(InputUnreadable, match="There is no bundle"):
        quantise(tmp_path / "nothing", tmp_path)
    with pytest.raises(InputUnreadable):
        quantise(tmp_path / "toy", tmp_path / "nothing")


def test_a_missing_package_is_told_before_any_exam_is_segmented_regression(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was told after all exams had been segmented, which may be hours."""
    write_toy(tmp_path / "toy")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "nncf" else name)
    monkeypatch.setattr(module, "_measured", lambda *_: pytest.fail("segmented"))
    with pytest.raises(EngineMissing, match=r"needs the Python package nncf; run `pip install 'glioscope\[quantise\]'`"):
        quantise(tmp_path / "toy", cohort(tmp_path / "cohort"))


def ended(*_: object) -> None:
    os._exit(9)


def test_a_process_that_the_system_ends_costs_a_sentence_regression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was told as a fault in Glioscope (BrokenProcessPool)."""
    monkeypatch.setattr(module, "measure_exam", ended)
    with pytest.raises(ProcessingFailed, match="ended the process that segmented 'p1'"):
        module._measured(tmp_path, [SimpleNamespace(name="p1")], "float", None)


@pytest.mark.slow
def test_for_real_on_a_toy(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    pytest.importorskip("nncf")
    inference = {"patch": [16, 16, 16], "overlap": 0.5, "mirror": False}
    write_toy(tmp_path / "toy", document=document_of(inference=inference, grid=GRID))
    result = quantise(tmp_path / "toy", cohort(tmp_path / "cohort"), 0.5)
    assert result.accepted
    assert {way for exam in result.after for way in exam.ran_by} == {"openvino-int8"}
    assert result.after[0].seconds > 0
    assert result.after[0].peak_mb > 50
