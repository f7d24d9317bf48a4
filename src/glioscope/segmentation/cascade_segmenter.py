"""A cascade of networks: the whole tumour, the core in its box, the enhancing tumour in the core's box."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from glioscope.bundles import Bundle
from glioscope.bundles.placing import working_grid
from glioscope.core import InputUnreadable, Sequence, Volume, get_scheme, resample, resample_labels, resample_mask
from glioscope.core.boxes import box_of
from glioscope.normalisation import NORMALISATIONS
from glioscope.segmentation.nested_regions import clean_core, clean_nested, clean_whole
from glioscope.segmentation.segmenter import Segmentation, Segmenter

__all__ = ["CascadeSegmenter"]

Image = NDArray[np.float32]

VIEWS: Mapping[str, tuple[int, int, int]] = {"axial": (0, 1, 2), "sagittal": (1, 2, 0), "coronal": (0, 2, 1)}
"""View -> the axes of a volume (left-right, front-back, head-foot), the slices last."""
REGIONS = ("WT", "TC", "ET")
STAGE = ("region", "halvings", "views")


class CascadeSegmenter(Segmenter):
    """Anisotropic networks, one a region and view; the views of a region are averaged.

    Every image is normalised over its brain voxels; what is not brain, and the slices and margins that a network needs beyond
    the volume or the box, is noise of mean 0 and deviation 1, always the same. A stage that finds nothing hands its own box on.

    Args:
        bundle: Of kind `cascade`, as `import_cascade` writes it: `stages` lists, for WT, TC and ET in this order, `halvings`
            and `views`, each with its `file` and the least size of a slice (`least`) that the network is given.
        device: `cpu`, `cuda` or `cuda:N`.

    Raises:
        InputUnreadable: `stages` is wrong; the sentence names the bundle and the stage.
        InvalidImage: it does not run on the device.

    Source:
        Wang et al., BrainLes 2017, section 2.1 and figure 1, with the clean-up of the published program.
    """

    devices: ClassVar[tuple[str, ...]] = ("cuda", "cpu")
    regions = REGIONS

    def __init__(self, bundle: Bundle, device: str = "cpu") -> None:
        document = bundle.document
        self.bundle, self.name, self.title = bundle, bundle.name, str(document["title"])
        self.description = str(document.get("description") or document["title"])
        self.source, self.licence = str(document["source"]), str(document["licence"])
        self.stages = _stages(bundle)
        self.channels = [Sequence(channel.name) for channel in bundle.inputs.channels]
        self.needs = frozenset(self.channels)
        self.scheme = get_scheme(str(document["target"]["scheme"]))
        self.space, self.orientation = document["grid"]["space"], document["grid"]["orientation"]
        self.margin_mm = float(document["inference"]["margin_mm"])
        super().__init__(device)

    @property
    def identity(self) -> str:  # type: ignore[override]
        """The bundle's checksum."""
        return self.bundle.checksum

    def _run(self, images: Mapping[Sequence, Volume], brain: Volume, earlier: Mapping[str, Volume]) -> Segmentation:
        grid = working_grid(brain.grid, self.bundle.document["grid"]["spacing"])
        if grid is None:
            return self._segmented(images, brain)
        found = self._segmented({s: resample(volume, grid) for s, volume in images.items()}, resample_mask(brain, grid))
        labels = resample_labels(found.labels, brain.grid, self.scheme)
        back = {r: resample(volume, brain.grid) for r, volume in found.probabilities.items()}
        return Segmentation(labels, {r: v.with_data(np.clip(v.data, 0, 1)) for r, v in back.items()}, found.facts)

    def _segmented(self, images: Mapping[Sequence, Volume], brain: Volume) -> Segmentation:
        """As `_run`, on a grid of the spacing that the networks learnt on."""
        inside = np.asarray(brain.data) > 0
        noise = np.random.default_rng(int(self.bundle.document["inference"]["seed"]))
        channels = np.stack([self._normalised(images[sequence], inside, noise) for sequence in self.channels])
        margin = round(float(self.margin_mm or 0) / float(brain.grid.spacing.min()))
        box: tuple[slice, ...] = (slice(None),) * 3
        probabilities, boxes = [], []
        for stage, clean in zip(self.stages, (clean_whole, clean_core, None), strict=True):
            found = np.zeros(inside.shape, np.float32)
            found[box] = self._stage(stage, channels[(slice(None), *box)], noise)
            found *= inside
            probabilities.append(found)
            boxes.append([[int(s.indices(n)[0]), int(s.indices(n)[1])] for s, n in zip(box, inside.shape, strict=True)])
            if clean and (kept := clean(found > 0.5)).any():
                box = box_of(kept, (margin,) * 3)
        masks = clean_nested(*[found > 0.5 for found in probabilities])
        labels = np.zeros(inside.shape, np.uint8)
        for mask, label in zip(masks, ("ED", "NCR", "ET"), strict=True):
            labels[mask] = self.scheme.value_of(label)
        # What the clean-up decided stands on the right side of one half.
        graded = [np.where(m, np.maximum(p, 0.51), np.minimum(p, 0.49)) for m, p in zip(masks, probabilities, strict=True)]
        return Segmentation(
            brain.with_data(labels),
            {region: brain.with_data(p.astype(np.float32)) for region, p in zip(REGIONS, graded, strict=True)},
            {"bundle": self.bundle.checksum, "device": self.device, "boxes": dict(zip(REGIONS, boxes, strict=True))},
        )

    def _normalised(self, volume: Volume, inside: NDArray[np.bool_], noise: np.random.Generator) -> Image:
        seen = inside & (np.asarray(volume.data) != 0)
        name = self.bundle.inputs.normalisation[str(self.channels[0])]
        out = np.array(NORMALISATIONS[name](volume, volume.with_data(seen)).data, np.float32)
        out[~seen] = noise.standard_normal(int((~seen).sum()), np.float32)
        return out

    def _stage(self, stage: Mapping[str, Any], channels: Image, noise: np.random.Generator) -> Image:
        """Mean probability of the views, of the size of `channels` without its first axis."""
        views = stage["views"].items()
        return np.asarray(np.mean([self._view(stage, view, told, channels, noise) for view, told in views], axis=0), np.float32)

    def _view(
        self, stage: Mapping[str, Any], view: str, told: Mapping[str, Any], channels: Image, noise: np.random.Generator
    ) -> Image:
        import torch

        from glioscope.networks.anisotropic import REACH

        network = self._network(stage, str(told["file"]))
        order = VIEWS[view]
        image = channels.transpose(0, *(axis + 1 for axis in order))
        size = image.shape[1:3]
        wide = [max(-(-n // d) * d, least) for n, d, least in zip(size, network.divisor, told["least"], strict=False)]
        starts = [w // 2 - n // 2 for w, n in zip(wide, size, strict=True)]
        place = (*(slice(s, s + n) for s, n in zip(starts, size, strict=True)), slice(REACH, REACH + image.shape[3]))
        padded = noise.standard_normal((image.shape[0], *wide, image.shape[3] + 2 * REACH), np.float32)
        padded[(slice(None), *place)] = image
        with torch.inference_mode():
            batch = torch.from_numpy(padded)[None].to(self.device)
            logits = network(batch)[0].float()
            probability = torch.softmax(logits, 0)[1].cpu().numpy()[place]
        return np.asarray(probability.transpose(np.argsort(order)))

    def _network(self, stage: Mapping[str, Any], file: str) -> Any:  # noqa: ANN401
        from torch import channels_last_3d

        from glioscope.bundles.weights import load_weights
        from glioscope.networks.registry import build_network

        told = self.bundle.document["network"]
        parameters = {**(told.get("parameters") or {}), "halvings": stage["halvings"]}
        network = build_network(str(told["name"]), len(self.channels), 2, parameters)
        load_weights(network, self.bundle.folder / file)
        # Neighbouring channels in memory make the convolutions between slices several times faster on a CPU.
        return network.to(self.device).to(memory_format=channels_last_3d).eval()  # type: ignore[call-overload]


def _stages(bundle: Bundle) -> list[Mapping[str, Any]]:
    """The three stages; raises InputUnreadable where one is not there or lacks something."""

    def wrong(what: str) -> InputUnreadable:
        return InputUnreadable(f"The cascade '{bundle.name}' cannot be used: {what}.")

    for part, keys in (
        ("inputs", ()),
        ("target", ("scheme",)),
        ("grid", ("space", "spacing", "orientation")),
        ("network", ("name",)),
    ):
        told = bundle.document.get(part)
        if not isinstance(told, Mapping) or any(key not in told for key in keys):
            raise wrong(f"'{part}' is missing or lacks {' or '.join(keys) or 'its keys'}")
    inference = bundle.document.get("inference")
    if not isinstance(inference, Mapping) or not {"margin_mm", "seed"} <= set(inference):
        raise wrong("'inference' does not give 'margin_mm' and 'seed'")
    stages = bundle.document.get("stages")
    if not isinstance(stages, list) or not all(isinstance(stage, Mapping) for stage in stages):
        raise wrong("it has no list 'stages'")
    if [stage.get("region") for stage in stages] != list(REGIONS):
        raise wrong(f"its stages are not {', '.join(REGIONS)}")
    files = {file.name for file in bundle.files}
    for stage in stages:
        for key in STAGE:
            if not stage.get(key):
                raise wrong(f"stage {stage['region']} lacks '{key}'")
        for view, told in stage["views"].items():
            if view not in VIEWS:
                raise wrong(f"stage {stage['region']} has the view '{view}'; known are {', '.join(VIEWS)}")
            if not isinstance(told, Mapping) or told.get("file") not in files or len(told.get("least") or ()) != 2:
                raise wrong(f"view {view} of stage {stage['region']} does not name a member's 'file' and two numbers 'least'")
    return stages
