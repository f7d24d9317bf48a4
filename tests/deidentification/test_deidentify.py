"""Dates, UIDs, pseudonyms, text in pixels, and what a user may get wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset
from pydicom.uid import UID

from glioscope.core import InputUnreadable, OutputUnwritable, ProcessingFailed, Sequence
from glioscope.core.vocabulary import allowed_term, allowed_words
from glioscope.deidentification import (
    DateShift,
    DeidentificationOptions,
    SecretKey,
    first_level,
    new_uid,
    second_level,
    table_lock,
)
from glioscope.deidentification.burned_in import blank, find_text
from glioscope.deidentification.codes import clean_code
from glioscope.deidentification.kept import _listed
from glioscope.deidentification.profile import profile_action
from glioscope.deidentification.pseudonyms import drawn_pseudonym
from glioscope.workflows.deidentify import Deidentified, deidentify
from glioscope.workflows.deidentify_plan import files_of
from glioscope.workflows.inspect import inspect
from glioscope.workflows.progress import Progress
from tests.dicom_factory import STYLES, oblique_affine, phantom, write_exam, write_series

KEY = SecretKey(bytes(range(32)))


def run(folder: Path, out: str = "out", source: str = "in", **more: object) -> Deidentified:
    return deidentify(folder / source, folder / out, key=folder / "key", table=folder / "table.tsv", **more)  # type: ignore[arg-type]


def small(folder: Path, *, patient: str = "A", study: str = "1", **style: object) -> None:
    write_series(folder, phantom((20, 24, 3)), oblique_affine(), {**STYLES["t1n"], **style}, patient=patient, study=study)


def datasets(folder: Path) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(path) for path in sorted(folder.rglob("*.dcm"))]


def day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


def test_intervals_stay_over_exams_and_runs(tmp_path: Path) -> None:
    small(tmp_path / "in" / "one", study="1", StudyDate="20010203", AcquisitionDateTime="20010203101112.5")
    small(tmp_path / "in" / "two", study="2", StudyDate="20011023")
    small(tmp_path / "later", study="3", StudyDate="20040229")
    small(tmp_path / "in" / "other", patient="B", StudyDate="20010203")
    run(tmp_path)
    run(tmp_path, source="later")
    dates: dict[str, set[str]] = {}
    for ds in datasets(tmp_path / "out"):
        dates.setdefault(ds.PatientID, set()).add(ds.StudyDate)
        assert ds.LongitudinalTemporalInformationModified == "MODIFIED"
        if "AcquisitionDateTime" in ds:
            assert str(ds.AcquisitionDateTime) == ds.StudyDate + "101112.5"
    three, one = sorted(dates.values(), key=len, reverse=True)
    first, second, third = sorted(map(day, three))
    assert ((second - first).days, (third - first).days) == (262, 1121)
    assert day(next(iter(one))) != first
    assert not three & {"20010203", "20011023", "20040229"}


def test_the_shift_by_hand() -> None:
    shift = DateShift(366)
    assert shift.date("20010203") == "20000203"
    assert shift.date("1999.03.01") == "19980228"
    assert shift.date("00010105") is None
    assert shift.date("tomorrow") is None
    assert shift.datetime("20010203235959.123456+0100") == "20000203235959.123456"
    assert shift.time("10:11:12") == "101112"
    assert shift.time("meier") is None
    assert 1 <= DateShift.of(KEY, "x").days <= 3650


def test_uids_are_new_valid_and_the_same_everywhere(tmp_path: Path) -> None:
    small(tmp_path / "in")
    for path in (tmp_path / "in").iterdir():
        ds = pydicom.dcmread(path)
        reference = pydicom.Dataset()
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
        ds.ReferencedImageSequence, ds.FrameOfReferenceUID = [reference], ds.StudyInstanceUID
        ds.save_as(path)
    run(tmp_path)
    found = datasets(tmp_path / "out")
    assert len({ds.SOPInstanceUID for ds in found}) == 3
    assert len({ds.SeriesInstanceUID for ds in found}) == len({ds.StudyInstanceUID for ds in found}) == 1
    for ds in found:
        assert (
            ds.ReferencedImageSequence[0].ReferencedSOPInstanceUID
            == ds.SOPInstanceUID
            == ds.file_meta.MediaStorageSOPInstanceUID
        )
        assert ds.ReferencedImageSequence[0].ReferencedSOPClassUID == ds.SOPClassUID == "1.2.840.10008.5.1.4.1.1.4"
        assert ds.FrameOfReferenceUID == ds.StudyInstanceUID
        assert UID(ds.SOPInstanceUID).is_valid
        assert ds.SOPInstanceUID.startswith("2.25.")
    assert new_uid(KEY, "1.2.3") != new_uid(KEY, "1.2.4")
    assert new_uid(KEY, "1.2.3") == new_uid(SecretKey(bytes(range(32))), "1.2.3") != new_uid(SecretKey(b"\1" * 32), "1.2.3")


def test_the_same_key_gives_the_same_bytes_and_a_stopped_run_goes_on(tmp_path: Path) -> None:
    small(tmp_path / "in")
    first = run(tmp_path)
    assert (first.written, first.unchanged, first.new_key) == (3, 0, True)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.dcm")}
    victim = sorted(before)[1]
    victim.unlink()
    victim.with_name(f".{victim.stem}.999999999.part.dcm").write_bytes(b"half")
    again = run(tmp_path)
    assert (again.written, again.unchanged, again.new_key) == (1, 2, False)
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.dcm")} == before
    assert not list((tmp_path / "out").rglob(".*.part*"))
    (tmp_path / "table.tsv").unlink()
    run(tmp_path, out="elsewhere")
    assert [p.read_bytes() for p in sorted((tmp_path / "elsewhere").rglob("*.dcm"))] == [before[p] for p in sorted(before)]


def test_two_parties_two_levels(tmp_path: Path) -> None:
    small(tmp_path / "in")
    with pytest.raises(InputUnreadable, match="not de-identified yet"):
        run(tmp_path, second=True)
    assert not (tmp_path / "key").exists()  # nothing is left of a run that was refused
    run(tmp_path)
    (patient,) = (tmp_path / "out").iterdir()
    site = (tmp_path / "table.tsv").read_text()
    assert "Secret^A" in site and patient.name in site
    for secret in ("key", "table.tsv"):
        assert (tmp_path / secret).stat().st_mode & 0o777 == 0o600
    done = deidentify(tmp_path / "out", tmp_path / "db", key=tmp_path / "key2", table=tmp_path / "table2.tsv", second=True)
    (name,) = (tmp_path / "db").iterdir()
    adjective, other, noun = name.name.split("-")
    assert adjective.isalpha() and other.isalpha() and noun.isalpha() and adjective != other
    base = (tmp_path / "table2.tsv").read_text()
    assert patient.name in base and name.name in base and "Secret" not in base and "IDA" not in re.split(r"\W", base)
    one, two = datasets(tmp_path / "out")[0], datasets(tmp_path / "db")[0]
    assert one.PatientID == patient.name and two.PatientID == str(two.PatientName) == name.name
    assert one.StudyInstanceUID != two.StudyInstanceUID and one.StudyDate != two.StudyDate
    assert done.document()["pseudonyms"] == "second level"
    with pytest.raises(InputUnreadable, match="another key"):
        deidentify(tmp_path / "in", tmp_path / "x", key=tmp_path / "key2", table=tmp_path / "table.tsv")
    with pytest.raises(InputUnreadable, match="second level"):
        deidentify(tmp_path / "in", tmp_path / "x", key=tmp_path / "key2", table=tmp_path / "table2.tsv")


def test_a_pseudonym_that_is_taken_is_not_given_twice() -> None:
    for level in (first_level, second_level):
        name = level(KEY, "patient", "somebody", 0)
        assert drawn_pseudonym(level, KEY, "patient", "somebody", set()) == name
        assert drawn_pseudonym(level, KEY, "patient", "somebody", {name}) == level(KEY, "patient", "somebody", 1) != name
    with pytest.raises(ProcessingFailed):
        drawn_pseudonym(lambda *_: "one", KEY, "patient", "x", {"one"})


def test_what_was_done_is_said_in_the_file_and_counted(tmp_path: Path) -> None:
    small(tmp_path / "in", PatientSex="F", PatientAge="093Y", PatientWeight="61.5")
    done = run(tmp_path, options=DeidentificationOptions(patient_characteristics=True, dates="remove", descriptions=False))
    ds = datasets(tmp_path / "out")[0]
    assert ds.PatientIdentityRemoved == "YES"
    assert [c.CodeValue for c in ds.DeidentificationMethodCodeSequence] == ["113100", "113108"]
    assert (ds.PatientSex, ds.PatientAge, ds.PatientWeight) == ("F", "090Y", 61.5)
    assert ds.LongitudinalTemporalInformationModified == "REMOVED"
    assert ds.StudyDate == "" and "SeriesDescription" not in ds
    counts = done.document()["attributes"]
    assert counts["removed"]["(0008,103E) SeriesDescription"] == 3
    report = next((tmp_path / "out").rglob("deidentification.json")).read_text()
    assert "Secret" not in report and "Hidden" not in report and "3141" not in report


def test_the_copy_is_still_an_exam(tmp_path: Path) -> None:
    write_exam(tmp_path / "in", sequences=("t1n", "t1c", "t2w", "t2f"))
    run(tmp_path)
    (before,), (after,) = inspect(tmp_path / "in"), inspect(next((tmp_path / "out").iterdir()))
    assert set(after.chosen) == set(before.chosen) == set(Sequence)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (Debian dicom3tools) is not installed")
def test_dciodvfy_finds_no_new_fault(tmp_path: Path) -> None:
    def faults(path: Path) -> set[str]:
        told = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
        return {line for line in (told.stdout + told.stderr).splitlines() if line.startswith("Error")}

    small(tmp_path / "in")
    run(tmp_path)
    before, after = (next(p for p in sorted((tmp_path / f).rglob("*")) if p.is_file()) for f in ("in", "out/."))
    after = next(iter(sorted((tmp_path / "out").rglob("*.dcm"))))
    assert faults(after) <= faults(before)


def _with_text(text: str, size: int) -> np.ndarray:
    i, j = np.indices((160, 200))
    picture = Image.fromarray(np.asarray(60 + 30 * np.sin(i / 17) + 20 * np.cos(j / 23), np.uint8))
    ImageDraw.Draw(picture).text((20, 60), text, fill=255, font=ImageFont.load_default(size))
    return np.asarray(picture, np.uint16)[None] * 8


@pytest.mark.parametrize("size", [12, 16, 24])
def test_text_in_pixels_is_found_and_blanked(size: int) -> None:
    frames = _with_text("MEIER ANNA", size)
    lines = find_text(frames)
    assert lines
    clean = blank(frames, lines)
    plain = _with_text("", size)
    assert find_text(plain) == [] and find_text(clean) == []
    assert clean.max() <= plain.max() + 8  # no pixel of a letter is left
    assert (frames[0][:50] == clean[0][:50]).all()


def test_text_in_a_series_is_withheld_or_blanked(tmp_path: Path) -> None:
    frames = _with_text("MEIER ANNA", 16)[0].T.astype(np.int16)
    data = np.stack([frames, _with_text("", 16)[0].T.astype(np.int16)], axis=2)
    write_series(tmp_path / "in", data, oblique_affine(), STYLES["t1n"])
    done = run(tmp_path)
    assert len(datasets(tmp_path / "out")) == 1
    assert sum(done.tally.withheld.values()) == 1
    run(tmp_path, out="blanked", options=DeidentificationOptions(burned_in="blank"))
    one, two = datasets(tmp_path / "blanked")
    codes = [[c.CodeValue for c in ds.DeidentificationMethodCodeSequence] for ds in (one, two)]
    assert "113101" in codes[0] and "113101" not in codes[1]
    assert one.BurnedInAnnotation == "NO"


def test_a_series_that_lost_a_slice_is_told(tmp_path: Path) -> None:
    # issue 6, stop 11: one withheld slice left a series incomplete, and only the number of files said so
    frames = _with_text("MEIER ANNA", 16)[0].T.astype(np.int16)
    data = np.stack([frames, *[_with_text("", 16)[0].T.astype(np.int16)] * 2], axis=2)
    write_series(tmp_path / "in", data, oblique_affine(), STYLES["t1n"])
    told: list[str] = []

    class Listener(Progress):
        def warned(self, text: str) -> None:
            told.append(text)

    done = run(tmp_path, progress=Listener())

    ((series, found),) = done.document()["series_incomplete"].items()
    assert found == {"files": 3, "withheld": 1}
    assert len(list((tmp_path / "out" / series).glob("*.dcm"))) == 2
    (exam,) = done.exams
    beside = json.loads((tmp_path / "out" / exam / "deidentification.json").read_text())
    assert beside["series_incomplete"] == {Path(series).name: found}
    assert f"Series '{series}' is incomplete: 1 of its 3 files was withheld." in told


_RUN = """
import sys
from pathlib import Path
from glioscope.deidentification import PseudonymTable, SecretKey, second_level, table_lock
table, patients = Path(sys.argv[1]), sys.argv[2:]
for patient in patients:
    with table_lock(table, lambda: None):
        names = PseudonymTable(table, SecretKey(bytes(range(32))), "second", second_level)
        names.pseudonym("patient", patient, patient_id=patient)
        names.write()
