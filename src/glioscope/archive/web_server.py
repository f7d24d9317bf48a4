"""A server that speaks DICOMweb (PS3.18): STOW-RS, QIDO-RS and WADO-RS."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from glioscope.archive.access import Access
from glioscope.archive.address import Address
from glioscope.archive.dicom_file import DicomFile
from glioscope.archive.dimse_server import is_full
from glioscope.archive.fault import InstanceRefused, ServerFault
from glioscope.archive.multipart import join_part, only_part
from glioscope.archive.server import FoundStudy, Query, Server
from glioscope.core.counting import counted

__all__ = ["WebServer"]

MAX_OBJECT = 4 * 2**30
MAX_ANSWER = 64 * 2**20
_PASSING = {408, 425, 429, 500, 502, 503, 504, 507}
_ABOUT_OBJECT = {400, 409, 413, 415, 422}
_DICOM = 'multipart/related; type="application/dicom"; transfer-syntax=*'


class WebServer(Server):
    """One HTTP session. Proxies, logins and certificates that the environment names are not used: only what was given is."""

    def __init__(self, address: Address, access: Access, timeout: float) -> None:
        super().__init__(address)
        import requests
        import urllib3
        from dicomweb_client.api import DICOMwebClient
        from requests.adapters import HTTPAdapter

        class Adapter(HTTPAdapter):  # type: ignore[misc]
            """Takes the TLS settings."""

            def init_poolmanager(self, *given: Any, **named: Any) -> Any:  # noqa: ANN401
                return super().init_poolmanager(*given, ssl_context=context, **named)

        context = access.client_context() if address.tls else None
        self._kinds, self._kinds_below, self._timeout = requests.exceptions, urllib3.exceptions, timeout
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = access.verify
        if address.tls and access.authority:
            self._session.verify = str(access.authority)
        self._session.mount("https://", Adapter())
        if access.token:
            self._session.headers["Authorization"] = f"Bearer {access.token}"
        elif access.login:
            self._session.auth = tuple(part.encode() for part in access.login.partition(":")[::2])
        self._client = DICOMwebClient(address.url, session=self._session, timeout=timeout)
        self._client.set_http_retry_params(retry=False)

    def check(self) -> None:
        """Search for one study."""
        with self._faults("search"):
            self._client.search_for_studies(limit=1)

    def expect(self, files: Sequence[DicomFile]) -> None:
        """Nothing is agreed beforehand."""

    def store(self, file: DicomFile) -> str | None:
        """STOW-RS of one object, with the file's own bytes."""
        try:
            body, kind = join_part(file.path.read_bytes())
        except OSError:
            raise InstanceRefused("the file cannot be read") from None
        headers = {"Content-Type": kind, "Accept": "application/dicom+json"}
        status, answer = self._exchange("POST", "/studies", headers, MAX_ANSWER, "store", body)
        if status not in (200, 202, 409):
            raise InstanceRefused(f"the server refuses it (HTTP {status})")
        return self._stored(status, _first(answer), answer)

    def _stored(self, status: int, answer: dict[str, Any], body: bytes) -> str | None:
        """Judge the store instructions response (PS3.18, 10.5.3 and table I.2).

        An object counts as stored where the answer names it as such, in JSON or in XML, which some servers prefer: a page of a
        proxy or of a login comes with HTTP 200 as well.
        """
        failed = _sequence(answer, "00081198")
        if failed or status == 409 or _named(body, "00081198"):
            reason = _value(failed[0], "00081197") if failed else None
            code = f" (failure 0x{reason:04X})" if isinstance(reason, int) else ""
            if isinstance(reason, int) and is_full(reason):
                raise ServerFault(f"The server {self.address} is full or out of resources{code}.", passing=True)
            raise InstanceRefused(f"the server refuses it{code}")
        stored = _sequence(answer, "00081199")
        if not stored and not _named(body, "00081199"):
            raise ServerFault(
                f"The server {self.address} does not say what it stored, as a DICOMweb service does; check the address.",
                passing=False,
            )
        warning = _value(stored[0], "00081196") if stored else None
        return f"status 0x{warning:04X}" if isinstance(warning, int) and warning else None

    def find(self, query: Query) -> list[FoundStudy]:
        """QIDO-RS of studies."""
        with self._faults("search"):
            answers = self._client.search_for_studies(
                search_filters=query.filters(),
                fields=["NumberOfStudyRelatedInstances", "ModalitiesInStudy"],
                get_remaining=True,
            )
            found = [
                FoundStudy(str(uid), _whole(_value(answer, "00201208")), tuple(map(str, _values(answer, "00080061"))))
                for answer in answers
                if (uid := _value(answer, "0020000D"))
            ]
        return sorted(set(found), key=lambda study: study.uid)

    def fetch(self, study: FoundStudy, have: Callable[[str], bool], keep: Callable[[bytes], None]) -> None:
        """QIDO-RS for what is in the study, WADO-RS for each object that one has not."""
        with self._faults("search"):
            answers = self._client.search_for_instances(study.uid, get_remaining=True)
        missing = 0
        for answer in answers:
            series, instance = (str(_value(answer, tag) or "") for tag in ("0020000E", "00080018"))
            if not all(uid and set(uid) <= set("0123456789.") for uid in (study.uid, series, instance)) or have(instance):
                continue
            path = f"/studies/{study.uid}/series/{series}/instances/{instance}"
            status, body = self._exchange("GET", path, {"Accept": _DICOM}, MAX_OBJECT, "retrieve")
            content = body if body[128:132] == b"DICM" else only_part(body)
            if status != 200 or content is None:
                missing += 1
                continue
            keep(content)
        if missing:
            raise ServerFault(
                f"The server {self.address} could not give {counted(missing, 'object')} of the study.", passing=True
            )

    def close(self) -> None:
        """End the connections."""
        self._session.close()

    def _exchange(
        self, method: str, path: str, headers: dict[str, str], limit: int, doing: str, body: bytes | None = None
    ) -> tuple[int, bytes]:
        """Status and body of an answer that is about the object itself; ServerFault for any other."""
        with self._faults(doing):
            answer = self._session.request(
                method,
                self.address.url + path,
                data=body,
                headers=headers,
                timeout=self._timeout,
                stream=True,
                allow_redirects=False,
            )
            with answer:
                if answer.status_code not in {200, 202} | _ABOUT_OBJECT and not (method == "GET" and answer.status_code == 404):
                    answer.raise_for_status()
                    raise ServerFault(f"The server {self.address} points elsewhere; name its own address.", passing=False)
                return answer.status_code, self._read(answer, limit)

    def _read(self, answer: Any, limit: int) -> bytes:  # noqa: ANN401
        """The body, unless it is too long, or comes too slowly: less than a MiB in the time that an answer may take."""
        parts, size, begun = [], 0, time.monotonic()
        while part := answer.raw.read1(2**20, decode_content=True):  # whatever is there, unlike iter_content
            parts.append(part)
            size += len(part)
            if size > limit:
                raise ServerFault(f"The server {self.address} sends more than any object can hold.", passing=False)
            if time.monotonic() - begun > self._timeout * (1 + size / 2**20):
                raise ServerFault(f"The server {self.address} is too slow.", passing=True)
        return b"".join(parts)

    @contextmanager
    def _faults(self, doing: str) -> Iterator[None]:
        """Turn what requests raises, which names the URL and so the patient, into sentences that do not."""
        kinds, below = self._kinds, self._kinds_below
        name = f"The server {self.address}"
        try:
            yield
        except kinds.HTTPError as error:
            raise self._refused(error.response, doing) from None
        except kinds.SSLError:
            raise ServerFault(f"{name} has a certificate that is not trusted, or wants ours.", passing=False) from None
        except (kinds.Timeout, below.TimeoutError):
            raise ServerFault(f"{name} did not answer within {self._timeout:g} s.", passing=True) from None
        except (kinds.InvalidURL, ValueError, KeyError, TypeError, AttributeError, LookupError):  # of JSON, for one
            raise ServerFault(f"{name} does not answer as a DICOMweb service does.", passing=False) from None
        except (kinds.RequestException, below.HTTPError, OSError):
            raise ServerFault(f"{name} is down or broke off.", passing=True) from None

    def _refused(self, answer: Any, doing: str) -> ServerFault:  # noqa: ANN401
        status = answer.status_code
        name = f"The server {self.address}"
        if status in _PASSING:
            asked = answer.headers.get("Retry-After", "")
            why = "is full" if status == 507 else "is busy or in trouble"
            return ServerFault(f"{name} {why} (HTTP {status}).", passing=True, after=float(asked) if asked.isdigit() else None)
        if status in (401, 403):
            return ServerFault(f"{name} refuses the login (HTTP {status}); see --login and --token.", passing=False)
        if status == 404:
            return ServerFault(f"{name} has no DICOMweb service to {doing} there (HTTP 404); check the address.", passing=False)
        return ServerFault(f"{name} refuses to {doing} (HTTP {status}).", passing=False)


def _named(body: bytes, tag: str) -> bool:
    """Whether an answer in XML (PS3.19, A.1) has the attribute `tag`."""
    return body.lstrip()[:1] == b"<" and f'tag="{tag}"'.encode() in body


def _first(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`, or the first of a list of them; empty where there is none."""
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    document = document[0] if isinstance(document, list) and document else document
    return document if isinstance(document, dict) else {}


def _values(item: dict[str, Any], tag: str) -> list[Any]:
    found = item.get(tag)
    values = found.get("Value") if isinstance(found, dict) else None
    return values if isinstance(values, list) else []


def _value(item: dict[str, Any], tag: str) -> Any:  # noqa: ANN401
    values = _values(item, tag)
    return values[0] if values else None


def _sequence(item: dict[str, Any], tag: str) -> list[dict[str, Any]]:
    return [value for value in _values(item, tag) if isinstance(value, dict)]


def _whole(value: Any) -> int | None:  # noqa: ANN401
    return int(value) if str(value).isdigit() else None
