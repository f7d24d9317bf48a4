"""One study that came in: its folder, and what is to be done with it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from glioscope.archive.instance_store import sync_folder
from glioscope.core.files import output_errors, write_json

__all__ = ["State", "Status", "Study"]


class Status(StrEnum):
    """Where a study is on its way."""

    ARRIVING = "arriving"
    RUNNING = "running"
    SENDING = "sending"
    DONE = "done"
    QUARANTINED = "quarantined"


@dataclass(frozen=True)
class State:
    """What `state.json` holds.

    Attributes:
        status: Where the study is.
        round: Name of the set of images that was worked on last; empty before the first.
        starts: How often work on that set was started.
        expected: How many objects the sender says the study has, None where it does not.
        reason: Why it is quarantined.
    """

    status: Status = Status.ARRIVING
    round: str = ""
    starts: int = 0
    expected: int | None = None
    reason: str = ""


class Study:
    """A folder named by the hash of the StudyInstanceUID.

    `images/` and `others/` hold what came, for good. A **round** is the work on one set of images: `rounds/NAME/`, where NAME
    is made of the set, holds the images as they were (`exam/`), the results and the job's log and outcome. So one set is
    never run twice, and an image that comes late makes a new round without touching the one that runs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def key(self) -> str:
        """The name under which the study is known."""
        return self.folder.name

    @property
    def state(self) -> State:
        """What is on disk; that of a new study where there is nothing or it is damaged."""
        try:
            document: dict[str, Any] = json.loads((self.folder / "state.json").read_bytes())
            return State(**document | {"status": Status(document["status"])})
        except (OSError, ValueError, KeyError, TypeError):
            return State()

    def update(self, **changes: Any) -> State:  # noqa: ANN401
        """Change fields of the state, on disk when this returns."""
        state = replace(self.state, **changes)
        write_json(self.folder / "state.json", asdict(state))
        with output_errors(self.folder):
            sync_folder(self.folder)
        return state

    def folder_of(self, *, images: bool) -> Path:
        """Where images or other objects are."""
        return self.folder / ("images" if images else "others")

    def images(self) -> list[Path]:
        """The MR images that came, by name."""
        return sorted(self.folder_of(images=True).glob("[!.]*.dcm"))

    def count(self) -> int:
        """Number of objects that came."""
        return len(self.images()) + len(list(self.folder_of(images=False).glob("[!.]*.dcm")))

    def set_name(self) -> str:
        """A name made of which images there are, empty without one. Their contents never change, so names suffice."""
        names = "\n".join(path.name for path in self.images())
        return hashlib.sha256(names.encode()).hexdigest()[:16] if names else ""

    def round_folder(self, name: str) -> Path:
        """The folder of a round."""
        return self.folder / "rounds" / name

    def freeze(self) -> str:
        """Begin a round: its name, after its `exam/` holds the images that are here now (as links, no bytes twice)."""
        images, name = self.images(), self.set_name()
        exam = self.round_folder(name) / "exam"
        if exam.is_dir():
            return name
        scratch = exam.with_name("exam.part")
        with output_errors(exam):
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(parents=True)
            for image in images:
                try:
                    os.link(image, scratch / image.name)
                except OSError:  # a file system without hard links
                    shutil.copy2(image, scratch / image.name)
            scratch.replace(exam)
        return name
