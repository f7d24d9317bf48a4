"""The listening side of C-STORE (PS3.4, Annex B) and C-ECHO."""

from __future__ import annotations

import shutil
import ssl
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from glioscope.archive.dicom_file import Identity, identify
from glioscope.archive.instance_store import Kept
from glioscope.archive.syntaxes import COMPRESSED, UNCOMPRESSED
from glioscope.core import EngineMissing, GlioscopeError, TransferFailed

__all__ = ["Receiver"]

SUCCESS, FULL, MISMATCH, NOT_UNDERSTOOD = 0x0000, 0xA700, 0xA900, 0xC000
MAX_PDU = 2**20
"""Bytes of a protocol unit that are read at all; we ask for 16 KiB."""


class Receiver:
    """Hands every object that comes to `take` and answers when it is on disk.

    Args:
        take: Keeps an object: its identity, its bytes as a file, the thread that lives as long as its sender is there.
        disk: A folder on the disk that fills.
        aet: Our application entity title; callers must use it.
        allow: Titles of those that may call; everyone where empty.
        max_bytes: Size of the largest object that is taken.
        min_free: Bytes that stay free on the disk; what would fill it further is answered 0xA700, out of resources.
        idle: Seconds after which a silent association is ended.
        tell: Hears, in sentences without identifiers, what was refused.
    """

    def __init__(
        self,
        take: Callable[[Identity, bytes, threading.Thread], Kept],
        *,
        disk: Path,
        aet: str = "GLIOSCOPE",
        allow: Sequence[str] = (),
        max_bytes: int = 2**30,
        min_free: int = 2**30,
        idle: float = 60.0,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        try:
            from pynetdicom import AE, AllStoragePresentationContexts, _config
        except ModuleNotFoundError as error:
            raise EngineMissing(
                f"Listening needs '{error.name}'; install it with: pip install 'glioscope[archive]'."
            ) from error
        _config.LOG_HANDLER_LEVEL = "none"  # its log would hold identifiers
        self._take, self._tell = take, tell
        self._disk, self._max_bytes, self._min_free = disk, max_bytes, min_free
        self._entity = AE(ae_title=aet)
        self._entity.require_called_aet = True
        self._entity.require_calling_aet = list(allow)
        self._entity.maximum_associations = 16
        self._entity.acse_timeout = self._entity.dimse_timeout = self._entity.network_timeout = idle
        self._entity.add_supported_context("1.2.840.10008.1.1")
        for context in AllStoragePresentationContexts:
            self._entity.add_supported_context(str(context.abstract_syntax), [*UNCOMPRESSED, *COMPRESSED])
        self._server: Any = None

    def start(self, host: str, port: int, context: ssl.SSLContext | None = None) -> int:
        """Listen, in threads; the port, which is a free one where 0 was asked for.

        Raises:
            TransferFailed: the port is in use or may not be used.
        """
        from pynetdicom import evt

        handlers: list[Any] = [(evt.EVT_CONN_OPEN, self._opened), (evt.EVT_C_STORE, self._store)]
        try:
            self._server = self._entity.start_server((host, port), block=False, evt_handlers=handlers, ssl_context=context)
        except OSError as error:
            raise TransferFailed(f"Port {port} of {host} cannot be listened on ({error.strerror}); choose another.") from error
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Listen no more; associations that are open are aborted."""
        if self._server is not None:
            self._entity.shutdown()
            self._server = None

    def _opened(self, event: Any) -> None:  # noqa: ANN401
        """Have the connection end when a peer sends more than an object may hold, before it is all in memory."""
        connection = event.assoc.dul.socket
        read, event.assoc.received = connection.recv, 0

        def limited(count: int) -> bytearray:
            event.assoc.received += count
            if count > MAX_PDU or event.assoc.received > self._max_bytes:
                self._tell("A caller sends an object that is larger than is taken; its connection was ended.")
                raise OSError("too much")
            return bytearray(read(count))

        connection.recv = limited

    def _store(self, event: Any) -> int:  # noqa: ANN401
        event.assoc.received = 0
        content = event.encoded_dataset()
        identity = identify(content)
        if identity is None:
            self._tell("An object that cannot be understood was refused (status 0xC000).")
            return NOT_UNDERSTOOD
        asked = event.request
        if (identity.sop_class, identity.instance) != (str(asked.AffectedSOPClassUID), str(asked.AffectedSOPInstanceUID)):
            self._tell("An object that is not what its sender says was refused (status 0xA900).")
            return MISMATCH
        try:
            if shutil.disk_usage(self._disk).free < self._min_free + len(content):
                self._tell("The disk is nearly full; an object was not taken (status 0xA700), its sender keeps it.")
                return FULL
            if self._take(identity, content, event.assoc) is Kept.CONFLICT:
                self._tell("An object came that contradicts one with the same UID; it is in quarantine/objects.")
        except (OSError, GlioscopeError) as error:
            self._tell(f"An object could not be kept (status 0xA700), its sender keeps it: {error}")
            return FULL
        return SUCCESS
