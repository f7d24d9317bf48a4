"""What a physician reads of the probability of residual tumour."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.measurement.surgery.cut_probability import nested_outlines
from glioscope.reporting.surgery_section import surgery_sentences


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (1.0, "residual tumour more than 99 %, gross total resection less than 1 %"),
        (0.9951, "residual tumour more than 99 %, gross total resection less than 1 %"),
        (0.75, "residual tumour 75 %, gross total resection 25 %"),
        (0.0, "residual tumour less than 1 %, gross total resection more than 99 %"),
    ],
)
def test_no_probability_claims_to_be_certain_regression(share: float, words: str) -> None:
    """A network that is sure of a few voxels gave 'residual tumour 100 %, gross total resection 0 %'."""
    model = nested_outlines(np.full((2, 2, 2), share), 1000.0, 4.0).document()
    document = {
        "region": "ET",
        "residual": {
            "volume_ml": 8.0,
            "verdict": "residual tumour",
            "cut_ml": 4.0,
            "probability_residual_tumour": model["probability_residual_tumour"],
            "model": model["model"],
            "models": [model],
        },
        "extent": None,
        "cavity_ml": None,
        "rano_resect": {"class": None, "name": "no class"},
        "blood": None,
    }
    told = dict(surgery_sentences(document))["Probability"]
    assert told.startswith(f"{words} (model: nested outlines; ")
