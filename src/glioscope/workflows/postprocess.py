"""`glioscope postprocess`: label maps from region probabilities or other label maps, by a chain of named steps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from glioscope.core import (
    InputUnreadable,
    InvalidImage,
    OutputUnwritable,
    Scheme,
    get_scheme,
    is_image,
    read_labels,
    write_volume,
)
from glioscope.core.files import check_file, check_folder, output_errors, read_json, real, write_json
from glioscope.postprocessing import Chain, Record, load_postprocessing, published_chain
from glioscope.workflows.case_pairs import stem
from glioscope.workflows.region_maps import CaseMaps, arrays, common_grid, find_maps, read_label_map

__all__ = [
    "PUBLISHED",
    "Postprocessed",
    "chain_for",
    "chain_for_one",
    "find_raters",
    "postprocess",
    "undo_postprocess",
]

PUBLISHED = "published"
"""The word that stands for the published thresholds and dust sizes where a file could be named."""

PathOrPaths = str | PathLike[str] | Sequence[str | PathLike[str]]


@dataclass(frozen=True)
class Postprocessed:
    """One case.

    Attributes:
        id: Its name.
        labels: The label map written.
        record_file: What was changed, component by component.
        record: The same.
    """

    id: str
    labels: Path
    record_file: Path
    record: Record

    def document(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "id": self.id,
            "labels": str(self.labels),
            "record": str(self.record_file),
            **self.record.facts,
            "changes": self.record.summary(),
        }


def chain_for(steps: str | PathLike[str] | None, scheme: Scheme) -> Chain:
    """The chain in the file `steps`, or the published one for None or the word `published`; raises InputUnreadable."""
    return published_chain(scheme) if steps is None or str(steps) == PUBLISHED else load_postprocessing(steps)


def chain_for_one(steps: str | PathLike[str], scheme: Scheme) -> Chain:
    """As `chain_for`, for a single segmenter; raises InvalidImage for a chain that weighs several."""
    chain = chain_for(steps, scheme)
    if chain.weights is not None and len(chain.weights.raters) > 1:
        raise InvalidImage(
            f"'{Path(steps).name}' weighs {', '.join(chain.weights.raters)}, and one segmenter runs here; give the results of "
            "all of them to `glioscope postprocess`."
        )
    return chain


def find_raters(given: PathOrPaths, scheme: Scheme, pattern: str | None = None) -> dict[str, dict[str, CaseMaps]]:
    """Rater -> case -> files. A rater is called after its folder or file.

    Raises:
        InputUnreadable: nothing there, or two raters of one name.
        AmbiguousExam: two files for one region of a case.
    """
    paths = [Path(given)] if isinstance(given, str | PathLike) else [Path(path) for path in given]
    found: dict[str, dict[str, CaseMaps]] = {}
    for path in paths:
        name = path.resolve().name if path.is_dir() else stem(path)
        if name in found:
            raise InputUnreadable(f"Two raters are called '{name}'; rename one of their folders.")
        found[name] = find_maps(path, scheme, pattern)
    return found


def postprocess(
    segmentation: PathOrPaths,
    out: str | PathLike[str],
    *,
    steps: str | PathLike[str] | None = None,
    scheme: str = "brats-2023",
    given_scheme: str | None = None,
    pattern: str | None = None,
) -> list[Postprocessed]:
    """Turn region probabilities, or label maps, into final label maps.

    Args:
        segmentation: A label map, a folder of label maps, or a folder of region probability maps; several folders are several
            raters of the same cases, called after their folders, whose probabilities are averaged with the chain's weights.
        out: For one case a file to write (NIfTI), else a folder that gets `CASE.nii.gz`. What was changed goes beside it, to
            `CASE_changes.json`.
        steps: A file that `glioscope tune` wrote or that was written by hand; the published thresholds and dust removal
            where None.
        scheme: Numbering of the label maps written.
        given_scheme: Numbering of label maps that are read; `scheme` where None.
        pattern: Of the file names to look at in folders.

    Returns:
        One entry a case, in the order of their names.

    Raises:
        InputUnreadable: nothing there, raters that do not have the same cases, or a damaged file.
        AmbiguousExam: two files for one region of a case.
        InvalidImage: grids that differ, unknown labels, probabilities that are none, or regions that the scheme lacks.
        OutputUnwritable: `out` cannot be written.
    """
    target = get_scheme(scheme)
    given = get_scheme(given_scheme or scheme)
    chain = chain_for(steps, target)
    raters = find_raters(segmentation, target, pattern)
    cases = sorted({case for found in raters.values() for case in found})
    for rater, found in raters.items():
        if lacking := [case for case in cases if case not in found]:
            raise InputUnreadable(f"Rater '{rater}' has nothing for '{lacking[0]}', which another has.")
    place = Path(out)
    to_file = place.name.lower().endswith((".nii", ".nii.gz"))
    _check_place(place, len(cases))
    files = {case: place if to_file else place / f"{case}.nii.gz" for case in cases}
    _refuse_overwriting(files.values(), (p for found in raters.values() for maps in found.values() for p in maps.files))
    (check_file if to_file else check_folder)(place)
    return [_one(case, {r: found[case] for r, found in raters.items()}, chain, target, given, files[case]) for case in cases]


def _check_place(place: Path, cases: int) -> None:
    """Refuse a name that is neither a NIfTI file for one case nor a folder; raises OutputUnwritable."""
    nifti = place.name.lower().endswith((".nii", ".nii.gz"))
    with output_errors(place):
        is_folder = place.is_dir()
    if nifti and cases > 1:
        raise OutputUnwritable(f"'{place.name}' must be a folder for {cases} cases; name one that does not end in .nii.gz.")
    if nifti and is_folder:
        raise OutputUnwritable(f"'{place}' is a folder; name a NIfTI file, or a folder that does not end in .nii.gz.")
    # A folder may have a dot in its name, such as results-1.2; an ending of letters on a name that is not there is a file's.
    if not nifti and not is_folder and (is_image(place) or _FILE.search(place.name)):
        raise OutputUnwritable(f"'{place.name}' is no name for a label map; let it end in .nii.gz or .nii, or name a folder.")


_FILE = re.compile(r"\.[A-Za-z]\w{0,5}$")


def _refuse_overwriting(written: Iterable[Path], read: Iterable[Path]) -> None:
    given = set(map(real, read))
    for path in written:
        if real(path) in given:
            raise OutputUnwritable(f"'{path}' is what is to be worked on; choose another name or folder for the result.")


def _one(case: str, maps: Mapping[str, CaseMaps], chain: Chain, scheme: Scheme, given: Scheme, file: Path) -> Postprocessed:
    (first, *others) = maps.values()
    if first.labels is not None and not others:
        volume = read_label_map(first.labels, given, scheme)
        grid = volume.grid
        labels, record = chain.from_labels(volume.data, scheme, grid.voxel_volume)
    else:
        volumes = {rater: found.read(given, scheme) for rater, found in maps.items()}
        grid = common_grid((f"{region} of '{rater}'", v) for rater, found in volumes.items() for region, v in found.items())
        fused = chain.fuse({rater: arrays(found) for rater, found in volumes.items()})
        labels, record = chain.from_probabilities(fused, scheme, grid.voxel_volume)
        volume = next(iter(next(iter(volumes.values())).values()))
    write_volume(file, volume.with_data(labels))
    record_file = file.with_name(f"{stem(file)}_changes.json")
    write_json(record_file, record.document())
    return Postprocessed(case, file, record_file, record)


def undo_postprocess(labels: str | PathLike[str], record: str | PathLike[str], out: str | PathLike[str]) -> Path:
    """Rebuild the label map that the steps were given from the one they made and their record.

    Raises:
        InputUnreadable: a file is missing or damaged.
        InvalidImage: the record is not of this label map.
        OutputUnwritable: `out` cannot be written.
    """
    _refuse_overwriting([Path(out)], [Path(labels), Path(record)])
    if not Path(out).name.lower().endswith((".nii", ".nii.gz")):
        raise OutputUnwritable(f"'{Path(out).name}' is no name for a label map; let it end in .nii.gz or .nii.")
    file, volume = Path(record), read_labels(Path(labels))
    try:
        document = read_json(file)
    except (OSError, ValueError):
        raise InputUnreadable(f"'{file}' cannot be read as the record of a post-processing.") from None
    if not isinstance(document, dict):
        raise InvalidImage(f"'{file.name}' is not a record of post-processing.")
    write_volume(Path(out), volume.with_data(Record.of_document(document).undo(volume.data)))
    return Path(out)
