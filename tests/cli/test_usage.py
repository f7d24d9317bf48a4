"""Wrong arguments are told in plain words, whichever library has checked them."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from glioscope.cli.main import _guarded as cli


@pytest.mark.skipif(find_spec("typer._adapters") is None, reason="this version of Typer checks values itself")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["synthesize", "OUT", "--mode", "foo"], "'foo' is not one of 'realistic', 'random'."),
        (["listen", "OUT", "--port", "abc"], "'abc' is not a whole number."),
        (["listen", "OUT", "--port", "70000"], "70000 is not 65535 or less."),
        (["surgery", "OUT", "--cut", "x\ny"], r"'x\ny' is not a number."),
        (["run", "a", "b", "--jobs", "0"], "0 is not 1 or more."),
        (["grow", "a", "b", "--until-volume", "nan"], "nan is not 0 or more."),
    ],
)
def test_a_wrong_value_is_told_in_plain_words_regression(
    arguments: list[str], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """'Value error, …' and 'Input should be a valid integer, unable to parse string as an integer' reached the user."""
    assert cli([*arguments, "--json"]) == 2
    told = json.loads(capfd.readouterr().out)  # was no document
    assert told["exit_code"] == 2
    assert told["error"].startswith(f"Invalid value for '{arguments[-2]}'")
    assert told["error"].endswith(f": {words}")
    assert cli(arguments) == 2
    shown = capfd.readouterr().err
    assert "Value error" not in shown
    assert "Input should" not in shown


def test_a_file_that_may_not_be_read_is_no_wrong_usage_regression(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Typer looks at the permissions itself: a locked exam had exit code 2 and a lesson on how to type the command."""
    (tmp_path / "exam").mkdir()
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode, **rest: mode != os.R_OK and real(path, mode, **rest))

    assert cli(["inspect", str(tmp_path / "exam")]) == 3
    assert f"'{tmp_path}/exam' cannot be read (Permission denied); check its permissions." in capfd.readouterr().err
