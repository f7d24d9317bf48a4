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
