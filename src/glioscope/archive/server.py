"""A server of images, whatever it speaks."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from glioscope.archive.access import Access
from glioscope.archive.address import Address, check_aet
from glioscope.archive.dicom_file import DicomFile
from glioscope.core import EngineMissing, InputUnreadable

__all__ = ["FoundStudy", "Query", "Server", "open_server"]

_DATE = re.compile(r"\d{8}(-(\d{8})?)?|-\d{8}")
_PLAIN = re.compile(r"[^\\*?\x00-\x1f\x7f]{1,64}")


@dataclass(frozen=True)
class Query:
    """Which studies are meant. What is given must match exactly; wildcards are refused, since they fetch strangers.

    Attributes:
        study: StudyInstanceUID.
        patient: PatientID.
        accession: AccessionNumber.
        date: StudyDate, YYYYMMDD or a range YYYYMMDD-YYYYMMDD.
    """

    study: str | None = None
    patient: str | None = None
    accession: str | None = None
    date: str | None = None

    def filters(self) -> dict[str, str]:
        """DICOM keyword -> value.

        Raises:
            InputUnreadable: nothing is asked for, or a value cannot be one.
        """
        given = {
            "StudyInstanceUID": self.study,
            "PatientID": self.patient,
            "AccessionNumber": self.accession,
            "StudyDate": self.date,
        }
        found = {key: value.strip() for key, value in given.items() if value is not None}
        if not found:
            raise InputUnreadable("Say which studies to fetch: --study UID, --patient ID, --accession NUMBER or --date DAY.")
        for key, value in found.items():
            pattern = _DATE if key == "StudyDate" else re.compile(r"[0-9.]{1,64}") if key == "StudyInstanceUID" else _PLAIN
            if not pattern.fullmatch(value) or (key == "StudyDate" and not _dates(value)):
                how = "as YYYYMMDD or YYYYMMDD-YYYYMMDD" if key == "StudyDate" else "exactly, without wildcards"
                raise InputUnreadable(f"What was given for {key} cannot be one; give it {how}.")
        return found


def _dates(text: str) -> bool:
    """Whether it is a day of the calendar, or a range of them in order."""
    try:
        days = [datetime.strptime(day, "%Y%m%d") for day in text.split("-") if day]
    except ValueError:
        return False
    return days == sorted(days)


@dataclass(frozen=True)
class FoundStudy:
    """A study that a server has. `instances` is how many objects it says there are, None where it does not say."""

    uid: str
    instances: int | None = None
    modalities: tuple[str, ...] = ()


class Server(ABC):
    """What can be asked of a server. All methods raise ServerFault, those on one instance InstanceRefused.

    One is used by one thread, and closed at the end; it connects when it is first asked.
    """

    def __init__(self, address: Address) -> None:
        self.address = address

    @abstractmethod
    def check(self) -> None:
        """Ask for a sign of life (C-ECHO; a search for one study)."""

    @abstractmethod
    def expect(self, files: Sequence[DicomFile]) -> None:
        """Say what will be stored, for a server with which that is agreed beforehand."""

    @abstractmethod
    def store(self, file: DicomFile) -> str | None:
        """Store one object; what the server remarked on it, or None."""

    @abstractmethod
    def find(self, query: Query) -> list[FoundStudy]:
        """The studies that match, in the order of their UIDs."""

    @abstractmethod
    def fetch(self, study: FoundStudy, have: Callable[[str], bool], keep: Callable[[bytes], None]) -> None:
        """Hand every object of `study` to `keep` as the bytes of a file, where possible without those that one `has` by UID."""

    @abstractmethod
    def close(self) -> None:
        """End the connection; the next request makes a new one."""


def open_server(address: Address, *, access: Access | None = None, aet: str = "GLIOSCOPE", timeout: float = 30.0) -> Server:
    """The client for `address`; nothing is sent yet.

    Args:
        address: Of the server.
        access: Secrets and certificates.
        aet: Our own application entity title.
        timeout: Seconds to wait for each answer.

    Raises:
        EngineMissing: the extra `archive` is not installed.
        InputUnreadable: a secret would go unencrypted, a certificate cannot be used, or `aet` is no title.
    """
    access = access or Access()
    access.check(address)
    check_aet(aet)
    try:
        if address.kind == "web":
            from glioscope.archive.web_server import WebServer

            return WebServer(address, access, timeout)
        from glioscope.archive.dimse_server import DimseServer

        return DimseServer(address, access, aet, timeout)
    except ModuleNotFoundError as error:
        raise EngineMissing(
            f"Talking to an archive needs '{error.name}'; install it with: pip install 'glioscope[archive]'."
        ) from error
