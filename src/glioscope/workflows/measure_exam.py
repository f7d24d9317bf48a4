"""The measurements of one exam, from files to the document that reports and tables are made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from glioscope.atlas import HOW_TO_GET, LocationVolumes, atlas_volume, parcel_names
from glioscope.core import (
    EngineMissing,
    Grid,
    InputUnreadable,
    Scheme,
    Transform,
    Volume,
    get_scheme,
    read_labels,
    read_probabilities,
    region_mask,
)
from glioscope.core.files import write_json
from glioscope.core.imageio import read_header
from glioscope.measurement import (
    RESECTABILITY_RULE,
    AtlasMaps,
    Measurements,
    Neighbourhood,
    Widening,
    align_atlases,
    label_overlaps,
    locate,
    measure,
    resectability,
    tract_overlaps,
)
from glioscope.workflows.volume_evidence import volume_evidence

__all__ = ["atlas_files", "in_atlas", "location_inputs", "measure_files", "measured_document", "transform_files", "turned"]

ON_ATLAS_DICE = 0.8
"""Brain overlap from which an exam that came on the atlas's grid is taken to lie in the atlas."""

LOCATION = ("lobes", "lobe_names", "lateralisation")
STRUCTURES = ("TC", "WT", "ET", "RT", "GTV")
"""Regions whose overlaps and resectability are told, as far as they are known."""


def atlas_files(name: str) -> dict[str, Path]:
    """The maps of an atlas that tell a location, as far as they are installed."""
    maps = {}
    for key in ("brain_mask", *LOCATION):
        try:
            maps[key] = atlas_volume(name, key)
        except (EngineMissing, InputUnreadable):
            continue
    return maps


def location_inputs(volumes: LocationVolumes | None) -> dict[str, Any]:
    """Files for the arguments `mni`, `tracts`, `cortex`, `cortex_names` and `resection` of `measure_files`."""
    mni = atlas_files("MNI152")
    resection = dict(volumes.resection) if volumes else {}
    for side in () if resection else ("left", "right"):
        try:
            resection[side] = atlas_volume("MNI152", f"resection_{side}")
        except (EngineMissing, InputUnreadable):
            continue
    return {
        "mni": {key: mni[key] for key in ("lobes",) if key in mni},
        "tracts": dict(volumes.tracts) if volumes else {},
        "cortex": {name: pair[0] for name, pair in volumes.cortex.items()} if volumes else {},
        "cortex_names": {name: pair[1] for name, pair in volumes.cortex.items()} if volumes else {},
        "resection": resection,
    }


def transform_files(anat: Path, space: str) -> dict[str, Path]:
    """The argument `transforms` of `measure_files`: an exam's transforms of points to and from the atlas `space`.

    A file is named after the images that it resamples, which is the other way round for points: `from-SRI24_to-orig` takes
    points of the patient to points of the atlas.
    """
    files = {"to_atlas": f"*_from-{space}_to-orig_mode-image_xfm.h5", "from_atlas": f"*_from-orig_to-{space}_mode-image_xfm.h5"}
    found = {key: next(iter(sorted(anat.glob(pattern))), None) for key, pattern in files.items()}
    return {key: path for key, path in found.items() if path is not None} if all(found.values()) else {}


def turned(path: Path, grid: Grid) -> Volume:
    """An atlas map with its axes in the order and directions of `grid`: cases of one atlas come in several orientations."""
    return read_labels(path).reoriented(grid.orientation)


def in_atlas(atlas: Mapping[str, Path], grid: Grid, brain: Volume | None) -> bool:
    """Whether a label map lies on the atlas's grid and, where there is a brain mask, its brain on the atlas's brain."""
    from glioscope.quality import overlap

    if "brain_mask" not in atlas or not (brain is None or brain.grid.same_as(grid)):
        return False
    mask = turned(atlas["brain_mask"], grid)
    if not mask.grid.same_as(grid):
        return False
    return brain is None or (bool(np.any(brain.data)) and overlap(brain, mask) >= ON_ATLAS_DICE)


