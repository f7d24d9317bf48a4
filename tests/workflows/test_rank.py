from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from glioscope.cli.evaluate import register
from glioscope.core import GlioscopeError
from glioscope.workflows.rank import rank

app = typer.Typer(pretty_exceptions_enable=False)
register(app)


def _system(path: Path, dice: dict[str, float | None], protocol: str = "general") -> Path:
    cases: list[Any] = [{"id": case, "regions": {"ET": {"dice": value, "hd95": 5.0}}} for case, value in dice.items()]
    path.write_text(json.dumps({"protocol": protocol, "definitions": {"dice": "overlap"}, "cases": cases}))
    return path


def test_systems_are_ranked_from_their_documents(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ours = _system(tmp_path / "ours.json", {"1": 0.9, "2": 0.8})
    theirs = _system(tmp_path / "theirs.json", {"1": 0.7, "2": None})

    code = app(args=["rank", f"us={ours}", str(theirs), "--json", "--plots", str(tmp_path / "plots")], standalone_mode=False)

    document = json.loads(capfd.readouterr().out)
    assert code == 0
    assert document["metrics"] == ["dice", "hd95"] and document["cases"] == 2  # no lesion-wise values here
    assert [(s["system"], s["place"], s["mean_rank"], s["missing"]) for s in document["systems"]] == [
        ("us", 1, 1.25, 0),
        ("theirs", 2, 1.75, 1),
    ]
    assert document["definitions"]["dice"] == "overlap" and "permutation" in document["definitions"]
    assert document["permutation"][0]["p"] == 0.5  # of two cases, both swapped or neither
    names = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert names == ["systems_definitions.json", "systems_dice.png", "systems_hd95.png"]


def test_metrics_and_regions_can_be_chosen(tmp_path: Path) -> None:
    files = [_system(tmp_path / f"{name}.json", {"1": value}) for name, value in (("a", 0.1), ("b", 0.2))]
    assert rank(files, metrics=["hd95"]).ranking.mean_ranks == {"a": 1.5, "b": 1.5}
    assert rank(files, metrics=["dice"], regions=["ET"]).ranking.places == {"b": 1, "a": 2}
    assert rank({"x": files[0], "y": files[1]}, metrics=["dice"]).ranking.places == {"y": 1, "x": 2}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "not JSON"),
        ("[1, 2]", "names no protocol"),
        ('{"protocol": "general"}', "damaged"),
        ('{"protocol": "general", "cases": [{"id": "1", "regions": {"ET": {"dice": "much"}}}]}', "damaged"),
        ('{"protocol": "general", "cases": 7}', "damaged"),
        ('{"protocol": "brats-2023-gli", "cases": []}', "different protocols"),
    ],
)
def test_damaged_documents_are_told_in_a_sentence(tmp_path: Path, content: str, told: str) -> None:
    good, bad = _system(tmp_path / "good.json", {"1": 0.5}), tmp_path / "bad.json"
    bad.write_text(content)
    with pytest.raises(GlioscopeError, match=told):
        rank([good, bad])


def test_what_cannot_be_ranked(tmp_path: Path) -> None:
    file = _system(tmp_path / "a.json", {"1": 0.5})
    other = _system(tmp_path / "b.json", {"1": 0.5})
    for systems, options, told in (
        ([file], {}, "two systems"),
        ([file, file], {}, "Two systems are called 'a'"),
        ([file, tmp_path / "absent.json"], {}, "cannot be read"),
        ([file, other], {"metrics": ["pq"]}, "no metric 'pq'"),
        ([file, other], {"regions": ["WT"]}, "no region 'WT'"),
    ):
        with pytest.raises(GlioscopeError, match=told):
            rank(systems, **options)  # type: ignore[arg-type]
