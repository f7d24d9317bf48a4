"""A segmenter made of trained networks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from glioscope.bundles import Bundle, Measured, build_channels, measured_with
from glioscope.bundles.placing import working_grid
from glioscope.core import EngineMissing, Grid, Sequence, Volume, get_scheme, region_mask, resample, resample_mask
from glioscope.inference import WindowSettings, predict
from glioscope.inference.model_store import ModelStore
from glioscope.segmentation.answer import Answer, answer_of_labels, answer_of_regions, chain_of
from glioscope.segmentation.dismissal import dismissed_parts
from glioscope.segmentation.flair_threshold import UNDECIDED
from glioscope.segmentation.segmenter import Segmentation, Segmenter
from glioscope.segmentation.unenhanced import unenhanced

__all__ = ["BundleSegmenter"]


AS_IT_IS = "view0"
VIEWS: Mapping[str, tuple[int, ...]] = {AS_IT_IS: (), "view1": (0,), "view2": (1,), "view3": (2,)}
"""Name -> axes along which the image is flipped."""


class BundleSegmenter(Segmenter):
    """The networks of a bundle of kind `network`, over the brain; the members' probabilities are averaged.

    Args:
        bundle: As `read_bundle` gives it.
        device: `cpu`, `cuda` or `cuda:N`.
        backend: `auto`, `torch` or `openvino`.
        precision: `auto`, `fp32`, `bf16`, `int8` or `float` (any but int8).
        effort: `fast`: one window over the brain where it fits, no flips. `standard`: as the bundle says. `best`: the mean of
            four views, as it is and flipped along each axis, in windows that overlap by half; each view's own label map is
            given too.
        store: Where converted networks and choices are kept; in the user's data folder where None.

    Raises:
        InputUnreadable: the bundle's post-processing is wrong.
        InvalidImage: it does not run on the device.
    """

    devices: ClassVar[tuple[str, ...]] = ("cuda", "cpu")
    efforts: ClassVar[tuple[str, ...]] = ("standard", "fast", "best")
    margin_mm = 0.0

    def __init__(
        self,
        bundle: Bundle,
        device: str = "cpu",
        backend: str = "auto",
        precision: str = "auto",
        store: ModelStore | None = None,
        effort: str = "standard",
    ) -> None:
        document = bundle.document
        self.effort, self.views = effort, tuple(VIEWS) if effort == "best" else ()
        self.bundle, self.backend, self.precision, self.store = bundle, backend, precision, store or ModelStore()
        self.name, self.title = bundle.name, str(document["title"])
        self.description = str(document.get("description") or document["title"])
        self.source, self.licence = str(document["source"]), str(document["licence"])
        needed, optional = bundle.inputs.needed, bundle.inputs.sources - bundle.inputs.needed
        self.needs, self.uses = (frozenset(s for s in Sequence if s in sources) for sources in (needed, optional))
        self.needs_earlier, self.uses_earlier = needed - frozenset(Sequence), optional - frozenset(Sequence)
        self.scheme, self.regions = get_scheme(str(document["target"]["scheme"])), bundle.regions
        self.space, self.orientation = document["grid"]["space"], document["grid"]["orientation"]
        self.chain = chain_of(bundle)
        self.believes_flair = any(c.finder and c.finder[0] == "flair-threshold" for c in bundle.inputs.channels)
        self.subtracts = any(set(c.sources) == {"t1c", "t1n"} for c in bundle.inputs.channels)
        self.card = {key: document[key] for key in ("inputs", "grid", "network", "training", "published") if document.get(key)}
        self.card = {**self.card, "members": len(bundle.files), "checksum": bundle.checksum}
        if card := bundle.model_card:
            self.card["model_card"] = card
        if figures := bundle.figures:
            self.card["figures"] = [str(file) for file in figures]
        super().__init__(device)

    def warm_up(self) -> None:
        """PyTorch and OpenVINO; what is not installed, `segment` says."""
        from glioscope.inference.openvino_quietly import openvino

        with suppress(ImportError, EngineMissing):
            import torch  # noqa: F401

            openvino()

    def regions_from(self, sequences: Iterable[str]) -> tuple[str, ...]:
        """All but those that the bundle does not tell where an image of `target.needs` is not there."""
        needs, have = self.bundle.document["target"].get("needs") or {}, set(sequences)
        return tuple(region for region in self.regions if have.issuperset(needs.get(region, ())))

    def measured(self, sequences: Iterable[str]) -> Measured | None:
        """What `measured` in the bundle's document says of these sequences."""
        return measured_with(self.bundle.document, sequences)

    @property
    def identity(self) -> str:  # type: ignore[override]
        """The bundle's checksum; another one as soon as an INT8 version of it was accepted on this machine."""
        word = self.bundle.checksum
        if self.precision in ("auto", "int8") and (accepted := accepted_int8(self.bundle, self.store)):
            word = hashlib.sha256(f"{word} {accepted}".encode()).hexdigest()
        return word

    @property
    def settings(self) -> WindowSettings:
        """The window that the bundle and the effort ask for."""
        told = window_settings(self.bundle)
        if self.effort == "fast":
            return replace(told, mirror_axes=(), overlap=min(told.overlap, 0.25), stretch=max(told.stretch, 2.0))
        return replace(told, mirror_axes=(), overlap=max(told.overlap, 0.5)) if self.effort == "best" else told

    def _run(self, images: Mapping[Sequence, Volume], brain: Volume, earlier: Mapping[str, Volume]) -> Segmentation:
        channels, inside, grid = self.seen(images, brain, earlier)
        told, used = self.regions_from({*images, *earlier}), list[str]()
        mean: NDArray[Any] | None = None
        views: dict[str, Volume] = {}
        for number, view in enumerate(self.views or (AS_IT_IS,), start=1):
            maps = self._view(channels, inside, VIEWS[view], used)
            if grid is not None:
                back = [resample(Volume(values.astype(np.float32), grid), brain.grid).data for values in maps]
                maps = np.clip(np.stack(back), 0, 1)
            if self.views:
                views[view] = brain.with_data(self._decide(maps, brain, told, images).labels)
            mean = maps if mean is None else mean + (maps - mean) / number
        assert mean is not None
        found = self._decide(mean, brain, told, images)
        facts = {
            "bundle": self.bundle.checksum,
            "members": len(self.bundle.files),
            "ran_by": sorted(set(used)),
            "device": self.device,
            "effort": self.effort,
            **found.facts,
        }
        regions = {region: brain.with_data(values) for region, values in found.regions.items()}
        return Segmentation(brain.with_data(found.labels), regions, facts, views)

    def _view(
        self, channels: NDArray[np.float32], inside: NDArray[np.bool_], axes: tuple[int, ...], used: list[str]
    ) -> NDArray[Any]:
        """Probabilities (K, X, Y, Z) of the image flipped along `axes`, flipped back."""
        image, mask = np.flip(channels, [axis + 1 for axis in axes]), np.flip(inside, axes)
        found = predict(self._forwards(image, mask, used), image, mask, self.settings)
        return np.flip(found, [axis + 1 for axis in axes])

    def seen(
        self, images: Mapping[Sequence, Volume], brain: Volume, earlier: Mapping[str, Volume] = MappingProxyType({})
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], Grid | None]:
        """What the network sees of the brain's box: channels (C, X, Y, Z), brain, their grid where it is another."""
        told, sources = self.bundle.document["grid"], {**{s.value: v for s, v in images.items()}, **earlier}
        grid = working_grid(brain.grid, told["spacing"], told.get("size"))
        if grid is None:
            return self._channels(sources, brain), brain.data, None
        mask = resample_mask(brain, grid)
        moved = {
            s: resample_mask(v.with_data(v.data > 0), grid) if s.endswith("mask") else resample(v, grid)
            for s, v in sources.items()
        }
        return self._channels(moved, mask), mask.data, grid

    def _channels(self, sources: Mapping[str, Volume], brain: Volume) -> NDArray[np.float32]:
        images = {s: volume.data for s, volume in sources.items()}
        return build_channels(images, brain.data, self.bundle.inputs, brain.grid.affine)

    def _forwards(self, channels: NDArray[np.float32], inside: NDArray[np.bool_], used: list[str]) -> Iterator[Any]:
        """Each member's Forward, made when the one before is done with; the name of its variant goes to `used`."""
        import torch

        from glioscope.inference.backend import make_forward
        from glioscope.inference.predict import central_window, window_for

        example = torch.from_numpy(central_window(channels, inside, self.settings))[None]
        for member, key in enumerate(self.bundle.member_keys):
            forward = make_forward(
                lambda member=member: self.bundle.network(member),  # type: ignore[misc]
                self.device,
                self.backend,
                self.precision,
                example,
                key=key,
                family=self.bundle.checksum,
                activation=self.settings.activation,
                store=self.store,
                window=window_for(inside, self.settings),
            )
            used.append(forward.variant.name)
            yield forward
            del forward

    def _decide(self, maps: NDArray[Any], brain: Volume, told: tuple[str, ...], images: Mapping[Sequence, Volume]) -> Answer:
        """Who is given what `flair-threshold` believes keeps nothing that it would not; who knows cavities and what contrast
        adds keeps nothing as enhancing that contrast has not made brighter.
        """
        target, voxel = self.bundle.document["target"], brain.grid.voxel_volume
        if target["kind"] == "labels":
            answer = answer_of_labels(maps, list(target["names"]), self.regions, self.scheme, self.chain, voxel)
        else:
            kept = {name: values for name, values in zip(target["names"], maps, strict=True) if name in told}
            facts: dict[str, Any] = {}
            if {"RC", "TC", "ET"} <= kept.keys() and self.subtracts and {Sequence.T1N, Sequence.T1C} <= images.keys():
                t1n, t1c = images[Sequence.T1N].data, images[Sequence.T1C].data
                found = np.maximum(kept.get("WT", kept["TC"]), kept["RC"]) >= 0.5
                same = unenhanced(kept["ET"] >= 0.5, found, t1n, t1c, brain.data)
                kept |= _doubted({name: kept[name] for name in ("TC", "ET")}, same)
                facts["unenhanced_ml"] = round(float(same.sum()) * voxel / 1000, 3)
            answer = answer_of_regions(kept, self.scheme, self.chain, voxel)
            answer = replace(answer, facts={**answer.facts, **facts})
        if not self.believes_flair or Sequence.T2F not in images:
            return answer
        flair = images[Sequence.T2F]
        found, enhancing = (region_mask(answer.labels, self.scheme, region) for region in ("WT", "ET"))
        gone = dismissed_parts(found, enhancing, flair.data, brain.data, brain.grid.spacing)
        facts = {**answer.facts, "dismissed_ml": round(float(gone.sum()) * voxel / 1000, 3)}
        return replace(
            answer, labels=np.where(gone, np.uint8(0), answer.labels), regions=_doubted(answer.regions, gone), facts=facts
        )


