"""A category of response for each exam, with the rule that gave it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from glioscope.core.counting import counted
from glioscope.longitudinal.confirmation import Category, Confirmation, confirm
from glioscope.longitudinal.history import History

__all__ = ["EDITION", "LIMITS", "NON_ENHANCING", "Category", "Response", "assess_responses"]

EDITION = "RANO 2.0 (Wen et al., J Clin Oncol 41, 2023), imaging part"

PD_PRODUCT, PR_PRODUCT, MR_PRODUCT = 25.0, 50.0, 25.0
"""Percent by which the sum of products rises over the nadir, or falls from the baseline for a partial or a minor response."""

PD_VOLUME, PR_VOLUME, MR_VOLUME = 40.0, 65.0, 40.0
"""The same for the volume."""

NON_ENHANCING = ("WT",)
"""Regions that hold non-enhancing disease, which alone can have a minor response."""

BECAME_MEASURABLE_MM = 5.0
"""By how much a lesion that was not measurable must have grown in its longest diameter to count as progression."""

LIMITS = (
    "A suggestion from the images alone, to be confirmed by a physician: clinical state, steroids, treatment-related change in "
    "the first 12 weeks after radiotherapy and what lies beside the followed region are not looked at. CR, PR and MR count "
    "when an exam four weeks later or more confirms them; so does PD in those 12 weeks."
)

_PRODUCT = (PD_PRODUCT, PR_PRODUCT, MR_PRODUCT)
_VOLUME = (PD_VOLUME, PR_VOLUME, MR_VOLUME)
_EXACT = 1e-9


@dataclass(frozen=True)
class Response:
    """What one exam says of the response.

    Attributes:
        category: By the sum of products of perpendicular diameters.
        rule: The sentence that gave it.
        volume_category: By the volume.
        volume_rule: The sentence that gave it.
        sum_mm2: Sum of products over the target lesions: those measurable now or of which an earlier part was.
        nadir_mm2: Smallest sum above 0 of the exams before.
        volume_ml: Volume of the lesions.
        nadir_ml: Smallest above 0 of the exams before.
        targets: Names of the lesions in the sum.
        appeared: Names of the lesions by whose appearance it is PD.
        confirmation: What later exams say of the category.
    """

    category: Category
    rule: str
    volume_category: Category
    volume_rule: str
    sum_mm2: float
    nadir_mm2: float
    volume_ml: float
    nadir_ml: float
    targets: tuple[int, ...]
    appeared: tuple[int, ...] = ()
    confirmation: Confirmation = field(default_factory=Confirmation)

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "category": self.category,
            "rule": self.rule,
            "volume_category": self.volume_category,
            "volume_rule": self.volume_rule,
            "sum_of_products_mm2": round(self.sum_mm2, 1),
            "nadir_mm2": round(self.nadir_mm2, 1),
            "lesion_volume_ml": round(self.volume_ml, 3),
            "nadir_ml": round(self.nadir_ml, 3),
            "target_lesions": list(self.targets),
            "confirmation": self.confirmation.document(),
        }


def assess_responses(history: History, region: str = "ET", days: Sequence[float] | None = None) -> tuple[Response, ...]:
    """The category of each exam against the baseline (the first) and the nadir (the smallest before it).

    In this order, with the sum of products (and in brackets the volume of all lesions):

    1. PD: a new measurable lesion; or one that was not measurable has become so and is 5 mm longer than it was at its shortest;
       or the sum is 25 % (40 %) or more above the nadir.
    2. CR: the baseline had a lesion and this exam has none, measurable or not.
    3. PR: the sum is 50 % (65 %) or more below the baseline's, and there is no new lesion.
    4. MR, of a region of NON_ENHANCING only: the same from 25 % (40 %) on.
    5. SD: anything else. Without a measurable lesion at the baseline there is no PR or MR.

    A lesion that was once measurable stays a target, also in parts, however small it becomes. Source: EDITION; the sentences on
    new and non-measurable lesions, and the volume of a minor response, are this project's reading of it.

    Args:
        history: The lesions of all exams.
        region: Whose lesions they are.
        days: Of each exam, for the confirmation of its category (by the products); None where no dates are known.
    """
    targets = _targets(history)
    minor = region in NON_ENHANCING
    sums, volumes = [], []
    for time, (known, named) in enumerate(zip(history.maps, history.names, strict=True)):
        lesions = {name: known.lesions[piece] for piece, name in named.items()}
        sums.append(sum(lesions[name].product_mm2 for name in targets[time]))
        volumes.append(sum(lesion.volume_ml for lesion in lesions.values()))
    out = []
    for time in range(len(sums)):
        nadirs = _nadir(sums[: max(time, 1)]), _nadir(volumes[: max(time, 1)])
        if time == 0:
            told = f"{len(targets[0])} measurable of {counted(len(history.names[0]), 'lesion')} at the baseline."
            verdicts: tuple[tuple[Category, str], ...] = (("baseline", told), ("baseline", told))
        else:
            verdicts = (
                _judge(history, time, "sum of products", "mm2", sums, _PRODUCT if minor else _PRODUCT[:2], bool(targets[0])),
                _judge(history, time, "volume", "ml", volumes, _VOLUME if minor else _VOLUME[:2], bool(history.names[0])),
            )
        (category, rule), (volume_category, volume_rule) = verdicts
        out.append(
            Response(
                category,
                rule,
                volume_category,
                volume_rule,
                sums[time],
                nadirs[0],
                volumes[time],
                nadirs[1],
                targets[time],
                tuple(_appeared(history, time)) if time else (),
            )
        )
    there = [[bool(set(r.appeared) & set(named.values())) for named in history.names] for r in out]
    confirmations = confirm([response.category for response in out], days, there)
    return tuple(replace(response, confirmation=words) for response, words in zip(out, confirmations, strict=True))


def _appeared(history: History, time: int) -> list[int]:
    """Lesions that are measurable and new, or newly measurable."""
    measurable = {name for piece, name in history.names[time].items() if history.maps[time].lesions[piece].measurable}
    return [*(name for name in _new(history, time) if name in measurable), *_became_measurable(history, time)]


def _new(history: History, time: int) -> list[int]:
    """Lesions without a counterpart at the time before."""
    return [name for change in history.changes if change.time == time and not change.before for name in change.after]


def _targets(history: History) -> list[tuple[int, ...]]:
    """Lesions of each time that are measurable, or continue one that was."""
    out: list[tuple[int, ...]] = []
    for time, (known, named) in enumerate(zip(history.maps, history.names, strict=True)):
        before = set(out[-1]) if out else set()
        out.append(
            tuple(
                sorted(
                    name
                    for piece, name in named.items()
                    if known.lesions[piece].measurable or before & set(history.parents[time][name])
                )
            )
        )
    return out


def _judge(
    history: History, time: int, what: str, unit: str, values: list[float], percents: Sequence[float], can_respond: bool
) -> tuple[Category, str]:
    """Category and rule of one exam after the baseline; `percents`: PD, PR and, where there is such a thing, MR."""
    now, start, nadir = values[time], values[0], _nadir(values[:time])
    rise, *falls = percents
    new = _new(history, time)
    lesions = {name: history.maps[time].lesions[piece] for piece, name in history.names[time].items()}
    measurable_new = [name for name in new if lesions[name].measurable]
    if measurable_new:
        return "PD", f"New measurable lesion ({_names(measurable_new)})."
    became = _became_measurable(history, time)
    if became:
        return (
            "PD",
            f"A lesion that was too small to measure became measurable, {BECAME_MEASURABLE_MM:g} mm longer ({_names(became)}).",
        )
    number = ".0f" if unit == "mm2" else ".2f"
    if nadir > 0 and now >= nadir * (1 + rise / 100) - _EXACT:
        return "PD", (
            f"The {what} rose by {100 * (now / nadir - 1):.0f} % over the nadir ({nadir:{number}} to {now:{number}} {unit}; "
            f"from {rise:g} %)."
        )
    if not lesions and history.names[0]:
        return "CR", "No lesion of the region is left."
    responses: tuple[Category, ...] = ("PR", "MR")
    for category, fall in zip(responses, falls, strict=False):
        if can_respond and not new and start > 0 and now <= start * (1 - fall / 100) + _EXACT:
            return category, (
                f"The {what} fell by {100 * (1 - now / start):.0f} % from the baseline ({start:{number}} to {now:{number}} "
                f"{unit}; from {fall:g} %{' for non-enhancing disease' if category == 'MR' else ''})."
            )
    if start > 0 and nadir > 0:
        told = (
            f"The {what} changed by {100 * (now / start - 1):+.0f} % from the baseline and {100 * (now / nadir - 1):+.0f} % "
            "from the nadir"
        )
        return "SD", f"{told}{f', with a new lesion too small to measure ({_names(new)})' if new else ''}."
    return "SD", f"There is nothing at the baseline that a change of the {what} could be told by."


def _nadir(values: list[float]) -> float:
    """The smallest of the values above 0: what comes back from nothing is judged as a new lesion, not as a ratio."""
    return min((value for value in values if value > 0), default=0.0)


def _became_measurable(history: History, time: int) -> list[int]:
    """Lesions measurable for the first time, and BECAME_MEASURABLE_MM longer than they or what they come from were."""
    targets = _targets(history)
    out = []
    for name in targets[time]:
        came_from = history.parents[time][name]
        if not came_from or set(came_from) & set(targets[time - 1]):
            continue
        shortest, family = float("inf"), set(came_from)
        for before in range(time - 1, -1, -1):
            shortest = min([shortest, *(_longest(history, before, a) for a in family)])
            family = {a for name in family for a in history.parents[before][name]}
        if _longest(history, time, name) >= shortest + BECAME_MEASURABLE_MM - _EXACT:
            out.append(name)
    return out


def _longest(history: History, time: int, name: int) -> float:
    """Longest axial diameter of a lesion in mm."""
    piece = next(piece for piece, known in history.names[time].items() if known == name)
    return history.maps[time].lesions[piece].axial.longest_mm


def _names(names: Iterable[int]) -> str:
    return ", ".join(f"lesion {name}" for name in names)
