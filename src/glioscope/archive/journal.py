"""What has been sent to a server, on disk, so that an interrupted transfer goes on where it stopped."""

from __future__ import annotations

import json
import os
from pathlib import Path

from glioscope.archive.dicom_file import DicomFile, hashed
from glioscope.core import OutputUnwritable
from glioscope.core.files import ensure_folder, output_errors, sha256

__all__ = ["Journal"]


class Journal:
    """One line an object that the server has said it holds: hashes of its UID and its content, nothing else.

    A line is written after the server's answer: one that was killed between the two sends that one object again, which a
    server knows by its UID. A last line that was cut short is passed over.

    Raises:
        OutputUnwritable: a record cannot be kept in that place.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sent: set[tuple[str, str]] = set()
        ensure_folder(path.parent)  # before anything is sent
        try:
            lines = path.read_bytes().split(b"\n")
        except FileNotFoundError:
            lines = []
        except OSError as error:
            raise OutputUnwritable(f"The record '{path}' cannot be read ({error.strerror}); name another file.") from error
        self._ragged = bool(lines and lines[-1])
        for line in lines:
            try:
                entry = json.loads(line)
                self._sent.add((entry["instance"], entry["content"]))
            except (ValueError, KeyError, TypeError):
                continue

    def holds(self, file: DicomFile) -> bool:
        """Whether this very object was sent."""
        return self.holds_uid(file.identity.instance) and (hashed(file.identity.instance), sha256(file.path)) in self._sent

    def holds_uid(self, instance_uid: str) -> bool:
        """Whether an object of that SOPInstanceUID was sent."""
        name = hashed(instance_uid)
        return any(name == sent for sent, _ in self._sent)

    def add(self, file: DicomFile) -> None:
        """Record that it was sent; raises OutputUnwritable."""
        entry = {"instance": hashed(file.identity.instance), "content": sha256(file.path)}
        with output_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as stream:
                stream.write((b"\n" if self._ragged else b"") + json.dumps(entry).encode() + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
        self._ragged = False
        self._sent.add((entry["instance"], entry["content"]))
