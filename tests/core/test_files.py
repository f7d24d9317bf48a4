"""Outputs that cannot be written are the user's fault to mend, missing inputs are not mistaken for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from glioscope.core import OutputUnwritable
from glioscope.core.files import atomic, ensure_folder, write_json

NOWHERE = Path("/proc/nowhere")  # mkdir says "no such file or directory" there, to root too


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="there is no /proc here")
def test_a_folder_that_cannot_exist() -> None:
    with pytest.raises(OutputUnwritable, match=r"'/proc/nowhere/deep/scores.json' cannot be written"):
        write_json(NOWHERE / "deep" / "scores.json", {})
    with pytest.raises(OutputUnwritable, match=r"'/proc/nowhere' cannot be written"):
        ensure_folder(NOWHERE)


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputUnwritable, match="cannot be written"):
        write_json(tmp_path / "file" / "scores.json", {})


def test_a_missing_input_beside_the_output_is_not_the_outputs_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic(tmp_path / "out.txt"):
        (tmp_path / "input.txt").read_text()
    assert not list(tmp_path.iterdir())


def test_folders_made_for_a_file_that_came_to_nothing_are_gone_again_regression(tmp_path: Path) -> None:
    """Ctrl-C while `study` wrote its first table left an empty folder behind."""
    with pytest.raises(KeyboardInterrupt), atomic(tmp_path / "new" / "folder" / "table.csv") as scratch:
        scratch.write_text("id,")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "there").mkdir()
    with pytest.raises(KeyboardInterrupt), atomic(tmp_path / "there" / "table.csv"):
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
