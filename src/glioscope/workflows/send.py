"""`glioscope send`: DICOM files to an archive."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from glioscope.archive import (
    Access,
    Address,
    Delivery,
    DicomFile,
    Journal,
    Retry,
    deliver,
    open_server,
    parse_address,
    read_dicom_file,
)
from glioscope.core import InputUnreadable, TransferFailed
from glioscope.core.counting import counted, were
from glioscope.core.files import check_readable, output_errors
from glioscope.inspection.walk import list_files
from glioscope.workflows.progress import Progress
from glioscope.workflows.quiet import without_library_warnings

__all__ = ["Sent", "echo", "send"]


@dataclass(frozen=True)
class Sent:
    """How a transfer ended."""

    address: Address
    delivery: Delivery
    skipped: int

    def document(self) -> dict[str, Any]:
        """JSON-ready values; `skipped` counts files that are no DICOM objects."""
        return {"to": str(self.address), **self.delivery.document(), "skipped": self.skipped}

    def check(self) -> None:
        """Raise TransferFailed if the server has not everything."""
        found = self.delivery
        if found.fault:
            total = found.sent + found.before + found.waiting + len(found.refused)
            raise TransferFailed(
                f"{found.fault} {found.waiting} of {counted(total, 'object')} {were(found.waiting)} not "
                "sent; run the same command again to go on."
            )
        if found.refused:
            name, reason = next(iter(found.refused.items()))
            raise TransferFailed(
                f"{self.address} did not take {counted(len(found.refused), 'object')}; the first is '{name}': {reason}."
            )


def echo(server: str, *, access: Access | None = None, aet: str = "GLIOSCOPE", timeout: float = 30.0) -> Address:
    """Ask a server for a sign of life: C-ECHO, or a search for one study by QIDO-RS.

    Args:
        server: Its address.
        access: Secrets and certificates.
        aet: Our own application entity title.
        timeout: Seconds to wait for each answer.

    Returns:
        The address as understood.

    Raises:
        TransferFailed: it is down, does not answer in time, or refuses.
        InputUnreadable: that is no address, or a secret would go unencrypted.
        EngineMissing: the extra `archive` is not installed.
    """
    address = parse_address(server)
    connection = open_server(address, access=access, aet=aet, timeout=timeout)
    with without_library_warnings():
        try:
            connection.check()
        finally:
            connection.close()
    return address


def send(
    folder: str | PathLike[str],
    to: str,
    *,
    access: Access | None = None,
    aet: str = "GLIOSCOPE",
    timeout: float = 30.0,
    retry: Retry | None = None,
    again: bool = False,
    queue: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Sent:
    """Store the DICOM objects below `folder` in an archive, and keep a record of what it took.

    Args:
        folder: A folder, or one DICOM file. Files of other kinds are passed over.
        to: `dicom://AET@host:port`, `dicom+tls://…`, or the http(s) address of a DICOMweb service.
        access: Secrets and certificates.
        aet: Our own application entity title.
        timeout: Seconds to wait for each answer.
        retry: When to try again while the server is down, slow or full.
        again: Send also what was sent before.
        queue: File of the record; by default one a server in the user's state folder. It holds hashes only.
        progress: Listener.

    Returns:
        What was sent, refused and left; call `check()` on it to raise what failed.

    Raises:
        InputUnreadable: there is no DICOM object, a file may not be read, or that is no address.
        EngineMissing: the extra `archive` is not installed.
        OutputUnwritable: the record cannot be written.
    """
    progress, address = progress or Progress(), parse_address(to)
    source = Path(folder)
    server = open_server(address, access=access, aet=aet, timeout=timeout)
    with without_library_warnings():
        files, skipped = _objects(source)
        record = Path(queue) if queue is not None else _record_of(address)
        if again:
            with output_errors(record):
                record.unlink(missing_ok=True)
        try:
            delivery = deliver(server, files, Journal(record), retry or Retry(), tell=progress.warned)
        finally:
            server.close()
    for name, reason in delivery.refused.items():
        progress.warned(f"'{name}' was not taken: {reason}.")
    return Sent(address, delivery, skipped)


def _objects(source: Path) -> tuple[list[DicomFile], int]:
    """The DICOM objects, ordered so that those of one series follow each other, and the number of other files."""
    if not source.exists():
        raise InputUnreadable(f"'{source.name}' does not exist; name a folder with DICOM files.")
    paths = list_files(source) if source.is_dir() else [source]
    for path in paths:
        check_readable(path)
    files = [file for path in paths if (file := read_dicom_file(path))]
    if not files:
        raise InputUnreadable(f"'{source.name}' holds no DICOM objects; only they can be sent to an archive.")
    return sorted(files, key=lambda f: (f.identity.study, f.identity.series, f.path)), len(paths) - len(files)


def _record_of(address: Address) -> Path:
    from platformdirs import user_state_path

    return user_state_path("glioscope") / "sent" / f"{hashlib.sha256(str(address).encode()).hexdigest()[:16]}.jsonl"
