"""What may be kept of an acquisition: numbers and known values, never a name."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from glioscope.core.acquisition import ACQUISITION_ATTRIBUTES, acquisition_attributes

SCANNERS = [
    ("SIEMENS", "TrioTim"),
    ("Siemens Healthineers", "MAGNETOM Vida"),
    ("GE MEDICAL SYSTEMS", "SIGNA Premier"),
    ("Philips Medical Systems", "Ingenia Elition X"),
    ("CANON", "Vantage Galan"),
    ("UIH", "uMR"),
]


def test_a_name_in_a_coded_place_does_not_pass() -> None:
    # issue 6, stop 11: any short string in ImageType or Manufacturer got into the sidecar that a conversion writes
    document = {
        "ImageType": ["ORIGINAL", "PRIMARY", "MUELLER", "M", "Mueller Hans"],
        "Manufacturer": "SIEMENS Mueller",
        "ManufacturerModelName": "MUELLER",
        "ScanOptions": ["PFP", "MUELLER"],
        "ScanningSequence": "MUELLER",
        "Modality": "Mueller",
        "PhaseEncodingDirection": "Mueller",
        "ConversionSoftwareVersion": "v1.0.19470312",
        "EchoTime": "19470312",
    }

    kept = acquisition_attributes(document)

    assert kept == {
        "ImageType": ["ORIGINAL", "PRIMARY", "OTHER", "M", "OTHER"],
        "Manufacturer": "SIEMENS",
        "ScanOptions": ["PFP"],
    }


def test_what_scanners_write_stays() -> None:
    document = {
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "NORM", "DIS2D"],
        "ScanningSequence": "GR_IR",
        "SequenceVariant": "SK_SP_MP",
        "MRAcquisitionType": "3D",
        "Modality": "MR",
        "PhaseEncodingDirection": "j-",
        "InPlanePhaseEncodingDirectionDICOM": "ROW",
        "ConversionSoftware": "dcm2niix",
        "ConversionSoftwareVersion": "v1.0.20240202",
        "EchoTime": 0.0029,
        "EchoTrainLength": 1,
        "ImageOrientationPatientDICOM": [1, 0, 0, 0, 1, 0.0],
    }

    assert acquisition_attributes(document) == dict(sorted(document.items()))
    for maker, model in SCANNERS:
        assert acquisition_attributes({"Manufacturer": maker, "ManufacturersModelName": model}) == {
            "Manufacturer": maker,
            "ManufacturersModelName": model,
        }


def test_numbers_that_are_none_and_lists_of_lists_go() -> None:
    document = {"EchoTime": math.nan, "FlipAngle": None, "ImageType": [["ORIGINAL"]], "BaseResolution": {"a": 1}}

    assert acquisition_attributes(document) == {}


_STRINGS = st.text("ABMRijkt12 _-/.é", max_size=8)


@given(st.dictionaries(st.sampled_from(sorted(ACQUISITION_ATTRIBUTES)), _STRINGS | st.lists(_STRINGS, max_size=3), max_size=3))
def test_twice_is_once(document: dict[str, object]) -> None:
    once = acquisition_attributes(document)

    assert acquisition_attributes(once) == once
