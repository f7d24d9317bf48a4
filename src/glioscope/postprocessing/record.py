"""What a chain changed, component by component, so that its input can be rebuilt from its output."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage

__all__ = ["Change", "Record"]


@dataclass(frozen=True)
class Change:
    """One component that got another label.

    Attributes:
        step: Name of the step that changed it.
        region: The region in which it is one component.
        after: Its label now; 0 where it was removed.
        runs: Where it lies and what it was: (first voxel, length, label before), voxels counted through the whole volume with
            the last axis fastest.
        volume_mm3: How much tissue it is.
    """

    step: str
    region: str
    after: int
    runs: tuple[tuple[int, int, int], ...]
    volume_mm3: float

    @property
    def voxels(self) -> int:
        """How many voxels it has."""
        return sum(length for _, length, _ in self.runs)

    def document(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "step": self.step,
            "region": self.region,
            "after": self.after,
            "voxels": self.voxels,
            "volume_mm3": self.volume_mm3,
            "runs": " ".join(f"{start}+{length}={before}" for start, length, before in self.runs),
        }


def _runs(text: str) -> tuple[tuple[int, int, int], ...]:
    """The runs that a document writes as `719+3=2 …`: from voxel 719 three that were 2."""
    found = [_RUN.fullmatch(run) for run in text.split()]
    if not all(found):
        raise ValueError(text)
    return tuple((int(m[1]), int(m[2]), int(m[3])) for m in found if m)


_RUN = re.compile(r"(\d+)\+(\d+)=(\d{1,3})")


@dataclass(frozen=True)
class Record:
    """What a chain did to one exam.

    Attributes:
        shape: Of the volume.
        changes: In the order in which they were made.
        facts: JSON-ready notes, such as the thresholds used.
    """

    shape: tuple[int, ...]
    changes: tuple[Change, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def undo(self, labels: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
        """The label map before the changes, given the one after them.

        Raises:
            InvalidImage: `labels` is not what the chain gave.
        """
        if labels.shape != self.shape:
            raise InvalidImage(f"The record is of a volume of {self.shape} voxels, this one has {labels.shape}.")
        flat = np.array(labels, np.uint8).ravel()
        for change in reversed(self.changes):
            for start, length, before in change.runs:
                if (flat[start : start + length] != change.after).any():
                    raise InvalidImage("The record does not belong to this label map: a voxel has another label than recorded.")
                flat[start : start + length] = before
        return flat.reshape(self.shape)

    def summary(self) -> list[dict[str, Any]]:
        """One line for each step, region and new label: how many components, voxels and mm3; JSON-ready."""
        lines: dict[tuple[str, str, int], dict[str, Any]] = {}
        for change in self.changes:
            line = lines.setdefault(
                (change.step, change.region, change.after),
                {
                    "step": change.step,
                    "region": change.region,
                    "after": change.after,
                    "components": 0,
                    "voxels": 0,
                    "volume_mm3": 0.0,
                },
            )
            line["components"] += 1
            line["voxels"] += change.voxels
            line["volume_mm3"] = round(line["volume_mm3"] + change.volume_mm3, 3)
        return list(lines.values())

    def document(self) -> dict[str, Any]:
        """JSON-ready; `of_document` reads it."""
        return {"shape": list(self.shape), **self.facts, "changes": [change.document() for change in self.changes]}

    @staticmethod
    def of_document(document: Mapping[str, Any]) -> Record:
        """The record that `document` wrote; raises InvalidImage where it is not one."""
        try:
            changes = tuple(
                Change(
                    str(c["step"]),
                    str(c["region"]),
                    int(c["after"]),
                    _runs(c["runs"]),
                    float(c["volume_mm3"]),
                )
                for c in document["changes"]
            )
            shape = tuple(int(n) for n in document["shape"])
        except (AttributeError, KeyError, TypeError, ValueError):
            raise InvalidImage("This is not a record of post-processing: it needs 'shape' and 'changes'.") from None
        facts = {key: value for key, value in document.items() if key not in ("shape", "changes")}
        return Record(shape, changes, facts)
