"""Which segmenters there are, as data: listing them imports no engine."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from glioscope.bundles import find_bundle, list_bundles, read_bundle, shipped_bundles
from glioscope.core import EngineMissing, GlioscopeError, InvalidImage, MissingSequence, Sequence
from glioscope.segmentation.segmenter import Segmenter

__all__ = [
    "Entry",
    "choose_segmenter",
    "find_entry",
    "get_segmenter",
    "list_segmenters",
    "missing_sequence",
    "open_segmenter",
]

GROUP = "glioscope.segmenters"
"""Entry-point group of other packages: each point names a module-level `Entry`."""

UNASKED = "default"
"""The model that ships for an exam of which nothing else is known; the others are for exams after surgery, and asked for."""


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
        folder: Where the bundle lies that it is made of.
        usable: Whether it can be asked for; a bundle that cannot has the reason as its title.
        uses: Sequences that it can do without; one that needs none wants one of these at least.
        needs_earlier: What of the patient's earlier exam it cannot work without, as `Segmenter.needs_earlier`.
    """

    name: str
    title: str
    needs: frozenset[Sequence]
    regions: tuple[str, ...]
    path: str
    automatic: bool = True
    trained: bool = False
    folder: Path | None = None
    usable: bool = True
    uses: frozenset[Sequence] = frozenset()
    needs_earlier: frozenset[str] = frozenset()

    def able(self, sequences: frozenset[Sequence]) -> bool:
        """Whether an exam with `sequences`, and no earlier one, has what it needs."""
        known = not self.uses or bool((self.needs | self.uses) & sequences)
        return self.needs <= sequences and known and not self.needs_earlier

    def document(self) -> dict[str, Any]:
        """The entry and what its class declares, as JSON-ready values; imports the class."""
        segmenter = get_segmenter(self.name)
        return {
            "name": self.name,
            "title": self.title,
            "needs": sorted(self.needs),
            "uses": sorted(segmenter.uses),
            "needs_earlier": sorted(segmenter.needs_earlier),
            "uses_earlier": sorted(segmenter.uses_earlier),
            "regions": list(self.regions),
            "scheme": segmenter.scheme.name,
            "space": segmenter.space,
            "trained": self.trained,
            "description": segmenter.description,
            "source": segmenter.source,
            "licence": segmenter.licence,
            **segmenter.card,
        }


_SUBTRACTION = Entry(
    "subtraction",
    "contrast enhancement by subtraction, enclosed core, FLAIR surround; no training",
    frozenset({Sequence.T1C, Sequence.T1N, Sequence.T2F}),
    ("WT", "TC", "ET"),
    "glioscope.segmentation.subtraction:Subtraction",
)
_FLAIR_THRESHOLD = Entry(
    "flair-threshold",
    "hyperintense FLAIR, whole tumour only; no training",
    frozenset({Sequence.T2F}),
    ("WT",),
    "glioscope.segmentation.flair_threshold:FlairThreshold",
)


_OF_KIND = {
    "network": "glioscope.segmentation.bundle_segmenter:BundleSegmenter",
    "ensemble": "glioscope.segmentation.ensemble_segmenter:EnsembleSegmenter",
    "cascade": "glioscope.segmentation.cascade_segmenter:CascadeSegmenter",
    "external": "glioscope.segmentation.external_segmenter:ExternalSegmenter",
}
"""Kind of a bundle -> the Segmenter that is called with the bundle and `device=`."""


def list_segmenters() -> list[Entry]:
    """All segmenters, the preferred ones first: the models that ship, `subtraction`, `flair-threshold`, those of other
    packages, and the user's bundles, each by name.
    """
    shipped = sorted(
        (replace(_entry_of(folder), automatic=folder.name == UNASKED) for folder in shipped_bundles()),
        key=lambda entry: not entry.automatic,
    )
    others: list[Entry] = [point.load() for point in entry_points(group=GROUP)]
    own = [_entry_of(folder) for folder in list_bundles()]
    return [*shipped, _SUBTRACTION, _FLAIR_THRESHOLD, *sorted(others, key=lambda entry: entry.name), *own]


def find_entry(name: str) -> Entry:
    """The entry of the segmenter called `name`, of the bundle of that name in the user's folder, or of the one at that path.

    Raises:
        InvalidImage: there is none of that name; the sentence lists those there are.
    """
    known = list_segmenters()
    entry = next((entry for entry in known if entry.name == name), None)
    folder = find_bundle(name) if entry is None else None
    if folder is not None:
        return _entry_of(folder, name)
    if entry is None:
        raise InvalidImage(
            f"There is no segmenter '{name}'; known are {', '.join(e.name for e in known)}, and the folder of any bundle."
        )
    return entry


