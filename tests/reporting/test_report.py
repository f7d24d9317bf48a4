"""The report as HTML and PDF, from documents alone."""

from __future__ import annotations

import io
import re
import zlib
from dataclasses import replace

import pytest

from glioscope.reporting import ReportModel, lineage, model_of_exam, render_html, render_pdf
from glioscope.reporting.model import Picture, Section, Table
from tests.reporting.documents import HOSTILE, inspection, measurements, quality, records

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8ffff3f0005fe02fea735810000000049454e44ae426082"
)


def model(name: str = "t1c.nii.gz", *, tumour: bool = True, known: list[str] | None = None) -> ReportModel:
    steps = lineage(records(), ["cccccccccc"])
    pictures = {"overview": PNG, "montage": PNG}
    return model_of_exam(inspection(name), measurements(tumour=tumour, known=known), quality(), steps, pictures)


def pdf_streams(pdf: bytes) -> bytes:
    """The page descriptions, decoded."""
    import base64

    out = b""
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        raw = stream.strip()
        if raw.endswith(b"~>"):
            raw = base64.a85decode(raw, adobe=False) if raw.startswith(b"<~") else base64.a85decode(b"<~" + raw, adobe=True)
        try:
            out += zlib.decompress(raw)
        except zlib.error:
            continue
    return out


def test_html_says_volumes_diameters_side_quality_and_decisions() -> None:
    page = render_html(model())
    found = measurements()["regions"]["WT"]
    for words in (
        f"{found['volume_ml']:.1f}",
        f"{found['axial_diameter_mm']:.0f} × {found['axial_perpendicular_diameter_mm']:.0f}",
        "Quality: usable with caution",
        "Left",
        "a localiser of 3 slices",
        "Missing: T1, T2, FLAIR.",
        "oblique by 11 degrees",
        "Not a medical device",
    ):
        assert words in page


def test_html_needs_nothing_from_outside() -> None:
    page = render_html(model())
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", page)
    assert "://" not in page
    assert "@import" not in page


def test_html_escapes_hostile_names() -> None:
    page = render_html(model(HOSTILE))
    assert "<script" not in page
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; Žluťoučký 定位" in page
    assert "Slices &lt; 5 &amp; thick." in page


def test_pdf_is_whole_has_text_and_embedded_fonts() -> None:
    pdf = render_pdf(model())
    assert pdf.startswith(b"%PDF-1.")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert pdf.count(b"/FontFile2") == 2
    assert 1 <= len(re.findall(rb"/Type /Page\b", pdf)) <= 3
    assert b"Tj" in pdf_streams(pdf)


@pytest.mark.parametrize("name", [HOSTILE, "пациент.nii.gz", "病人-増影.nii.gz", "مريض.nii", "\U0001f9e0.nii", "a" * 300])
def test_any_file_name_can_be_printed(name: str) -> None:
    assert render_pdf(model(name)) != render_pdf(model())


def test_same_model_same_bytes() -> None:
    assert render_pdf(model()) == render_pdf(model())
    assert render_html(model()) == render_html(model())


def test_no_dates_and_no_seconds() -> None:
    page = render_html(model()) + str(model())
    assert "1.23" not in page
    assert not re.search(r"20\d\d-\d\d-\d\d", page)


def test_no_tumour_is_said() -> None:
    empty = model(tumour=False)
    page = render_html(empty)
    assert "No tumour was found" in page
    assert "0.00 ml" in page
    assert render_pdf(empty).startswith(b"%PDF")


def test_what_the_segmenter_cannot_tell_is_not_reported_as_zero() -> None:
    page = render_html(model(known=["WT"]))
    assert "cannot tell: tumour core, enhancing tumour" in page
    assert "Tumour core (TC)" not in page


def test_processing_lists_the_steps_in_their_order_without_unrelated_ones() -> None:
    assert [step["name"] for step in lineage(records(), ["cccccccccc"])] == ["register", "extract", "segment"]
    assert lineage(reversed(records()), ["cccccccccc"]) == lineage(records(), ["cccccccccc"])
    assert lineage(records(), []) == []
    assert "transform affine" in render_html(model())


def test_a_picture_leaves_room_for_the_tables_of_its_section() -> None:
    # issue 6: what surgery left began a page of its own, and the page before stayed empty below its middle
    from PIL import Image

    stream = io.BytesIO()
    Image.new("L", (600, 480)).save(stream, "PNG")
    found = Table(("After surgery", "Found"), (("Left", "none"),), (0.5, 0.5))
    half = Section("Half a page", tables=(Table(("No",), (("1",),) * 17, (1.0,)),))
    surgery = Section("After surgery", ("A suggestion.",), (found,), (Picture(stream.getvalue(), "Slices.", "Slices."),))

    pdf = render_pdf(replace(model(), keys=(), reasons=(), sections=(half, surgery)))

    assert len(re.findall(rb"/Type /Page\b", pdf)) == 1
