"""`glioscope rank`: several systems, by the documents that `glioscope evaluate --json` made of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from glioscope.core import InputUnreadable, InvalidImage
from glioscope.evaluation.ranking import Ranking, higher_is_better, rank_systems

__all__ = ["SystemsRanking", "rank"]

PREFERRED = (("lesion_dice", "lesion_hd95"), ("dice", "hd95"))

Values = dict[str, dict[tuple[str, str], float | None]]


@dataclass(frozen=True)
class SystemsRanking:
    """A ranking and what it was made of.

    Attributes:
        protocol: Of all documents.
        regions, metrics: What was ranked by.
        cases: How many take part.
        ranking: The result.
        scores: System -> case -> (region, metric) -> value, as read.
        definitions: Metric -> its sentence, from the documents.
    """

    protocol: str
    regions: tuple[str, ...]
    metrics: tuple[str, ...]
    cases: int
    ranking: Ranking
    scores: Mapping[str, Values]
    definitions: Mapping[str, str]

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        about = {"protocol": self.protocol, "regions": list(self.regions), "metrics": list(self.metrics), "cases": self.cases}
        ranking = self.ranking.document()
        return {**about, "definitions": {**self.definitions, **ranking.pop("definitions")}, **ranking}

    def columns(self, metric: str) -> dict[str, dict[str, list[float]]]:
        """System -> region -> one value a case, for a box plot."""
        return {
            system: {
                region: [v for values in self.scores[system].values() if (v := values.get((region, metric))) is not None]
                for region in self.regions
            }
            for system in self.ranking.places
        }


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise InputUnreadable(f"'{path}' cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise InputUnreadable(f"'{path.name}' is not JSON; make it with `glioscope evaluate … --json > FILE`.") from error
    if not isinstance(document, dict) or not isinstance(document.get("protocol"), str):
        raise InputUnreadable(f"'{path.name}' is not a document of `glioscope evaluate --json`: it names no protocol.")
    return document


def _values(document: Mapping[str, Any], name: str) -> Values:
    out: Values = {}
    try:
        for case in document["cases"]:
            out[str(case["id"])] = {
                (str(region), str(metric)): None if value is None else float(value)
                for region, values in case["regions"].items()
                for metric, value in values.items()
            }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputUnreadable(f"'{name}' is not a document of `glioscope evaluate --json`: its cases are damaged.") from error
    return out


def _named(source: str | PathLike[str]) -> tuple[str, Path]:
    """`NAME=FILE` as a pair; a bare file is named after itself."""
    text = str(source)
    if "=" in text and not Path(text).exists():
        name, _, path = text.partition("=")
        return name.strip(), Path(path)
    return Path(text).stem, Path(text)


def rank(
    systems: Sequence[str | PathLike[str]] | Mapping[str, str | PathLike[str]],
    *,
    metrics: Sequence[str] | None = None,
    regions: Sequence[str] | None = None,
    permutations: int = 10_000,
    seed: int = 0,
) -> SystemsRanking:
    """Rank systems by the scores of the same cases under one protocol.

    Args:
        systems: Documents of `glioscope evaluate --json`, two or more: files (named after themselves), `NAME=FILE`, or a dict.
        metrics: What to rank by; lesion-wise Dice and HD95 by default, or the whole-volume ones where a protocol has no others.
        regions: Which regions; all by default.
        permutations: Draws of the permutation test.
        seed: Of the draws.

    Raises:
        InputUnreadable: a document is missing or damaged, of another protocol, or named twice.
        InvalidImage: fewer than two systems, no case in common to rank, an unknown region or metric.
    """
    listed = [(n, Path(p)) for n, p in systems.items()] if isinstance(systems, Mapping) else [_named(s) for s in systems]
    names = [name for name, _ in listed]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputUnreadable(f"Two systems are called '{twice[0]}'; give them names: NAME=FILE.")
    documents = {name: _document(path) for name, path in listed}
    protocols = {name: document["protocol"] for name, document in documents.items()}
    if len(set(protocols.values())) > 1:
        told = ", ".join(f"{name}: {protocol}" for name, protocol in protocols.items())
        raise InputUnreadable(f"The systems were scored by different protocols ({told}); score them by one.")
    scores = {name: _values(document, name) for name, document in documents.items()}
    present = list(dict.fromkeys(key for cases in scores.values() for values in cases.values() for key in values))
    known_regions, known_metrics = dict.fromkeys(r for r, _ in present), dict.fromkeys(m for _, m in present)
    chosen_regions = tuple(regions or known_regions)
    fallback = next((pair for pair in PREFERRED if known_metrics.keys() >= set(pair)), ())
    chosen_metrics = tuple(metrics or fallback)
    for wanted, known, kind in ((chosen_regions, known_regions, "region"), (chosen_metrics, known_metrics, "metric")):
        if unknown := [name for name in wanted if name not in known]:
            raise InvalidImage(f"There is no {kind} '{unknown[0]}' in the documents; they have {', '.join(known)}.")
    for metric in chosen_metrics:
        higher_is_better(metric)
    quantities = [(region, metric) for region in chosen_regions for metric in chosen_metrics if (region, metric) in present]
    definitions: dict[str, str] = {}
    for document in documents.values():
        stated = document.get("definitions")
        if isinstance(stated, dict):
            definitions |= {metric: str(stated[metric]) for metric in chosen_metrics if metric in stated}
    ranking = rank_systems(scores, quantities, permutations=permutations, seed=seed)
    cases = len({case for values in scores.values() for case in values})
    protocol = next(iter(protocols.values()))
    return SystemsRanking(protocol, chosen_regions, chosen_metrics, cases, ranking, scores, definitions)