def _doubted(regions: Mapping[str, NDArray[Any]], where: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """Probabilities of regions, undecided at most in some voxels."""
    return {region: np.where(where, np.minimum(values, UNDECIDED), values) for region, values in regions.items()}


def window_settings(bundle: Bundle) -> WindowSettings:
    """The sliding window of a bundle; raises InvalidImage where its `inference` is wrong."""
    told = bundle.document["inference"]
    mirror = told.get("mirror", True)
    axes = ((0, 1, 2) if mirror else ()) if isinstance(mirror, bool) else tuple(int(axis) for axis in mirror)
    x, y, z = (int(side) for side in told["patch"])
    return WindowSettings(
        (x, y, z),
        float(told.get("overlap", 0.5)),
        axes,
        "softmax" if bundle.document["target"]["kind"] == "labels" else "sigmoid",
        int(told.get("batch", 1)),
        stretch=float(told.get("stretch", 1.0)),
        share_flips=bool(told.get("share_flips", False)),
    )


def accepted_int8(bundle: Bundle, store: ModelStore) -> str:
    """A word for the INT8 versions of the bundle's networks accepted on this machine; empty where not all have one."""
    settings = window_settings(bundle)
    files = [store.model(key, (1, len(bundle.inputs.channels), *settings.window), "int8") for key in bundle.member_keys]
    return " ".join(file.parent.name for file in files) if all(file.is_file() for file in files) else ""
