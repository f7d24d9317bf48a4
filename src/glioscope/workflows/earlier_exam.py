"""The exam before surgery, for segmenters that look at it too: found before any work, and brought to the space of the exam."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from glioscope.core import (
    AmbiguousExam,
    InvalidImage,
    Ledger,
    MissingSequence,
    Prepared,
    Step,
    Volume,
    get_scheme,
    read_header,
    read_labels,
    read_volume,
    resample_mask,
    write_volume,
)
from glioscope.inspection import Inspection, inspect_path
from glioscope.segmentation import Segmenter, choose_segmenter, get_segmenter
from glioscope.workflows.labelled_cohort import label_map_of
from glioscope.workflows.preflight import warning_of
from glioscope.workflows.segment_exam import EarlierFiles, segment_exam

__all__ = ["Earlier", "earlier_files", "find_earlier"]

SAME_SPACE_DICE = 0.8
"""Overlap of two brains from which they are taken to lie in one space; two exams of a patient in one space exceed 0.9."""

MASK = "pre-mask"


@dataclass(frozen=True)
class Earlier:
    """The exam before surgery as it was found.

    Attributes:
        files: Source (`pre-t1c`, `pre-mask` …) -> file that is given for it alone, in the space of the exam.
        inspection: The whole exam, under the name of the exam that it belongs to and the session `earlier`; None where `files`
            are all.
        labels: Its own label map.
        mask_by: Segmenter that has to find its tumour; empty where there is a mask, or none is asked for.
    """

    files: Mapping[str, Path]
    inspection: Inspection | None = None
    labels: Path | None = None
    mask_by: str = ""

    @property
    def given(self) -> EarlierFiles:
        """`files` as a segmenter is given them."""
        return EarlierFiles(self.files, "given" if MASK in self.files else "")


@contextmanager
def find_earlier(inspection: Inspection, segmenter: Segmenter, atlas: str, workdir: Path) -> Iterator[Earlier | None]:
    """What `segmenter` looks at of the exam before surgery that `inspection` names; None for a segmenter that looks at none.

    Args:
        inspection: The exam to segment; `earlier` names the other.
        segmenter: Tells what is asked for.
        atlas: Where exams are brought that came with their skull.
        workdir: Where a zip is unpacked for as long as the context lasts.

    Raises:
        MissingSequence: no earlier exam is named, or it lacks what is needed.
        AmbiguousExam: there are several, or two candidates in it for one thing.
        InvalidImage: it does not come to the space of the exam.
        GlioscopeError: it cannot be used, as an exam cannot.
    """
    wanted = segmenter.needs_earlier | segmenter.uses_earlier
    files = {source: file for source, file in inspection.earlier.items() if source in wanted}
    place = inspection.earlier.get("exam")
    if place is None or wanted <= files.keys():
        error = segmenter.missing_earlier(files)
        if error:
            raise error
        found = Earlier(files) if files else None
        if found:
            _check_space(inspection, found, atlas)
        yield found
        return
    workdir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unpacked-", dir=workdir) as unpacked:
        exam = _inspected(place, inspection, Path(unpacked))
        labels, mask_by = None, ""
        have = {*files, *(f"pre-{sequence}" for sequence in exam.chosen)}
        if MASK in wanted - files.keys():
            labels = label_map_of(exam, "leave one beside the images, or name it in a manifest's column 'pre-mask'")
            if labels is None and MASK in segmenter.needs_earlier:
                mask_by = _tumour_finder(exam, place)
            have |= {MASK} if labels or mask_by else set()
        error = segmenter.missing_earlier(have, place.name)
        if error:
            raise error
        earlier = Earlier(files, exam, labels, mask_by)
        _check_space(inspection, earlier, atlas)
        yield earlier


def earlier_files(earlier: Earlier, prepared: Prepared, out: Path, ledger: Ledger) -> EarlierFiles:
    """The files that a segmenter is given, all in the space of the exam; the tumour is segmented where that has to be.

    Args:
        earlier: As `find_earlier` gives it.
        prepared: Its whole exam, pre-processed.
        out: The output dataset.
        ledger: Of the earlier exam.
    """
    files = {f"pre-{sequence}": file for sequence, file in prepared.images.items()}
    mask_by = "its own label map" if earlier.labels else ""
    if earlier.labels or earlier.mask_by:
        anat = out / prepared.exam.folder / "anat"
        files[MASK] = anat / f"{prepared.exam.name}_space-{prepared.space}_desc-tumour_mask.nii.gz"
        inputs: dict[str, Path] = {"grid": prepared.brain_mask}
        values: list[int] = []
        if earlier.labels:
            inputs["labels"] = earlier.labels
            if prepared.from_native:
                inputs["transform"] = prepared.from_native
        else:
            segmented = segment_exam(prepared, out, earlier.mask_by, ledger)
            region = _tumour_region(segmented.regions)
            inputs["labels"], values = segmented.labels, sorted(get_scheme(segmented.scheme).regions[region])
            mask_by = f"{earlier.mask_by}, {region}"
        outputs = {"output": files[MASK]}
        ledger.run(
            Step("tumour-mask", "Taking the tumour of the earlier exam", tumour_mask, inputs, {"values": values}, outputs)
        )
    return EarlierFiles({**files, **earlier.files}, earlier.given.mask or mask_by)


def tumour_mask(*, labels: Path, grid: Path, values: list[int], output: Path, transform: Path | None = None) -> None:
    """Write where `labels` has one of `values` (anything but 0 where there are none) on the grid of the image `grid`."""
    from glioscope.preprocessing.transform_files import read_transform

    found = read_labels(labels)
    mask = found.with_data(np.isin(found.data, values) if values else found.data > 0)
    fixed, pose = read_header(grid).grid, read_transform(transform) if transform else None
    write_volume(output, mask if pose is None and mask.grid.same_as(fixed) else resample_mask(mask, fixed, pose))


def _inspected(place: Path, inspection: Inspection, workdir: Path) -> Inspection:
    """The one exam at `place`, named after the exam that it belongs to."""
    found, *more = inspect_path(place, workdir=workdir)
    if more:
        raise AmbiguousExam(f"'{place.name}' holds {len(more) + 1} exams; name the one before surgery.")
    if found.problem:
        raise type(found.problem)(f"The earlier exam '{place.name}' cannot be used: {found.problem}")
    for sequence, rivals in found.ambiguous.items():
        names = ", ".join(f"'{candidate.name}'" for candidate in rivals)
        raise AmbiguousExam(
            f"The earlier exam '{place.name}' has {len(rivals)} candidates for {sequence.display_name} ({names}); "
            "put the right ones into a folder of their own."
        )
    return replace(found, id=inspection.id, session=f"{inspection.session or ''}earlier")


def _tumour_finder(exam: Inspection, place: Path) -> str:
    lacking = f"The earlier exam '{place.name}' has no tumour mask, and none can be made: "
    try:
        name = choose_segmenter(exam.chosen)
    except MissingSequence as error:
        raise MissingSequence(lacking + str(error)) from None
    if warning := warning_of(get_segmenter(name), exam.chosen):  # nobody looks at this mask
        raise MissingSequence(lacking + warning)
    return name


def _tumour_region(regions: tuple[str, ...]) -> str:
    """The core, which is what residual tumour is compared with; the whole tumour where that is all that can be found."""
    return "TC" if "TC" in regions else "WT"


def _check_space(inspection: Inspection, earlier: Earlier, atlas: str) -> None:
    """Raise InvalidImage where the two exams would not come to lie in one space."""
    from glioscope.quality import overlap

    here = _shown(inspection)
    others = [file for source, file in earlier.files.items() if source != MASK][:1]
    for there in [*others, *([_shown(earlier.inspection)] if earlier.inspection else [])]:
        if here == there:
            continue
        brain = _brain(here, atlas)
        dice = overlap(brain, resample_mask(_brain(there, atlas), brain.grid))
        if dice < SAME_SPACE_DICE:
            what = [
                f"'{file.name}'" if file else f"the atlas {atlas}, where the other exam is brought," for file in (there, here)
            ]
            raise InvalidImage(
                f"The earlier exam does not come to the space of {inspection.name}: the brains of {what[0]} and {what[1]} "
                f"overlap by a Dice of {dice:.2f}; give both exams as they came from the scanner, or both in one space."
            )


def _shown(exam: Inspection) -> Path | None:
    """A skull-stripped image that tells in which space the exam is used; None for the atlas, where others are brought."""
    return exam.chosen[exam.reference].files[0] if exam.prepared else None


def _brain(image: Path | None, atlas: str) -> Volume:
    from glioscope.atlas import atlas_volume

    volume = read_volume(image) if image else read_labels(atlas_volume(atlas, "brain_mask"))
    return volume.with_data(volume.data != 0)
