"""A DICOMweb server that is down, slow, full or refuses is tried again where that helps, and said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from glioscope.archive import Access, Query, Retry, ServerFault, hashed, parse_address
from glioscope.archive.multipart import join_part
from glioscope.core import InputUnreadable, TransferFailed
from glioscope.workflows.progress import Progress
from glioscope.workflows.receive import Received, receive
from glioscope.workflows.send import Sent, echo, send
from tests.archive.faulty import STORED, Web, web
from tests.archive.made_up import SECRETS, STUDY, file_bytes, instance, study_folder
from tests.archive.orthanc import free_port

OK: tuple[int, dict[str, str], Any] = (200, {}, STORED)


class Told(Progress):
    def __init__(self) -> None:
        self.words: list[str] = []

    def warned(self, sentence: str) -> None:
        self.words.append(sentence)


def sent(server: Web, tmp_path: Path, count: int = 1, **more: Any) -> tuple[Sent, list[str]]:
    told = Told()
    folder = study_folder(tmp_path / "in", count)
    more = {"timeout": 0.3, "retry": Retry(3, 0.01, 0.05), **more}
    return send(folder, server.address, queue=tmp_path / "queue", progress=told, **more), told.words


def failed(reason: int) -> dict[str, Any]:
    return {"00081198": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [reason]}}]}}


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ((503, {"Retry-After": "0"}, []), "is busy or in trouble (HTTP 503)"),
        ((500, {}, []), "is busy or in trouble (HTTP 500)"),
        ((507, {}, []), "is full (HTTP 507)"),
        ((409, {}, failed(0xA700)), "is full or out of resources (failure 0xA700)"),
        ((200, {}, failed(0xA710)), "is full or out of resources (failure 0xA710)"),
        ("cut", "is down or broke off"),
        ("hang", "did not answer within 0.3 s"),
        ("trickle", "is too slow"),
    ],
)
def test_what_may_pass_is_tried_again(tmp_path: Path, trouble: Any, words: str) -> None:
    with web([trouble, OK]) as server:
        found, told = sent(server, tmp_path)
    assert found.delivery.complete
    assert len(server.asked) == 2
    assert len(told) == 1
    assert words in told[0]
    assert "Trying again in 0.01 s (1 of 2)." in told[0]


def test_the_server_says_when_to_come_again(tmp_path: Path) -> None:
    with web([(429, {"Retry-After": "7"}, []), OK]) as server:
        assert "Trying again in 0.05 s" in sent(server, tmp_path)[1][0]  # no longer than the longest wait
    assert Retry(3, 1.0, 300.0).wait(1, 7.0) == 7.0
    assert [Retry(9, 1.0, 10.0).wait(n) for n in (1, 2, 3, 4, 5)] == [1, 2, 4, 8, 10]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((409, {}, failed(0xC000)), "the server refuses it (failure 0xC000)"),
        ((202, {}, failed(0x0122)), "the server refuses it (failure 0x0122)"),
        ((409, {}, b"not JSON"), "the server refuses it"),
        ((400, {}, []), "the server refuses it (HTTP 400)"),
        ((413, {}, []), "the server refuses it (HTTP 413)"),
    ],
)
def test_a_refused_object_does_not_hold_up_the_others(tmp_path: Path, answer: Any, reason: str) -> None:
    with web([answer, OK]) as server:
        found, _ = sent(server, tmp_path, 2)
    assert found.delivery.refused == {"IM001": reason}
    assert found.delivery.sent == 1
    with pytest.raises(Exception, match=r"did not take 1 object; the first is 'IM001'") as caught:
        found.check()
    assert caught.value.exit_code == 11  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, {}, []), "refuses the login"),
        ((403, {}, []), "refuses the login"),
        ((404, {}, []), "has no DICOMweb service to store there"),
        ((302, {"Location": "http://127.0.0.1:1/else"}, []), "points elsewhere"),
        ((405, {}, []), "refuses to store (HTTP 405)"),
    ],
)
def test_what_will_not_pass_ends_it_at_once(tmp_path: Path, answer: Any, words: str) -> None:
    with web([answer]) as server:
        found, told = sent(server, tmp_path, 3)
    assert (len(server.asked), told, found.delivery.waiting) == (1, [], 3)
    assert words in str(found.delivery.fault)


@pytest.mark.parametrize("page", [b"<html>Log in first</html>", b"", b"[]", b"{}"])
def test_what_no_service_says_is_not_taken_for_stored(tmp_path: Path, page: bytes) -> None:
    # tried at a shell: the page of a login, with HTTP 200, counted as an object stored, and was recorded so for ever
    with web([(200, {}, page)]) as server:
        found, _ = sent(server, tmp_path, 2)
        assert (found.delivery.sent, found.delivery.waiting) == (0, 2)
        with pytest.raises(TransferFailed, match="does not say what it stored"):
            found.check()
        assert sent(server, tmp_path, 2)[0].delivery.sent == 2


def test_an_answer_in_xml_counts(tmp_path: Path) -> None:
    xml = '<?xml version="1.0"?><NativeDicomModel><DicomAttribute tag="0008{}" vr="SQ"/></NativeDicomModel>'
    answers = [(200, {"Content-Type": "application/dicom+xml"}, xml.format(end).encode()) for end in ("1199", "1198")]
    with web(answers) as server:
        found, _ = sent(server, tmp_path, 2)
    assert (found.delivery.sent, len(found.delivery.refused)) == (1, 1)


def test_down(tmp_path: Path) -> None:
    found, told = sent(Web(free_port()), tmp_path)
    assert len(told) == 2
    with pytest.raises(Exception, match=r"is down or broke off. 1 of 1 object was not sent; run the same command again"):
        found.check()


def test_the_file_goes_as_it_is(tmp_path: Path) -> None:
    with web([OK]) as server:
        sent(server, tmp_path)
    method, path, headers = server.asked[0]
    assert (method, path) == ("POST", "/dicom-web/studies")
    assert headers["Content-Type"].startswith('multipart/related; type="application/dicom"; boundary=')
    assert file_bytes(instance(1)) in server.bodies[0]
    assert "Authorization" not in headers


def test_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")  # what was not asked for is not used
    with web() as server:
        echo(server.address, access=Access(token="t0ken"))
        echo(server.address, access=Access(login="user:pass"))
        assert [headers["Authorization"] for _, _, headers in server.asked] == ["Bearer t0ken", "Basic dXNlcjpwYXNz"]
    assert "t0ken" not in repr(Access(token="t0ken"))
    with pytest.raises(InputUnreadable, match="would go unencrypted"):
        echo("http://10.0.0.1/dicom-web", access=Access(token="t0ken"))
    with pytest.raises(InputUnreadable, match="holds a login") as caught:
        parse_address("https://user:sesame@host/dicom-web")
    assert "sesame" not in str(caught.value)


def fetched(server: Web, out: Path, **more: Any) -> tuple[Received, list[str]]:
    told = Told()
    query = Query(patient="PAT-4711")
    return receive(server.address, out, query, timeout=0.3, retry=Retry(3, 0.01), progress=told, **more), told.words


STUDIES: Any = (200, {}, [{"0020000D": {"vr": "UI", "Value": [STUDY]}, "00201208": {"vr": "IS", "Value": [2]}}])
INSTANCES: Any = (
    200,
    {},
    [
        {"0020000E": {"vr": "UI", "Value": [STUDY + ".9"]}, "00080018": {"vr": "UI", "Value": [f"{STUDY}.9.{n}"]}}
        for n in (1, 2)
    ],
)
NONE: tuple[int, dict[str, str], Any] = (200, {}, [])


def part(number: int, **more: Any) -> tuple[int, dict[str, str], bytes]:
    body, kind = join_part(file_bytes(instance(number, **more)))
    return 200, {"Content-Type": kind}, body


def test_fetching_goes_on_where_the_server_broke_off(tmp_path: Path) -> None:
    with web([(503, {}, []), STUDIES, NONE, INSTANCES, NONE, part(1), "cut", INSTANCES, NONE, part(2)]) as server:
        found, told = fetched(server, tmp_path)
    found.check()
    assert (found.studies[0].new, found.studies[0].there) == (2, 2)
    assert len(told) == 2
    asked = [path for _, path, _ in server.asked if "/series/" in path]
    assert [path.rpartition(".")[2] for path in asked] == ["1", "2", "2"]
    assert (tmp_path / hashed(STUDY) / f"{hashed(STUDY + '.9.1')}.dcm").read_bytes() == file_bytes(instance(1))


def test_objects_that_were_not_asked_for_are_not_kept(tmp_path: Path) -> None:
    stranger = part(2, study="1.2.3")
    with web([STUDIES, NONE, INSTANCES, NONE, part(1), stranger]) as server:
        found, told = fetched(server, tmp_path)
    assert found.studies[0].there == 1
    assert "1 object not of the study" in told[0]
    assert found.studies[0].fault == "1 of 2 objects came."
    assert [path.name for path in tmp_path.iterdir()] == [hashed(STUDY)]


def test_a_hostile_list_of_instances_leads_nowhere(tmp_path: Path) -> None:
    hostile = [{"0020000E": {"Value": ["../../etc"]}, "00080018": {"Value": ["..%2f..%2fpasswd"]}}]
    with web([STUDIES, NONE, (200, {}, hostile), NONE]) as server:
        found, _ = fetched(server, tmp_path)
    assert found.studies[0].there == 0
    assert not any("etc" in path or "passwd" in path for _, path, _ in server.asked)


def test_the_patient_is_not_in_what_is_said(tmp_path: Path) -> None:
    faults: list[list[Any]] = [[(500, {}, [])] * 3, [(418, {}, [])], [(200, {}, b"<html>")], ["cut"] * 3, ["hang"] * 3]
    for answers in faults:
        with web(answers) as server, pytest.raises(ServerFault) as caught:
            fetched(server, tmp_path)
        assert "127.0.0.1" in str(caught.value)
        assert not any(secret in str(caught.value) for secret in (*SECRETS, STUDY))
        assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "query", [Query(), Query(patient="*"), Query(patient="A?"), Query(study="1.2/../3"), Query(date="now")]
)
def test_a_query_that_would_fetch_strangers_is_refused(tmp_path: Path, query: Query) -> None:
    with pytest.raises(InputUnreadable):
        receive("http://127.0.0.1:1/dicom-web", tmp_path, query)
