"""Whatever bytes come in, only a GlioscopeError comes out."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glioscope.conversion import convert_series
from glioscope.core import GlioscopeError, read_header, read_labels, read_volume
from glioscope.inspection import inspect_path
from tests.dicom_factory import STYLES, oblique_affine, phantom, write_series
from tests.inspection.exams import head, write

Mutations = list[tuple[int, int]]
mutations = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=12)


def _mutate(content: bytes, changes: Mutations, cut: int) -> bytes:
    out = bytearray(content)
    for position, value in changes:
        out[position % len(out)] = value
    return bytes(out[: len(out) - cut % len(out)] if cut else out)


def _inspect(name: str, content: bytes, then: Callable[[Path], object] | None = None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        for target in (path, path.parent):
            with suppress(GlioscopeError):
                for found in inspect_path(target, workdir=Path(folder) / "work"):
                    found.document()
                    with suppress(GlioscopeError):
                        found.resolved()
        if then is not None:
            with suppress(GlioscopeError):
                then(path)


@pytest.fixture(scope="module")
def nifti(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("nifti")
    write(folder, "t1.nii", volume=head(1, (9, 8, 7)))
    return (folder / "t1.nii").read_bytes()


@pytest.fixture(scope="module")
def dicom(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("dicom")
    return write_series(folder, phantom((6, 6, 1)), oblique_affine(), STYLES["t1c"])[0].read_bytes()


NAME_CHARACTERS = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])  # zipfile cuts names at a null


@settings(max_examples=150, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=12), cut=st.integers(0, 900))
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_mutated_nifti(nifti: bytes, changes: Mutations, cut: int, suffix: str) -> None:
    def read(path: Path) -> None:
        for reader in (read_header, read_volume, read_labels):
            with suppress(GlioscopeError):
                reader(path)

    _inspect(f"t1{suffix}", _mutate(nifti, changes, cut), read)


@settings(max_examples=200, deadline=None)
@given(changes=mutations, cut=st.integers(0, 200))
def test_mutated_dicom(dicom: bytes, changes: Mutations, cut: int) -> None:
    _inspect("IM0001", _mutate(dicom, changes, cut))


@settings(max_examples=15, deadline=None)
@given(changes=mutations, cut=st.integers(0, 200))
def test_mutated_dicom_is_converted_or_refused(dicom: bytes, changes: Mutations, cut: int) -> None:
    def convert(path: Path) -> None:
        convert_series({"0": path}, image=path.parent / "o.nii.gz", sidecar=path.parent / "o.json")

    _inspect("IM0001", _mutate(dicom, changes, cut), convert)


@settings(max_examples=150, deadline=None)
@given(
    names=st.lists(st.text(NAME_CHARACTERS, min_size=1, max_size=20), min_size=1, max_size=3, unique=True),
    content=st.binary(max_size=200),
    changes=mutations,
    cut=st.integers(0, 30),
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_mutated_zip(names: list[str], content: bytes, changes: Mutations, cut: int) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as bundle, suppress(UnicodeEncodeError, ValueError):
        for name in names:
            bundle.writestr(name, content)
    _inspect("x.zip", _mutate(stream.getvalue(), changes[:3], cut))


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=300))
def test_any_bytes_as_zip_image_or_dicom(content: bytes) -> None:
    for name, begin in (("x.zip", b"PK\x03\x04"), ("t1.nrrd", b"NRRD0004\n"), ("t1.mha", b""), ("IM1", b"\0" * 128 + b"DICM")):
        _inspect(name, begin + content)


@settings(max_examples=200, deadline=None)
@given(head_line=st.sampled_from(["", "id,t1c\n", "id,path\n", "id;flair\n", "id\tsession\tt1n\n"]), text=st.text(max_size=120))
def test_any_table(head_line: str, text: str) -> None:
    _inspect("m.csv", (head_line + text).encode("utf-8", "surrogatepass"))
