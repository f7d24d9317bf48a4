"""A token is planted in every place where a name can hide, and none may come out."""

from __future__ import annotations

import gzip
import io
import json
import struct
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest

from glioscope.deidentification import DeidentificationOptions
from glioscope.workflows.deidentify import Deidentified, deidentify
from tests.deidentification import planted
from tests.deidentification.planted import Tokens, element, sequence

ALL = DeidentificationOptions(patient_characteristics=True, safe_private=True, burned_in="blank")


def run(folder: Path, options: DeidentificationOptions | None = None) -> Deidentified:
    return deidentify(
        folder / "in", folder / "out", key=folder / "k" / "key", table=folder / "k" / "table.tsv", options=options
    )


def files(folder: Path) -> list[Path]:
    return sorted((folder / "out").rglob("*.dcm"))


def image(tokens: Tokens, patient: str = "PAT-ZWQX99999VAR") -> dict[int, bytes]:
    elements = planted.base(tokens, patient=patient, uid=f"{planted.UID_ROOT}.1.1.1")
    elements[0x7FE00010] = element(0x7FE00010, "OW", planted.pixels().tobytes())
    return elements


@pytest.mark.parametrize("options", [None, ALL], ids=["default", "all-kept"])
def test_every_attribute_of_the_standard(tmp_path: Path, options: DeidentificationOptions | None) -> None:
    tokens = Tokens()
    elements = image(tokens)
    elements |= planted.every_public_tag(tokens, but=elements)
    planted.write(tmp_path / "in" / "a", elements, tokens=tokens)
    assert len(tokens.given) > 5000
    assert tokens.given <= planted.found(tmp_path / "in")  # the search finds what was planted
    run(tmp_path, options)
    assert len(files(tmp_path)) == 1
    assert planted.found(tmp_path / "out") == set()


@pytest.mark.parametrize("syntax", [planted.EXPLICIT, planted.DEFLATED])
@pytest.mark.parametrize("defined", [True, False], ids=["defined", "undefined-length"])
def test_sequences_within_kept_sequences(tmp_path: Path, syntax: str, defined: bool) -> None:
    tokens = Tokens()
    elements = image(tokens)
    for tag in (0x00081140, 0x00082112, 0x00089215, 0x52009229, 0x52009230, 0x00081115):
        elements[tag] = sequence(tag, planted.nested(tokens), planted.nested(tokens), defined=defined)
    planted.write(tmp_path / "in" / "a", elements, tokens=tokens, syntax=syntax)
    assert tokens.given <= planted.found(tmp_path / "in")
    run(tmp_path)
    (only,) = files(tmp_path)
    assert planted.found(tmp_path / "out") == set()
    kept = pydicom.dcmread(only)
    assert kept.ReferencedImageSequence[1].ReferencedImageSequence[0].SeriesDescription == "t1"
    assert kept.SeriesDescription == "t1 se tra"


def test_private_elements_everywhere(tmp_path: Path) -> None:
    tokens = Tokens()
    elements = image(tokens)
    private = {
        0x00190010: element(0x00190010, "LO", "SIEMENS MR HEADER"),
        0x0019100C: element(0x0019100C, "IS", "1000"),
        0x0019100D: element(0x0019100D, "CS", tokens.new().upper()),
        0x0019100E: element(0x0019100E, "FD", tokens.new().encode() + b"wxyz" + b"abcdefgh"),
        0x00191008: element(0x00191008, "CS", tokens.new().upper()),
        0x00290010: element(0x00290010, "LO", f"SIEMENS CSA HEADER {tokens.new()}"),
        0x00291010: element(0x00291010, "OB", tokens.new()),
        0x00291020: sequence(0x00291020, planted.nested(tokens)),
        0x00430010: element(0x00430010, "LO", f"GEMS_PARM_01 {tokens.new()}"),
        0x00431039: element(0x00431039, "IS", tokens.new()),
        0x20010010: element(0x20010010, "LO", tokens.new()),
        0x20011003: element(0x20011003, "UN", tokens.new()),
    }
    planted.write(tmp_path / "in" / "a", elements | private, tokens=tokens)
    run(tmp_path, ALL)
    assert planted.found(tmp_path / "out") == set()
    kept = pydicom.dcmread(files(tmp_path)[0])
    assert [int(e.tag) for e in kept if e.tag.is_private] == [0x00190010, 0x0019100C]
    assert kept[0x0019100C].value == 1000