"""


def test_two_runs_at_once_lose_no_pseudonym_and_give_none_twice(tmp_path: Path) -> None:
    # issue 6, stop 11: there was no lock on the table, so the last of two runs wrote over what the first had given
    table = tmp_path / "table.tsv"
    both = [str(number) for number in range(4)]
    runs = [
        subprocess.Popen([sys.executable, "-c", _RUN, str(table), *[f"{which}{number}" for number in range(12)], *both])
        for which in "ab"
    ]
    assert [run.wait() for run in runs] == [0, 0]

    rows = [line.split("\t") for line in table.read_text().splitlines()[2:]]
    assert sorted(row[2] for row in rows) == sorted([*(f"{which}{number}" for which in "ab" for number in range(12)), *both])
    assert len({row[1] for row in rows}) == len(rows)


def test_a_run_says_that_it_waits_for_another(tmp_path: Path) -> None:
    small(tmp_path / "in")
    told: list[str] = []
    there = threading.Event()

    class Listener(Progress):
        def warned(self, text: str) -> None:
            told.append(text)
            there.set()

    with ThreadPoolExecutor() as pool:
        with table_lock(tmp_path / "table.tsv", lambda: None):
            waiting = pool.submit(lambda: run(tmp_path, progress=Listener()))
            assert there.wait(60)
            assert not (tmp_path / "key").exists() and not (tmp_path / "out").exists()
        assert len(waiting.result(60).exams) == 1
    assert told == ["Another run gives pseudonyms from this table; waiting for it."]
    assert (tmp_path / ".table.tsv.lock").stat().st_mode & 0o077 == 0


def test_words() -> None:
    assert allowed_words("Meier t1_tse tra, 5mm KM 20010203 #77123") == "t1 tse tra 5mm KM"
    assert allowed_words("12 34") == ""
    assert allowed_words("T1 COR", {"cor"}) == "T1"
    assert allowed_term("T1_MPRAGE".replace("MPRAGE", "MAP")) and not allowed_term("MEIER") and not allowed_term("M_MEIER")


def test_what_is_kept_of_the_profile_is_kept_by_an_option_alone() -> None:
    by_option = {"words", "must", "date", "uid", "patient", "items", "content"}
    assert {t for tag, t in _listed().items() if profile_action(tag)} <= by_option
    assert profile_action(0x00100010) == "Z" and profile_action(0x60023000) == "X" and profile_action(0x00180081) is None


def test_mistakes_cost_one_sentence(tmp_path: Path) -> None:
    small(tmp_path / "in")
    with pytest.raises(OutputUnwritable, match="may not lie in the folder"):
        deidentify(tmp_path / "in", tmp_path / "out", key=tmp_path / "k", table=tmp_path / "out" / "t.tsv")
    with pytest.raises(OutputUnwritable, match="may not lie in the folder"):
        deidentify(tmp_path / "in", tmp_path / "out", key=tmp_path / "out" / "a" / "k", table=tmp_path / "t.tsv")
    with pytest.raises(OutputUnwritable, match="in one another"):
        run(tmp_path, out="in/out")
    with pytest.raises(InputUnreadable, match="does not exist"):
        run(tmp_path, source="nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputUnreadable, match="is empty"):
        run(tmp_path, source="empty")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.dcm").write_text("no DICOM")
    with pytest.raises(ProcessingFailed, match="could be exported"):
        run(tmp_path, source="text")
    assert not (tmp_path / "key").exists() and not (tmp_path / "table.tsv").exists()
    run(tmp_path)
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(InputUnreadable, match="chmod 600"):
        run(tmp_path)
    (tmp_path / "key").write_text("not a key")
    with pytest.raises(InputUnreadable, match="not a key"):
        run(tmp_path)


def test_units_of_measurement_reports_stay() -> None:
    """Regression: a number without its unit is no valid report; pydicom lists no millilitre."""
    unit = Dataset()
    unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "ml", "UCUM", "Mr Secret"
    found = clean_code(unit)
    assert found is not None and (found.CodeValue, found.CodeMeaning) == ("ml", "milliliter")
    unit.CodeValue = "{Secret}"
    assert clean_code(unit) is None


def test_a_locked_folder_is_not_left_out_regression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lay in it was missing from the export, without a word."""
    for name in ("a", "b"):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "x.txt").write_text("x")
    real = os.scandir

    def locked(folder: str) -> object:
        if str(folder).endswith("b"):
            raise PermissionError(13, "Permission denied", folder)
        return real(folder)

    monkeypatch.setattr(os, "scandir", locked)
    with pytest.raises(InputUnreadable, match=r"in/b' cannot be listed \(Permission denied\); check its permissions"):
        files_of(tmp_path / "in")
