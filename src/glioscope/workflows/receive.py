"""`glioscope receive`: studies from an archive."""

from __future__ import annotations

import time
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from glioscope.archive import (
    Access,
    Address,
    FoundStudy,
    Kept,
    Query,
    Retry,
    Server,
    ServerFault,
    hashed,
    identify,
    instance_path,
    keep_instance,
    open_server,
    parse_address,
)
from glioscope.core import TransferFailed
from glioscope.core.counting import are, counted, were
from glioscope.core.files import ensure_folder, sweep
from glioscope.workflows.progress import Progress
from glioscope.workflows.quiet import without_library_warnings

__all__ = ["FetchedStudy", "Received", "receive"]


@dataclass(frozen=True)
class FetchedStudy:
    """One study that was asked for.

    Attributes:
        folder: Where it is, named by a hash of its UID.
        new: Number of objects that came now.
        there: Number of objects in the folder.
        expected: Number that the server says there are, None where it does not.
        fault: Why it is not complete, or None.
    """

    folder: Path
    new: int
    there: int
    expected: int | None
    modalities: tuple[str, ...]
    fault: str | None = None

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        document: dict[str, Any] = {"folder": str(self.folder), "new": self.new, "objects": self.there}
        document |= {"expected": self.expected, "modalities": list(self.modalities)}
        return document | ({"fault": self.fault} if self.fault else {})


@dataclass(frozen=True)
class Received:
    """All studies of one call."""

    address: Address
    studies: tuple[FetchedStudy, ...]

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {"from": str(self.address), "studies": [study.document() for study in self.studies]}

    def check(self) -> None:
        """Raise TransferFailed if nothing was found or some study is not complete."""
        if not self.studies:
            raise TransferFailed(f"{self.address} has no such study; check what was asked for.")
        faults = [study.fault for study in self.studies if study.fault]
        if faults:
            raise TransferFailed(
                f"{len(faults)} of {counted(len(self.studies), 'study', 'studies')} {are(len(faults))} not complete: "
                f"{faults[0]} Run the same command again to go on."
            )


def receive(
    source: str,
    out: str | PathLike[str],
    query: Query,
    *,
    access: Access | None = None,
    aet: str = "GLIOSCOPE",
    timeout: float = 30.0,
    retry: Retry | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Received:
    """Fetch the studies that match: QIDO-RS and WADO-RS, or C-FIND and C-GET.

    Every object becomes `OUT/STUDY/INSTANCE.dcm`, both names hashes of UIDs. What is there already is not fetched or written
    again, so an interrupted call goes on.

    Args:
        source: Address of the server.
        out: Folder to write to.
        query: Which studies.
        access: Secrets and certificates.
        aet: Our own application entity title.
        timeout: Seconds to wait for each answer.
        retry: When to try again while the server is down, slow or in trouble.
        dry_run: Only say what there is.
        progress: Listener.

    Returns:
        One entry a study; call `check()` on it to raise what failed.

    Raises:
        InputUnreadable: nothing, or nothing usable, is asked for.
        TransferFailed: the search itself did not succeed.
        EngineMissing: the extra `archive` is not installed.
        OutputUnwritable: `out` cannot be written.
    """
    progress, address, retry = progress or Progress(), parse_address(source), retry or Retry()
    query.filters()
    server = open_server(address, access=access, aet=aet, timeout=timeout)
    folder = Path(out)
    if not dry_run:
        ensure_folder(folder)
    with without_library_warnings():
        try:
            found = _found(server, query, retry, progress)
            studies = [_fetched(server, study, folder, retry, dry_run, progress) for study in found]
        finally:
            server.close()
    return Received(address, tuple(studies))


def _again(server: Server, fault: ServerFault, failures: int, retry: Retry, progress: Progress) -> bool:
    """Wait for the next attempt; False where there is none."""
    server.close()
    if not fault.passing or failures >= retry.attempts:
        return False
    wait = retry.wait(failures, fault.after)
    progress.warned(f"{fault} Trying again in {wait:.3g} s ({failures} of {retry.attempts - 1}).")
    time.sleep(wait)
    return True


def _found(server: Server, query: Query, retry: Retry, progress: Progress) -> list[FoundStudy]:
    failures = 0
    while True:
        try:
            return server.find(query)
        except ServerFault as fault:
            failures += 1
            if not _again(server, fault, failures, retry, progress):
                raise


def _fetched(server: Server, study: FoundStudy, out: Path, retry: Retry, dry_run: bool, progress: Progress) -> FetchedStudy:
    folder = out / hashed(study.uid)
    new = strangers = 0

    def keep(content: bytes) -> None:
        nonlocal new, strangers
        identity = identify(content)
        if identity is None or identity.study != study.uid:
            strangers += 1  # a server may send anything; only what was asked for is kept
        elif keep_instance(folder, identity, content) is Kept.NEW:
            new += 1

    fault, failures = None, 0
    sweep(folder)
    while not dry_run:
        before = new
        try:
            server.fetch(study, lambda uid: instance_path(folder, uid).exists(), keep)
            break
        except ServerFault as trouble:
            failures = 1 if new > before else failures + 1  # what came is not asked for again: it gets on
            if not _again(server, trouble, failures, retry, progress):
                fault = str(trouble)
                break
    there = len(list(folder.glob("[!.]*.dcm")))
    if strangers:
        progress.warned(f"{counted(strangers, 'object')} not of the study, or damaged, {were(strangers)} not kept.")
    if fault is None and not dry_run and there < (study.instances or 1):
        fault = f"{there} of {study.instances or 'an unknown number of'} objects came."
    return FetchedStudy(folder, new, there, study.instances, study.modalities, fault)
