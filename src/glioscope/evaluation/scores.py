"""What comes out of a comparison: numbers by region, and one row a lesion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["CaseScores", "LesionScores", "RegionScores"]


@dataclass(frozen=True)
class LesionScores:
    """One lesion of the reference (found or missed), or one of the prediction that matches none.

    Attributes:
        kind: `tp` (found), `fn` (missed) or `fp` (matches no lesion of the reference).
        reference_volume_mm3: 0 for `fp`.
        predicted_volume_mm3: Of all predicted lesions matched to it; 0 for `fn`.
        scores: `dice`, `hd95`, and where the protocol has them `nsd_0.5`, `nsd_1.0`; the protocol's penalties for `fp`, `fn`.
        counted: Whether the protocol's averages include it (a reference lesion below the smallest volume is left out).
    """

    kind: Literal["tp", "fp", "fn"]
    reference_volume_mm3: float
    predicted_volume_mm3: float
    scores: Mapping[str, float]
    counted: bool = True


@dataclass(frozen=True)
class RegionScores:
    """One region of one case.

    Attributes:
        values: Metric name -> value, such as `lesion_dice`, `dice`, `hd95` (mm), `nsd_0.5`, `sensitivity`, `tp`,
            `reference_volume_mm3`; what the protocol does not define is absent.
        lesions: Every lesion that went into the lesion-wise values.
    """

    values: Mapping[str, float]
    lesions: tuple[LesionScores, ...] = ()


@dataclass(frozen=True)
class CaseScores:
    """One case: a prediction compared with its reference.

    Attributes:
        id: Name of the case.
        regions: Region name -> its scores, in the protocol's order.
        facts: JSON-ready notes, such as the files compared.
    """

    id: str
    regions: Mapping[str, RegionScores]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The case as JSON-ready values: {"id", "regions": {"ET": {"lesion_dice", …}}}."""
        return {"id": self.id, **self.facts, "regions": {name: dict(scores.values) for name, scores in self.regions.items()}}
