"""A C-GET that ends in the middle, by Ctrl-C or because an object cannot be kept, ends at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from glioscope.archive import open_server, parse_address
from glioscope.archive.server import FoundStudy
from glioscope.core import OutputUnwritable
from tests.archive.made_up import MR, STUDY, instance
from tests.archive.orthanc import free_port

pytest.importorskip("pynetdicom")

GET = "1.2.840.10008.5.1.4.1.2.2.3"  # of a study, by C-GET


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OutputUnwritable("The disk is full.")])
def test_it_aborts_regression(fault: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """It asked for a release, which a server that is sending leaves unanswered: Ctrl-C took the whole `--timeout`."""
    from pynetdicom import AE, evt
    from pynetdicom.association import Association

    ended: list[str] = []
    over = threading.Event()

    def given(_: Any) -> Iterator[Any]:
        yield 5
        for number in range(1, 6):
            yield 0xFF00, instance(number)

    def noted(event: Any) -> None:
        ended.append(event.event.name)
        over.set()

    def kept(_: bytes) -> None:
        raise fault

    monkeypatch.setattr(Association, "release", lambda _: ended.append("asked for a release"))
    entity = AE("SCP")
    entity.add_supported_context(GET)
    entity.add_supported_context(MR, scp_role=True, scu_role=False)
    handlers: list[Any] = [(evt.EVT_C_GET, given), (evt.EVT_ABORTED, noted), (evt.EVT_RELEASED, noted)]
    port = free_port()
    entity.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)
    server = open_server(parse_address(f"dicom://SCP@127.0.0.1:{port}"), timeout=5)
    try:
        with pytest.raises(type(fault)):
            server.fetch(FoundStudy(STUDY), lambda _: False, kept)
        assert over.wait(10)
        assert ended == ["EVT_ABORTED"]
    finally:
        entity.shutdown()
