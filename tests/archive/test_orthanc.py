"""To and from a real server, by both protocols."""

from __future__ import annotations

from pathlib import Path

import pytest

from glioscope.archive import Access, Query, Retry, hashed
from glioscope.core import GlioscopeError
from glioscope.workflows.receive import receive
from glioscope.workflows.send import echo, send
from tests.archive.made_up import SECRETS, STUDY, file_bytes, instance, study_folder
from tests.archive.orthanc import LOGIN, Orthanc

OPEN = Access(login=LOGIN)
ONCE = Retry(1)
PROTOCOLS = pytest.mark.parametrize("protocol", ["dicom", "web"])


@PROTOCOLS
def test_it_answers(orthanc: Orthanc, protocol: str) -> None:
    assert str(echo(getattr(orthanc, protocol), access=OPEN)) == getattr(orthanc, protocol)


@PROTOCOLS
def test_what_is_sent_comes_back_the_same(orthanc: Orthanc, tmp_path: Path, protocol: str) -> None:
    folder, server = study_folder(tmp_path / "in", 4), getattr(orthanc, protocol)
    sent = send(folder, server, access=OPEN, queue=tmp_path / "queue", retry=ONCE)
    assert (sent.delivery.sent, sent.delivery.before, sent.skipped) == (4, 0, 1)
    assert sent.delivery.complete
    got = receive(server, tmp_path / "out", Query(study=STUDY), access=OPEN, retry=ONCE)
    got.check()
    assert [(s.folder.name, s.new, s.there) for s in got.studies] == [(hashed(STUDY), 4, 4)]
    ours = {file_bytes(instance(n))[400:] for n in range(1, 5)}  # past the group 0002, which every program writes its own of
    theirs = {path.read_bytes() for path in got.studies[0].folder.iterdir()}
    assert all(any(file.endswith(end) for file in theirs) for end in ours)
    again = receive(server, tmp_path / "out", Query(study=STUDY), access=OPEN, retry=ONCE)
    assert [(s.new, s.there) for s in again.studies] == [(0, 4)]


@PROTOCOLS
def test_nothing_is_sent_twice_unless_asked(orthanc: Orthanc, tmp_path: Path, protocol: str) -> None:
    folder, server = study_folder(tmp_path / "in"), getattr(orthanc, protocol)
    for again, expected in ((False, (3, 0)), (False, (0, 3)), (True, (3, 0))):
        sent = send(folder, server, access=OPEN, queue=tmp_path / "queue", again=again).delivery
        assert (sent.sent, sent.before) == expected
    assert not any(secret in (tmp_path / "queue").read_text() for secret in (*SECRETS, STUDY))


@PROTOCOLS
def test_studies_of_a_patient(orthanc: Orthanc, tmp_path: Path, protocol: str) -> None:
    server = getattr(orthanc, protocol)
    for study in (STUDY, STUDY + ".2"):
        send(study_folder(tmp_path / study, 2, study=study), server, access=OPEN, queue=tmp_path / "queue")
    looked = receive(server, tmp_path / "none", Query(patient="PAT-4711"), access=OPEN, dry_run=True)
    assert len(looked.studies) == 2
    assert not (tmp_path / "none").exists()
    assert receive(server, tmp_path / "none", Query(date="20000101-20010202"), access=OPEN, dry_run=True).studies == ()
    got = receive(server, tmp_path / "out", Query(patient="PAT-4711"), access=OPEN)
    assert [study.there for study in got.studies] == [2, 2]
    names = " ".join(str(path) for path in (tmp_path / "out").rglob("*"))
    assert not any(secret in names for secret in (*SECRETS, STUDY))


def test_a_patient_who_is_not_there(orthanc: Orthanc, tmp_path: Path) -> None:
    found = receive(orthanc.web, tmp_path, Query(patient="nobody"), access=OPEN)
    with pytest.raises(GlioscopeError, match="no such study"):
        found.check()


def test_a_wrong_login_is_refused_at_once(orthanc: Orthanc, tmp_path: Path) -> None:
    with pytest.raises(GlioscopeError, match=r"refuses the login \(HTTP 401\)") as caught:
        echo(orthanc.web, access=Access(login="glio:wrong"))
    assert caught.value.exit_code == 11
    assert "wrong" not in str(caught.value)


def test_a_server_of_another_name(orthanc: Orthanc, tmp_path: Path) -> None:
    with pytest.raises(GlioscopeError, match="is not called 'OTHER'"):
        echo(f"dicom://OTHER@127.0.0.1:{orthanc.dicom_port}")


def test_not_a_dicomweb_service(orthanc: Orthanc) -> None:
    with pytest.raises(GlioscopeError, match="no DICOMweb service"):
        echo(f"http://127.0.0.1:{orthanc.http_port}/nowhere", access=OPEN)
