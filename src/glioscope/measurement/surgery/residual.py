"""Residual tumour or gross total resection: on which side of a small volume the enhancing tumour lies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from glioscope.core.errors import InvalidImage

__all__ = ["RESIDUAL_CUT_ML", "ROUNDING_ML", "Residual", "residual_verdict"]

RESIDUAL_CUT_ML = 0.175
"""From this volume on there is residual tumour (Helland et al., Sci Rep 2023, section 2.1, after Stummer et al. 2006)."""

ROUNDING_ML = 1e-9
"""Sums of voxels that should equal the cut may fall short of it by this much."""


@dataclass(frozen=True)
class Residual:
    """One volume of enhancing tumour after surgery, in ml, and what it is called at a cut."""

    volume_ml: float
    cut_ml: float
    verdict: Literal["residual tumour", "gross total resection"]

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {"volume_ml": round(self.volume_ml, 4), "cut_ml": self.cut_ml, "verdict": self.verdict}


def residual_verdict(volume_ml: float, cut_ml: float = RESIDUAL_CUT_ML) -> Residual:
    """Residual tumour from the cut on (the cut itself is residual), gross total resection below.

    Args:
        volume_ml: Of the enhancing tumour after surgery, 0 or more.
        cut_ml: The cut, above 0.

    Raises:
        InvalidImage: a cut that is not above 0.

    Source: Helland et al., Scientific Reports 2023, sections 2.1 and 2.3.2.
    """
    if not 0 < cut_ml < math.inf:
        raise InvalidImage(f"The cut between residual tumour and gross total resection must be above 0 ml, not {cut_ml:g}.")
    left = volume_ml >= cut_ml - ROUNDING_ML
    return Residual(volume_ml, cut_ml, "residual tumour" if left else "gross total resection")
