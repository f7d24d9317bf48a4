"""A listener works on what is complete, once, and puts aside what fails."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from glioscope.archive import Inbox, Retry, hashed, instance_path
from glioscope.core import OutputUnwritable
from glioscope.workflows.listen import ListenOptions, inbox_document, listen
from tests.archive.faulty import scp
from tests.archive.listening import KEY, QUIET, Caller, lines, listener, send_to, status, study, tracing, until
from tests.archive.made_up import SECRETS, SEG, SR, STUDY, file_bytes, instance
from tests.archive.orthanc import free_port


def result(tmp_path: Path, study_uid: str = STUDY) -> str:
    """A shell command that leaves a DICOM result."""
    (tmp_path / "seg").write_bytes(file_bytes(instance(900, sop_class=SEG, study=study_uid)))
    return f'cp {tmp_path / "seg"} "$1"/seg.dcm'


def test_a_study_is_run_once_and_its_results_stored_back(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with scp() as pacs, listener(tmp_path / "in", tracing(trace, then=result(tmp_path)), send_to=pacs.address) as here:
        assert send_to(here.port, [instance(n) for n in (1, 2, 3)]) == [0, 0, 0]
        until(lambda: status(here.out) == "done")
        assert send_to(here.port, [instance(2)]) == [0]  # once more: nothing new
        caller = Caller(here.port, kinds=(SEG,))
        assert caller.store(instance(900, sop_class=SEG)) == 0  # the archive routes our own result to us
        caller.end()
        time.sleep(3 * QUIET)
        assert lines(trace) == ["begin 3", "end"]
        assert pacs.uids == [f"{STUDY}.9.900"]
        assert status(here.out) == "done"
        assert not list(study(here.out).folder_of(images=False).glob("*"))
    names = " ".join(str(path) for path in here.out.rglob("*")) + " ".join(here.told.words)
    assert not any(secret in names for secret in (*SECRETS, STUDY))
    assert here.found[0].document() == {"done": [KEY], "quarantined": {}, "waiting": []}


def test_a_study_that_still_arrives_is_not_processed(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with listener(tmp_path / "in", tracing(trace)) as here:
        caller = Caller(here.port)
        assert caller.store(instance(1)) == 0
        time.sleep(3 * QUIET)  # silent for long, but the association is open
        assert lines(trace) == []
        assert caller.store(instance(2)) == 0
        caller.end()
        until(lambda: status(here.out) == "done")
    assert lines(trace) == ["begin 2", "end"]


def test_what_the_sender_announced_is_waited_for(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with listener(tmp_path / "in", tracing(trace)) as here:
        send_to(here.port, [instance(n, expected=3) for n in (1, 2)])
        time.sleep(3 * QUIET)
        assert (lines(trace), status(here.out)) == ([], "arriving")
        send_to(here.port, [instance(3, expected=3)])
        until(lambda: status(here.out) == "done")
    assert lines(trace) == ["begin 3", "end"]


def test_what_never_comes_ends_in_quarantine_and_a_late_image_brings_it_back(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with listener(tmp_path / "in", tracing(trace), patience=0.5) as here:
        send_to(here.port, [instance(1, expected=2)])
        until(lambda: status(here.out, "quarantine") == "quarantined")
        assert (here.out / "quarantine" / KEY / "reason.txt").read_text() == ("1 of 2 objects came, and no more for 0.5 s.\n")
        assert inbox_document(here.out)[0]["reason"] == "1 of 2 objects came, and no more for 0.5 s."
        send_to(here.port, [instance(2, expected=2)])
        until(lambda: status(here.out) == "done")
    assert lines(trace) == ["begin 2", "end"]
    assert not (here.out / "quarantine" / KEY).exists()


def test_an_image_that_comes_late_makes_a_new_round_with_all_of_them(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with listener(tmp_path / "in", tracing(trace, seconds=0.6)) as here:
        send_to(here.port, [instance(1)])
        until(lambda: lines(trace) == ["begin 1"])
        send_to(here.port, [instance(2)])  # while the first round runs: it does not see it
        until(lambda: lines(trace) == ["begin 1", "end", "begin 2", "end"])
        until(lambda: status(here.out) == "done")
    assert len(list((study(here.out).folder / "rounds").iterdir())) == 2


def test_what_fails_is_put_aside_with_its_reason_and_can_be_tried_again(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    failing = f'echo begin >> {trace}; test -e {tmp_path}/mended || {{ echo \'{{"error": "There is no FLAIR."}}\'; exit 5; }}'
    commands = [["sh", "-c", failing]]
    with listener(tmp_path / "in", commands) as here:
        send_to(here.port, [instance(n) for n in (1, 2)])
        until(lambda: status(here.out, "quarantine") == "quarantined")
        assert study(here.out, "quarantine").state.reason == "There is no FLAIR."
        assert len(study(here.out, "quarantine").images()) == 2
        send_to(here.port, [instance(1)])  # known: it stays where it is
        time.sleep(2 * QUIET)
        assert lines(trace) == ["begin"]
    (tmp_path / "mended").touch()
    with listener(tmp_path / "in", commands, retry_quarantined=True) as here:
        until(lambda: status(here.out) == "done")
    assert lines(trace) == ["begin", "begin"]


def test_results_wait_for_an_archive_that_is_down(tmp_path: Path) -> None:
    trace, port = tmp_path / "trace", free_port()
    commands = tracing(trace, then=result(tmp_path))
    address = f"dicom://FAULTY@127.0.0.1:{port}"
    with listener(tmp_path / "in", commands, send_to=address, retry=Retry(1, 0.1, 0.2), timeout=1.0) as here:
        send_to(here.port, [instance(1)])
        until(lambda: sum("is down or does not answer" in words for words in here.told.words) > 1)
        assert status(here.out) == "sending"
    with (
        listener(tmp_path / "in", commands, send_to=address, retry=Retry(1, 0.1, 0.2), timeout=1.0) as here,
        scp([0xA700, 0], port=port) as pacs,
    ):
        until(lambda: status(here.out) == "done")
        assert pacs.uids == [f"{STUDY}.9.900"]
    assert lines(trace) == ["begin 1", "end"]


def test_results_that_are_refused_or_of_another_study_are_put_aside(tmp_path: Path) -> None:
    with scp([0xC000]) as pacs:
        with listener(tmp_path / "a", tracing(tmp_path / "t", then=result(tmp_path)), send_to=pacs.address) as here:
            send_to(here.port, [instance(1)])
            until(lambda: status(here.out, "quarantine") == "quarantined")
            assert "the server refuses it (status 0xC000)" in study(here.out, "quarantine").state.reason
        foreign = tracing(tmp_path / "t", then=result(tmp_path, "1.2.3"))
        with listener(tmp_path / "b", foreign, send_to=pacs.address) as here:
            send_to(here.port, [instance(1)])
            until(lambda: status(here.out, "quarantine") == "quarantined")
            assert "a result belongs to another study" in study(here.out, "quarantine").state.reason
        assert pacs.took == []


def test_objects_that_are_no_images(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with listener(tmp_path / "in", tracing(trace)) as here:
        send_to(here.port, [instance(1), instance(2, sop_class=SR), instance(3, sop_class=SR, study=STUDY + ".5")])
        until(lambda: status(here.out) == "done")
        until(lambda: status(here.out, "quarantine", hashed(STUDY + ".5")) == "quarantined")
        send_to(here.port, [instance(4, sop_class=SR)])
        time.sleep(2 * QUIET)
        assert len(list(study(here.out).folder_of(images=False).glob("*.dcm"))) == 2
    assert lines(trace) == ["begin 1", "end"]
    assert study(here.out, "quarantine", hashed(STUDY + ".5")).state.reason == "There is no MR image among what came."


def test_another_object_of_the_same_uid_is_kept_apart(tmp_path: Path) -> None:
    with listener(tmp_path / "in", tracing(tmp_path / "trace")) as here:
        other = instance(2, uid=f"{STUDY}.9.1")
        assert send_to(here.port, [instance(1), other]) == [0, 0]
        until(lambda: status(here.out) == "done")
    kept = instance_path(study(here.out).folder_of(images=True), f"{STUDY}.9.1").read_bytes()
    assert kept.endswith(bytes(instance(1).PixelData))
    aside = list((here.out / "quarantine" / "objects").glob("*.dcm"))
    assert len(aside) == 1
    assert aside[0].read_bytes().endswith(bytes(other.PixelData))


@pytest.mark.parametrize("uid", ["../../../evil", "1.2/../../3", "1.2.3\\..", ""])
def test_a_hostile_uid_is_refused(tmp_path: Path, uid: str) -> None:
    with listener(tmp_path / "in", tracing(tmp_path / "trace")) as here:
        hostile = instance(1)
        hostile.StudyInstanceUID = uid
        assert send_to(here.port, [hostile]) == [0xC000]
        before = {path.name for path in tmp_path.iterdir()}
    assert before == {"in"}
    assert not list((here.out / "studies").iterdir())


def test_who_may_call(tmp_path: Path) -> None:
    with listener(tmp_path / "in", tracing(tmp_path / "trace"), allow=("SCANNER",)) as here:
        assert Caller(here.port, aet="STRANGER").association.is_rejected
        assert Caller(here.port, called="OTHER").association.is_rejected
        assert send_to(here.port, [instance(1)]) == [0]


def test_too_large_too_full_and_garbage(tmp_path: Path) -> None:
    with listener(tmp_path / "in", tracing(tmp_path / "trace"), max_bytes=20_000) as here:
        assert send_to(here.port, [instance(1, size=300)]) == [-1]  # the connection is ended
        for rubbish in (b"GET / HTTP/1.0\r\n\r\n", b"\x01\x00\xff\xff\xff\xff" + b"A" * 5000, b"\x04"):
            with socket.create_connection(("127.0.0.1", here.port)) as connection:
                connection.sendall(rubbish)
        assert send_to(here.port, [instance(2)]) == [0]
        assert any("larger than is taken" in words for words in here.told.words)
        until(lambda: status(here.out) == "done")
    with listener(tmp_path / "full", tracing(tmp_path / "trace"), min_free=2**60) as here:
        assert send_to(here.port, [instance(1)]) == [0xA700]
        assert not list((here.out / "studies").iterdir())


def test_one_listener_a_folder(tmp_path: Path) -> None:
    with listener(tmp_path / "in", []) as here, pytest.raises(OutputUnwritable, match="Another listener works in 'in'"):
        Inbox(here.out)


def test_a_folder_of_other_files_is_left_alone_regression(tmp_path: Path) -> None:
    """Its own folders went between them, and somebody's `studies` were put into quarantine one by one."""
    mine = tmp_path / "cohort" / "studies" / "glioma" / "notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(OutputUnwritable, match="'cohort' holds files that are no listener's; give it an empty folder"):
        Inbox(tmp_path / "cohort")
    assert sorted(path.name for path in (tmp_path / "cohort").rglob("*")) == ["glioma", "notes.txt", "studies"]


def test_a_listener_knows_its_own_folder_again(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / ".DS_Store").touch()  # of a file manager
    Inbox(tmp_path / "in").close()
    (tmp_path / "in" / "readme.txt").touch()
    Inbox(tmp_path / "in").close()


def test_a_port_that_cannot_be_told_costs_a_sentence(tmp_path: Path) -> None:
    # issue 6: on a full disk the listener ended with a fault of ours, since this one file was written past core.files
    (tmp_path / "in" / "port").mkdir(parents=True)
    (tmp_path / "in" / ".listener").touch()
    with pytest.raises(OutputUnwritable, match="port' cannot be written"):
        listen(tmp_path / "in", options=ListenOptions(port=0, until_idle=True))
