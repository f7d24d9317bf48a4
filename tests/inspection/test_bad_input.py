from __future__ import annotations

import gzip
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from glioscope.core import GlioscopeError, InputUnreadable, InvalidImage, Sequence, read_volume
from glioscope.inspection import archive, inspect_path
from tests.inspection.exams import head, one, write


def _nifti(path: Path, data: np.ndarray, affine: np.ndarray | None = None) -> None:
    nib.save(nib.Nifti1Image(data, np.eye(4) if affine is None else affine), path)


def _patched(path: Path, offset: int, content: bytes) -> None:
    write(path.parent, path.name)
    raw = bytearray(path.read_bytes())
    raw[offset : offset + len(content)] = content
    path.write_bytes(bytes(raw))


def _truncated(path: Path) -> None:
    write(path.parent, path.name)
    path.write_bytes(path.read_bytes()[:2000])


def _truncated_gzip(path: Path) -> None:
    write(path.parent, "t2.nii.gz")
    packed = path.with_name("t2.nii.gz")
    packed.write_bytes(packed.read_bytes()[: packed.stat().st_size // 2])


def _nan(path: Path) -> None:
    data = np.ones((8, 8, 8), np.float32)
    data[1, 2, 3] = np.nan
    _nifti(path, data)


def _nan_affine(path: Path) -> None:
    write(path.parent, path.name)
    raw = bytearray(path.read_bytes())
    raw[280:328] = struct.pack("<12f", *([float("nan")] * 12))
    path.write_bytes(bytes(raw))


BAD: dict[str, tuple[Callable[[Path], object], type[GlioscopeError], str]] = {
    "truncated": (_truncated, InputUnreadable, "t2.nii"),
    "truncated gzip": (_truncated_gzip, InputUnreadable, "t2.nii.gz"),
    "zero bytes": (lambda p: p.touch(), InputUnreadable, "is empty"),
    "wrong magic": (lambda p: _patched(p, 344, b"xyz\0"), InputUnreadable, "t2.nii"),
    "text": (lambda p: p.write_text("hello " * 200), InputUnreadable, "cannot be read as an image"),
    "2-D": (lambda p: _nifti(p, np.ones((8, 8), np.int16)), InvalidImage, "is a 2-D image (8 x 8)"),
    "4-D": (lambda p: _nifti(p, np.ones((8, 8, 8, 5), np.int16)), InvalidImage, "has 4 dimensions"),
    "all zero": (lambda p: _nifti(p, np.zeros((8, 8, 8), np.int16)), InvalidImage, "holds the value 0 in every voxel"),
    "NaN": (_nan, InvalidImage, "1 voxel that is not finite"),
    "overflow": (lambda p: _patched(p, 40, struct.pack("<4h", 3, 32767, 32767, 32767)), InvalidImage, "header is damaged"),
    "negative": (lambda p: _patched(p, 40, struct.pack("<4h", 3, -5, 9, 9)), GlioscopeError, "t2.nii"),
    "NaN affine": (_nan_affine, InvalidImage, "no usable affine"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_image_costs_one_sentence(tmp_path: Path, fault: str) -> None:
    make, kind, words = BAD[fault]
    make(tmp_path / "t2.nii")

    found = one(tmp_path, tmp_path / "work")

    assert isinstance(found.problem, kind)
    assert words in str(found.problem) and "\n" not in str(found.problem) and str(tmp_path) not in str(found.problem)


def test_a_bad_image_beside_good_ones_of_its_sequence_is_a_warning(tmp_path: Path) -> None:
    write(tmp_path, "t1.nii.gz", "t2.nii.gz")
    (tmp_path / "t2_old.nii.gz").touch()

    found = one(tmp_path, tmp_path)

    found.resolved()
    assert found.chosen[Sequence.T2W].name == "t2.nii.gz"
    assert any("'t2_old.nii.gz' is empty" in warning for warning in found.warnings)


def test_one_bad_exam_does_not_harm_the_others(tmp_path: Path) -> None:
    write(tmp_path, *(f"{who}/{name}" for who in "pq" for name in ("t1.nii.gz", "t2.nii.gz")))
    (tmp_path / "p/t2.nii.gz").write_bytes(gzip.compress(b"nothing"))

    bad, good = inspect_path(tmp_path, workdir=tmp_path)

    assert isinstance(bad.problem, InputUnreadable) and good.problem is None


def test_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "t2.nii.gz")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / "t2.nii.gz"))

    monkeypatch.setattr(nib, "load", refuse)

    found = one(tmp_path, tmp_path)

    assert isinstance(found.problem, InputUnreadable) and "Permission denied" in str(found.problem)


def test_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "e").mkdir()
    (tmp_path / "notes.txt").write_text("x")

    assert "no MR images" in str(one(tmp_path / "e", tmp_path).problem)
    with pytest.raises(InputUnreadable, match="does not exist"):
        inspect_path(tmp_path / "gone", workdir=tmp_path)
    with pytest.raises(InputUnreadable, match="is no folder, zip"):
        inspect_path(tmp_path / "notes.txt", workdir=tmp_path)


