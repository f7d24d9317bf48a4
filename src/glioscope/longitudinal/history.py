"""What became of each lesion from one time to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Grid
from glioscope.longitudinal.correspondence import corresponding, overlaps
from glioscope.longitudinal.lesions import LesionMap

__all__ = ["CHANGE_PERCENT", "Change", "Event", "History", "trace_lesions"]

CHANGE_PERCENT = 25.0
"""A lesion grew or shrank where its volume changed by at least this much."""

Event = Literal["appeared", "recurred", "grew", "shrank", "stable", "split", "merged", "regrouped", "gone"]


@dataclass(frozen=True)
class Change:
    """What happened to lesions that belong together, between two times.

    Attributes:
        time: Index of the later time, from 1.
        event: `split`: one became several; `merged`: several became one; `regrouped`: several became several others;
            `recurred`: it lies where an earlier lesion had gone.
        before: Names of the lesions at the earlier time.
        after: Names of the lesions at the later time.
        before_ml: Their volume together at the earlier time.
        after_ml: Their volume together at the later time.
    """

    time: int
    event: Event
    before: tuple[int, ...]
    after: tuple[int, ...]
    before_ml: float
    after_ml: float

    @property
    def percent(self) -> float | None:
        """Change of volume; None from nothing."""
        return 100 * (self.after_ml / self.before_ml - 1) if self.before_ml > 0 else None

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "event": self.event,
            "lesions_before": list(self.before),
            "lesions_after": list(self.after),
            "volume_before_ml": round(self.before_ml, 3),
            "volume_after_ml": round(self.after_ml, 3),
            "change_percent": None if self.percent is None else round(self.percent, 1),
        }


@dataclass(frozen=True, eq=False)
class History:
    """All lesions of all times.

    Attributes:
        maps: The lesion map of each time, remnants of earlier lesions counted.
        names: For each time: piece number -> the lesion's name, a number that it keeps. Of the parts of a split lesion the one
            that shares most with it keeps its name; several that merge take the name of the one that shares most.
        parents: For each time: lesion's name -> names at the time before that it continues, its own among them or not.
        changes: In the order of time.
    """

    maps: tuple[LesionMap, ...]
    names: tuple[Mapping[int, int], ...]
    parents: tuple[Mapping[int, tuple[int, ...]], ...]
    changes: tuple[Change, ...]


def trace_lesions(
    maps: Sequence[LesionMap], placed: Sequence[NDArray[np.int32]], grid: Grid, change_percent: float = CHANGE_PERCENT
) -> History:
    """Follow the lesions of a patient through time.

    A lesion of which only pieces too small to count are left is not gone: the largest of them goes on as the lesion.

    Args:
        maps: One a time, in order.
        placed: The same maps' piece numbers on the grid of the baseline, see `in_baseline`.
        grid: Of the baseline.
        change_percent: See CHANGE_PERCENT.
    """
    kept = [maps[0]]
    names: list[dict[int, int]] = [dict(zip(maps[0].lesions, range(1, len(maps[0].lesions) + 1), strict=True))]
    parents: list[dict[int, tuple[int, ...]]] = [dict.fromkeys(names[0].values(), ())]
    changes: list[Change] = []
    where = {name: placed[0] == piece for piece, name in names[0].items()}
    for time in range(1, len(maps)):
        old, new = kept[-1], maps[time]
        new = new.with_remnants(_remnants(old, new, placed[time - 1], placed[time], grid))
        links = corresponding(placed[time - 1], placed[time], old.lesions, new.lesions, grid)
        named, came_from = _name(names[-1], new, links, placed[time], where)
        changes += _changes(time, (old, new), links, (names[-1], named), set(where), change_percent)
        where |= {name: where.get(name, False) | (placed[time] == piece) for piece, name in named.items()}
        kept.append(new)
        names.append(named)
        parents.append(came_from)
    return History(tuple(kept), tuple(names), tuple(parents), tuple(changes))


def _remnants(old: LesionMap, new: LesionMap, earlier: NDArray[np.int32], later: NDArray[np.int32], grid: Grid) -> set[int]:
    """Pieces too small to count that are all that is left of a lesion."""
    linked = {a for a, _ in corresponding(earlier, later, old.lesions, new.lesions, grid)}
    left: dict[int, tuple[int, int]] = {}
    for (a, b), count in overlaps(earlier, later).items():
        if a in old.lesions and a not in linked and b not in new.lesions:
            left[a] = max(left.get(a, (0, 0)), (count, -b))
    return {-b for _, b in left.values()}


def _name(
    before: Mapping[int, int],
    new: LesionMap,
    links: Mapping[tuple[int, int], int],
    later: NDArray[np.int32],
    where: Mapping[int, NDArray[np.bool_]],
) -> tuple[dict[int, int], dict[int, tuple[int, ...]]]:
    """Names of the pieces at the later time, and whom each continues; strongest links first take the old name."""
    named: dict[int, int] = {}
    for (a, b), _ in sorted(links.items(), key=lambda item: (-item[1], item[0])):
        if b not in named and before[a] not in named.values():
            named[b] = before[a]
    gone = [name for name in where if name not in before.values()]
    fresh = max(where, default=0)
    for b in new.lesions:
        if b in named:
            continue
        here = later == b
        again = [(int((here & where[name]).sum()), -name) for name in gone if name not in named.values()]
        if all(b != pair[1] for pair in links) and again and max(again)[0] > 0:
            named[b] = -max(again)[1]
        else:
            fresh += 1
            named[b] = fresh
    came_from = {name: tuple(sorted(before[a] for a, c in links if c == b)) for b, name in named.items()}
    return dict(sorted(named.items())), came_from


def _changes(
    time: int,
    maps: tuple[LesionMap, LesionMap],
    links: Mapping[tuple[int, int], int],
    names: tuple[Mapping[int, int], Mapping[int, int]],
    known: set[int],
    change_percent: float,
) -> list[Change]:
    old, new = maps
    out = []
    for olds, news in _groups(list(old.lesions), list(new.lesions), links):
        before_ml = sum(old.lesions[a].volume_ml for a in olds)
        after_ml = sum(new.lesions[b].volume_ml for b in news)
        before = tuple(sorted(names[0][a] for a in olds))
        after = tuple(sorted(names[1][b] for b in news))
        out.append(
            Change(time, _event(before, after, before_ml, after_ml, known, change_percent), before, after, before_ml, after_ml)
        )
    return sorted(out, key=lambda change: (change.before or change.after, change.after))


def _event(
    before: tuple[int, ...], after: tuple[int, ...], before_ml: float, after_ml: float, known: set[int], percent: float
) -> Event:
    if not before:
        return "recurred" if after[0] in known else "appeared"
    if not after:
        return "gone"
    if len(before) > 1 or len(after) > 1:
        return "merged" if len(after) == 1 else "split" if len(before) == 1 else "regrouped"
    change = 100 * (after_ml / before_ml - 1)
    tolerance = 1e-9  # a change of exactly the threshold counts, whatever the rounding
    return "grew" if change >= percent - tolerance else "shrank" if change <= -percent + tolerance else "stable"


def _groups(olds: list[int], news: list[int], links: Mapping[tuple[int, int], int]) -> list[tuple[list[int], list[int]]]:
    """Lesions of both times that hang together by links."""
    groups: list[tuple[set[int], set[int]]] = [({a}, set()) for a in olds] + [(set(), {b}) for b in news]
    for a, b in links:
        first = next(g for g in groups if a in g[0])
        second = next(g for g in groups if b in g[1])
        if first is not second:
            first[0].update(second[0])
            first[1].update(second[1])
            groups.remove(second)
    return [(sorted(first), sorted(second)) for first, second in groups]
