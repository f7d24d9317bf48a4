"""One series or image file that may be a sequence of the exam."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from glioscope.core import GlioscopeError, Grid, Sequence
from glioscope.inspection.attributes import Evidence

__all__ = ["Candidate"]


@dataclass(frozen=True)
class Candidate:
    """What is known of one image file or one DICOM series without reading it whole.

    Attributes:
        name: Shown to people: the path below the exam, or the series number with the protocol words of its description.
        files: The image file, or all DICOM files of the series in the order of their positions.
        kind: `image` or `dicom`.
        grid: Where its voxels are; None where the file cannot be read.
        dtype: Type of the numbers stored.
        attributes: Acquisition attributes from the allow-list (times in ms).
        sequence: Which of the four it is, None where unknown.
        confidence: From 0 to 1.
        reason: One phrase: which evidence told.
        set_aside: Why it is not used, or None.
        fault: What keeps it from being used although it looks like a sequence (missing slice, truncated file).
    """

    name: str
    files: tuple[Path, ...]
    kind: Literal["image", "dicom"]
    grid: Grid | None = None
    dtype: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    sequence: Sequence | None = None
    confidence: float = 0.0
    reason: str = ""
    set_aside: str | None = None
    fault: GlioscopeError | None = None

    @property
    def usable(self) -> bool:
        """Whether it can be chosen."""
        return self.sequence is not None and self.set_aside is None and self.fault is None and self.grid is not None

    @property
    def evidence(self) -> Evidence:
        """The verdict alone."""
        return Evidence(self.sequence, self.confidence, self.reason, self.set_aside)

    def document(self) -> dict[str, Any]:
        """JSON-ready; no file paths but the name, no identifiers."""
        grid = self.grid
        return {
            "name": self.name,
            "kind": self.kind,
            "files": len(self.files),
            "sequence": self.sequence.value if self.sequence else None,
            "confidence": round(self.confidence, 2),
            "reason": self.reason,
            "set_aside": self.set_aside or (str(self.fault) if self.fault else None),
            "shape": list(grid.shape) if grid else None,
            "spacing_mm": [round(float(s), 3) for s in grid.spacing] if grid else None,
            "orientation": grid.orientation if grid else None,
            "obliquity_degrees": round(grid.obliquity, 1) if grid else None,
            "dtype": self.dtype,
            "attributes": dict(self.attributes),
        }
