"""`glioscope follow`: the exams of one patient in the order of time, what became of each lesion, and a category of response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from glioscope.core import (
    InputUnreadable,
    InvalidImage,
    Ledger,
    Scheme,
    Volume,
    read_volume,
    region_mask,
    resample,
    write_volume,
)
from glioscope.core.counting import counted
from glioscope.core.label_resampling import resample_labels
from glioscope.longitudinal import (
    CHANGE_PERCENT,
    History,
    Response,
    assess_responses,
    change_map,
    find_lesions,
    in_baseline,
    landmark_distances,
    read_landmarks,
    trace_lesions,
)
from glioscope.workflows.dataset import open_dataset, records_folder
from glioscope.workflows.follow_alignment import Placement, Register, common_sequence, place_follow_up, way_of
from glioscope.workflows.follow_dates import days_of, parse_days
from glioscope.workflows.follow_exams import FollowedExam, find_exams, read_maps, read_schemes
from glioscope.workflows.progress import Progress

__all__ = ["Followed", "TimePoint", "follow"]

PREFERRED_REGIONS = ("ET", "RT", "TC", "GTV", "WT")
"""The first of these that all label maps can have and any of them has is followed, unless one is named."""

_STALE = ("exam[0-9][0-9]_*.nii.gz", "from-*_desc-*_mode-image_xfm.h5")


@dataclass(frozen=True, eq=False)
class TimePoint:
    """One exam in the order of time.

    Attributes:
        exam: As it was found.
        day: Days since the baseline; None where no date is known.
        labels: Its label map, on its own grid.
        scheme: Of it.
        placement: Where it lies in the baseline's space.
        on_baseline: Its label map on the baseline's grid.
        volumes_ml: Region -> volume on its own grid.
        changes: Reference (`baseline`, `previous`) -> change map on the baseline's grid.
        landmarks_mm: Stage (`before`, `rigid`, `deformed`) -> mean distance of the landmarks.
    """

    exam: FollowedExam
    day: float | None
    labels: Volume
    scheme: Scheme
    placement: Placement
    on_baseline: Volume
    volumes_ml: dict[str, float]
    changes: dict[str, NDArray[np.uint8]] = field(default_factory=dict)
    landmarks_mm: dict[str, float] = field(default_factory=dict)

    def region(self, name: str) -> NDArray[np.bool_]:
        """A region on the baseline's grid."""
        return region_mask(self.on_baseline.data, self.scheme, name)


@dataclass(frozen=True, eq=False)
class Followed:
    """A patient over time, as it was written to `folder`."""

    folder: Path
    region: str
    region_volumes: tuple[str, ...]
    time_source: str
    points: tuple[TimePoint, ...]
    history: History
    responses: tuple[Response, ...]
    change_percent: float
    remarks: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        from glioscope.workflows.follow_tables import follow_document

        return follow_document(self)


