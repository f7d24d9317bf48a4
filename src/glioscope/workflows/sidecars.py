"""The JSON files beside the images: where each came from, in which space it is, what was done."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glioscope.core import Prepared, Sequence
from glioscope.core.files import read_json, write_json

if TYPE_CHECKING:
    from glioscope.workflows.preprocess_exam import PreprocessOptions

__all__ = ["write_sidecars"]

ACQUISITION = (
    "Manufacturer",
    "ManufacturersModelName",
    "MagneticFieldStrength",
    "MRAcquisitionType",
    "SliceThickness",
    "SpacingBetweenSlices",
    "EchoTime",
    "RepetitionTime",
    "InversionTime",
    "FlipAngle",
)
"""Facts of the acquisition that are carried on; an allow-list, so that nothing about the patient ever is."""


def _acquisition(image: Path) -> dict[str, Any]:
    """What a sidecar beside the source says of the acquisition; nothing where there is none."""
    beside = image.with_name(image.name.removesuffix(".gz").removesuffix(".nii") + ".json")
    try:
        known = read_json(beside)
    except (OSError, ValueError):
        return {}
    return {key: known[key] for key in ACQUISITION if key in known} if isinstance(known, dict) else {}


def _sidecar(image: Path) -> Path:
    return image.with_name(image.name.removesuffix(".nii.gz") + ".json")


def write_sidecars(prepared: Prepared, normalised: Mapping[Sequence, Path], options: PreprocessOptions, folder: Path) -> None:
    """Write a sidecar for every image below `folder`; sources are named by sequence, since file names may name a patient."""
    reference = prepared.exam.reference.value
    came_stripped = prepared.space == "orig"
    spaces = [
        (prepared.images, prepared.space, True, None),
        (prepared.native_images, "orig", came_stripped or options.skull_strip_native, None),
        (normalised, prepared.space, True, options.normalisation),
    ]
    for images, space, stripped, normalisation in spaces:
        for sequence, image in images.items():
            if folder not in image.parents:
                continue
            document: dict[str, Any] = {
                "Description": f"{sequence.display_name} on the grid of {space if space != 'orig' else reference}",
                "Sources": [f"bids:raw:{prepared.exam.name}:{sequence}"],
                "SpatialReference": space if space != "orig" else f"orig ({reference})",
                "SkullStripped": stripped,
                "Defaced": space == "orig" and not came_stripped and options.deface,
                "Interpolation": None if came_stripped else options.interpolation,
                "Normalisation": normalisation,
                **_acquisition(prepared.exam.images[sequence]),
            }
            write_json(_sidecar(image), document)
    masks = [(prepared.brain_mask, prepared.space), (prepared.native_brain_mask, "orig")]
    for mask, space in masks:
        document = {
            "Type": "Brain",
            "Sources": [f"bids:raw:{prepared.exam.name}:{reference}"],
            "SpatialReference": space if space != "orig" else f"orig ({reference})",
        }
        write_json(_sidecar(mask), document)