def get_segmenter(name: str, device: str = "cpu", effort: str = "standard") -> Segmenter:
    """The segmenter called `name`, or that of the bundle called so or lying there, ready to run on `device`.

    Args:
        name: Of a segmenter or bundle, or a bundle's folder.
        device: Where it runs.
        effort: `fast`, `standard` or `best`, for a segmenter that knows it.

    Raises:
        InvalidImage: there is none of that name, and the sentence lists those there are; or it does not know the effort.
        InputUnreadable: it is a bundle that is damaged; the sentence names the file or key.
        EngineMissing: what it is built on is not installed.
    """
    entry = find_entry(name)
    if entry.folder is not None:
        return open_segmenter(entry.folder, device, effort=effort)
    segmenter: Segmenter = _class_at(entry.path, name)(device=device, **_effort(entry.path, name, effort))
    return segmenter


def open_segmenter(folder: Path, device: str = "cpu", *, verify: bool = True, effort: str = "standard") -> Segmenter:
    """The segmenter of the bundle in `folder`; raises as get_segmenter. No network is loaded yet."""
    bundle = read_bundle(folder, verify=verify)
    path = _OF_KIND[bundle.kind]
    segmenter: Segmenter = _class_at(path, bundle.name)(bundle, device=device, **_effort(path, bundle.name, effort))
    return segmenter


def _effort(path: str, name: str, effort: str) -> dict[str, str]:
    """The argument that tells the class at `path` of an effort other than its usual one."""
    if effort == "standard":
        return {}
    if effort not in _class_at(path, name).efforts:
        raise InvalidImage(f"Segmenter '{name}' has one way of working; leave out --{effort}.")
    return {"effort": effort}


def _class_at(path: str, name: str) -> Any:  # noqa: ANN401
    module, _, attribute = path.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise EngineMissing(f"Segmenter '{name}' needs the Python package '{error.name}'; install it with pip.") from error


def _entry_of(folder: Path, name: str | None = None) -> Entry:
    """The entry of a bundle; one that cannot be used is listed with the reason."""
    name = name or folder.name
    try:
        segmenter = open_segmenter(folder, verify=False)
    except GlioscopeError as error:
        return Entry(
            name, f"cannot be used: {error}", frozenset(), (), "", automatic=False, trained=True, folder=folder, usable=False
        )
    path = f"{type(segmenter).__module__}:{type(segmenter).__name__}"
    return Entry(
        name,
        segmenter.title,
        segmenter.needs,
        segmenter.regions,
        path,
        automatic=False,
        trained=True,
        folder=folder,
        uses=segmenter.uses,
        needs_earlier=segmenter.needs_earlier,
    )


def choose_segmenter(sequences: Iterable[Sequence]) -> str:
    """Name of the best segmenter for an exam that has `sequences`; raises MissingSequence where none can work."""
    have = frozenset(sequences)
    for entry in list_segmenters():
        if entry.automatic and entry.able(have):
            return entry.name
    raise MissingSequence(
        f"No segmenter can work with {_named(have) or 'no sequence at all'} alone; "
        "add the FLAIR, which is enough for the whole tumour."
    )


def missing_sequence(
    name: str, needs: frozenset[Sequence], sequences: Iterable[Sequence], uses: frozenset[Sequence] = frozenset()
) -> MissingSequence | None:
    """The error that says which of `needs` or that all of `uses` are not there, and what could work instead; or None."""
    have = frozenset(sequences)
    if needs <= have and (not uses or (needs | uses) & have):
        return None
    able = [entry.name for entry in list_segmenters() if entry.usable and entry.able(have) and entry.name != name]
    remedy = (
        f"with what is there, {' or '.join(able)} could work" if able else "no other segmenter could work with what is there"
    )
    lacking = _named(needs - have) if needs - have else f"one of {_named(uses)}"
    return MissingSequence(f"Segmenter '{name}' needs {lacking}, which the exam lacks; {remedy}.")


def _named(sequences: frozenset[Sequence]) -> str:
    *first, last = [s.display_name for s in Sequence if s in sequences] or [""]
    return f"{', '.join(first)} and {last}" if first else last