def test_overlays_curves_and_what_follows_the_pixels(tmp_path: Path) -> None:
    tokens = Tokens()
    elements = image(tokens)
    pixels = planted.pixels()
    hidden = np.frombuffer(tokens.new().encode() + b"....", np.uint8)
    high = pixels.reshape(-1).copy()
    high[: hidden.size * 2] |= (np.unpackbits(hidden.reshape(-1, 1), axis=1).reshape(-1, 4) @ [8, 4, 2, 1]).astype("<u2") << 12
    elements[0x7FE00010] = element(0x7FE00010, "OW", high.tobytes() + tokens.new().encode())
    for group in (0x5000, 0x501E, 0x6000, 0x601E):
        for place, vr in ((0x0022, "LO"), (0x3000, "OW"), (0x4000, "LT"), (0x1500, "LO")):
            tag = group << 16 | place
            elements[tag] = element(tag, vr, tokens.new())
    elements[0xFFFAFFFA] = sequence(0xFFFAFFFA, planted.nested(tokens))
    elements[0xFFFCFFFC] = element(0xFFFCFFFC, "OB", tokens.new())
    planted.write(tmp_path / "in" / "a", elements, tokens=tokens, tail=(tokens.new() + " the end").encode())
    done = run(tmp_path)
    assert planted.found(tmp_path / "out") == set()
    kept = pydicom.dcmread(files(tmp_path)[0])
    assert np.array_equal(kept.pixel_array, pixels)
    assert len(kept.PixelData) == pixels.nbytes
    assert done.tally.remarks["files whose pixels had bits outside the stored ones, now zero"] == 1


ALPHABETS = {
    "latin-1": ("ISO_IR 100", "latin-1", "Müllzwqx"),
    "utf-8": ("ISO_IR 192", "utf-8", "Łukaszzwqx"),
    "cyrillic": ("ISO_IR 144", "iso8859_5", "Зворыкинский"),
    "greek": ("ISO_IR 126", "iso8859_7", "Παπαδόπουλος"),
    "chinese": ("GB18030", "gb18030", "欧阳震华"),
    "japanese": ("\\ISO 2022 IR 87", "iso2022_jp", "山田太郎"),
    "none": ("", "latin-1", "Ñuñezito"),
}


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_names_in_other_alphabets_and_in_other_fields(tmp_path: Path, alphabet: str) -> None:
    charset, encoding, name = ALPHABETS[alphabet]
    tokens = Tokens()
    elements = image(tokens)
    written = name.encode(encoding)
    elements[0x00080005] = element(0x00080005, "CS", charset)
    for tag, vr in (
        (0x00100010, "PN"),
        (0x0008103E, "LO"),
        (0x00081030, "LO"),
        (0x00181030, "LO"),
        (0x00204000, "LT"),
        (0x00080070, "LO"),
        (0x00081090, "LO"),
        (0x00180010, "LO"),
        (0x00180015, "CS"),
        (0x00280301, "CS"),
    ):
        elements[tag] = element(tag, vr, b"flair " + written if vr == "LO" else written)
    planted.write(tmp_path / "in" / "a", elements, tokens=tokens)
    run(tmp_path)
    (only,) = files(tmp_path)
    content = only.read_bytes()
    for form in (encoding, "utf-8", "utf-16-le", "utf-16-be"):
        for part in (name, name.lower(), name.upper()):
            assert part.encode(form, "replace") not in content
    assert pydicom.dcmread(only).SeriesDescription == "flair"
    content[: content.index(b"\xe0\x7f\x10\x00")].decode("ascii", "surrogateescape")
    assert "SpecificCharacterSet" not in pydicom.dcmread(only)


