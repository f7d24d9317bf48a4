"""The commands of the archive: one sentence and an exit code for every fault, one document with --json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glioscope.cli.main import _guarded as cli

pytest.importorskip("pynetdicom", reason="the extra 'archive' is not installed")
pytest.importorskip("dicomweb_client", reason="the extra 'archive' is not installed")

from tests.archive.faulty import scp
from tests.archive.made_up import study_folder

ONCE = ["--attempts", "1", "--timeout", "1"]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["send", "NONE", "--to", "dicom://A@localhost:1"], 3, "'NONE' does not exist"),
        (["send", "EMPTY", "--to", "dicom://A@localhost:1"], 3, "holds no DICOM objects"),
        (["send", "IN", "--to", "ftp://localhost"], 3, "is not the address of a server"),
        (["send", "IN", "--to", "dicom://localhost:1"], 3, "names no application entity"),
        (["send", "IN", "--to", "http://me:sesame@localhost"], 3, "The address holds a login"),
        (["send", "IN", "--to", "http://localhost", "--token", "sesame"], 3, "there is no such file"),
        (["send", "IN", "--to", "http://pacs/dicom-web", "--token", "env:GLIO_TOKEN"], 3, "would go unencrypted"),
        (
            ["send", "IN", "--to", "dicom://A@127.0.0.1:1", *ONCE],
            11,
            "3 of 3 objects were not sent; run the same command again",
        ),
        (["receive", "--from", "dicom://A@127.0.0.1:1", "--out", "OUT"], 3, "Say which studies to fetch"),
        (["receive", "--from", "dicom://A@127.0.0.1:1", "--out", "OUT", "--patient", "*"], 3, "without wildcards"),
        (["receive", "--from", "http://127.0.0.1:1", "--out", "OUT", "--patient", "X", *ONCE], 11, "is down or broke off"),
        (["echo", "dicom://A@127.0.0.1:1", "--timeout", "1"], 11, "is down or does not answer"),
        # tried at a shell: both were told as faults of ours
        (["echo", "dicom://A@no-such-host.invalid", "--timeout", "1"], 11, "cannot be found by that name"),
        (["send", "IN", "--to", "dicom://A@127.0.0.1:1", "--queue", "EMPTY", *ONCE], 7, "The record 'EMPTY' cannot be read"),
        (["receive", "--from", "http://127.0.0.1:1", "--out", "OUT", "--date", "today", *ONCE], 3, "as YYYYMMDD"),
        # told as faults of ours
        (["send", "IN", "--to", "dicom://A@127.0.0.1:1", "--aet", "MUCH TOO LONG A TITLE"], 3, "application entity title"),
        (["echo", "dicom://A@127.0.0.1:1", "--aet", "a\\b"], 3, "application entity title"),
        (["echo", "dicom://A@127.0.0.1:1", "--timeout", "inf"], 2, "Invalid value for '--timeout'"),
        (["listen", "OUT", "--run", "--t1c 'one"], 2, "cannot be taken apart (no closing quotation)"),
        (["listen", "OUT", "--run", "--wings 2"], 2, "No such option: --wings"),
        (["listen", "OUT", "--run", "another/exam"], 2, "another/exam"),
        (["listen", "OUT", "--then", "no-such-program {study}"], 2, "does not begin with a program"),
        # taken without a word
        (["echo", "dicom://A@127.0.0.1:0"], 3, "is not the address of a server"),
        (["receive", "--from", "http://127.0.0.1:1", "--out", "OUT", "--date", "20201301", *ONCE], 3, "as YYYYMMDD"),
        (["receive", "--from", "http://127.0.0.1:1", "--out", "OUT", "--date", "20210101-20200101", *ONCE], 3, "as YYYYMMDD"),
        (["echo", "http://127.0.0.1:1", "--login", "FILE"], 3, "The login is not user:password"),
        (["echo", "https://127.0.0.1:1", "--ca", "NONE.pem"], 3, "'NONE.pem' does not exist"),
        (["listen", "NOWHERE", "--status"], 3, "There is no folder 'NOWHERE'"),
        (["listen", "IN", "--status"], 3, "is not the folder of a listener"),
        (["listen", "FILE"], 7, "cannot be written"),
        (["listen", "OUT", "--aet", "MUCH TOO LONG A TITLE"], 3, "cannot be an application entity title"),
    ],
)
def test_a_fault_costs_one_sentence(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    code: int,
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLIO_TOKEN", "open-sesame")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    study_folder(tmp_path / "IN")
    (tmp_path / "EMPTY").mkdir()
    (tmp_path / "FILE").write_text("a file")
    assert cli(words) == code
    said = capfd.readouterr()
    assert sentence in said.err
    assert "sesame" not in said.err + said.out
    assert "Traceback" not in said.err


def test_send_says_what_it_did(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = study_folder(tmp_path / "in")
    with scp([0, 0xC000]) as server:
        words = ["send", str(folder), "--to", server.address, "--queue", str(tmp_path / "queue")]
        assert cli([*words, "--json"]) == 11
        document = json.loads(capfd.readouterr().out)
        assert (document["sent"], document["refused"]) == (2, {"IM002": "the server refuses it (status 0xC000)"})
        assert cli(words) == 0
        assert capfd.readouterr().out == f"1 object sent to {server.address}, 2 were there, 1 other file passed over.\n"


def test_the_state_of_a_listener(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from glioscope.archive import Inbox, identify
    from tests.archive.made_up import file_bytes, instance

    content = file_bytes(instance(1))
    identity = identify(content)
    assert identity
    inbox = Inbox(tmp_path / "in")
    inbox.take(identity, content)
    assert cli(["listen", str(tmp_path / "in"), "--status", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)[0] | {"study": "", "folder": ""} == {
        "study": "",
        "status": "arriving",
        "images": 1,
        "objects": 1,
        "reason": "",
        "folder": "",
    }
    assert cli(["listen", str(tmp_path / "in"), "--port", "0"]) == 7  # another listener works there
    inbox.close()
    assert cli(["listen", str(tmp_path / "new"), "--port", "0", "--until-idle"]) == 0
