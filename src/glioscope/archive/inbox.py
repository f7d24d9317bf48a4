"""The folder of a listener: which studies came, which still arrive, which are put aside."""

from __future__ import annotations

import fcntl
import threading
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

from glioscope.archive.dicom_file import Identity, hashed
from glioscope.archive.instance_store import Kept, keep_instance, sync_folder
from glioscope.archive.journal import Journal
from glioscope.archive.study import Status, Study
from glioscope.core import OutputUnwritable
from glioscope.core.files import ensure_folder, output_errors, sweep, write_bytes, write_json, write_text

__all__ = ["Inbox"]

_MARK = ".listener"
"""In every listener's folder, and locked while one works there."""


class Inbox:
    """Takes objects from many threads and hands studies to one.

    What is on disk is the truth: `studies/KEY/` for what is at work or done, `quarantine/KEY/` for what failed (moved there
    whole, with its reason), `quarantine/objects/` for objects that contradict one that is there. In memory is only what a
    restart may forget: when something came last, and who is sending. Whoever changes a study holds `lock`.

    Args:
        root: The folder; readable by its owner alone where it is made here.

    Raises:
        OutputUnwritable: it cannot be written, another listener works in it, or it holds files that are no listener's.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        with output_errors(root):
            root.parent.mkdir(parents=True, exist_ok=True)
            if not root.exists():
                root.mkdir(mode=0o700)
        ensure_folder(root)
        if not (root / _MARK).exists() and any(not path.name.startswith(".") for path in root.iterdir()):
            raise OutputUnwritable(f"'{root.name}' holds files that are no listener's; give it an empty folder, or a new one.")
        self._owned = (root / _MARK).open("w")
        try:
            fcntl.flock(self._owned, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._owned.close()
            raise OutputUnwritable(f"Another listener works in '{root.name}'; stop it, or choose another folder.") from None
        for name in ("studies", "quarantine"):
            ensure_folder(root / name)
        self.lock = threading.RLock()
        self._last: dict[str, float] = {}
        self._first: dict[str, float] = {}
        self._senders: dict[threading.Thread, set[str]] = {}
        for folder in (root / "studies").iterdir():
            for part in ("images", "others"):
                sweep(folder / part)
            for scratch in folder.glob(".state.*.part*"):
                scratch.unlink(missing_ok=True)
            self._came(folder.name)

    def close(self) -> None:
        """Leave the folder to another listener."""
        self._owned.close()

    def _came(self, key: str) -> None:
        self._last[key] = time.monotonic()
        self._first.setdefault(key, self._last[key])

    def take(self, identity: Identity, content: bytes, sender: threading.Thread | None = None) -> Kept:
        """Keep an object that came, on disk for good when this returns; one of our own that comes back is a duplicate.

        Raises:
            OutputUnwritable: it could not be kept.
        """
        key = hashed(identity.study)
        with self.lock:
            if sender is not None:
                self._senders.setdefault(sender, set()).add(key)
            study = self.find(key) or Study(self.root / "studies" / key)
            if any(Journal(path).holds_uid(identity.instance) for path in study.folder.glob("sent-*.jsonl")):
                return Kept.DUPLICATE
            kept = keep_instance(study.folder_of(images=identity.is_image), identity, content)
            if kept is Kept.CONFLICT:
                self._put_aside(identity, content)
            elif kept is Kept.NEW:
                if study.folder.parent.name == "quarantine" and identity.is_image:
                    study = self.release(study)
                if identity.expected and identity.expected > (study.state.expected or 0):
                    study.update(expected=identity.expected)
                self._came(key)
            elif key in self._last:
                self._last[key] = time.monotonic()
            return kept

    def _put_aside(self, identity: Identity, content: bytes) -> None:
        path = self.root / "quarantine" / "objects" / f"{hashed(identity.instance)}-{sha256(content).hexdigest()[:8]}.dcm"
        write_bytes(path, content)
        reason = "Another object with the same SOPInstanceUID had come before; that one was kept."
        write_json(path.with_suffix(".json"), {"study": hashed(identity.study), "reason": reason})

    def quiet_for(self, key: str) -> float:
        """Seconds since something of the study came, or the association that brought it was seen to have ended; 0 before."""
        with self.lock:
            for sender in [sender for sender in self._senders if not sender.is_alive()]:
                self._last.update(dict.fromkeys(self._senders.pop(sender) & self._last.keys(), time.monotonic()))
            if any(key in keys for keys in self._senders.values()):
                return 0.0
            return time.monotonic() - self._last.get(key, 0.0)

    def waited_for(self, key: str) -> float:
        """Seconds since the study began to arrive, as far as this process knows."""
        with self.lock:
            return time.monotonic() - self._first.get(key, time.monotonic())

    def awake(self) -> list[Study]:
        """The studies with which something may have to be done, longest waiting first."""
        with self.lock:
            keys = sorted(self._first, key=lambda key: (self._first[key], key))
        return [study for key in keys if (study := self.find(key))]

    def settle(self, study: Study, name: str) -> bool:
        """Forget about the study until something new comes, if its images are still the set `name`."""
        with self.lock:
            if study.set_name() != name:
                return False
            self._first.pop(study.key, None)
            self._last.pop(study.key, None)
            return True

    def find(self, key: str) -> Study | None:
        """The study of that name, wherever it is."""
        for place in ("studies", "quarantine"):
            if (self.root / place / key).is_dir():
                return Study(self.root / place / key)
        return None

    def all(self) -> list[Study]:
        """Every study."""
        return [
            Study(folder)
            for place in ("studies", "quarantine")
            for folder in sorted((self.root / place).iterdir())
            if folder.is_dir() and folder.name != "objects"
        ]

    def quarantine(self, study: Study, reason: str, name: str) -> None:
        """Put the study aside with its reason; an image that comes later brings it back.

        Args:
            study: Which.
            reason: A sentence.
            name: The set of images that failed.
        """
        with self.lock:
            if study.set_name() != name:  # something came meanwhile: it is another exam now
                study.update(status=Status.ARRIVING, round=name, starts=0, reason=reason)
                return
            write_text(study.folder / "reason.txt", reason + "\n")
            study.update(status=Status.QUARANTINED, round=name, reason=reason)
            if study.folder.parent.name != "quarantine":
                self._move(study, "quarantine")
            self.settle(study, name)

    def release(self, study: Study, *, again: bool = False) -> Study:
        """Bring the study back from quarantine; with `again`, the set that failed is worked on once more, as it is."""
        with self.lock:
            moved = self._move(study, "studies")
            (moved.folder / "reason.txt").unlink(missing_ok=True)
            changes: dict[str, Any] = {"round": "", "expected": None} if again else {}
            moved.update(status=Status.ARRIVING, starts=0, reason="", **changes)
            self._came(moved.key)
            return moved

    def _move(self, study: Study, place: str) -> Study:
        target = self.root / place / study.key
        with output_errors(target):
            study.folder.replace(target)
            for name in ("studies", "quarantine"):
                sync_folder(self.root / name)
        study.folder = target
        return Study(target)