def test_a_name_that_is_a_word_of_ours_goes_where_it_is_said(tmp_path: Path) -> None:
    tokens = Tokens()
    elements = image(tokens)
    elements[0x00100010] = element(0x00100010, "PN", "Brain^Cora")
    elements[0x0008103E] = element(0x0008103E, "LO", "CORA BRAIN t1 brain tra")
    elements[0x00180015] = element(0x00180015, "CS", "BRAIN")
    planted.write(tmp_path / "in" / "a", elements, tokens=tokens)
    run(tmp_path)
    kept = pydicom.dcmread(files(tmp_path)[0])
    assert kept.SeriesDescription == "t1 tra"
    assert "BodyPartExamined" not in kept


def test_numbers_that_are_the_patients(tmp_path: Path) -> None:
    tokens = Tokens()
    elements = image(tokens, patient="8837465")
    elements[0x00200012] = element(0x00200012, "IS", "8837465")
    elements[0x00180080] = element(0x00180080, "DS", "8837465")
    planted.write(tmp_path / "in" / "8837465", elements, tokens=tokens)
    run(tmp_path)
    assert b"8837465" not in files(tmp_path)[0].read_bytes()
    assert not any("8837465" in str(path) for path in (tmp_path / "out").rglob("*"))


@pytest.mark.parametrize("syntax", [planted.IMPLICIT, planted.BIG])
def test_other_transfer_syntaxes(tmp_path: Path, syntax: str) -> None:
    tokens = Tokens()
    implicit, order = syntax == planted.IMPLICIT, "<" if syntax == planted.IMPLICIT else ">"
    rows = struct.pack(f"{order}H", 16)
    shapes = {0x00280002: 1, 0x00280100: 16, 0x00280101: 12, 0x00280102: 11, 0x00280103: 0}
    texts = {
        0x00080016: ("UI", planted.MR),
        0x00080018: ("UI", f"{planted.UID_ROOT}.3"),
        0x0008103E: ("LO", f"{tokens.new()} t2 tse"),
        0x00090010: ("LO", tokens.new()),
        0x00091001: ("LO", tokens.new()),
        0x00100010: ("PN", tokens.new()),
        0x00100020: ("LO", tokens.new()),
        0x00104000: ("LT", tokens.new()),
        0x0020000D: ("UI", f"{planted.UID_ROOT}.1"),
        0x0020000E: ("UI", f"{planted.UID_ROOT}.2"),
        0x00280004: ("CS", "MONOCHROME2"),
        0x00189999: ("UN", tokens.new()),
    }
    elements = {tag: element(tag, vr, text, implicit=implicit, order=order) for tag, (vr, text) in texts.items()}
    for tag, number in shapes.items():
        elements[tag] = element(tag, "US", struct.pack(f"{order}H", number), implicit=implicit, order=order)
    for tag in (0x00280010, 0x00280011):
        elements[tag] = element(tag, "US", rows, implicit=implicit, order=order)
    pixels = planted.pixels()
    elements[0x7FE00010] = element(0x7FE00010, "OW", pixels.astype(f"{order}u2").tobytes(), implicit=implicit, order=order)
    planted.write(tmp_path / "in" / "a", elements, tokens=tokens, syntax=syntax)
    run(tmp_path)
    assert planted.found(tmp_path / "out") == set()
    kept = pydicom.dcmread(files(tmp_path)[0])
    assert kept.SeriesDescription == "t2 tse"
    assert np.array_equal(kept.pixel_array, pixels)


