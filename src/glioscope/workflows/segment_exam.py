"""From a pre-processed exam to label maps and probabilities, in the atlas and back on the native grid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from glioscope.bundles import Measured
from glioscope.bundles.placing import read_earlier
from glioscope.core import (
    InvalidImage,
    Ledger,
    Prepared,
    Scheme,
    Sequence,
    Step,
    Transform,
    Volume,
    bids_name,
    convert_labels,
    get_scheme,
    read_header,
    read_labels,
    read_volume,
    resample_fraction,
    resample_labels,
    write_volume,
)
from glioscope.core.files import write_json, write_text
from glioscope.postprocessing import Chain
from glioscope.segmentation import Segmentation, Segmenter, find_entry, get_segmenter

__all__ = ["USUAL_SCHEME", "EarlierFiles", "Segmented", "check_scheme", "scheme_for", "segment_exam", "segment_step"]

LEAST_PROBABILITY = 0.01
"""What is less likely counts as impossible on the native grid."""


@dataclass(frozen=True)
class EarlierFiles:
    """What there is of a patient's earlier exam, in the space of the prepared exam, on any grid.

    Attributes:
        files: Source (`pre-t1c`, `pre-mask` …) -> file.
        mask: Whose the tumour mask is, for people; empty where there is none.
    """

    files: Mapping[str, Path] = field(default_factory=dict)
    mask: str = ""


USUAL_SCHEME = "brats-2023"
"""What label maps are numbered by where nothing else is asked for."""


@dataclass(frozen=True)
class Segmented:
    """Files of one exam's segmentation by one segmenter.

    Attributes:
        segmenter: Its name.
        regions: The regions that it can find in this exam.
        trained: Whether it learnt from labelled exams.
        scheme: Name of the scheme that numbers both label maps.
        labels: Label map on the grid of the prepared images; the same file as `native_labels` for an exam in space `orig`.
        native_labels: Label map on the native grid.
        probabilities: Region -> probability map on the native grid; empty for a segmenter that gives labels only.
        tsv: Lookup table of the label maps (BIDS: index, name, color, abbreviation).
        facts: What the segmenter decided; `warnings` are sentences on what looks wrong with the images that it saw.
        measured: How well the segmenter did on exams with the same sequences, where that is known.
    """

    segmenter: str
    regions: tuple[str, ...]
    trained: bool
    scheme: str
    labels: Path
    native_labels: Path
    probabilities: Mapping[str, Path]
    tsv: Path
    facts: Mapping[str, Any]
    measured: Measured | None = None


def segment_exam(
    prepared: Prepared,
    out: Path,
    name: str,
    ledger: Ledger,
    *,
    scheme: str = "brats-2023",
    device: str = "cpu",
    effort: str = "standard",
    postprocess: Chain | None = None,
    earlier: EarlierFiles = EarlierFiles(),
    beside: Iterable[Step] = (),
    jobs: int = 1,
) -> Segmented:
    """Segment a prepared exam with the segmenter called `name` and write the results below `out`.

    Args:
        prepared: Where the images are; they may lie in an atlas or on the exam's own grid.
        out: Root of the derivatives dataset; files go to `out/sub-…[/ses-…]/anat`.
        name: Segmenter's name, see `glioscope.segmentation.list_segmenters`.
        ledger: Does the steps that are not done.
        scheme: Numbering of the label maps written.
        device: Where the segmenter runs.
        effort: `fast`, `standard` or `best`.
        postprocess: What makes the label map from the segmenter's answer, on the grid where it worked; its own label map is
            taken where None. The probabilities written are the segmenter's own.
        earlier: For a segmenter that looks at an earlier exam too.
        beside: Steps that do not need the segmentation; done at the same time where `jobs` allows.
        jobs: Processes at a time; it changes no result.

    Raises:
        MissingSequence: the exam, or the earlier one, lacks something that the segmenter needs.
        InvalidImage: no such segmenter or scheme, or the scheme lacks a label that the segmenter gives.
    """
    segmenter = get_segmenter(name, device, effort)
    step = _step(segmenter, prepared, out, name, scheme, device, postprocess, earlier, effort)
    if not segmenter.views:  # those of an earlier run would stand for raters that are no more
        for stale in _views(prepared, out, segmenter.name, "*"):
            stale.unlink()
    record, *_ = ledger.run(step, *beside, jobs=jobs)
    if postprocess is None:  # that of an earlier run tells of a label map that is no more
        _sidecar(step.outputs).unlink(missing_ok=True)
    files = {key: path for key, path in step.outputs.items() if isinstance(path, Path)}
    probabilities = step.outputs.get("probabilities", {})
    return Segmented(
        segmenter=segmenter.name,
        regions=segmenter.regions_from({*prepared.images, *earlier.files}),
        trained=find_entry(name).trained,
        scheme=scheme,
        labels=files.get("labels", files["native_labels"]),
        native_labels=files["native_labels"],
        probabilities=dict(probabilities) if isinstance(probabilities, Mapping) else {},
        tsv=files["tsv"],
        facts=record.facts,
        measured=segmenter.measured(prepared.images),
    )


def check_scheme(segmenter: Segmenter, scheme: str) -> None:
    """Raise InvalidImage, before any work, where `scheme` lacks a label that the segmenter may give, or does not exist."""
    target, own = get_scheme(scheme), segmenter.scheme
    values = sorted({value for region in segmenter.regions for value in own.regions[region]})
    try:
        convert_labels(np.array(values, np.uint8), own, target)
    except InvalidImage as error:
        raise InvalidImage(f"{str(error).removesuffix('.')}; write the results with --scheme {own.name}.") from None


def scheme_for(segmenter: Segmenter, wanted: str) -> str:
    """The scheme of a segmenter's label maps: as wanted, or for `auto` brats-2023 where that has its labels, else its own.

    Raises:
        InvalidImage: the scheme wanted does not exist, or lacks a label that the segmenter may give.
    """
    if wanted != "auto":
        check_scheme(segmenter, wanted)
        return wanted
    try:
        check_scheme(segmenter, USUAL_SCHEME)
    except InvalidImage:
        return segmenter.scheme.name
    return USUAL_SCHEME


def segment_step(
    prepared: Prepared,
    out: Path,
    name: str,
    *,
    scheme: str = "brats-2023",
    device: str = "cpu",
    postprocess: Chain | None = None,
    earlier: EarlierFiles = EarlierFiles(),
) -> Step:
    """The ledger step of `segment_exam`; raises as it does, before any work."""
    return _step(get_segmenter(name, device), prepared, out, name, scheme, device, postprocess, earlier)


def _step(
    segmenter: Segmenter,
    prepared: Prepared,
    out: Path,
    name: str,
    scheme: str,
    device: str,
    postprocess: Chain | None,
    earlier: EarlierFiles,
    effort: str = "standard",
) -> Step:
    error = segmenter.missing(prepared.images) or segmenter.missing_earlier(earlier.files)
    if error:
        raise error
    get_scheme(scheme)
    exam, anat, entity = prepared.exam, out / prepared.exam.folder / "anat", bids_name(segmenter.name)
    in_atlas = prepared.to_native is not None
    if segmenter.space == "atlas" and not in_atlas and not prepared.exam.prepared:
        raise InvalidImage(
            f"Segmenter '{segmenter.name}' works in the atlas, and '{exam.name}' was not brought there; pre-process it first."
        )
    own_grid = segmenter.space == "native" and in_atlas
    images = prepared.native_images if own_grid else prepared.images
    used = {str(s): images[s] for s in sorted(segmenter.needs | segmenter.uses) if s in images}
    inputs: dict[str, Path | Mapping[str, Path]] = {
        "images": used,
        "brain": prepared.native_brain_mask if own_grid else prepared.brain_mask,
        "native_mask": prepared.native_brain_mask,
    }
    stem = f"{exam.name}_space-orig_seg-{entity}"
    outputs: dict[str, Path | Mapping[str, Path]] = {
        "native_labels": anat / f"{stem}_dseg.nii.gz",
        "tsv": anat / f"{stem}_dseg.tsv",
    }
    if prepared.to_native is not None and not own_grid:
        inputs["to_native"] = prepared.to_native
        outputs["labels"] = anat / f"{exam.name}_space-{prepared.space}_seg-{entity}_dseg.nii.gz"
    if segmenter.views:
        outputs["views"] = {view: anat / f"{stem}{view}_dseg.nii.gz" for view in segmenter.views}
    if segmenter.outputs == "probabilities":
        told = segmenter.regions_from({*prepared.images, *earlier.files})
        outputs["probabilities"] = {r: anat / f"{stem}_label-{r}_probseg.nii.gz" for r in told}
    parameters: dict[str, Any] = {"name": name, "scheme": scheme, "device": device}
    if effort != "standard":
        parameters["effort"] = effort
    before = {s: earlier.files[s] for s in sorted(segmenter.needs_earlier | segmenter.uses_earlier) if s in earlier.files}
    if before:
        inputs["earlier"] = before
        parameters["earlier_mask"] = earlier.mask
        if own_grid and prepared.to_native:
            inputs["earlier_to_native"] = prepared.to_native
    if segmenter.identity:
        parameters["identity"] = segmenter.identity
    if postprocess is not None:
        parameters["postprocess"] = postprocess.document()
        outputs["sidecar"] = _sidecar(outputs)
    return Step(
        name=f"segment-{segmenter.name}",
        title=f"Segmenting with {segmenter.name}",
        function=_segment,
        inputs=inputs,
        parameters=parameters,
        outputs=outputs,
        packages=("numpy", "scipy"),
    )


def _views(prepared: Prepared, out: Path, segmenter: str, view: str) -> Iterable[Path]:
    """Label maps of a segmenter's views."""
    folder = out / prepared.exam.folder / "anat"
    return folder.glob(f"{prepared.exam.name}_space-orig_seg-{bids_name(segmenter)}view{view}_dseg.nii.gz")