def measure_files(
    *,
    labels: Path,
    native_labels: Path,
    brain: Path,
    native_brain: Path,
    atlas: Mapping[str, Path],
    segmenter: str,
    scheme: str,
    known: list[str],
    exam: Mapping[str, Any],
    measurements: Path,
    lesions: Path | None = None,
    transforms: Mapping[str, Path] | None = None,
    mni: Mapping[str, Path] | None = None,
    tracts: Mapping[str, Path] | None = None,
    cortex: Mapping[str, Path] | None = None,
    cortex_names: Mapping[str, Path] | None = None,
    resection: Mapping[str, Path] | None = None,
    volumes: str = "",
    probabilities: Mapping[str, Path] | None = None,
    raters: Mapping[str, Path] | None = None,
    widening: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Measure an exam on the native grid and in the atlas; writes `measurements`, and `lesions` as a table.

    Args:
        labels, brain: Label map and brain mask in the atlas; the native ones for an exam that was not brought there.
        native_labels, native_brain: On the native grid.
        atlas: What `atlas_files` gives of the atlas.
        segmenter, scheme, known: Who made the label map, what its numbers mean, which regions can be known.
        exam: What the document begins with; `space` names the atlas, or is `orig`.
        measurements, lesions: Files to write.
        transforms: `to_atlas` and `from_atlas`, ITK transforms of points; none for an exam that was not brought there.
        mni, tracts, cortex, cortex_names, resection: What `location_inputs` gives.
        volumes: Where tracts and cortical regions are from.
        probabilities: `REGION.SEGMENTER` -> probability map; one that is not on the native grid is left out.
        raters: Segmenter -> label map; likewise.
        widening: `factors`, `exams` and `on` of a `Widening`, where the segmenter's intervals were measured.
    """
    from glioscope.reporting import write_lesion_table

    native, native_mask, located, mask = (read_labels(p) for p in (native_labels, native_brain, labels, brain))
    inside = in_atlas(atlas, located.grid, mask)
    wider = Widening(**widening) if widening else None
    found = get_scheme(scheme)
    document = {
        **exam,
        "segmenter": segmenter,
        **measured_document(
            native,
            found,
            known,
            brain=native_mask,
            located=located,
            located_brain=mask if mask.grid.same_as(located.grid) else native_mask,
            atlas=atlas if inside else {},
            atlas_name="SRI24" if exam.get("space", "orig") == "orig" else str(exam["space"]),
            transforms=transforms or {},
            evidence=(segmenter, _on(native.grid, probabilities or {}), _on(native.grid, raters or {}), wider),
            mni=mni or {},
            tracts=tracts or {},
            cortex=cortex or {},
            cortex_names=cortex_names or {},
            resection=resection or {},
            volumes=volumes,
        ),
    }
    write_json(measurements, document)
    if lesions:
        write_lesion_table(lesions, document)
    return {"volumes_ml": {name: region["volume_ml"] for name, region in document["regions"].items()}}


def _on(grid: Grid, maps: Mapping[str, Path]) -> dict[str, Path]:
    return {name: path for name, path in maps.items() if read_header(path).grid.same_as(grid)}


def measured_document(
    native: Volume,
    scheme: Scheme,
    known: list[str],
    *,
    brain: Volume | None,
    located: Volume,
    located_brain: Volume | None,
    atlas: Mapping[str, Path],
    atlas_name: str,
    transforms: Mapping[str, Path],
    evidence: tuple[str, Mapping[str, Path], Mapping[str, Path], Widening | None],
    mni: Mapping[str, Path],
    tracts: Mapping[str, Path],
    cortex: Mapping[str, Path],
    cortex_names: Mapping[str, Path],
    resection: Mapping[str, Path],
    volumes: str,
) -> dict[str, Any]:
    """Everything that is measured, JSON-ready; arguments as in `measure_files`, with volumes in the place of label files.

    Args:
        atlas: Empty where the label map does not lie in an atlas.
        evidence: Arguments of `volume_evidence`: segmenter, probabilities, raters, widening.
    """
    there = _atlas_maps(atlas, atlas_name, transforms, mni)
    measured = measure(
        native,
        scheme,
        brain,
        known,
        evidence=volume_evidence(*evidence, scheme, native.grid),
        neighbourhood=Neighbourhood(native.grid, brain, there),
    )
    maps = (
        {
            "lobes": turned(atlas["lobes"], located.grid),
            "lateralisation": turned(atlas["lateralisation"], located.grid),
            "lobe_names": there.lobe_names,
        }
        if there
        else {}
    )
    location = locate(located, scheme, brain=located_brain, **maps).document()  # type: ignore[arg-type]
    location["regions"] = {name: share for name, share in location["regions"].items() if name in measured.regions}
    location["surroundings_source"] = _surroundings_source(brain, there)
    document = {**measured.document(), "location": location}
    for lesions in document["lesions"].values():
        if foci := document["foci"]:
            _add_gaps(lesions, foci if lesions is document["lesions"][foci["region"]] else None)
    points = _mni_points(native, scheme, measured, there)
    voxel_ml = native.grid.voxel_volume / 1000
    document["structures"] = _structures(points, voxel_ml, tracts, cortex, cortex_names, volumes, there)
    document["resectability"] = _resectability(points, voxel_ml, location, resection, there)
    return document


def _add_gaps(lesions: list[dict[str, Any]], foci: Mapping[str, Any] | None) -> None:
    """Each focus's distance to the largest one; None for the largest, and for lesions that are no foci."""
    gaps = [None, *foci["satellite_distances_mm"]] if foci and lesions else [None] * len(lesions)
    for lesion, gap in zip(lesions, gaps, strict=True):
        lesion["satellite_distance_mm"] = gap


def _surroundings_source(brain: Volume | None, atlas: AtlasMaps | None) -> str:
    depth = "Depth: from the brain mask." if brain is not None else "Depth: not given, as there is no brain mask."
    if atlas is None:
        return f"{depth} Ventricles: not given, as the label map does not lie in an atlas that is installed."
    return f"{depth} Ventricles: those of {atlas.name}, laid over the patient."


def _atlas_maps(
    atlas: Mapping[str, Path], name: str, transforms: Mapping[str, Path], mni: Mapping[str, Path]
) -> AtlasMaps | None:
    from glioscope.preprocessing.transform_files import read_transform

    if not set(LOCATION) <= atlas.keys():
        return None
    lobes = read_labels(atlas["lobes"])
    to_mni, source = None, ""
    if name == "MNI152":
        to_mni, source = Transform.identity(), "The exam lies in MNI152, as the maps do."
    elif "lobes" in mni:
        to_mni, missed = align_atlases(lobes, read_labels(mni["lobes"]))
        source = (
            f"{name} was laid on MNI152 by an affine transform of the centres of lobes, deep structures and ventricles, which "
            f"then miss each other by {missed:.1f} mm (root mean square)."
        )
    identity = Transform.identity()
    return AtlasMaps(
        name,
        lobes,
        {int(value): title for value, title in json.loads(atlas["lobe_names"].read_text()).items()},
        read_labels(atlas["lateralisation"]),
        read_transform(transforms["to_atlas"]) if "to_atlas" in transforms else identity,
        read_transform(transforms["from_atlas"]) if "from_atlas" in transforms else identity,
        to_mni,
        source,
    )


def _mni_points(labels: Volume, scheme: Scheme, measured: Measurements, atlas: AtlasMaps | None) -> dict[str, Any]:
    """Region -> MNI152 points of its voxels; empty where the way there is not known."""
    if atlas is None or atlas.to_mni is None:
        return {}
    points = {}
    for region in (name for name in STRUCTURES if name in measured.regions):
        world = labels.grid.to_world(np.argwhere(region_mask(labels.data, scheme, region)))
        points[region] = atlas.to_mni.apply(atlas.to_atlas.apply(world))
    return points


_NO_WAY = (
    "not given, as the label map does not lie in an atlas that is installed, or MNI152 is not (`glioscope atlases install`)."
)


def _structures(
    points: Mapping[str, Any],
    voxel_ml: float,
    tracts: Mapping[str, Path],
    cortex: Mapping[str, Path],
    names: Mapping[str, Path],
    source: str,
    atlas: AtlasMaps | None,
) -> dict[str, Any]:
    if not (tracts or cortex):
        return {"source": HOW_TO_GET}
    if atlas is None or atlas.to_mni is None:
        return {"source": f"Tracts and cortical regions: {_NO_WAY}"}
    crossed = tract_overlaps(points, voxel_ml, ((name, read_probabilities(path)) for name, path in tracts.items()))
    parcels = {}
    for name, path in cortex.items():
        volume, table = read_labels(path), parcel_names(names[name])
        parcels[name] = {r: [o.document() for o in label_overlaps(p, voxel_ml, volume, table)] for r, p in points.items()}
    return {
        "source": f"Tracts and cortical regions: atlas volumes of {source}. {atlas.mni_source} Masses displace what lies "
        "around them: what a map says of tracts is where they would be.",
        "tracts": {region: [o.document() for o in found] for region, found in crossed.items()},
        "cortex": parcels,
    }


def _resectability(
    points: Mapping[str, Any],
    voxel_ml: float,
    location: Mapping[str, Any],
    resection: Mapping[str, Path],
    atlas: AtlasMaps | None,
) -> dict[str, Any]:
    if not resection or atlas is None or atlas.to_mni is None:
        return {"source": f"Expected residual volume: {_NO_WAY}"}
    maps: dict[str, Volume] = {}
    regions = {}
    for region, where in points.items():
        share = location["regions"][region]
        side = "left" if share["left_percent"] > share["right_percent"] else "right"
        if side in resection and side not in maps and len(where):
            maps[side] = _read_resection(resection[side])
        found = resectability(where, voxel_ml, side, maps)
        if found:
            regions[region] = found.document()
    return {"source": atlas.mni_source, "rule": RESECTABILITY_RULE, "regions": regions}


def _read_resection(path: Path) -> Volume:
    """A map of resection probabilities; where it holds no number there is no record, which reads as 0."""
    import nibabel as nib

    from glioscope.core import read_header

    header = read_header(path)
    data = np.nan_to_num(np.asarray(nib.load(path).dataobj, np.float32).reshape(header.grid.shape))
    return Volume(np.clip(data, 0, 1), header.grid)
