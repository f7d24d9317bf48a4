from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from glioscope.core import GlioscopeError, Ledger, OutputUnwritable, ProcessingFailed, Record, Step
from glioscope.core.files import atomic, sweep


def add(numbers: Path, *, term: int, total: Path, log: Path) -> Mapping[str, Any]:
    result = sum(json.loads(numbers.read_text())) + term
    total.write_text(str(result))
    log.write_text("done")
    return {"result": result}


def forget(*, total: Path) -> None:
    """A step that breaks its promise to write."""


def refuse(*, total: Path) -> None:
    total.write_text("half")
    raise GlioscopeError("No.")


def fill_the_disk(*, total: Path) -> None:
    raise OSError(28, "No space left on device")


def make(tmp_path: Path, *, term: int = 1, name: str = "add") -> Step:
    numbers = tmp_path / "numbers.json"
    if not numbers.exists():
        numbers.write_text("[1, 2, 3]")
    outputs = {"total": tmp_path / f"{name}.txt", "log": tmp_path / f"{name}.log.gz"}
    return Step(name, "Adding", add, {"numbers": numbers}, {"term": term}, outputs)


def ledger(tmp_path: Path, seen: list[tuple[str, bool | None]] | None = None) -> Ledger:
    def notify(step: Step, record: Record | None) -> None:
        if seen is not None:
            seen.append((step.name, None if record is None else record.reused))

    return Ledger(tmp_path / "records", notify)


def test_a_step_runs_once_and_is_found_again(tmp_path: Path) -> None:
    seen: list[tuple[str, bool | None]] = []
    (first,) = ledger(tmp_path, seen).run(make(tmp_path))
    (second,) = ledger(tmp_path, seen).run(make(tmp_path))

    assert first.facts == second.facts == {"result": 7}
    assert (tmp_path / "add.txt").read_text() == "7"
    assert seen == [("add", None), ("add", False), ("add", True)]
    assert second.seconds == first.seconds


@pytest.mark.parametrize("change", ["input", "parameter", "output deleted", "output altered", "record damaged"])
def test_a_step_runs_again_when_anything_it_depends_on_changes(tmp_path: Path, change: str) -> None:
    ledger(tmp_path).run(make(tmp_path))
    term = 1
    if change == "input":
        (tmp_path / "numbers.json").write_text("[1, 2, 4]")
    elif change == "parameter":
        term = 5
    elif change == "output deleted":
        (tmp_path / "add.txt").unlink()
    elif change == "output altered":
        (tmp_path / "add.txt").write_text("8888")
    else:
        (tmp_path / "records" / "add.json").write_text('{"name": "add"')

    (record,) = ledger(tmp_path).run(make(tmp_path, term=term))

    assert not record.reused
    assert (tmp_path / "add.txt").read_text() == {"input": "8", "parameter": "11"}.get(change, "7")


def test_parallel_steps_give_what_serial_ones_give(tmp_path: Path) -> None:
    steps = [make(tmp_path, term=t, name=f"add{t}") for t in range(3)]
    records = ledger(tmp_path).run(*steps, jobs=2)
    assert [r.facts["result"] for r in records] == [6, 7, 8]


def test_relative_paths_are_of_the_working_folder_regression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that an earlier call had started in another folder read and wrote there."""
    for term, place in ((1, tmp_path / "first"), (2, tmp_path / "second")):
        place.mkdir()
        monkeypatch.chdir(place)
        ledger(Path()).run(*(make(Path(), term=term, name=name) for name in ("a", "b")), jobs=2)
        assert (place / "b.txt").read_text() == str(6 + term)


def test_a_failed_step_leaves_no_output_and_no_record(tmp_path: Path) -> None:
    step = Step("refuse", "Refusing", refuse, outputs={"total": tmp_path / "total.txt"})
    with pytest.raises(GlioscopeError, match=r"^No\.$"):
        ledger(tmp_path).run(step)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_step_that_does_not_write_its_output_fails(tmp_path: Path) -> None:
    step = Step("forget", "Forgetting", forget, outputs={"total": tmp_path / "total.txt"})
    with pytest.raises(ProcessingFailed, match="without writing total"):
        ledger(tmp_path).run(step)


def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path) -> None:
    step = Step("fill", "Filling", fill_the_disk, outputs={"total": tmp_path / "total.txt"})
    with pytest.raises(OutputUnwritable, match=r"The disk is full: 'total\.txt' could not be written"):
        ledger(tmp_path).run(step)


def test_scratch_files_of_dead_processes_are_swept_and_of_living_ones_kept(tmp_path: Path) -> None:
    dead = tmp_path / "sub" / ".image.4194999.part.nii.gz"  # beyond the largest process id of Linux
    dead.parent.mkdir()
    dead.write_text("half")
    with atomic(tmp_path / "sub" / "image.nii.gz") as scratch:
        scratch.write_text("half")
        sweep(tmp_path)
        assert not dead.exists()
        assert scratch.exists()


def test_an_output_folder_that_is_a_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputUnwritable, match="cannot be written"), atomic(tmp_path / "file" / "x.txt") as scratch:
        scratch.write_text("x")