def test_looping_links_are_entered_once(tmp_path: Path) -> None:
    write(tmp_path / "x", "a/t1.nii.gz", "b/t2.nii.gz")
    (tmp_path / "x/a/loop").symlink_to(tmp_path / "x", target_is_directory=True)
    (tmp_path / "x/self").symlink_to(tmp_path / "x/self")
    deep = tmp_path / "x/deep"
    for _ in range(60):
        deep /= "d"
    deep.mkdir(parents=True)

    assert set(one(tmp_path / "x", tmp_path).chosen) == {Sequence.T1N, Sequence.T2W}


def test_a_locked_folder_is_told_and_not_left_out_regression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exam `b` of a cohort vanished without a word, and `a` took the cohort's name."""
    write(tmp_path / "cohort", "a/t2.nii.gz", "b/t2.nii.gz")
    real = os.scandir

    def locked(folder: Path) -> object:
        if folder.name == "b":
            raise PermissionError(13, "Permission denied", str(folder))
        return real(folder)

    monkeypatch.setattr(os, "scandir", locked)
    with pytest.raises(InputUnreadable) as caught:
        inspect_path(tmp_path / "cohort", workdir=tmp_path / "w")
    assert str(caught.value) == "The folder 'cohort/b' cannot be listed (Permission denied); check its permissions."


