"""Write the model card of the default model from what `model/score.py` measured.

    python model/card.py --work FOLDER

The card goes, with its figures, beside the weights (`src/glioscope/models/default`) and to docs/default.md; the mean Dice with
each set of sequences goes to `measured` in the bundle's document too, and every number behind the means to
model/log/scores.csv. The gallery of failures shows outlines alone: images and label maps of the exams stay where they are.
"""

from __future__ import annotations

import argparse
import io
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from gallery import draw_failures
from score import FULL, SCHEME, SUBSETS

from glioscope.bundles.document import dump_document
from glioscope.core import Sequence
from glioscope.core.files import write_bytes, write_text
from glioscope.measurement import Widening, consistent, label_parts, needed_factor

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "src" / "glioscope" / "models" / "default"
REGIONS = ("WT", "TC", "ET")
SYSTEMS = {
    "default": "**default** (folds, exam not seen)",
    "default-fast": "default, `--fast`",
    "default-best": "default, `--best`",
    "synthetic-only": "synthetic exams alone, no real one seen",
    "scratch": "real exams alone, begun from nothing (450 steps)",
    "subtraction": "subtraction (no training; constants chosen on these exams)",
    "flair-threshold": "flair-threshold (no training)",
    "cascade-2017": "networks of BraTS 2017 (may have learnt from these exams)",
}
Record = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    records = [json.loads(file.read_text()) for file in sorted((options.work / "scores").glob("*_*.json"))]
    document = yaml.safe_load((BUNDLE / "bundle.yaml").read_text()) | {"measured": measured(records)}
    write_text(BUNDLE / "bundle.yaml", dump_document(document))
    raw = options.work / "scores" / "raw.json"
    text = "\n".join(
        [
            head(document),
            *comparison(records),
            *each_exam(records),
            *subsets(records),
            *calibration(records),
            *volume_intervals(records),
            *(raw_exam(json.loads(raw.read_text())) if raw.is_file() else ()),
            *provenance(document),
        ]
    )
    write_text(ROOT / "model" / "log" / "scores.csv", "\n".join(every_score(records)) + "\n")
    figures = {"calibration": draw_calibration(records)}
    worst, figures["failures"] = draw_failures(of(records, "default"), options.work)
    for folder, prefix, card in (
        (BUNDLE, "", BUNDLE / "card.md"),
        (ROOT / "docs" / "images", "images/default-", ROOT / "docs" / "default.md"),
    ):
        for name, png in figures.items():
            if png:
                write_bytes(folder / f"{Path(prefix).name}{name}.png", png)
        write_text(card, "\n".join([text, *shown_figures(worst, prefix)]) + "\n")


def shown_figures(worst: list[str], prefix: str) -> list[str]:
    """The end of the card, with the figures at `prefix`."""
    lines = ["", "## Calibration curves", "", f"![Calibration]({prefix}calibration.png)"]
    if worst:
        lines += ["", "## The three worst exams", "", f"{', '.join(worst)}: the axial slice with most wrong voxels."]
        lines += ["The reference is grey, the model's outlines are in colour.", "", f"![Failures]({prefix}failures.png)"]
    return lines


def head(document: Record) -> str:
    return (ROOT / "model" / "about.md").read_text().format(patch=" x ".join(map(str, document["inference"]["patch"]))).rstrip()


def of(records: Iterable[Record], system: str, subset: tuple[Sequence, ...] = FULL) -> list[Record]:
    return [r for r in records if r["system"] == system and r["sequences"] == list(subset)]


def mean(records: Iterable[Record], region: str, key: str = "dice") -> float | None:
    """Over the exams; that of ET over those that have it."""
    values = [r["regions"][region][key] for r in records if region in r["regions"] and _counts(r, region)]
    return float(np.mean(values)) if values else None


def _counts(record: Record, region: str) -> bool:
    return region != "ET" or record["regions"]["ET"]["reference_ml"] > 0