def test_a_compressed_image_with_a_comment_in_its_stream(tmp_path: Path) -> None:
    from PIL import Image

    tokens = Tokens()
    grey = np.asarray(planted.pixels() // 16, np.uint8)
    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, "JPEG", quality=95, comment=tokens.new().encode())
    jpeg = stream.getvalue() + b"\0" * (len(stream.getvalue()) % 2)
    elements = image(tokens)
    for tag, number in ((0x00280100, 8), (0x00280101, 8), (0x00280102, 7)):
        elements[tag] = element(tag, "US", struct.pack("<H", number))
    fragments = struct.pack("<HHI", 0xFFFE, 0xE000, 0) + struct.pack("<HHI", 0xFFFE, 0xE000, len(jpeg)) + jpeg
    elements[0x7FE00010] = b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff" + fragments + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    planted.write(tmp_path / "in" / "a", elements, tokens=tokens, syntax="1.2.840.10008.1.2.4.50")
    assert tokens.given <= planted.found(tmp_path / "in")
    run(tmp_path)
    assert planted.found(tmp_path / "out") == set()
    kept = pydicom.dcmread(files(tmp_path)[0])
    assert np.abs(kept.pixel_array.astype(int) - grey).max() < 12
    assert kept.file_meta.TransferSyntaxUID == planted.EXPLICIT


