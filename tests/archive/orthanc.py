"""A real archive to test against: Orthanc with its DICOMweb plugin, on loopback."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

LOGIN = "glio:scope"
_PLUGINS = [Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so"), Path("/usr/local/share/orthanc/plugins")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Orthanc:
    """Where it listens, and what it holds."""

    dicom_port: int
    http_port: int

    @property
    def dicom(self) -> str:
        return f"dicom://ORTHANC@127.0.0.1:{self.dicom_port}"

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.http_port}/dicom-web"

    def get(self, path: str, method: str = "GET") -> bytes:
        """A request to its own interface, which is not DICOMweb."""
        import base64

        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}{path}", method=method)
        request.add_header("Authorization", "Basic " + base64.b64encode(LOGIN.encode()).decode())
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=5) as answer:
            return bytes(answer.read())

    def files(self) -> set[bytes]:
        """The stored objects, as files."""
        return {self.get(f"/instances/{name}/file") for name in json.loads(self.get("/instances"))}

    def empty(self) -> None:
        """Remove every patient."""
        for name in json.loads(self.get("/patients")):
            self.get(f"/patients/{name}", "DELETE")


def start(folder: Path) -> tuple[Orthanc, subprocess.Popen[bytes]]:
    """Start one with its data below `folder`; the test is skipped where there is none."""
    program = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
    plugin = next((path for path in _PLUGINS if path.exists()), None)
    if program is None or plugin is None:
        pytest.skip("no Orthanc with its DICOMweb plugin; install the Debian packages orthanc and orthanc-dicomweb")
    server = Orthanc(free_port(), free_port())
    settings = {
        "Name": "test",
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "Plugins": [str(plugin)],
        "HttpPort": server.http_port,
        "HttpBindAddresses": ["127.0.0.1"],
        "DicomPort": server.dicom_port,
        "DicomAet": "ORTHANC",
        "DicomCheckCalledAet": True,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": dict([LOGIN.split(":")]),
        "DicomAlwaysAllowEcho": True,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        "StableAge": 1,
        "LuaScripts": [],
        "HttpThreadsCount": 4,
        "OverwriteInstances": False,
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    log = (folder / "orthanc.log").open("wb")
    process = subprocess.Popen([program, str(folder / "orthanc.json")], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    for _ in range(200):
        try:
            server.get("/system")
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
        else:
            return server, process
    process.kill()
    pytest.fail("Orthanc did not start: " + (folder / "orthanc.log").read_text()[-500:])