def test_a_locked_file_is_not_called_damaged_regression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image was 'damaged or of another kind', a DICOM folder had 'no MR images'."""
    write(tmp_path / "exam", "t2.nii.gz")
    (tmp_path / "dicom").mkdir()
    (tmp_path / "dicom" / "IM0001").write_bytes(bytes(128) + b"DICM")
    monkeypatch.setattr(os, "access", lambda *_, **__: False)

    def locked(path: Path, *_: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", locked)

    problem = one(tmp_path / "exam", tmp_path / "w").problem
    assert str(problem) == "'t2.nii.gz' cannot be read (Permission denied); check its permissions."
    found = one(tmp_path / "dicom", tmp_path / "w")
    assert [c.set_aside for c in found.candidates] == ["file without permission to read it"]
    assert "everything found was set aside (file without permission to read it)" in str(found.problem)


@pytest.mark.parametrize("identifier", ["///", "ü", "sub-", "日本"])
def test_an_identifier_without_a_letter_or_digit_regression(tmp_path: Path, identifier: str) -> None:
    """All of them silently became 'exam'."""
    write(tmp_path / "p", "t2.nii.gz")
    with pytest.raises(InputUnreadable, match=f"'{identifier}' has no letter or digit"):
        inspect_path(tmp_path / "p", workdir=tmp_path / "w", exam_id=identifier)
    (found,) = inspect_path(tmp_path / "p", workdir=tmp_path / "w", exam_id="/7/")
    assert found.id == "7"


def _within(path: Path, *names: str) -> Path:
    """A zip `path` that holds, under each name in turn, what the one before it is."""
    for name in names:
        content = path.read_bytes()
        _zip(path, (name, content))
    return path


def test_zips_in_zips_regression(tmp_path: Path) -> None:
    """A zip in a folder of a zip was passed over ('no MR images'); one that holds itself was unpacked for ever."""
    write(tmp_path, "t2.nii.gz")
    exam = (tmp_path / "t2.nii.gz").read_bytes()
    deep = _within(_zip(tmp_path / "deep.zip", ("t2.nii.gz", exam)), "site/p1.zip", "all.zip", "b.zip", "c.zip")
    assert list(one(deep, tmp_path / "w").chosen) == [Sequence.T2W]
    with pytest.raises(InputUnreadable, match="zip in a zip, more than 4 deep"):
        inspect_path(_within(deep, "d.zip"), workdir=tmp_path / "w")


def _zip(path: Path, *entries: tuple[str, bytes], link: bool = False) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o120777 if link else 0o100644) << 16
            bundle.writestr(info, content)
    return path


@pytest.mark.parametrize("name", ["../evil.nii", "/etc/evil.nii", "a/../../evil.nii", "C:\\evil.nii", "..\\evil.nii"])
def test_a_path_out_of_the_zip(tmp_path: Path, name: str) -> None:
    bad = _zip(tmp_path / "x.zip", ("fine.nii", b"x"), (name, b"x"))

    with pytest.raises(InputUnreadable, match="leads out of the archive"):
        inspect_path(bad, workdir=tmp_path / "work")
    assert list((tmp_path / "work").iterdir()) == [] and sorted(p.name for p in tmp_path.iterdir()) == ["work", "x.zip"]


def test_hostile_and_damaged_zips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputUnreadable, match="symbolic link"):
        inspect_path(_zip(tmp_path / "link.zip", ("a", b"/etc/passwd"), link=True), workdir=tmp_path / "w")
    (tmp_path / "text.zip").write_text("hello")
    with pytest.raises(InputUnreadable, match="not a usable zip file"):
        inspect_path(tmp_path / "text.zip", workdir=tmp_path / "w")
    whole = _zip(tmp_path / "crc.zip", ("a.nii", os.urandom(5000))).read_bytes()
    (tmp_path / "crc.zip").write_bytes(whole[:2000] + b"????" + whole[2004:])
    with pytest.raises(InputUnreadable, match="not a usable zip file"):
        inspect_path(tmp_path / "crc.zip", workdir=tmp_path / "w")
    monkeypatch.setattr(archive, "RATIO_APPLIES_ABOVE", 2**20)
    with pytest.raises(InputUnreadable, match="zip bomb"):
        inspect_path(_zip(tmp_path / "bomb.zip", ("a.nii", bytes(2**22))), workdir=tmp_path / "w")
    monkeypatch.setattr(archive, "MAX_ENTRIES", 3)
    with pytest.raises(InputUnreadable, match="4 entries"):
        inspect_path(_zip(tmp_path / "many.zip", *((f"{i}", b"") for i in range(4))), workdir=tmp_path / "w")
    assert list((tmp_path / "w").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no rows"),
        (b"id,t1c\n", "has no rows"),
        (b"name,t1c\na,b\n", "has no column 'id'"),
        (b"id,age\na,b\n", "no column with files"),
        (b"id,t1c\na,x.nii\na,y.nii\n", "two rows for 'a'"),
        (b"id,t1c\na-1,x.nii\na1,y.nii\n", "two rows for 'a1'"),
        (b"id,t1c\n,x.nii\n", "no id in row 2"),
        (b"id,t1c\n\xff\xfe\xe9,x\n", "not UTF-8"),
        # taken without a word, or read as something else
        ("id,t1c\na,x.nii\n".encode("utf-16"), "not UTF-8"),
        ("id,t1c\na,x.nii\n".encode("utf-16-le"), "not UTF-8"),
        (b"id,t1c\n///,x.nii\n", "the id '///', without a letter or digit .*, in row 2"),
        (b"id,t1c\nsub-,x.nii\n", "without a letter or digit"),
        (b"id,t1c,t1ce\na,x.nii,y.nii\n", "two columns for 't1c'; leave one"),
        (b"id,t1c\na,x,1.nii\n", "more cells in row 2 than columns; put quotes around a cell that holds ','"),
        (b'id,t1c\n"a,x.nii\n', r"not a usable table \(unexpected end of data\)"),
        (b"id,t1c\na," + b"x" * 200_000 + b"\n", "not a usable table .field larger"),
    ],
)
def test_a_bad_table(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "m.csv").write_bytes(content)

    with pytest.raises(InputUnreadable, match=words):
        inspect_path(tmp_path / "m.csv", workdir=tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffid,t1c\na,E/x.nii\n",
        "id,t1c\r\na,E/x.nii\r\n",
        "id,t1c\ra,E/x.nii\r",
        "id;t1c;age, years\na;E/x.nii;44,5\n",
        'id,t1c,note\na,E/x.nii,"of two\nlines"\n',
        "id,t1c,note\na,E/x.nii,page\x0cbreak\u2028and more\n",
        "\n id , t1c ,,\n\n a , E/x.nii \n",
    ],
)
def test_tables_of_any_spreadsheet_regression(tmp_path: Path, content: str) -> None:
    """A comma in the name of a column hid its semicolons; a page break or a line separator in a cell began another row."""
    write(tmp_path / "E", "x.nii")
    (tmp_path / "m.csv").write_bytes(content.encode())
    found = one(tmp_path / "m.csv", tmp_path / "w")
    assert (found.id, {s: c.name for s, c in found.chosen.items()}) == ("a", {Sequence.T1C: "x.nii"})


def test_a_good_volume_is_read(tmp_path: Path) -> None:
    write(tmp_path, "t2.nii.gz", volume=head(3))

    assert np.array_equal(read_volume(tmp_path / "t2.nii.gz").data, head(3).data)
