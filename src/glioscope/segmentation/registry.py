"""Which segmenters there are, as data: listing them imports none of them."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from glioscope.core import EngineMissing, InvalidImage, MissingSequence, Sequence
from glioscope.segmentation.segmenter import Segmenter

__all__ = ["Entry", "choose_segmenter", "get_segmenter", "list_segmenters", "missing_sequence"]

GROUP = "glioscope.segmenters"
"""Entry-point group of other packages: each point names a module-level `Entry`."""


@dataclass(frozen=True)
class Entry:
    """One segmenter as it appears in lists.

    Attributes:
        name: What it is called on the command line.
        title: One line.
        needs: Sequences without which it cannot work.
        regions: Regions that it finds.
        path: `module:Class` of the Segmenter, imported when it is asked for.
        automatic: Whether it may be chosen where the user named none; earlier entries are preferred.
        trained: Whether it learnt from labelled exams.
    """

    name: str
    title: str
    needs: frozenset[Sequence]
    regions: tuple[str, ...]
    path: str
    automatic: bool = True
    trained: bool = False

    def document(self) -> dict[str, Any]:
        """The entry and what its class declares, as JSON-ready values; imports the class."""
        segmenter = get_segmenter(self.name)
        return {
            "name": self.name,
            "title": self.title,
            "needs": sorted(self.needs),
            "uses": sorted(segmenter.uses),
            "regions": list(self.regions),
            "scheme": segmenter.scheme.name,
            "space": segmenter.space,
            "trained": self.trained,
            "description": segmenter.description,
            "source": segmenter.source,
            "licence": segmenter.licence,
        }


_BUILT_IN = (
    Entry(
        "subtraction",
        "contrast enhancement by subtraction, enclosed core, FLAIR surround; no training",
        frozenset({Sequence.T1C, Sequence.T1N, Sequence.T2F}),
        ("WT", "TC", "ET"),
        "glioscope.segmentation.subtraction:Subtraction",
    ),
    Entry(
        "flair-threshold",
        "hyperintense FLAIR, whole tumour only; no training",
        frozenset({Sequence.T2F}),
        ("WT",),
        "glioscope.segmentation.flair_threshold:FlairThreshold",
    ),
)


def list_segmenters() -> list[Entry]:
    """All segmenters, the preferred ones first; those of other packages follow, by name."""
    others: list[Entry] = [point.load() for point in entry_points(group=GROUP)]
    return [*_BUILT_IN, *sorted(others, key=lambda entry: entry.name)]


def get_segmenter(name: str, device: str = "cpu") -> Segmenter:
    """The segmenter called `name`, ready to run on `device`.

    Raises:
        InvalidImage: there is none of that name; the sentence lists those there are.
        EngineMissing: what it is built on is not installed.
    """
    entry = next((entry for entry in list_segmenters() if entry.name == name), None)
    if entry is None:
        raise InvalidImage(f"There is no segmenter '{name}'; known are {', '.join(e.name for e in list_segmenters())}.")
    module, _, attribute = entry.path.partition(":")
    try:
        segmenter: Segmenter = getattr(importlib.import_module(module), attribute)(device=device)
    except ImportError as error:
        raise EngineMissing(f"Segmenter '{name}' needs the Python package '{error.name}'; install it with pip.") from error
    return segmenter


def choose_segmenter(sequences: Iterable[Sequence]) -> str:
    """Name of the best segmenter for an exam that has `sequences`; raises MissingSequence where none can work."""
    have = frozenset(sequences)
    for entry in list_segmenters():
        if entry.automatic and entry.needs <= have:
            return entry.name
    raise MissingSequence(
        f"No segmenter can work with {_named(have) or 'no sequence at all'} alone; "
        "add the FLAIR, which is enough for the whole tumour."
    )


def missing_sequence(name: str, needs: frozenset[Sequence], sequences: Iterable[Sequence]) -> MissingSequence | None:
    """The error that says what of `needs` is not in `sequences` and which segmenters could work instead, or None."""
    have = frozenset(sequences)
    if needs <= have:
        return None
    able = [entry.name for entry in list_segmenters() if entry.needs <= have and entry.name != name]
    remedy = (
        f"with what is there, {' or '.join(able)} could work" if able else "no other segmenter could work with what is there"
    )
    return MissingSequence(f"Segmenter '{name}' needs {_named(needs - have)}, which the exam lacks; {remedy}.")


def _named(sequences: frozenset[Sequence]) -> str:
    *first, last = [s.display_name for s in Sequence if s in sequences] or [""]
    return f"{', '.join(first)} and {last}" if first else last
