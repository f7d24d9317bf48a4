"""The objects: read back by other readers, checked by other checkers, the same bytes each time."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from glioscope.core import ProcessingFailed, Volume, get_scheme
from glioscope.dicom import (
    INTERVAL_LEVEL,
    Algorithm,
    Code,
    SegmentMeasurements,
    SourceSeries,
    dicom_bytes,
    encapsulate_pdf,
    focality,
    label_frames,
    make_measurement_report,
    make_segmentation,
    place_of,
    private,
    rano_findings,
    read_source_series,
    segments_of,
    surgery_findings,
    uid_of,
)
from tests.dicom.checking import complaints
from tests.dicom_factory import oblique_affine, phantom
from tests.dicom_studies import PATIENT, write_enhanced, write_series

hd = pytest.importorskip("highdicom", reason="highdicom is not installed")
pydicom = pytest.importorskip("pydicom")

SCHEME = get_scheme("brats-2023")
ALGORITHM = Algorithm("toy-segmenter", "0.1.0", True, (("identity", "abc"),))
PDF = b"%PDF-1.4 odd"


LEVEL = (INTERVAL_LEVEL, private("CI95", "95 %, if the voxels' probabilities hold"))

RANO = {
    "enhancing": {
        "region": "ET",
        "measurable_count": 1,
        "sum_of_products_mm2": 180.0,
        "lesions": [
            {"lesion": 1, "longest_mm": 15.0, "perpendicular_mm": 12.0, "product_mm2": 180.0, "measurable": True},
            {"lesion": 2, "longest_mm": 9.0, "perpendicular_mm": 8.0, "product_mm2": 72.0, "measurable": False},
        ],
    },
    "t2_flair": {"region": "WT", "measurable_count": 0, "sum_of_products_mm2": 0.0, "lesions": []},
}

SURGERY: dict[str, Any] = {
    "region": "ET",
    "residual": {
        "volume_ml": 0.25,
        "cut_ml": 0.175,
        "verdict": "residual tumour",
        "probability_residual_tumour": 0.8125,
        "model": "nested outlines",
    },
    "extent": {
        "ET": {"before_ml": 10.0, "after_ml": 0.25, "extent_percent": 97.5},
        "TC": {"before_ml": 0.0, "after_ml": 0.25, "extent_percent": None},
    },
    "rano_resect": {"class": "2B", "name": "near total CE resection (maximal)"},
}


def tumour() -> NDArray[np.uint8]:
    """WT 6 x 8 x 5, in it ET 3 x 4 x 3, in that one voxel of NCR; nothing in slices 0, 1 and from 7 on."""
    data = np.zeros((20, 24, 12), np.uint8)
    data[3:9, 4:12, 2:7] = 2
    data[4:7, 5:9, 3:6] = 3
    data[5, 6, 4] = 1
    return data


def objects(series: SourceSeries, data: NDArray[np.uint8] | None = None, surgery: dict[str, Any] = SURGERY) -> dict[str, bytes]:
    """All four objects of one exam."""
    frames = label_frames(Volume.of(tumour() if data is None else data, series.grid.affine), series)
    made: dict[str, Any] = {}
    measured: list[SegmentMeasurements] = []
    for offset, kind in enumerate(("labels", "regions"), 1):
        place = place_of(series, kind, offset, frames.tobytes())
        segments = segments_of(SCHEME, kind == "regions")
        made[kind] = make_segmentation(frames, series, segments, ALGORITHM, place, f"Glioscope {kind}")
        values = {"volume_ml": 0.25, "axial_diameter_mm": 7.5, "lesion_count": 2}
        told = (values, "left", (0.125, 0.75), (LEVEL, focality("multifocal")))
        measured += [SegmentMeasurements(s, n, made[kind], place, *told) for n, s in enumerate(segments, 1)]
    findings = (*rano_findings(RANO, SCHEME), *surgery_findings(surgery, SCHEME))
    place = place_of(series, "measurements", 3, frames.tobytes(), repr(surgery))
    made["measurements"] = make_measurement_report(measured, series, ALGORITHM, place, "Glioscope measurements", findings)
    made["report"] = encapsulate_pdf(PDF, series, place_of(series, "report", 4, PDF), "Glioscope report", "0.1.0")
    return {name: dicom_bytes(dataset) for name, dataset in made.items()}


def written(folder: Path, made: dict[str, bytes]) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name, content in made.items():
        (folder / f"{name}.dcm").write_bytes(content)
    return [folder / f"{name}.dcm" for name in made]


def source(folder: Path, **how: Any) -> SourceSeries:
    return read_source_series(write_series(folder / "source", phantom(), oblique_affine(), "t1c", **how))


LATIN = {"PatientName": "Müller^Jürgen", "SpecificCharacterSet": "ISO_IR 100"}
JAPANESE = {"PatientName": "Yamada^Tarou=山田^太郎", "SpecificCharacterSet": ["", "ISO 2022 IR 87"]}
BARE: dict[str, Any] = dict.fromkeys([*PATIENT, "PatientPosition", "DeviceSerialNumber"])


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: source(folder, vendor="siemens", overrides=LATIN),
        lambda folder: source(folder, vendor="ge", overrides=JAPANESE),
        lambda folder: source(folder, vendor="philips", overrides=BARE),
        lambda folder: read_source_series([write_enhanced(folder / "source", phantom(), oblique_affine(), "t1c")]),
    ],
    ids=["siemens", "ge", "philips-without-patient", "enhanced"],
)
def test_dciodvfy_has_nothing_to_say(tmp_path: Path, make: Callable[[Path], SourceSeries]) -> None:
    found = complaints(*written(tmp_path / "made", objects(make(tmp_path))))

    assert [line for line in found if "needed to build DICOMDIR" not in line] == []  # where the source has no patient


def test_an_empty_segmentation_says_that_nothing_was_found(tmp_path: Path) -> None:
    files = written(tmp_path / "made", objects(source(tmp_path), np.zeros((20, 24, 12), np.uint8)))

    assert complaints(*files) == []
    found = hd.seg.segread(files[0])
    assert [s.SegmentLabel.split(":")[0] for s in found.SegmentSequence] == ["NCR", "ED", "ET"]
    assert not found.pixel_array.any()


def test_the_reader_of_highdicom_gives_back_the_label_map(tmp_path: Path) -> None:
    series = source(tmp_path)
    files = written(tmp_path / "made", objects(series))
    labels, regions = hd.seg.segread(files[0]), hd.seg.segread(files[1])
    uids = [image.SOPInstanceUID for image in series.images]
    expected = tumour().transpose(2, 1, 0)

    np.testing.assert_array_equal(
        labels.get_pixels_by_source_instance(uids, combine_segments=True, assert_missing_frames_are_empty=True), expected
    )
    united = regions.get_pixels_by_source_instance(uids, assert_missing_frames_are_empty=True)
    for place, values in enumerate([(1, 2, 3), (1, 3), (3,)]):
        np.testing.assert_array_equal(united[..., place], np.isin(expected, values))
    volume = labels.get_volume(combine_segments=True)  # where it lies, from the object alone
    np.testing.assert_allclose(
        np.diag([-1, -1, 1, 1]) @ volume.affine @ [*np.argwhere(volume.array == 1)[0], 1],
        oblique_affine() @ [5, 6, 4, 1],
        atol=1e-3,
    )


def test_each_object_belongs_to_the_study(tmp_path: Path) -> None:
    series = source(tmp_path, overrides=LATIN)
    seg, regions, report, pdf = (pydicom.dcmread(file) for file in written(tmp_path / "made", objects(series)))

    for dataset in (seg, regions, report, pdf):
        for name in ("StudyInstanceUID", "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber",
                     "StudyID", "StudyDate", "StudyTime", "StudyDescription", "PatientWeight"):  # fmt: skip
            assert dataset[name].value == series.first[name].value, name
    assert seg.FrameOfReferenceUID == series.first.FrameOfReferenceUID
    assert [s.SeriesInstanceUID for s in seg.ReferencedSeriesSequence] == [series.first.SeriesInstanceUID]
    assert len({d.SeriesInstanceUID for d in (seg, regions, report, pdf, series.first)}) == 5
    assert [d.SeriesNumber for d in (seg, regions, report, pdf)] == [101, 102, 103, 104]
    assert {i.ReferencedSOPInstanceUID for i in pdf.SourceInstanceSequence} == {i.SOPInstanceUID for i in series.images}
    assert pdf.EncapsulatedDocument[: pdf.EncapsulatedDocumentLength] == PDF


def test_the_report_refers_to_the_segments(tmp_path: Path) -> None:
    files = written(tmp_path / "made", objects(source(tmp_path)))
    seg, regions, report = hd.seg.segread(files[0]), hd.seg.segread(files[1]), hd.sr.srread(files[2])
    groups = report.content.get_volumetric_roi_measurement_groups()

    tracked = [d.TrackingUID for s in (seg, regions) for d in s.SegmentSequence]
    assert [group.tracking_uid for group in groups] == tracked
    referred = [
        (g.referenced_segment.referenced_sop_instance_uid, *g.referenced_segment.referenced_segment_numbers) for g in groups
    ]
    assert referred == [(s.SOPInstanceUID, n) for s in (seg, regions) for n in (1, 2, 3)]
    told = [(m.name.meaning, m.value, m.unit.value) for m in groups[0].get_measurements()]
    assert told == [("Volume", 0.25, "ml"), ("Long axis", 7.5, "mm"), ("Number of lesions", 2, "{lesions}")]
    assert groups[0].finding_sites[0].laterality.meaning == "Left"
    evidence = {uid for *_, uid, _ in report.get_evidence()}
    assert {seg.SOPInstanceUID, regions.SOPInstanceUID} <= evidence and len(evidence) == 2 + 12


def test_slightly_uneven_frames_lie_where_the_source_lies(tmp_path: Path) -> None:
    series = source(tmp_path, shifts={4: 0.08})
    grid_labels = Volume.of(tumour(), oblique_affine())
    frames = label_frames(grid_labels, series)
    dataset = make_segmentation(
        frames, series, segments_of(SCHEME, False), ALGORITHM, place_of(series, "labels", 1, b""), "Glioscope labels"
    )

    places = {str(i.SOPInstanceUID): [float(v) for v in i.ImagePositionPatient] for i in series.images}
    for item in dataset.PerFrameFunctionalGroupsSequence:
        uid = item.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        assert [float(v) for v in item.PlanePositionSequence[0].ImagePositionPatient] == pytest.approx(places[uid], abs=1e-5)


def coded(item: Any) -> tuple[str, str]:
    return item.value, item.scheme_designator


def test_the_interval_of_a_volume_is_told_from_the_volume_on(tmp_path: Path) -> None:
    # issue 6, stop 11: the report had no intervals
    report = hd.sr.srread(written(tmp_path / "made", objects(source(tmp_path)))[2])
    for group in report.content.get_volumetric_roi_measurement_groups():
        volume = next(m for m in group.get_measurements() if m.name.value == "118565006")
        ways = {
            coded(item.name): (float(item.value), item.unit.value)
            for item in volume[0].ContentSequence
            if item.relationship_type == hd.sr.RelationshipTypeValues.HAS_PROPERTIES
        }
        # 0.25 ml in 0.125 to 0.75 ml
        assert ways == {("371886008", "SCT"): (0.5, "ml"), ("371885007", "SCT"): (0.125, "ml")}
        answers = {coded(e.name): e.value.meaning for e in group.get_qualitative_evaluations()}
        assert answers == {
            ("INTERVAL", "99GLIOSCOPE"): "95 %, if the voxels' probabilities hold",
            ("FOCALITY", "99GLIOSCOPE"): "Multifocal",
        }


def test_rano_and_surgery_are_read_back(tmp_path: Path) -> None:
    # issue 6, stop 11: the report had neither the sum of RANO nor the extent of resection
    report = hd.sr.srread(written(tmp_path / "made", objects(source(tmp_path)))[2])
    groups = report.content.get_image_measurement_groups()
    told = {
        group.tracking_identifier: [(m.name.value, float(m.value), m.unit.value) for m in group.get_measurements()]
        for group in groups
    }
    assert told == {
        "Glioscope RANO enhancing disease": [("MEASURABLE", 1, "{lesions}"), ("SUMPRODUCTS", 180, "mm2")],
        "Glioscope RANO enhancing disease, lesion 1": [
            ("103339001", 15, "mm"),
            ("103340004", 12, "mm"),
            ("PRODUCT", 180, "mm2"),
        ],
        "Glioscope RANO T2/FLAIR disease": [("MEASURABLE", 0, "{lesions}"), ("SUMPRODUCTS", 0, "mm2")],
        "Glioscope after surgery": [
            ("RESIDUALVOLUME", 0.25, "ml"),
            ("CUT", 0.175, "ml"),
            ("PRESIDUAL", 81.25, "%"),
            ("PGTR", 18.75, "%"),
        ],
        "Glioscope extent of resection ET": [("EOR", 97.5, "%"), ("BEFORE", 10, "ml"), ("AFTER", 0.25, "ml")],
        "Glioscope extent of resection TC": [("BEFORE", 0, "ml"), ("AFTER", 0.25, "ml")],  # nothing to take a share of
    }
    by_name = {group.tracking_identifier: group for group in groups}
    rano, surgery = by_name["Glioscope RANO enhancing disease"], by_name["Glioscope after surgery"]
    assert (coded(rano.method), coded(rano.finding_type)) == (("C114879", "NCIt"), ("C113842", "NCIt"))
    assert [e.value.value for e in rano.get_qualitative_evaluations()] == ["RANO2.0"]
    assert [(e.name.value, e.value.value) for e in surgery.get_qualitative_evaluations()] == [
        ("VERDICT", "RESIDUAL"),
        ("PMODEL", "NESTED"),
        ("RESECT2023", "CLASS2B"),
    ]
    assert len({group.tracking_uid for group in groups}) == len(groups)


def test_the_same_finding_keeps_its_tracking_uid_when_more_is_known_of_it(tmp_path: Path) -> None:
    # issue 6: exported again after another `surgery`, every finding of the same label map had a new tracking UID
    def tracked(made: dict[str, bytes], name: str) -> tuple[str, dict[str, str]]:
        report = hd.sr.srread(written(tmp_path / name, made)[2])
        groups = [*report.content.get_image_measurement_groups(), *report.content.get_volumetric_roi_measurement_groups()]
        return report.SOPInstanceUID, {group.tracking_identifier: group.tracking_uid for group in groups}

    series = source(tmp_path)
    once, first = tracked(objects(series), "first")
    again, second = tracked(objects(series, surgery=SURGERY | {"rano_resect": {"class": None, "name": "none"}}), "second")
    other = tumour()
    other[0, 0, 0] = 1
    _, changed = tracked(objects(series, other), "changed")

    assert once != again and first == second and len(first) == 11
    assert not set(first.values()) & set(changed.values())


@pytest.mark.parametrize("kind", ["none", "single", "multifocal", "multicentric"])
def test_every_kind_of_foci_has_its_code(kind: str) -> None:
    assert all(isinstance(code, Code) and len(code.value) <= 16 for code in focality(kind))


def test_what_surgery_cannot_tell_is_left_out() -> None:
    unsure = SURGERY["residual"] | {"probability_residual_tumour": None, "model": None, "verdict": "gross total resection"}
    told = {**SURGERY, "residual": unsure, "extent": None, "rano_resect": {"class": None, "name": "no class"}}

    (finding,) = surgery_findings(told, SCHEME)

    assert list(finding.values) == ["residual_ml", "cut_ml"]
    assert [answer.value for _, answer in finding.evaluations] == ["GTR"]


def test_the_same_input_gives_the_same_bytes_and_another_other_identifiers(tmp_path: Path) -> None:
    first, again = (objects(source(tmp_path / name)) for name in "ab")
    assert first == again
    today = datetime.datetime.now(tz=datetime.UTC).strftime("%Y%m%d").encode()
    assert not [name for name, content in first.items() if today in content]
    other = tumour()
    other[0, 0, 0] = 1
    changed = objects(source(tmp_path / "c"), other)
    uid = {
        name: [pydicom.dcmread(pydicom.filebase.DicomBytesIO(m[name])).SOPInstanceUID for m in (first, changed)]
        for name in first
    }
    assert all(before != after for name, (before, after) in uid.items() if name != "report")


def test_a_source_without_dates_gives_the_fixed_one(tmp_path: Path) -> None:
    dates = [f"{kind}{what}" for kind in ("Content", "Acquisition", "Series", "Study") for what in ("Date", "Time")]
    made = objects(source(tmp_path, overrides=dict.fromkeys(dates)))

    dataset = pydicom.dcmread(written(tmp_path / "made", made)[0])
    assert (dataset.ContentDate, dataset.ContentTime) == ("19000101", "000000")


def test_odd_patients_are_copied_as_they_are(tmp_path: Path) -> None:
    odd = {"PatientSex": "D", "PatientBirthDate": "1950", "StudyTime": "9:30"}
    seg, _, report, pdf = (pydicom.dcmread(f) for f in written(tmp_path / "m", objects(source(tmp_path, overrides=odd))))

    assert [(d.PatientSex, d.PatientBirthDate, d.StudyTime) for d in (seg, report, pdf)] == [tuple(odd.values())] * 3


def test_a_refusal_does_not_quote_the_header(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    series = source(tmp_path, overrides={"AccessionNumber": "Secretname" * 40})
    series.first.Rows = "Secretname"
    with pytest.raises(ProcessingFailed) as caught:
        make_segmentation(
            np.zeros((12, 24, 20), np.uint8), series, segments_of(SCHEME, False), ALGORITHM, place_of(series, "x", 1), "x"
        )

    assert "Secretname" not in str(caught.value) + "".join(capfd.readouterr())
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_identifiers_are_uuids_under_2_25() -> None:
    import uuid

    made = uid_of("a", b"b")
    assert made == uid_of(b"a", "b") != uid_of("ab")
    number = uuid.UUID(int=int(made.removeprefix("2.25.")))
    assert (number.version, number.variant) == (8, uuid.RFC_4122)
    assert len(made) <= 64 and pydicom.uid.UID(made).is_valid


def test_regions_that_were_not_looked_for_have_no_segment() -> None:
    assert [s.name for s in segments_of(SCHEME, True, ("TC", "ET"))] == ["WT"]
    assert segments_of(SCHEME, False, ("TC", "ET")) == ()


@pytest.mark.parametrize("name", ["brats-2021", "brats-2024-gli", "brats-ped", "brats-2024-met", "brats-men-rt", "residual"])
def test_every_scheme_has_its_codes(name: str) -> None:
    scheme = get_scheme(name)
    for regions in (False, True):
        found = segments_of(scheme, regions)
        assert [s.name for s in found] == (list(scheme.regions) if regions else [v.name for v in scheme.labels.values()])
        assert all(len(s.label) <= 64 and s.type.meaning for s in found)
