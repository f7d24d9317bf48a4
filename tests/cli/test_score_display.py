"""What people read after evaluate, rank and agreement."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from glioscope.cli.evaluate import register
from tests.workflows.label_maps import nested, save

app = typer.Typer(pretty_exceptions_enable=False)
register(app)


def _printed(capfd: pytest.CaptureFixture[str], *arguments: object) -> str:
    code = app(args=[str(argument) for argument in arguments], standalone_mode=False)
    shown = capfd.readouterr()
    assert code == 0, shown.err
    return " ".join(shown.out.split())


def test_scores_and_study_are_shown_with_their_definitions(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "cases.csv"
    lines = ["id,prediction,reference,fold,site"]
    for number, shift in enumerate((0, 1, 8)):
        save(tmp_path / f"p{number}.nii.gz", nested(shift))
        lines.append(f"c{number},p{number}.nii.gz,p0.nii.gz,{number % 2},S{number % 2}")
    table.write_text("\n".join(lines))

    shown = _printed(
        capfd, "evaluate", table, "--jobs", 1, "--study", "residual", "--region", "ET", "--lesions", tmp_path / "l.csv"
    )

    assert "general, 3 cases, mean ± SD" in shown and "WT TC ET" in shown
    assert "dice: 2 |P and R|" in shown
    assert "all 3 2 0 0 1 66.7 – –" in shown  # the third lies elsewhere: missed
    assert "fold 0 2 1 0 0 1 50.0" in shown and "site S1 1 1 0 0 0 100.0" in shown and "over folds" in shown
    assert "l.csv" in shown


def test_a_ranking_is_shown_with_its_tests(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name, dice in (("good", 0.9), ("poor", 0.5)):
        cases = [{"id": str(n), "regions": {"ET": {"dice": dice + n / 100, "hd95": 1 - dice}}} for n in range(6)]
        (tmp_path / f"{name}.json").write_text(json.dumps({"protocol": "general", "cases": cases}))

    shown = _printed(capfd, "rank", tmp_path / "poor.json", tmp_path / "good.json")

    assert "good 1 1.000" in shown and "poor 2 2.000" in shown
    assert "good poor -1.000 0.03125 0.03125" in shown  # 2 of 64 permutations
    assert "ET dice 0.0625" in shown  # Wilcoxon 0.03125, twice by Holm
    assert "mean_rank: Systems are ranked" in shown


def test_agreement_is_shown_by_region(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    raters = [save(tmp_path / f"r{number}.nii.gz", nested(shift)) for number, shift in enumerate((0, 0, 1))]

    shown = _printed(capfd, "agreement", *raters, "--reference", raters[0], "--scheme", "brats-2023")

    assert "WT, Jaccard" in shown and "with consensus with reference" in shown
    assert "r2 0.818 0.818" in shown  # 9 of 11 columns
    assert "more than half of all annotators" in shown