def _sidecar(outputs: Mapping[str, Path | Mapping[str, Path]]) -> Path:
    """Beside the label map on the grid where the segmenter worked."""
    labels = outputs.get("labels", outputs["native_labels"])
    return Path(str(labels).removesuffix(".nii.gz") + ".json")


def _segment(
    images: Mapping[str, Path],
    brain: Path,
    native_mask: Path,
    name: str,
    scheme: str,
    device: str,
    native_labels: Path,
    tsv: Path,
    to_native: Path | None = None,
    labels: Path | None = None,
    probabilities: Mapping[str, Path] | None = None,
    postprocess: Mapping[str, Any] | None = None,
    sidecar: Path | None = None,
    identity: str = "",
    effort: str = "standard",
    views: Mapping[str, Path] | None = None,
    earlier: Mapping[str, Path] | None = None,
    earlier_mask: str = "",
    earlier_to_native: Path | None = None,
) -> dict[str, Any]:
    """Run the segmenter, bring its answer to the native grid, write everything in `scheme`."""
    from glioscope.quality import flat_remarks, swapped_remarks

    segmenter, target = get_segmenter(name, device, effort), get_scheme(scheme)
    with ThreadPoolExecutor(3) as pool:  # two read while the third imports the engine
        warm = pool.submit(segmenter.warm_up)
        volumes = dict(zip(map(Sequence, images), pool.map(read_volume, images.values()), strict=True))
        mask, pose = read_labels(brain), _read_transform(earlier_to_native)
        warm.result()
    found = segmenter.segment(
        volumes,
        mask.with_data(mask.data.astype(bool)),
        {source: read_earlier(source, path, mask.grid, pose) for source, path in (earlier or {}).items()},
    )
    decided, facts = found.labels, dict(found.facts)
    if earlier:
        facts["earlier"] = {"sources": sorted(earlier), "mask": earlier_mask}
    if postprocess and sidecar:
        decided, facts["postprocessing"] = _postprocess(found, segmenter.scheme, Chain.of_document(postprocess), sidecar)
    transform = _read_transform(to_native)
    native_grid = read_header(native_mask).grid

    def brought_home(found: Volume) -> tuple[Volume, Volume]:
        answer = found.with_data(convert_labels(found.data, segmenter.scheme, target))
        return answer, resample_labels(answer, native_grid, target, transform) if transform else answer

    answer, native = brought_home(decided)
    if labels:
        write_volume(labels, answer)
    write_volume(native_labels, native)
    for view, path in (views or {}).items():
        write_volume(path, brought_home(found.views[view])[1])

    def write_probability(region: str, path: Path) -> None:
        volume = found.probabilities[region]
        if transform:  # resampling works in the box of what is not zero
            likely = volume.with_data(np.where(volume.data < LEAST_PROBABILITY, 0, volume.data))
            volume = resample_fraction(likely, native_grid, transform)
        write_volume(path, volume)

    with ThreadPoolExecutor(2) as pool:
        looks = pool.submit(lambda: [*flat_remarks(volumes, mask), *swapped_remarks(volumes, mask)])
        for written in [pool.submit(write_probability, region, path) for region, path in (probabilities or {}).items()]:
            written.result()
    write_text(tsv, _lookup_table(target))
    facts["warnings"] = [remark.sentence for remark in looks.result()]
    return {**facts, "scheme": scheme, "native_volumes_ml": _volumes(native, target)}