KINDS = {
    "encapsulated PDF": ("1.2.840.10008.5.1.4.1.1.104.1", "an encapsulated document, which cannot be cleaned"),
    "presentation state": (
        "1.2.840.10008.5.1.4.1.1.11.1",
        "a presentation state, whose drawn text cannot be cleaned",
    ),
    "raw data": ("1.2.840.10008.5.1.4.1.1.66", "of a kind that is not handled"),
    "secondary capture": ("1.2.840.10008.5.1.4.1.1.7", "text is expected in its pixels: a secondary capture"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [None, ALL], ids=["default", "all-kept"])
def test_what_cannot_be_cleaned_stays(tmp_path: Path, kind: str, options: DeidentificationOptions | None) -> None:
    uid, reason = KINDS[kind]
    tokens = Tokens()
    planted.write(tmp_path / "in" / "a", image(tokens), tokens=tokens)
    other = planted.base(tokens, patient="other", uid=f"{planted.UID_ROOT}.8", sop=uid)
    other[0x00420011] = element(0x00420011, "OB", f"%PDF-1.4 {tokens.new()}")
    other[0x7FE00010] = element(0x7FE00010, "OW", planted.pixels().tobytes())
    planted.write(tmp_path / "in" / tokens.new() / f"{tokens.new()}.dcm", other, tokens=tokens)
    (tmp_path / "in" / f"{tokens.new()}.txt").write_text(tokens.new())
    done = run(tmp_path, options)
    assert done.tally.withheld[reason] == 1
    assert done.tally.withheld["neither DICOM nor NIfTI nor the sidecar of an image"] == 1
    assert len(files(tmp_path)) == 1
    assert planted.found(tmp_path / "out") == set()


def test_a_report_keeps_codes_and_numbers_and_no_text(tmp_path: Path) -> None:
    tokens = Tokens()

    def code(tag: int, value: str, scheme: str, meaning: str) -> bytes:
        return sequence(
            tag,
            [element(0x00080100, "SH", value), element(0x00080102, "SH", scheme), element(0x00080104, "LO", meaning)],
        )

    def item(kind: str, name: bytes, *more: bytes) -> list[bytes]:
        return [element(0x0040A010, "CS", "CONTAINS"), element(0x0040A040, "CS", kind), name, *more]

    volume = code(0x0040A043, "118565006", "SCT", tokens.new())
    number = sequence(
        0x0040A300,
        [code(0x004008EA, "mm3", "UCUM", tokens.new()), element(0x0040A30A, "DS", "1234.5")],
    )
    local = code(0x0040A043, tokens.new(), "99LOCAL", tokens.new())
    text = item("TEXT", code(0x0040A043, "121071", "DCM", "Finding"), element(0x0040A160, "UT", f"tumour of {tokens.new()}"))
    person = item("PNAME", code(0x0040A043, "121008", "DCM", tokens.new()), element(0x0040A123, "PN", tokens.new()))
    when = item("DATE", code(0x0040A043, "111526", "DCM", "x"), element(0x0040A121, "DA", planted.DATE))
    deep = item("CONTAINER", code(0x0040A043, "121070", "DCM", "x"), sequence(0x0040A730, item("NUM", volume, number), text))
    report = planted.base(tokens, patient="p", uid=f"{planted.UID_ROOT}.4", sop="1.2.840.10008.5.1.4.1.1.88.33")
    report[0x0040A040] = element(0x0040A040, "CS", "CONTAINER")
    report[0x0040A730] = sequence(0x0040A730, deep, person, when, item("NUM", local, number))
    report[0x0040A073] = sequence(0x0040A073, planted.nested(tokens))
    planted.write(tmp_path / "in" / "sr", report, tokens=tokens)
    run(tmp_path)
    assert planted.found(tmp_path / "out") == set()
    kept = pydicom.dcmread(files(tmp_path)[0])
    assert len(kept.ContentSequence) == 3  # the item with a local name is gone
    measured, finding = kept.ContentSequence[0].ContentSequence
    assert measured.ConceptNameCodeSequence[0].CodeMeaning == "Volume (property) (qualifier value)"
    assert measured.MeasuredValueSequence[0].NumericValue == 1234.5
    assert finding.TextValue == "tumour"
    assert kept.ContentSequence[1].PersonName == "REMOVED"
    assert "113104" in [c.CodeValue for c in kept.DeidentificationMethodCodeSequence]


def test_nifti_header_extension_and_sidecar(tmp_path: Path) -> None:
    tokens = Tokens()
    data = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    image = nib.Nifti1Image(data, np.diag([1, 2, 3, 1]))
    header = image.header
    for name in ("descrip", "aux_file", "intent_name", "db_name"):
        header[name] = tokens.new()
    header.extensions.append(nib.nifti1.Nifti1Extension("comment", tokens.new().encode()))
    folder = tmp_path / "in" / f"sub-{tokens.new()}" / "ses-19470321" / "anat"
    folder.mkdir(parents=True)
    plain = image.to_bytes() + tokens.new().encode()
    plain = plain[:112] + struct.pack("<ff", 2, 5) + plain[120:]  # slope and intercept, which nibabel would take away
    packed = io.BytesIO()
    with gzip.GzipFile(filename=f"{tokens.new()}.nii", mode="wb", fileobj=packed, mtime=7) as stream:
        stream.write(plain)
    stem = f"{folder.parent.parent.name}_ses-19470321_acq-{tokens.new()}_ce-gadolinium_T1w"
    (folder / f"{stem}.nii.gz").write_bytes(packed.getvalue())
    document = {
        "EchoTime": 0.003,
        "Manufacturer": "Siemens",
        "PatientName": tokens.new(),
        "AcquisitionTime": "10:11:12",
        "ImageComments": tokens.new(),
        tokens.new(): tokens.new(),
        "SeriesDescription": tokens.new(),
        "ImageType": ["ORIGINAL", tokens.new()],
    }
    (folder / f"{stem}.json").write_text(json.dumps(document))
    assert tokens.given <= planted.found(tmp_path / "in")
    run(tmp_path)
    (out,) = sorted((tmp_path / "out").rglob("*.nii.gz"))
    leaked = planted.found(tmp_path / "out")
    assert leaked == set()
    kept = nib.load(out)
    assert np.array_equal(kept.get_fdata(), data * 2 + 5)
    assert np.array_equal(kept.affine, np.diag([1, 2, 3, 1]))
    assert out.name.endswith("_ce-gadolinium_T1w.nii.gz")
    assert json.loads(Path(str(out).replace(".nii.gz", ".json")).read_text())["EchoTime"] == 0.003


def test_the_search_can_fail(tmp_path: Path) -> None:
    token = Tokens().new()
    for number, content in enumerate(
        (
            token.upper().encode(),
            b"\0" + token.encode("utf-16-le"),
            token.encode("utf-16-be"),
            gzip.compress(token.encode()),
            np.frombuffer(token.encode(), "<u2").astype(">u2").tobytes(),
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "x").write_bytes(content)
        assert planted.found(folder) == {token}
    (tmp_path / "names" / token).mkdir(parents=True)
    assert planted.found(tmp_path / "names") == {token}
