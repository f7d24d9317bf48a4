"""Servers that misbehave on purpose."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydicom.dataset import Dataset

VERIFICATION = "1.2.840.10008.1.1"
STORED: dict[str, Any] = {"00081199": {"vr": "SQ", "Value": [{}]}}


@dataclass
class Scp:
    """What a C-STORE server was sent, and what it will answer: a status, `abort` or `slow`; success after the script."""

    port: int = 0
    script: list[int | str] = field(default_factory=list)
    took: list[Dataset] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    busy: Callable[[], bool] = bool
    """Whether anybody is connected."""
    waited_for: threading.Event = field(default_factory=threading.Event)
    """What ends being slow before its time."""

    @property
    def address(self) -> str:
        return f"dicom://FAULTY@127.0.0.1:{self.port}"

    @property
    def uids(self) -> list[str]:
        return [str(dataset.SOPInstanceUID) for dataset in self.took]


@contextmanager
def scp(
    script: Sequence[int | str] = (),
    *,
    port: int = 0,
    slow: float = 1.0,
    callers: Sequence[str] = (),
    syntaxes: Sequence[str] = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2"),
    classes: Sequence[str] | None = None,
    associations: int = 10,
) -> Iterator[Scp]:
    from pynetdicom import AE, AllStoragePresentationContexts, evt

    server = Scp(script=list(script))

    def store(event: Any) -> int:
        answer = server.script.pop(0) if server.script else 0
        server.seen.append(str(event.request.AffectedSOPInstanceUID))
        if answer == "slow":
            server.waited_for.wait(slow)
        elif answer == "abort":
            event.assoc.abort()
        if answer == 0 or (isinstance(answer, int) and answer >> 12 == 0xB):
            dataset = event.dataset
            dataset.file_meta = event.file_meta
            server.took.append(dataset)
        return answer if isinstance(answer, int) else 0xC000

    entity = AE(ae_title="FAULTY")
    entity.require_called_aet = True
    entity.require_calling_aet = list(callers)
    entity.maximum_associations = associations
    entity.add_supported_context(VERIFICATION)
    for context in AllStoragePresentationContexts:
        if classes is None or context.abstract_syntax in classes:
            entity.add_supported_context(str(context.abstract_syntax), list(syntaxes))
    running = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
    server.busy = lambda: bool(entity.active_associations)
    server.port = int(running.server_address[1])  # type: ignore[union-attr]
    try:
        yield server
    finally:
        entity.shutdown()


@dataclass
class Web:
    """What a web server was asked, and what it will answer: (status, headers, JSON), or `cut`, `hang`, `trickle`."""

    port: int = 0
    script: list[Any] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/dicom-web"


@contextmanager
def web(script: Sequence[Any] = (), *, hang: float = 1.0, context: ssl.SSLContext | None = None) -> Iterator[Web]:
    found = Web(script=list(script))

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

        def answer(self) -> None:
            found.asked.append((self.command, self.path, dict(self.headers)))
            found.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            step = found.script.pop(0) if found.script else (200, {}, STORED if self.command == "POST" else [])
            if step == "cut":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
                self.close_connection = True
                return
            if step == "hang":
                time.sleep(hang)
                self.close_connection = True
                return
            if step == "trickle":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                for _ in range(int(hang / 0.05)):
                    self.wfile.write(b" " * 2)
                    time.sleep(0.05)
                self.close_connection = True
                return
            status, headers, document = step
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Type" not in headers:
                self.send_header("Content-Type", "application/dicom+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
