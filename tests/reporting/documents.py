"""Documents of a small made-up exam, as the workflow hands them to the report."""

from __future__ import annotations

from typing import Any

import numpy as np

from glioscope.core import Sequence, Volume, get_scheme
from glioscope.measurement import locate, measure
from glioscope.quality import Remark, Severity, judge

SCHEME = get_scheme("brats-2023")
HOSTILE = "t1c <script>alert('x')</script> & Žluťoučký 定位.nii.gz"


def exam(*, tumour: bool = True, sequences: int = 4) -> tuple[dict[Sequence, Volume], Volume, Volume]:
    """Images, label map and brain mask on an oblique, anisotropic LAS grid; the tumour is at the patient's left, in front."""
    affine = np.array([[-1.5, 0, 0.4, 60], [0, 1.5, -0.8, -62], [0.1, 0.2, 4.0, -45], [0, 0, 0, 1]])
    index = np.indices((80, 90, 24))
    centred = (index - np.array([40, 45, 12])[:, None, None, None]) / np.array([36, 41, 10.5])[:, None, None, None]
    brain = (centred**2).sum(axis=0) <= 1
    labels = np.zeros(brain.shape, np.uint8)
    if tumour:
        for value, radius in ((2, 12), (1, 8), (3, 5)):
            distance = (index - np.array([58, 62, 13])[:, None, None, None]) * np.array([1, 1, 2.7])[:, None, None, None]
            labels[(distance**2).sum(axis=0) <= radius**2] = value
    image = (brain * (100 + 20 * np.sin(index[0] / 5)) + 60.0 * (labels > 0)).astype(np.float32)
    images = {sequence: Volume.of(image + 5 * n, affine) for n, sequence in enumerate(list(Sequence)[:sequences])}
    return images, Volume.of(labels, affine), Volume.of(brain.astype(np.uint8), affine)


def inspection(name: str = "t1c.nii.gz") -> dict[str, Any]:
    """One sequence used, one file left out."""
    kept = {"kind": "image", "files": 1, "confidence": 0.95, "shape": [80, 90, 24], "spacing_mm": [1.5, 1.5, 4.1]}
    return {
        "id": "x",
        "session": None,
        "source": "images",
        "prepared": False,
        "reference": "t1c",
        "chosen": {"t1c": name},
        "ambiguous": {},
        "missing": ["t1n", "t2w", "t2f"],
        "candidates": [
            {"name": name, "sequence": "t1c", "reason": "the file name", "set_aside": None, **kept},
            {"name": "localiser.nii.gz", "sequence": None, "reason": "", "set_aside": "a localiser of 3 slices", **kept},
        ],
        "warnings": ["T1 + contrast is oblique by 11 degrees; this is honoured."],
        "problem": None,
    }


def measurements(*, tumour: bool = True, known: list[str] | None = None) -> dict[str, Any]:
    """What is measured of `exam`."""
    _, labels, brain = exam(tumour=tumour)
    about = {"exam": "sub-x", "id": "x", "session": None, "space": "SRI24", "segmenter": "subtraction"}
    document = {**about, **measure(labels, SCHEME, brain, known).document()}
    location = locate(labels, SCHEME, brain=brain).document()
    location["regions"] = {name: share for name, share in location["regions"].items() if name in document["regions"]}
    return {**document, "location": location}


def quality() -> dict[str, Any]:
    """A caution and an info."""
    remarks = [Remark(Severity.INFO, "a", "Something small."), Remark(Severity.CAUTION, "b", "Slices < 5 & thick.")]
    return judge(remarks).document()


def records() -> list[dict[str, Any]]:
    """Three steps that build on each other, out of order, and one that nothing here was made from."""

    def record(name: str, inputs: dict[str, str], outputs: dict[str, str], /, **parameters: Any) -> dict[str, Any]:
        versions = {"glioscope": "1", "scipy": "1.15"}
        about = {"key": "k", "facts": {}, "seconds": 1.23, "versions": versions, "parameters": parameters}
        return {"name": name, "inputs": inputs, "outputs": outputs, **about}

    return [
        record("segment", {"image": "bbbbbbbbbb"}, {"labels": "cccccccccc"}, name="subtraction"),
        record("register", {"image": "0000000000"}, {"image": "aaaaaaaaaa"}, transform="affine"),
        record("extract", {"image": "aaaaaaaaaa"}, {"image": "bbbbbbbbbb"}),
        record("old", {"image": "0000000000"}, {"image": "dddddddddd"}),
    ]
