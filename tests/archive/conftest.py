"""Servers that the tests of the archive share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.archive.orthanc import Orthanc, start

pytest.importorskip("pynetdicom", reason="the extra 'archive' is not installed")
pytest.importorskip("dicomweb_client", reason="the extra 'archive' is not installed")


@pytest.fixture(scope="session")
def running_orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    server, process = start(tmp_path_factory.mktemp("orthanc"))
    yield server
    process.terminate()
    process.wait(10)


@pytest.fixture
def orthanc(running_orthanc: Orthanc) -> Orthanc:
    """An empty archive."""
    running_orthanc.empty()
    return running_orthanc
