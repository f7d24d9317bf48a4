"""Getting many objects to a server that may be down, slow or full."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from glioscope.archive.dicom_file import DicomFile, is_whole
from glioscope.archive.fault import InstanceRefused, ServerFault
from glioscope.archive.journal import Journal
from glioscope.archive.retry import Retry
from glioscope.archive.server import Server

__all__ = ["Delivery", "deliver"]


@dataclass
class Delivery:
    """What became of the objects.

    Attributes:
        sent: Number that the server took now.
        before: Number that it had taken before, by the journal.
        refused: Name of a file -> why the server does not take it.
        remarks: Name of a file -> what the server remarked though it took it.
        waiting: Number that is still to be sent.
        fault: Why the rest was not sent.
    """

    sent: int = 0
    before: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)
    waiting: int = 0
    fault: ServerFault | None = None

    @property
    def complete(self) -> bool:
        """Whether the server has everything."""
        return not self.refused and not self.waiting

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        document: dict[str, Any] = {"sent": self.sent, "sent_before": self.before, "waiting": self.waiting}
        document |= {"refused": self.refused, "remarks": self.remarks}
        return document | ({"fault": str(self.fault)} if self.fault else {})


def deliver(
    server: Server,
    files: Sequence[DicomFile],
    journal: Journal,
    retry: Retry,
    *,
    tell: Callable[[str], None] = lambda _: None,
    done: Callable[[int, int], None] = lambda _, __: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Delivery:
    """Store `files` one after the other, each until the server takes it, refuses it, or `retry` is used up.

    Args:
        server: Where to.
        files: What.
        journal: What was sent before is not sent again; what is sent now is written there at once.
        retry: For faults that may pass; the failures in a row on one file are counted.
        tell: Hears of every fault and wait.
        done: Hears how many of how many are dealt with.
        sleep: Waits.

    Raises:
        OutputUnwritable: the journal cannot be written.
    """
    pending = [file for file in files if not journal.holds(file)]
    result = Delivery(before=len(files) - len(pending))
    server.expect(pending)
    for number, file in enumerate(pending):
        failures = 0
        while True:
            try:
                if not is_whole(file):  # servers wait for the rest, or break off, and all other files with them
                    raise InstanceRefused("the file is cut short, so it was not sent; copy it again")
                remark = server.store(file)
            except InstanceRefused as refusal:
                result.refused[file.path.name] = str(refusal)
                break
            except ServerFault as fault:
                failures += 1
                if not fault.passing or failures >= retry.attempts:
                    result.fault, result.waiting = fault, len(pending) - number
                    return result
                wait = retry.wait(failures, fault.after)
                tell(f"{fault} Trying again in {wait:.3g} s ({failures} of {retry.attempts - 1}).")
                server.close()
                sleep(wait)
            else:
                journal.add(file)
                result.sent += 1
                if remark:
                    result.remarks[file.path.name] = remark
                break
        done(number + 1, len(pending))
    return result
