"""A server that speaks DIMSE (PS3.7): C-ECHO, C-STORE, C-FIND and C-GET."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from glioscope.archive.access import Access
from glioscope.archive.address import Address
from glioscope.archive.dicom_file import DicomFile
from glioscope.archive.fault import InstanceRefused, ServerFault
from glioscope.archive.server import FoundStudy, Query, Server
from glioscope.archive.syntaxes import COMPRESSED, FETCHED, UNCOMPRESSED
from glioscope.core.counting import counted

if TYPE_CHECKING:
    from pynetdicom.association import Association

__all__ = ["DimseServer", "is_full"]

_VERIFICATION = "1.2.840.10008.1.1"
_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
_GET = "1.2.840.10008.5.1.4.1.2.2.3"
_MAX_PAIRS = 60
"""An association has at most 128 presentation contexts, and a kind of object takes two."""
_UNKNOWN_CALLER, _UNKNOWN_CALLED = 3, 7


def is_full(status: int) -> bool:
    """Whether a status is of the class out of resources (PS3.4, B.2.3), which passes."""
    return 0xA700 <= status <= 0xA7FF


class DimseServer(Server):
    """Keeps one association open as long as it serves what is asked."""

    def __init__(self, address: Address, access: Access, aet: str, timeout: float) -> None:
        super().__init__(address)
        from pynetdicom import AE, _config

        _config.STORE_SEND_CHUNKED_DATASET = True  # a file's own bytes, not decoded and encoded again
        _config.LOG_HANDLER_LEVEL = "none"  # its log would hold identifiers
        self._entity = AE(ae_title=aet)
        self._entity.acse_timeout = self._entity.dimse_timeout = self._entity.network_timeout = timeout
        self._entity.connection_timeout = timeout
        self._timeout = timeout
        self._tls = (access.client_context(), address.host) if address.tls else None
        self._association: Association | None = None
        self._pairs: list[tuple[str, str]] = []
        self._agreed: list[tuple[str, str]] = []

    def check(self) -> None:
        """C-ECHO."""
        association = self._associated([(_VERIFICATION, UNCOMPRESSED)])
        self._judged(association.send_c_echo())
        self.close()

    def expect(self, files: Sequence[DicomFile]) -> None:
        """Kinds of objects, to be agreed when the association is made."""
        self._pairs = list(dict.fromkeys((file.identity.sop_class, file.identity.syntax) for file in files))

    def store(self, file: DicomFile) -> str | None:
        """C-STORE, of the file's own bytes where the server takes its transfer syntax."""
        pair = (file.identity.sop_class, file.identity.syntax)
        association = self._association
        if association is None or not association.is_established or pair not in self._agreed:
            association = self._agree(pair)
        accepted = {
            str(context.transfer_syntax[0])
            for context in association.accepted_contexts
            if context.abstract_syntax == file.identity.sop_class
        }
        if not accepted:
            raise InstanceRefused("the server does not take this kind of object")
        status = self._judged(self._sent(association, file, accepted), file)
        return f"status 0x{status:04X}" if status else None

    def _agree(self, first: tuple[str, str]) -> Association:
        """An association for as many of the expected kinds as there is room for, from `first` on."""
        at = self._pairs.index(first) if first in self._pairs else 0
        self._agreed = list(dict.fromkeys([first, *self._pairs[at:], *self._pairs[:at]]))[:_MAX_PAIRS]
        exact = [(sop_class, [syntax]) for sop_class, syntax in self._agreed]
        converted = [(sop_class, UNCOMPRESSED) for sop_class in dict.fromkeys(sop_class for sop_class, _ in self._agreed)]
        return self._associated(exact + converted)

    def _sent(self, association: Association, file: DicomFile, accepted: set[str]) -> Any:  # noqa: ANN401
        import pydicom

        try:
            if file.identity.syntax in accepted:
                return association.send_c_store(file.path)
            dataset = pydicom.dcmread(file.path)
            if file.identity.syntax in COMPRESSED:
                dataset.decompress(generate_instance_uid=False)
            return association.send_c_store(dataset)
        except OSError:
            raise InstanceRefused("the file cannot be read") from None
        except Exception:  # no decoder, a damaged file; what pydicom says may hold values
            if not association.is_established:
                raise self._cut_off() from None
            raise InstanceRefused("the server does not take its compression, and it cannot be undone here") from None

    def _judged(self, answer: Any, file: DicomFile | None = None) -> int:  # noqa: ANN401
        """The status in `answer`, if it is a success (0) or a warning."""
        if "Status" not in answer:
            raise self._cut_off()
        status = int(answer.Status)
        if status == 0 or status >> 12 == 0xB or status in (0x0001, 0x0107, 0x0116):
            return status
        self.close()
        if is_full(status):
            raise ServerFault(f"The server {self.address} is full or out of resources (status 0x{status:04X}).", passing=True)
        if file is None:
            raise ServerFault(f"The server {self.address} refuses what is asked (status 0x{status:04X}).", passing=False)
        raise InstanceRefused(f"the server refuses it (status 0x{status:04X})")

    def _cut_off(self) -> ServerFault:
        self.close()
        sentence = f"The server {self.address} broke off, or did not answer within {self._timeout:g} s."
        return ServerFault(sentence, passing=True)

    def _associated(self, proposals: Sequence[tuple[str, list[str]]], **more: Any) -> Association:  # noqa: ANN401
        from pynetdicom import build_context

        self.close()
        contexts = [build_context(sop_class, syntaxes) for sop_class, syntaxes in proposals]
        try:
            association = self._entity.associate(
                self.address.host,
                self.address.port,
                contexts=contexts,
                ae_title=self.address.aet,
                tls_args=self._tls,
                **more,
            )
        except OSError:  # of the name alone; what happens on the way is told by the association
            sentence = f"The server {self.address} cannot be found by that name; check it, and the network."
            raise ServerFault(sentence, passing=False) from None
        self._association = association
        if association.is_established:
            return association
        self._association = None
        if association.is_rejected:
            raise self._rejected(association.acceptor.primitive)
        if association.rejected_contexts and not association.accepted_contexts:
            raise ServerFault(f"The server {self.address} offers nothing of what is asked of it.", passing=False)
        certificate = ", or a certificate is not trusted" if self._tls else ""
        raise ServerFault(f"The server {self.address} is down or does not answer{certificate}.", passing=True)

    def _rejected(self, answer: Any) -> ServerFault:  # noqa: ANN401
        source, reason = getattr(answer, "result_source", 0), getattr(answer, "diagnostic", 0)
        if source == 1 and reason == _UNKNOWN_CALLER:
            why = f"it does not know the caller '{self._entity.ae_title}'; have it entered there, or name another with --aet"
        elif source == 1 and reason == _UNKNOWN_CALLED:
            why = f"it is not called '{self.address.aet}'"
        else:
            why = "it is too busy" if source == 3 else f"source {source}, reason {reason}"
        passing = source == 3 or getattr(answer, "result", 1) == 2
        return ServerFault(f"The server {self.address} rejects the association: {why}.", passing=passing)

    def find(self, query: Query) -> list[FoundStudy]:
        """C-FIND of studies."""
        found = []
        for answer in self._found("STUDY", query.filters(), ("NumberOfStudyRelatedInstances", "ModalitiesInStudy")):
            uid, count, kinds = (
                answer.get(k) for k in ("StudyInstanceUID", "NumberOfStudyRelatedInstances", "ModalitiesInStudy")
            )
            names = [kinds] if isinstance(kinds, str) else list(kinds or [])
            if uid:
                found.append(FoundStudy(str(uid), int(count) if count not in (None, "") else None, tuple(map(str, names))))
        return sorted(found, key=lambda study: study.uid)

    def _found(self, level: str, filters: dict[str, str], wanted: Sequence[str]) -> list[Any]:
        from pydicom.dataset import Dataset

        identifier = Dataset()
        identifier.QueryRetrieveLevel = level
        for key in ("StudyInstanceUID", *wanted):
            setattr(identifier, key, None)
        for key, value in filters.items():
            setattr(identifier, key, value)
        association = self._associated([(_FIND, UNCOMPRESSED)])
        answers = []
        for status, answer in association.send_c_find(identifier, _FIND):
            if "Status" in status and status.Status in (0xFF00, 0xFF01):
                if answer is not None:
                    answers.append(answer)
            else:
                self._judged(status)
        self.close()
        return answers

    def fetch(self, study: FoundStudy, have: Callable[[str], bool], keep: Callable[[bytes], None]) -> None:
        """C-GET of the whole study; what one has already is sent again by the server and handed to `keep` all the same."""
        from pydicom.dataset import Dataset
        from pynetdicom import build_role, evt

        problems: list[BaseException] = []
        lock = threading.Lock()

        def arrived(event: Any) -> int:  # noqa: ANN401
            with lock:
                try:
                    keep(event.encoded_dataset())
                except BaseException as error:  # it is raised below, in the thread that asked
                    problems.append(error)
                    return 0xA700
            return 0x0000

        identifier = Dataset()
        identifier.QueryRetrieveLevel, identifier.StudyInstanceUID = "STUDY", study.uid
        association = self._associated(
            [(_GET, UNCOMPRESSED), *((sop_class, [*UNCOMPRESSED, *COMPRESSED]) for sop_class in FETCHED)],
            ext_neg=[build_role(sop_class, scp_role=True) for sop_class in FETCHED],
            evt_handlers=[(evt.EVT_C_STORE, arrived)],
        )
        left = 0
        try:
            for status, _ in association.send_c_get(identifier, _GET):
                if problems:
                    raise problems[0]
                if "Status" not in status or status.Status != 0xFF00:
                    self._judged(status)
                    left = int(status.get("NumberOfFailedSuboperations") or 0)
        except BaseException:  # a server in the middle of sending answers no release until the time is out
            self._association = None
            association.abort()
            raise
        self.close()
        if left:
            raise ServerFault(f"The server {self.address} could not give {counted(left, 'object')} of the study.", passing=True)

    def close(self) -> None:
        """Release the association, or abort it where that is not answered."""
        association, self._association = self._association, None
        if association is not None and association.is_established:
            association.release()