def shown(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def comparison(records: list[Record]) -> list[str]:
    lines = ["", "## Against others, four sequences", ""]
    lines += [row("system", "WT", "TC", "ET", "lesion-wise WT", "TC", "ET", "false ET (ml)", "seconds")]
    lines += [row(*["---"] * 9)]
    for system, title in SYSTEMS.items():
        found = of(records, system)
        if not found:
            continue
        dices = [shown(mean(found, region)) for region in REGIONS]
        lesions = [shown(mean(found, region, "lesion_dice")) for region in REGIONS]
        false = [r["regions"]["ET"]["ml"] for r in found if "ET" in r["regions"] and not _counts(r, "ET")]
        told = ", ".join(f"{ml:.2f}" for ml in false)
        lines.append(row(title, *dices, *lesions, told, f"{np.median([r['seconds']['wall'] for r in found]):.0f}"))
    exams = len(of(records, "default"))
    return [
        *lines,
        "",
        f"Mean Dice over {exams} exams, of ET over those that have some; false ET is what was found in those without. "
        "Lesion-wise Dice by brats-2023-gli. Seconds are the median, one thread, segmentation alone.",
    ]


def each_exam(records: list[Record]) -> list[str]:
    lines = ["", "## Each exam, by the fold that had not seen it", ""]
    lines += [
        row("exam", "WT", "TC", "ET", "lesion-wise WT HD95 (mm)", "WT (ml)", "true WT (ml)", "ET (ml)", "true ET (ml)"),
        row(*["---"] * 9),
    ]
    for record in of(records, "default"):
        regions = record["regions"]
        dices = [shown(regions[region]["dice"]) for region in REGIONS]
        volumes = [f"{regions[region][key]:.1f}" for region in ("WT", "ET") for key in ("ml", "reference_ml")]
        lines.append(row(record["exam"], *dices, shown(regions["WT"]["lesion_hd95"], 1), *volumes))
    return [
        *lines,
        "",
        "HD95 by brats-2023-gli: the mean over lesions, in which each false island and each lesion missed counts as 374 mm.",
    ]


def subsets(records: list[Record]) -> list[str]:
    lines = ["", "## With fewer sequences", "", row("sequences", "WT", "TC", "ET", "false ET (ml)"), row(*["---"] * 5)]
    for found in measured(records)["rows"]:
        names = ", ".join(Sequence(sequence).display_name for sequence in found["sequences"])
        lines.append(row(names, *(shown(found["dice"].get(region)) for region in REGIONS), shown(found.get("false_ET_ml"), 2)))
    told = [
        "Without contrast T1 no enhancing tumour is told, and the core is a guess: the report says so. Each exam with each",
        "subset, by lesion-wise scores too, is in the repository: model/log/scores.csv.",
    ]
    return [*lines, "", *told]


def every_score(records: list[Record]) -> Iterator[str]:
    """A table of each exam, system, subset and region."""
    columns = ("dice", "lesion_dice", "lesion_hd95", "ml", "reference_ml")
    yield ",".join(("exam", "system", "sequences", "region", *columns))
    for record in records:
        for region, values in record["regions"].items():
            numbers = (f"{values[key]:.4g}" for key in columns)
            yield ",".join((record["exam"], record["system"], " ".join(record["sequences"]), region, *numbers))


def measured(records: list[Record]) -> Record:
    """The same table as it stands in the bundle's document, for the remark in every report."""
    rows = []
    for subset in SUBSETS:
        if not (found := of(records, "default", subset)):
            continue
        dices = {region: mean(found, region) for region in REGIONS}
        false = [r["regions"]["ET"]["ml"] for r in found if "ET" in r["regions"] and not _counts(r, "ET")]
        told = {region: round(value, 3) for region, value in dices.items() if value is not None}
        volume = {"false_ET_ml": round(max(false), 2)} if false else {}
        row = {"sequences": [str(sequence) for sequence in subset], "dice": told} | volume
        rows.append(row | {"volume_factors": volume_factors(found)})
    exams = len(of(records, "default"))
    return {"exams": f"{exams} exams that it had not learnt from", "count": exams, "rows": rows}


def volume_factors(found: list[Record]) -> dict[str, float]:
    """Region or label -> by how much the intervals of these exams are to be widened, rounded up."""
    names = found[0]["intervals"]
    told = {name: [(r["intervals"][name]["ml"], r["intervals"][name]["reference_ml"]) for r in found] for name in names}
    return {name: math.ceil(100 * needed_factor(*zip(*values, strict=True))) / 100 for name, values in told.items()}


def calibration(records: list[Record]) -> list[str]:
    lines = [
        "",
        "## Calibration",
        "",
        row("region", "expected calibration error in the brain", "where it is in doubt"),
        row(*["---"] * 3),
    ]
    for region in REGIONS:
        bins = pooled(records, region)
        doubt = [b for b in bins if 0.05 < b[0] < 0.95]
        lines.append(row(region, f"{_error(bins):.4f}", f"{_error(doubt):.3f}"))
    return [*lines, "", "Folds, all voxels of all exams together; in doubt: probability from 0.05 to 0.95."]


def volume_intervals(records: list[Record]) -> list[str]:
    """By how much they are widened, and how often they hold an exam that the factor was not made from."""
    found = of(records, "default")
    lines = ["", "## Intervals of volumes", "", row("", "factor", "held, voxel-wise", "held, widened by the others", "width")]
    lines += [row(*["---"] * 5)]
    for name, factor in volume_factors(found).items():
        told = [(r["intervals"][name]["ml"], r["intervals"][name]["reference_ml"]) for r in found]
        plain = sum(low <= truth <= high for (low, high), truth in told)
        left_out = [(widened_by_others(found, n)[name], truth) for n, (_, truth) in enumerate(told)]
        held = sum(low - 1e-9 <= truth <= high + 1e-9 for (low, high), truth in left_out)
        wide = np.median([(high - low) / truth for (low, high), truth in left_out if truth])
        lines.append(row(name, f"{factor:.2f}", f"{plain} of {len(told)}", f"{held} of {len(told)}", f"{wide:.0%}"))
    return [
        *lines,
        "",
        "Four sequences; each exam by the fold that had not seen it, and widened by the factor of the other nine. The width is",
        "the median of those exams that have the region, in percent of the true volume. The factors that ship are those of all",
        "ten, for each set of sequences (docs/measurement.md).",
    ]


def widened_by_others(found: list[Record], number: int) -> dict[str, tuple[float, float]]:
    """Region or label -> interval of an exam, as it would be had the factors been made from the others."""
    others = [record for n, record in enumerate(found) if n != number]
    widening = Widening(volume_factors(others), len(others), "others")
    wide = {name: widening.applied(name, told["ml"]) or (0, 0) for name, told in found[number]["intervals"].items()}
    regions = {name: wide[name] for name in REGIONS}
    parts = label_parts(REGIONS, SCHEME)
    cut, labels = consistent(regions, {name: wide[name] for name in parts}, parts, SCHEME)
    return cut | labels


def pooled(records: list[Record], region: str) -> list[tuple[float, float, int]]:
    """Mean probability, frequency and voxels of each bin, over all exams."""
    sums: dict[float, list[float]] = {}
    for record in of(records, "default"):
        for part in record["calibration"][region]["bins"]:
            total = sums.setdefault(part["from"], [0.0, 0.0, 0.0])
            for n, value in enumerate(
                (part["confidence"] * part["voxels"], part["frequency"] * part["voxels"], part["voxels"])
            ):
                total[n] += value
    return [(c / n, f / n, int(n)) for _, (c, f, n) in sorted(sums.items()) if n]


def _error(bins: list[tuple[float, float, int]]) -> float:
    total = sum(n for *_, n in bins)
    return sum(abs(c - f) * n for c, f, n in bins) / total if total else 0.0


def draw_calibration(records: list[Record]) -> bytes:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(4.2, 4), layout="constrained")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for region, colour in zip(REGIONS, ("#2c7fb8", "#d95f0e", "#31a354"), strict=True):
        bins = pooled(records, region)
        axes.plot([b[0] for b in bins], [b[1] for b in bins], "o-", color=colour, label=region, markersize=4)
    axes.set(xlabel="probability given", ylabel="share of voxels in the region", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.legend(frameon=False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110, metadata={"Software": None})
    return stream.getvalue()


def raw_exam(found: Record) -> list[str]:
    lines = ["", "## A raw exam (TCGA-FG-6692, the whole chain)", ""]
    lines += ["Dice with the published SIMPLE consensus of five BraTS algorithms, in atlas space:", ""]
    lines += [row("segmenter", *REGIONS), row(*["---"] * 4)]
    return [*lines, *(row(name, *(shown(dices.get(region)) for region in REGIONS)) for name, dices in found.items())]


def provenance(document: Record) -> list[str]:
    training = document["training"]
    lines = ["", "## How it was made", ""]
    lines += [f"- {line}" for line in training["stages"]]
    lines += [f"- Weights: {', '.join(str(m['file']) + ', SHA-256 ' + str(m['sha256']) for m in document['members'])}"]
    versions = training["versions"][-1]
    packages = ", ".join(f"{name} {version}" for name, version in versions["packages"].items())
    return [*lines, f"- {versions['platform']}, Python {versions['python']}, {packages}"]


if __name__ == "__main__":
    main()
