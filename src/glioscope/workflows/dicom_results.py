"""What a run left of an exam, as the export to DICOM needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glioscope.core import (
    REFERENCE_ORDER,
    InvalidImage,
    MissingSequence,
    Scheme,
    Sequence,
    bids_name,
    get_scheme,
)
from glioscope.workflows.result_document import read_result

__all__ = ["RunResults", "not_dicom"]


@dataclass(frozen=True)
class RunResults:
    """One exam of a results folder.

    Attributes:
        out: The results folder.
        folder: The exam's folder in it.
        measurements: `report/measurements.json`.
        steps: Steps of `provenance.json` by name.
    """

    out: Path
    folder: Path
    measurements: Mapping[str, Any]
    steps: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, out: Path, folder: Path) -> RunResults:
        """Of the exam in `folder`; raises InputUnreadable for a document that is missing or damaged."""
        steps = read_result(folder / "provenance.json").get("steps", [])
        measurements = read_result(folder / "report" / "measurements.json")
        return cls(out, folder, measurements, {step["name"]: step for step in steps})

    @property
    def name(self) -> str:
        """`sub-ID[_ses-LABEL]`."""
        return str(self.measurements["exam"])

    @property
    def scheme(self) -> Scheme:
        """Of the label map."""
        return get_scheme(self.measurements["scheme"])

    @property
    def unknown(self) -> tuple[str, ...]:
        """Regions that were not looked for."""
        return tuple(self.measurements.get("not_determined", ()))

    @property
    def segmenter(self) -> str:
        """Whose label map the report tells of."""
        return str(self.measurements["segmenter"])

    @property
    def native(self) -> Sequence:
        """The sequence whose grid is the native space."""
        return self.sequences[0]

    @property
    def sequences(self) -> tuple[Sequence, ...]:
        """What the exam has, the sequence of the native space first."""
        document = read_result(self.folder / "provenance.json")
        return tuple(s for s in REFERENCE_ORDER if s.value in document["inputs"])

    def sources(self, sequence: Sequence) -> list[str]:
        """SHA-256 of the DICOM files that `sequence` was converted from.

        Raises:
            MissingSequence: the exam has no such sequence.
            InvalidImage: it did not come as DICOM.
        """
        if sequence not in self.sequences:
            there = ", ".join(s.display_name for s in self.sequences)
            raise MissingSequence(f"{self.name} has no {sequence.display_name}; it has {there}.")
        step = self.steps.get(f"convert-{sequence}")
        if step is None:
            came = any(f"convert-{s}" in self.steps for s in Sequence)
            what = f"Its {sequence.display_name}" if came else "It"
            raise InvalidImage(f"{not_dicom(self.name, what)} Its results are NIfTI in BIDS, in '{self.folder}'.")
        return list(step["inputs"].values())

    def labels(self, space: str = "orig") -> Path | None:
        """The label map that the report tells of, in `space` (a pattern)."""
        found = sorted((self.folder / "anat").glob(f"{self.name}_space-{space}_seg-{bids_name(self.segmenter)}_dseg.nii.gz"))
        return found[0] if found else None


def not_dicom(name: str, what: str = "It") -> str:
    """Why there is no DICOM of an exam that came as images: `what` is `It`, or the sequence that did."""
    return (
        f"No DICOM can be made for {name}. {what} came as image files (NIfTI, NRRD or MetaImage), which name no patient, study "
        "or frame of reference that a DICOM object must belong to."
    )
