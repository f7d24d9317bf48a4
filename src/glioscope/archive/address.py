"""Where a server is, as people write it: `dicom://AET@host:port` or `http://host/dicom-web`."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from glioscope.core import InputUnreadable

__all__ = ["Address", "check_aet", "is_loopback", "parse_address"]

DICOM_PORT, DICOM_TLS_PORT = 104, 2762
_SHAPES = "dicom://AET@host:port, dicom+tls://AET@host:port, or the http(s) address of a DICOMweb service"
_AET = re.compile(r"[!-\[\]-~](?:[ -\[\]-~]{0,14}[!-\[\]-~])?")


@dataclass(frozen=True)
class Address:
    """A server. `str()` of it holds no secret, so it may be logged.

    Attributes:
        kind: `dicom` (DIMSE) or `web` (DICOMweb).
        host: Name or number.
        port: TCP port.
        aet: Its application entity title; empty for DICOMweb.
        tls: Whether the connection is encrypted.
        path: Of the DICOMweb service below the host.
    """

    kind: str
    host: str
    port: int
    aet: str = ""
    tls: bool = False
    path: str = ""

    @property
    def url(self) -> str:
        """The base URL of a DICOMweb service, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{self.path}"

    def __str__(self) -> str:
        if self.kind == "web":
            return self.url
        return f"dicom{'+tls' if self.tls else ''}://{self.aet}@{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """The address that `text` names.

    Raises:
        InputUnreadable: it names none, or holds a password, which would be seen in the list of processes.
    """
    try:
        parts = urlsplit(text)
        host, port, user, secret = parts.hostname or "", parts.port, parts.username, parts.password
        if port == 0:
            raise ValueError
    except ValueError:
        raise InputUnreadable(f"That is not the address of a server; write {_SHAPES}.") from None
    web = parts.scheme in ("http", "https")
    if secret is not None or (web and user is not None):
        raise InputUnreadable("The address holds a login, which others can see; take it out and give it with --login FILE.")
    if not host or parts.query or parts.fragment or parts.scheme not in ("http", "https", "dicom", "dicom+tls"):
        raise InputUnreadable(f"'{text}' is not the address of a server; write {_SHAPES}.")
    tls = parts.scheme in ("https", "dicom+tls")
    if web:
        return Address("web", host, port or (443 if tls else 80), "", tls, parts.path.rstrip("/"))
    if not user or parts.path.strip("/"):
        raise InputUnreadable(f"'{text}' names no application entity; write {_SHAPES}.")
    return Address("dicom", host, port or (DICOM_TLS_PORT if tls else DICOM_PORT), check_aet(user), tls)


def check_aet(title: str) -> str:
    """`title`, if it can be an application entity title (PS3.5, 6.2, AE: 1 to 16 characters, no backslash).

    Raises:
        InputUnreadable: it cannot.
    """
    if not _AET.fullmatch(title):
        raise InputUnreadable(f"'{title}' cannot be an application entity title; it takes 1 to 16 plain characters.")
    return title


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine, by name or number."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
