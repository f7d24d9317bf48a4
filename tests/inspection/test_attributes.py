from __future__ import annotations

from typing import Any

import pytest

from glioscope.core import Sequence
from glioscope.inspection.attributes import from_attributes, sidecar_attributes

SE = {"ScanningSequence": "SE"}


@pytest.mark.parametrize(
    ("attributes", "sequence"),
    [
        ({"EchoTime": 12, "RepetitionTime": 500, **SE}, Sequence.T1N),
        ({"EchoTime": 12, "RepetitionTime": 500, "ContrastBolusAgent": "Gadovist", **SE}, Sequence.T1C),
        ({"EchoTime": 12, "RepetitionTime": 500, "ContrastBolusAgent": "NONE", **SE}, Sequence.T1N),
        ({"EchoTime": 90, "RepetitionTime": 4000, **SE}, Sequence.T2W),
        ({"EchoTime": 110, "RepetitionTime": 9000, "InversionTime": 2500, "ScanningSequence": ["SE", "IR"]}, Sequence.T2F),
        ({"EchoTime": 3, "RepetitionTime": 2200, "InversionTime": 900, "ScanningSequence": ["GR", "IR"]}, Sequence.T1N),
        ({"EchoTime": 10, "RepetitionTime": 2000, "InversionTime": 800, "ScanningSequence": ["SE", "IR"]}, Sequence.T1N),
        ({"AcquisitionContrast": "FLUID_ATTENUATED"}, Sequence.T2F),
        ({"SeriesDescription": "AX T1 pre", "ContrastBolusAgent": "Gadovist"}, Sequence.T1N),
        ({"SeriesDescription": "AX", "ProtocolName": "T1 post", "ContrastBolusAgent": "Gd"}, Sequence.T1C),
    ],
)
def test_the_sequence_from_timing_codes_and_descriptions(attributes: dict[str, Any], sequence: Sequence) -> None:
    evidence = from_attributes(attributes)

    assert evidence.sequence is sequence
    assert evidence.confidence >= 0.8


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"Modality": "CT", "SeriesDescription": "T1"}, "not MR (CT)"),
        ({"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]}, "diffusion"),
        ({"ImageType": ["DERIVED", "SECONDARY", "ADC"], "SeriesDescription": "T2"}, "derived map (ADC)"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"], "SeriesDescription": "t1"}, "phase image"),
        ({"DiffusionBValue": 1000}, "diffusion"),
        ({"EchoTime": 20, "RepetitionTime": 3000, **SE}, "proton density"),
        ({"EchoTime": 60, "RepetitionTime": 4000, "InversionTime": 150, **SE}, "other contrast"),
        ({"ScanningSequence": "EP", "SeriesDescription": "t2"}, "echo-planar (diffusion, perfusion or functional)"),
    ],
)
def test_what_is_none_of_the_four(attributes: dict[str, Any], why: str) -> None:
    assert from_attributes(attributes).set_aside == why


def test_a_contradiction_is_too_unsure_to_use() -> None:
    evidence = from_attributes({"SeriesDescription": "AX T2", "EchoTime": 10, "RepetitionTime": 500, **SE})

    assert evidence.confidence < 0.5
    assert evidence.reason == "its description says T2 but TR 500 ms, TE 10 ms says T1"


def test_sidecars_have_seconds() -> None:
    attributes = sidecar_attributes({"EchoTime": 0.09, "RepetitionTime": 4, "InversionTime": "?", "ScanningSequence": "SE_IR"})

    assert attributes == {"EchoTime": 90.0, "RepetitionTime": 4000.0, "ScanningSequence": ["SE", "IR"]}
