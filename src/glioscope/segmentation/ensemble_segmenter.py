"""Several segmenters as one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from glioscope.bundles import Bundle, bundles_folder
from glioscope.core import InputUnreadable, Sequence, Volume
from glioscope.fusion import fuse_labels, fuse_probabilities
from glioscope.segmentation.answer import Answer, answer_of_regions, chain_of
from glioscope.segmentation.segmenter import Segmentation, Segmenter

__all__ = ["EnsembleSegmenter"]


class EnsembleSegmenter(Segmenter):
    """The members of a bundle of kind `ensemble`, one after the other, and what they agree on.

    `mean` and `weighted` average the region probabilities (one weight a member and region; equal ones for a region without)
    and `staple` fuses the label maps by regions; the probabilities it gives are STAPLE's.

    Args:
        bundle: As `read_bundle` gives it. A member is a folder relative to it, an absolute one, or a name in the user's folder.
        device: Where all members run.

    Raises:
        InputUnreadable: a member cannot be used, was changed, or does not go with the others.
    """

    devices: ClassVar[tuple[str, ...]] = ("cuda", "cpu")
    margin_mm = None
    orientation = None

    def __init__(self, bundle: Bundle, device: str = "cpu") -> None:
        document = bundle.document
        self.bundle = bundle
        self.name, self.title = bundle.name, str(document["title"])
        self.description = str(document.get("description") or document["title"])
        self.source, self.licence = str(document["source"]), str(document["licence"])
        self.members = [self._member(entry, device) for entry in document["members"]]
        self.needs = frozenset[Sequence]().union(*(member.needs for member in self.members))
        self.uses = frozenset[Sequence]().union(*(member.uses for member in self.members)) - self.needs
        self.needs_earlier = frozenset[str]().union(*(member.needs_earlier for member in self.members))
        self.uses_earlier = frozenset[str]().union(*(member.uses_earlier for member in self.members)) - self.needs_earlier
        self.scheme = self.members[0].scheme
        self.regions = tuple(r for r in self.members[0].regions if all(r in member.regions for member in self.members))
        spaces = {member.space for member in self.members} - {"any"}
        if len({member.scheme.name for member in self.members}) > 1 or len(spaces) > 1 or not self.regions:
            raise InputUnreadable(
                f"The members of ensemble '{bundle.name}' do not go together: they need one label scheme, one space and a "
                "region in common."
            )
        self.space = next(iter(spaces), "any")
        self.method, self.weights = str(document["ensemble"]["method"]), document["ensemble"].get("weights") or {}
        self.chain = chain_of(bundle)
        words = [bundle.checksum, *(member.identity for member in self.members)]
        self.identity = hashlib.sha256(" ".join(words).encode()).hexdigest()
        self.card = {"method": self.method, "members": [member.name for member in self.members]}
        self.card |= {key: document[key] for key in ("training", "published") if document.get(key)}
        self.card |= {"checksum": bundle.checksum}
        super().__init__(device)

    def _member(self, entry: Mapping[str, Any], device: str) -> Segmenter:
        from glioscope.segmentation.registry import open_segmenter

        told = Path(str(entry["bundle"]))
        places = [self.bundle.folder / told, bundles_folder() / told.name]
        folder = next((place for place in places if place.is_dir()), None)
        if folder is None or folder.resolve() == self.bundle.folder.resolve():
            raise InputUnreadable(f"The member '{told}' of ensemble '{self.bundle.name}' is not there; looked at {places[0]}.")
        member = open_segmenter(folder, device)
        checksum = getattr(getattr(member, "bundle", None), "checksum", member.identity)
        if entry.get("sha256") not in (None, checksum):
            raise InputUnreadable(
                f"The member '{told}' of ensemble '{self.bundle.name}' is not the bundle that it was made with."
            )
        return member

    def _run(self, images: Mapping[Sequence, Volume], brain: Volume, earlier: Mapping[str, Volume]) -> Segmentation:
        voxel = brain.grid.voxel_volume
        if self.method == "staple":
            found = self._staple([member.segment(images, brain, earlier).labels.data for member in self.members], voxel)
            facts: list[Mapping[str, Any]] = []
        else:
            total: dict[str, NDArray[np.float32]] = {}
            facts = []
            for number, member in enumerate(self.members):
                segmentation = member.segment(images, brain, earlier)
                facts.append(segmentation.facts)
                for region in self.regions:
                    weights = self.weights.get(region) or [1.0] * len(self.members)
                    share = np.float32(weights[number] / sum(weights))
                    part = share * segmentation.probabilities[region].data
                    total[region] = total[region] + part if region in total else part
            whole = {region: np.clip(values, 0, 1) for region, values in total.items()}
            found = answer_of_regions(fuse_probabilities([whole]), self.scheme, self.chain, voxel)
        told = {"method": self.method, "members": [member.name for member in self.members], "of_members": facts}
        return Segmentation(
            brain.with_data(found.labels), {r: brain.with_data(v) for r, v in found.regions.items()}, {**told, **found.facts}
        )

    def _staple(self, maps: list[NDArray[np.uint8]], voxel: float) -> Answer:
        fused = fuse_labels(maps, self.scheme, "staple", by="regions")
        support = {
            region: fused.votes.paint(fused.decisions[region].support) for region in self.regions if region in fused.decisions
        }
        regions = {region: np.clip(values, 0, 1).astype(np.float32) for region, values in support.items()}
        if self.chain is None:
            return Answer(fused.labels, regions)
        labels, record = self.chain.from_labels(fused.labels, self.scheme, voxel)
        return Answer(labels, regions, {"bundle_postprocessing": record.summary()})
