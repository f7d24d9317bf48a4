"""From an inspection to an exam of volume files: DICOM series are converted, volume files stay where they are."""

from __future__ import annotations

from pathlib import Path

from glioscope.core import Exam, Ledger, MissingSequence, Sequence, Step
from glioscope.inspection import Inspection
from glioscope.workflows.dataset import records_folder

__all__ = ["convert_exam"]


def convert_exam(inspection: Inspection, out: Path, ledger: Ledger) -> Exam:
    """The exam that `inspection` found, every sequence as one volume file.

    Raises:
        AmbiguousExam: two files are equally good for one sequence.
        MissingSequence: no sequence at all was recognised.
        InputUnreadable: a series cannot be converted.
    """
    from glioscope.conversion import convert_series

    inspection.resolved()
    if not inspection.chosen:
        raise MissingSequence(f"No T1, T2 or FLAIR volume was found in exam '{inspection.id}'; name one with --t1c FILE.")
    steps: list[Step] = []
    images: dict[Sequence, Path] = {}
    for sequence, candidate in inspection.chosen.items():
        if candidate.kind == "image":
            images[sequence] = candidate.files[0]
            continue
        folder = records_folder(out, Exam(inspection.id, inspection.session, {}).name)
        images[sequence] = folder / f"{sequence}.nii.gz"
        steps.append(
            Step(
                f"convert-{sequence}",
                f"Converting {sequence.display_name} from DICOM",
                convert_series,
                inputs={"files": {f"{i:05d}": file for i, file in enumerate(candidate.files)}},
                outputs={"image": images[sequence], "sidecar": folder / f"{sequence}.json"},
                packages=("dcm2niix",),
            )
        )
    ledger.run(*steps)
    return Exam(inspection.id, inspection.session, images, inspection.prepared, inspection.warnings)
