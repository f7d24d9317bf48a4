from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer

from glioscope.cli.evaluate import register
from glioscope.core import GlioscopeError, Volume, write_volume
from glioscope.workflows.agreement import agreement
from tests.workflows.label_maps import AFFINE, nested, save

app = typer.Typer(pretty_exceptions_enable=False)
register(app)


@pytest.fixture
def raters(tmp_path: Path) -> list[Path]:
    """Three raters: two of one mind, the third a voxel to the side."""
    return [save(tmp_path / f"r{number}.nii.gz", nested(shift)) for number, shift in enumerate((0, 0, 1))]


def test_by_hand(raters: list[Path], capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["agreement", *map(str, raters[:2]), str(raters[2]), "--reference", str(raters[2]), "--json"]
    assert app(args=arguments, standalone_mode=False) == 0

    document = json.loads(capfd.readouterr().out)
    (case,) = document["cases"]
    tumour = case["regions"]["tumour"]
    assert tumour["with_consensus"] == pytest.approx({"r0": 1.0, "r1": 1.0, "r2": 9 / 11})  # 9 columns shared of 11
    assert tumour["with_reference"] == pytest.approx({"r0": 9 / 11, "r1": 9 / 11, "r2": 1.0})
    assert document["summary"]["tumour"]["with_consensus"]["r2"]["mean"] == pytest.approx(9 / 11)
    assert "more than half" in document["definitions"]["consensus"]


def test_regions_of_a_scheme_and_a_system_without_a_vote(raters: list[Path]) -> None:
    (case,) = agreement(raters[:2], compared=[raters[2]], scheme="brats-2023").cases
    assert list(case.regions) == ["WT", "TC", "ET"]
    assert case.regions["TC"].with_consensus == pytest.approx({"r0": 1.0, "r1": 1.0, "r2": 5 / 7})


def test_an_agreement_map_is_scored_by_qubiq(raters: list[Path], tmp_path: Path) -> None:
    votes = np.asarray(np.mean([nested(shift) > 0 for shift in (0, 0, 1)], axis=0, dtype=np.float32))
    right = tmp_path / "right.nii.gz"
    write_volume(right, Volume.of(votes, AFFINE))
    empty = save(tmp_path / "empty.nii.gz", np.zeros_like(nested()))

    assert agreement(raters, predicted=right).cases[0].qubiq["tumour"].score == 1.0
    assert agreement(raters, predicted=empty).cases[0].qubiq["tumour"].score == pytest.approx(0.1)
    with pytest.raises(GlioscopeError, match=r"'r0.nii.gz' is not an agreement map"):
        agreement(raters, predicted=raters[0])
    with pytest.raises(GlioscopeError, match="Say which region"):
        agreement(raters, predicted=right, scheme="brats-2023")


def test_a_table_of_exams(raters: list[Path], tmp_path: Path) -> None:
    table = tmp_path / "raters.csv"
    (tmp_path / "bad.nii.gz").write_bytes(b"")
    table.write_text(
        "id,reference,anna,ben,cleo,model\n"
        "e1,r2.nii.gz,r0.nii.gz,r1.nii.gz,r2.nii.gz,r2.nii.gz\n"
        "e2,,r0.nii.gz,r2.nii.gz,r2.nii.gz,\n"
        "e3,,r0.nii.gz,bad.nii.gz,r2.nii.gz,\n"
        "e4,,r0.nii.gz,,,r2.nii.gz\n"
    )
    result = agreement([table], compared=["Model"])

    assert [case.id for case in result.cases] == ["e1", "e2"]
    assert {failed.id: str(failed.error).split()[0] for failed in result.failed} == {"e3": "'bad.nii.gz'", "e4": "'e4'"}
    told = result.document()["summary"]["tumour"]
    assert told["with_consensus"]["anna"]["mean"] == pytest.approx((1 + 9 / 11) / 2)
    assert told["with_consensus"]["model"]["count"] == 1
    with pytest.raises(GlioscopeError, match="2 of 4 cases failed"):
        result.check()


def test_what_cannot_be_compared(raters: list[Path], tmp_path: Path) -> None:
    other = save(tmp_path / "other.nii.gz", nested()[:20])
    table = tmp_path / "t.csv"
    table.write_text("id,a,b\n1,r0.nii.gz,r1.nii.gz\n")
    for masks, options, told in (
        (raters[:1], {}, "fewer than two"),
        ([raters[0], raters[0]], {}, "given twice"),
        ([raters[0], other], {}, "20 x 20 x 16 voxels instead of 24 x 20 x 16"),
        (raters, {"scheme": "brats-men-rt"}, "has the value 2"),
        (raters, {"predicted": {"RC": other}}, "no region 'RC'"),
        ([table], {"compared": ["c"]}, "no column 'c'"),
        ([table], {"reference": other}, "its column 'reference'"),
    ):
        with pytest.raises(GlioscopeError, match=told):
            agreement(masks, **options)
