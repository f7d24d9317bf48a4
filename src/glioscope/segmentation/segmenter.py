"""What a segmenter is: a declaration of what it needs and gives, and one method."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import numpy as np

from glioscope.bundles import Measured
from glioscope.bundles.channels import named
from glioscope.core import Grid, InvalidImage, MissingSequence, Scheme, Sequence, Volume
from glioscope.core.boxes import box_of

__all__ = ["Segmentation", "Segmenter"]


@dataclass(frozen=True, eq=False)
class Segmentation:
    """What a segmenter found.

    Attributes:
        labels: uint8 label map in the segmenter's scheme, on the grid of the images.
        probabilities: Region name -> float32 volume in [0, 1] on the same grid; empty for a segmenter that gives labels only.
        facts: JSON-ready account of what was decided (thresholds, volumes, what was set aside).
        views: Name of a view -> the label map that it alone would give, for a segmenter that looks several times.
    """

    labels: Volume
    probabilities: Mapping[str, Volume] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    views: Mapping[str, Volume] = field(default_factory=dict)


class Segmenter(ABC):
    """Anything that turns an exam into a label map: a classical algorithm, a trained bundle, an external program.

    A class whose declaration never changes sets the attributes on the class; one that reads it from a file (a bundle) sets
    them on the instance. Subclasses write `_run`, which may count on checked images in the orientation it asked for.

    Attributes:
        name: What it is called on the command line.
        title: One line for lists.
        description: What it does and where it fails, for people.
        source: Citation.
        licence: SPDX expression of the algorithm and its weights.
        needs: Sequences without which it cannot work.
        uses: Further sequences that it takes into account when they are there.
        needs_earlier: What it needs of the patient's earlier exam: `pre-t1n`, `pre-t1c`, `pre-t2w`, `pre-t2f`, `pre-mask`.
        uses_earlier: What it takes into account of that exam when it is there.
        scheme: Numbering of its label map.
        regions: Names of the scheme's regions that it can find; a region that is not listed is unknown, not absent.
        space: `atlas` where it needs the atlas grid, `native` where it needs the native one, `any` where it does not matter.
        orientation: Axis order and direction of the arrays that `_run` sees, such as `RAS`; None leaves them as they come.
        margin_mm: `_run` sees the brain's box with this margin; None leaves the volumes whole.
        outputs: Whether it gives `probabilities` besides labels, or `labels` alone.
        devices: What it can run on, fastest first; `device` is the one chosen.
        efforts: Of `fast`, `standard` and `best` those that it knows.
        views: Names of the views in whose label maps the answer is given besides; their discord shows what to distrust.
        identity: Changes whenever the same exam may be answered otherwise (the checksum of a bundle); empty for an algorithm,
            whose answer changes with the version of its package alone.
        card: What else there is to tell of it, JSON-ready: how it was trained, published results.
    """

    name: str
    title: str
    description: str
    source: str
    licence: str = "Apache-2.0"
    needs: frozenset[Sequence]
    uses: frozenset[Sequence] = frozenset()
    needs_earlier: frozenset[str] = frozenset()
    uses_earlier: frozenset[str] = frozenset()
    scheme: Scheme
    regions: tuple[str, ...]
    space: Literal["atlas", "native", "any"] = "atlas"
    orientation: str | None = "RAS"
    margin_mm: float | None = 5.0
    outputs: Literal["probabilities", "labels"] = "probabilities"
    devices: ClassVar[tuple[str, ...]] = ("cpu",)
    efforts: ClassVar[tuple[str, ...]] = ("standard",)
    views: tuple[str, ...] = ()
    identity: str = ""
    card: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, device: str = "cpu") -> None:
        if device.partition(":")[0] not in self.devices:
            raise InvalidImage(f"Segmenter '{self.name}' runs on {' or '.join(self.devices)}, not on '{device}'.")
        self.device = device

    def missing(self, sequences: Iterable[Sequence]) -> MissingSequence | None:
        """The error to raise for an exam that has only `sequences`, or None where it has all that is needed."""
        from glioscope.segmentation.registry import missing_sequence

        return missing_sequence(self.name, self.needs, sequences, self.uses)

    def warm_up(self) -> None:  # noqa: B027  (most have nothing to do)
        """Import what it is built on, for whoever has something else to do meanwhile; `segment` needs no such call."""

    def regions_from(self, sequences: Iterable[str]) -> tuple[str, ...]:
        """Those of `regions` that it can find in an exam that has only `sequences`."""
        return self.regions

    def measured(self, sequences: Iterable[str]) -> Measured | None:
        """How well it did on exams that have only `sequences`, where that is known."""
        return None

    def missing_earlier(self, sources: Iterable[str], exam: str | None = None) -> MissingSequence | None:
        """The error to raise where only `sources` are known of an earlier exam, called `exam` if there is one; or None."""
        lacking = self.needs_earlier - set(sources)
        if not lacking:
            return None
        remedy = f", which '{exam}' lacks" if exam else "; give that exam with --earlier, or in a manifest's column 'earlier'"
        what = " and ".join(named([source]).removesuffix(" of the earlier exam") for source in sorted(lacking, reverse=True))
        return MissingSequence(f"Segmenter '{self.name}' needs {what} of an earlier exam{remedy}.")

    def segment(
        self, images: Mapping[Sequence, Volume], brain: Volume, earlier: Mapping[str, Volume] = MappingProxyType({})
    ) -> Segmentation:
        """Segment one exam.

        Args:
            images: Skull-stripped images of any intensity scale and number type, all on one grid of any orientation.
            brain: Brain mask on that grid.
            earlier: Images and tumour mask (not 0 inside) of the patient's earlier exam, on that grid too, as `pre-t1c`,
                `pre-mask` …; what is not asked for is not looked at.

        Returns:
            Labels and probabilities on the grid of the images; all background where the brain mask is empty.

        Raises:
            MissingSequence: a sequence in `needs` is not there, and the sentence names what could work instead; or something
                in `needs_earlier` is not.
            InvalidImage: the images do not share a grid.
        """
        self.check(images, brain, earlier)
        before = {s: v for s, v in earlier.items() if s in self.needs_earlier | self.uses_earlier}
        used = {s: v for s, v in images.items() if s in self.needs | self.uses}
        if not brain.data.any():
            return Segmentation(
                brain.with_data(np.zeros(brain.grid.shape, np.uint8)),
                {r: brain.with_data(np.zeros(brain.grid.shape, np.float32)) for r in self._graded(images)},
                {"remark": "the brain mask is empty"},
                {view: brain.with_data(np.zeros(brain.grid.shape, np.uint8)) for view in self.views},
            )
        mask = self._turned(brain.with_data(brain.data > 0))
        box = self._box(mask)
        found = self._run(
            {s: _part(self._turned(v), box) for s, v in used.items()},
            _part(mask, box),
            {s: _part(self._turned(v), box) for s, v in before.items()},
        )

        def back(volume: Volume) -> Volume:
            whole = np.zeros(mask.grid.shape, volume.data.dtype)
            whole[box] = volume.data
            turned_back = (
                mask.with_data(whole).reoriented(brain.grid.orientation) if self.orientation else mask.with_data(whole)
            )
            return Volume(np.ascontiguousarray(turned_back.data), brain.grid)

        probabilities, views = ({n: back(v) for n, v in maps.items()} for maps in (found.probabilities, found.views))
        return Segmentation(back(found.labels), probabilities, found.facts, views)

    def check(
        self, images: Mapping[Sequence, Volume], brain: Volume, earlier: Mapping[str, Volume] = MappingProxyType({})
    ) -> None:
        """Raise MissingSequence or InvalidImage where `segment` cannot work with this input."""
        error = self.missing(images) or self.missing_earlier(earlier)
        if error:
            raise error
        for source, volume in {**{s.value: v for s, v in images.items()}, **earlier}.items():
            if not volume.grid.same_as(brain.grid):
                what = named([source]).removeprefix("the ")
                raise InvalidImage(f"The {what} and the brain mask lie on different grids; pre-process the exam first.")

    def _graded(self, sequences: Iterable[str]) -> tuple[str, ...]:
        return self.regions_from(sequences) if self.outputs == "probabilities" else ()

    def _turned(self, volume: Volume) -> Volume:
        return volume.reoriented(self.orientation) if self.orientation else volume

    def _box(self, mask: Volume) -> tuple[slice, ...]:
        if self.margin_mm is None:
            return (slice(None),) * 3
        margin = np.ceil(self.margin_mm / mask.grid.spacing).astype(int)
        return box_of(mask.data, margin.tolist())

    @abstractmethod
    def _run(self, images: Mapping[Sequence, Volume], brain: Volume, earlier: Mapping[str, Volume]) -> Segmentation:
        """Segment checked images; results on the grid of `brain`, which is not empty."""


def _part(volume: Volume, box: tuple[slice, ...]) -> Volume:
    affine = volume.grid.affine.copy()
    affine[:3, 3] = volume.grid.to_world([s.start or 0 for s in box])
    data = np.ascontiguousarray(volume.data[box])
    return Volume(data, Grid((data.shape[0], data.shape[1], data.shape[2]), affine))