def follow(
    exams: Sequence[str | PathLike[str]],
    out: str | PathLike[str],
    *,
    dates: str | None = None,
    labels: Sequence[str | PathLike[str]] = (),
    segmenter: str = "",
    region: str = "auto",
    scheme: str = "auto",
    register: Register = "auto",
    landmarks: Sequence[str | PathLike[str]] = (),
    change_percent: float = CHANGE_PERCENT,
    fast: bool = False,
    progress: Progress | None = None,
) -> Followed:
    """Follow the lesions of one patient through two exams or more, and write tables, curves, change maps and a timeline page.

    Args:
        exams: Results folders of `run` or `segment`, folders of images with a label map, or label maps; see `find_exams`.
        out: Folder to write to.
        dates: Dates or days with commas between, one an exam in the order given; read from sidecars or names where None, and
            where these do not tell the order given is the order of time. Only days since the first exam are written.
        labels: Label maps in place of those found, one an exam in the order given.
        segmenter: Whose label map of a results folder.
        region: Whose lesions are followed; `auto`: the first of ET, TC, WT that any exam has.
        scheme: Of label maps, or `auto`.
        register: `auto`: follow-ups with images by a rigid transform and SyN, label maps alone on one grid not at all; `none`,
            `rigid`, `syn`.
        landmarks: Tables of the same points in each exam (X, Y, Z in mm, LPS), in the order given: their mean distance is told
            before and after each stage.
        change_percent: Change of volume from which a lesion grew or shrank.
        fast: SyN on voxels of 4 mm.
        progress: Listener.

    Raises:
        InputUnreadable, AmbiguousExam, InvalidImage: what was given cannot be read or does not fit together.
        EngineMissing, ProcessingFailed: a registration is not possible or not right.
        OutputUnwritable: `out` cannot be written.
    """
    progress = progress or Progress()
    if register not in get_args(Register):
        raise InvalidImage(f"There is no registration '{register}'; choose one of {', '.join(get_args(Register))}.")
    found = find_exams([Path(exam) for exam in exams], [Path(path) for path in labels], segmenter)
    if landmarks and len(landmarks) != len(found):
        raise InputUnreadable(
            f"--landmarks is given {counted(len(landmarks), 'time')} for {counted(len(found), 'exam')}; give one an exam."
        )
    points_of = [read_landmarks(Path(path)) for path in landmarks]
    if len({len(points) for points in points_of}) > 1:
        raise InputUnreadable("The tables of landmarks have different numbers of points.")
    days, time_source = _days(found, dates)
    order = sorted(range(len(found)), key=lambda i: (days[i] if days else i, i))
    ordered = [found[i] for i in order]
    maps = read_maps(ordered)
    schemes, doubt = read_schemes(ordered, maps, scheme)
    name, instead = _region(region, schemes, maps)
    ways = [way_of(ordered[0], exam, (maps[0].grid, volume.grid), register) for exam, volume in zip(ordered, maps, strict=True)]
    remarks = [words for words in (doubt, instead) if words]
    folder = open_dataset(Path(out))
    progress.decided(f"Order of time by {time_source}.")
    for number, exam in enumerate(ordered, start=1):
        progress.decided(f"Exam {number}: the one given as number {exam.given}{_when(days, order, number)}.")
    ledger = Ledger(records_folder(folder, "follow"), progress.notify)
    points: list[TimePoint] = []
    for i, (exam, volume, its_scheme) in enumerate(zip(ordered, maps, schemes, strict=True)):
        way = ways[i] if i else "one grid"
        placement = place_follow_up(ordered[0], exam, i + 1, way, folder, ledger, schemes=(schemes[0], its_scheme), quick=fast)
        placed = _on_baseline(volume, maps[0], its_scheme, placement)
        day = None if days is None else days[order[i]] - days[order[0]]
        volumes = {
            r: float(region_mask(volume.data, its_scheme, r).sum() * volume.grid.voxel_volume / 1000)
            for r in its_scheme.regions
        }
        point = TimePoint(exam, day, volume, its_scheme, placement, placed, volumes)
        now = point.region(name)
        if i:
            point.changes["baseline"] = change_map(points[0].region(name), now)
            if i > 1:
                point.changes["previous"] = change_map(points[-1].region(name), now)
            if points_of:
                point.landmarks_mm.update(_landmarks(points_of[order[0]], points_of[order[i]], placement))
        points.append(point)
    lesions = [find_lesions(region_mask(p.labels.data, p.scheme, name), p.labels) for p in points]
    numbers = [
        in_baseline(m.numbers, maps[0].grid, p.placement.transform, p.placement.inverse)
        for m, p in zip(lesions, points, strict=True)
    ]
    history = trace_lesions(lesions, numbers, maps[0].grid, change_percent)
    remarks += _remarks(points, name, history, days is not None)
    for remark in remarks:
        progress.warned(remark)
    shown = tuple(r for r in ("WT", "TC", "ET", "RC", "GTV", "RT") if all(r in s.regions for s in schemes))
    known = None if days is None else [days[i] - days[order[0]] for i in order]
    responses = assess_responses(history, name, known)
    followed = Followed(folder, name, shown, time_source, tuple(points), history, responses, change_percent, tuple(remarks))
    _write(followed)
    return followed


def _days(found: Sequence[FollowedExam], dates: str | None) -> tuple[tuple[float, ...] | None, str]:
    """Days of the exams in the order given, or None, and in a few words where they are from."""
    if dates is not None:
        days = parse_days(dates, len(found))
        if len(set(days)) < len(days):
            raise InputUnreadable("--dates has the same day twice; give each exam a day of its own.")
        return days, "--dates"
    told = days_of([exam.files for exam in found])
    if told is not None and len(set(told[0])) == len(found):
        return told
    return None, "the order given"