def _postprocess(found: Segmentation, scheme: Scheme, chain: Chain, sidecar: Path) -> tuple[Volume, dict[str, Any]]:
    """The label map that `chain` makes of what was found; every component changed goes to the label map's sidecar."""
    voxel_mm3 = found.labels.grid.voxel_volume
    if found.probabilities and chain.thresholds:
        values = {region: volume.data for region, volume in found.probabilities.items()}
        labels, record = chain.from_probabilities(values, scheme, voxel_mm3)
    else:
        labels, record = chain.from_labels(found.labels.data, scheme, voxel_mm3)
    write_json(sidecar, {"PostProcessing": record.document()})
    return found.labels.with_data(labels), {**record.facts, "changes": record.summary()}


def _read_transform(path: Path | None) -> Transform | None:
    if path is None:
        return None
    from glioscope.preprocessing.transform_files import read_transform

    return read_transform(path)


def _volumes(labels: Volume, scheme: Scheme) -> dict[str, float]:
    counts = np.bincount(labels.data.ravel(), minlength=256)
    return {
        label.name: round(float(counts[value]) * labels.grid.voxel_volume / 1000, 3) for value, label in scheme.labels.items()
    }


def _lookup_table(scheme: Scheme) -> str:
    rows = [f"{value}\t{label.meaning}\t{label.colour}\t{label.name}" for value, label in sorted(scheme.labels.items())]
    return "\n".join(["index\tname\tcolor\tabbreviation", "0\tbackground\t#000000\tBG", *rows]) + "\n"