def _when(days: Sequence[float] | None, order: Sequence[int], number: int) -> str:
    return "" if days is None else f", day {days[order[number - 1]] - days[order[0]]:.0f}"


def _region(wanted: str, schemes: Sequence[Scheme], maps: Sequence[Volume]) -> tuple[str, str]:
    """The region to follow, and a remark where another would have been followed had any exam had it (else empty)."""
    shared = [name for name in schemes[0].regions if all(name in scheme.regions for scheme in schemes)]
    if wanted == "auto" and (choices := [name for name in PREFERRED_REGIONS if name in shared]):
        present = (n for n in choices if any(region_mask(v.data, s, n).any() for v, s in zip(maps, schemes, strict=True)))
        wanted = next(present, choices[0])
        absent = ", ".join(choices[: choices.index(wanted)])
        return wanted, f"No exam has any {absent}, so {wanted} is followed." if absent else ""
    if wanted not in shared:
        raise InvalidImage(f"The label maps have no region '{wanted}' in common; they share {', '.join(shared) or 'none'}.")
    return wanted, ""


def _on_baseline(labels: Volume, baseline: Volume, scheme: Scheme, placement: Placement) -> Volume:
    if placement.way == "one grid":
        return baseline.with_data(labels.data)
    return resample_labels(labels, baseline.grid, scheme, placement.transform)


def _landmarks(fixed: NDArray[np.float64], moving: NDArray[np.float64], placement: Placement) -> dict[str, float]:
    stages = {"before": None, "rigid": placement.rigid, "deformed": placement.transform if placement.way == "syn" else None}
    return {
        stage: round(float(landmark_distances(fixed, moving, transform).mean()), 3)
        for stage, transform in stages.items()
        if stage == "before" or transform is not None
    }


def _remarks(points: Sequence[TimePoint], region: str, history: History, dated: bool) -> list[str]:
    out = []
    if not any(known.lesions for known in history.maps):
        out.append(f"No exam has a lesion of {region}; name another with --region, such as WT.")
    if any(point.placement.way == "world" for point in points):
        out.append("Label maps on different grids were compared by their world coordinates, without registration.")
    if not dated:
        out.append("No dates are known, so the curves are over the number of the exam and no interval is judged.")
    return out


def _write(followed: Followed) -> None:
    from glioscope.workflows.follow_report import write_report
    from glioscope.workflows.follow_tables import write_tables

    folder, written = followed.folder, set()
    for number, point in enumerate(followed.points, start=1):
        grid = followed.points[0].labels.grid
        volumes = {f"exam{number:02d}_space-baseline_dseg.nii.gz": point.on_baseline}
        for reference, changes in point.changes.items():
            volumes[f"exam{number:02d}_desc-changefrom{reference}_dseg.nii.gz"] = Volume(changes, grid)
        image = image_on_baseline(followed, number - 1)
        if image is not None:
            volumes[f"exam{number:02d}_space-baseline_{image[0]}.nii.gz"] = image[1]
        for name, volume in volumes.items():
            write_volume(folder / name, volume)
            written.add(name)
        written |= {f"from-{a}_to-{b}_desc-{way}_mode-image_xfm.h5" for a, b, way in _transforms(number, point.placement)}
    for pattern in _STALE:  # what an earlier call with more exams left would be taken for a result of this one
        for path in folder.glob(pattern):
            if path.name not in written:
                path.unlink()
    write_tables(followed)
    write_report(followed)


def _transforms(number: int, placement: Placement) -> list[tuple[str, str, str]]:
    there = f"exam{number:02d}"
    if placement.rigid is None:
        return []
    rigid = [(there, "baseline", "rigid")]
    return rigid if placement.way == "rigid" else [*rigid, (there, "baseline", "syn"), ("baseline", there, "syn")]


def image_on_baseline(followed: Followed, index: int) -> tuple[str, Volume] | None:
    """The sequence that all exams share, of one of them, on the grid of the baseline's label map; None without one."""
    first, point = followed.points[0], followed.points[index]
    names = [common_sequence(first.exam, p.exam) for p in followed.points]
    if len(set(names)) != 1 or names[0] is None:
        return None
    path = next(path for contrast, path in point.exam.images.items() if str(contrast) == names[0])
    volume = read_volume(path)
    if index == 0 and volume.grid.same_as(first.labels.grid, 0.01):
        return names[0], volume
    return names[0], resample(volume, first.labels.grid, point.placement.transform)
