"""Write the card of the model `after-surgery`, and what it was measured to do into its bundle.

    python benchmarks/cut_exams.py WORK/after-surgery/held-out.csv WORK/after-surgery/measured/operated \
        --scheme brats-2024-gli --by after-surgery default
    python benchmarks/cut_exams.py post-operative WORK/after-surgery/measured/synthetic --exams 60 --seed 2 \
        --by after-surgery default
    python model/after_surgery_card.py --work WORK

Both kinds of exams were seen in no training. The card goes beside the weights and to docs/after-surgery.md; the mean Dice, the
factors that widen intervals of volumes, and how a stated probability of residual tumour comes true go to `measured` in the
bundle's document.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from card import ROOT, provenance, row, shown, volume_factors

from glioscope.bundles.document import dump_document
from glioscope.core import get_scheme
from glioscope.core.files import write_text
from glioscope.measurement import label_interval, label_parts, volume_interval
from glioscope.measurement.surgery import RESIDUAL_CUT_ML, MeasuredCut, fit_measured_cut, nested_outlines

BUNDLE = ROOT / "src" / "glioscope" / "models" / "after-surgery"
REGIONS = ("WT", "TC", "ET", "RC")
KINDS = {"operated": "virtual operations on two real exams", "synthetic": "synthetic exams"}
SEQUENCES = ["t1n", "t1c", "t2w", "t2f"]
VOXELS, ML, BINS = 240 * 240 * 155, 0.001, (0, 0.2, 0.4, 0.6, 0.8, 1)
Exam = Any
"""What benchmarks/cut_exams.py keeps of an exam."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    exams = {kind: read(options.work / "after-surgery" / "measured" / kind) for kind in KINDS}
    every = [exam for kept in exams.values() for exam in kept]
    document = yaml.safe_load((BUNDLE / "bundle.yaml").read_text())
    document["measured"] = measured(every)
    write_text(BUNDLE / "bundle.yaml", dump_document(document))
    head = (ROOT / "model" / "after_surgery_about.md").read_text().rstrip()
    lines = [head, *regions(exams), *residuals(exams), *curves(exams), *volumes(document), *provenance(document)]
    for card in (BUNDLE / "card.md", ROOT / "docs" / "after-surgery.md"):
        write_text(card, "\n".join(lines) + "\n")


def read(folder: Path) -> list[Exam]:
    return [np.load(file) for file in sorted(folder.glob("[!.]*.npz"))]


def dice(exam: Exam, region: str, by: str = "after-surgery") -> float | None:
    """None where the region is empty in truth, and whether it was found is another question."""
    truth, found = exam[f"{region}-true"], exam[f"{region}-{by}"]
    if not len(truth):
        return None
    return float(2 * len(np.intersect1d(truth, found)) / (len(truth) + len(found)))


def mean_dice(exams: list[Exam], region: str, by: str = "after-surgery") -> float | None:
    values = [value for exam in exams if (value := dice(exam, region, by)) is not None]
    return float(np.mean(values)) if values else None


def intervals(exam: Exam) -> dict[str, Any]:
    """As `volume_factors` of the other card reads them."""
    likely = {region: dense(exam, region) for region in REGIONS}
    truth = {region: len(exam[f"{region}-true"]) * ML for region in REGIONS}
    found = {region: {"ml": volume_interval(likely[region], ML), "reference_ml": truth[region]} for region in REGIONS}
    for name, (outer, inner) in label_parts(REGIONS, get_scheme("brats-2024-gli")).items():
        interval = label_interval(likely[outer], likely[inner] if inner else None, ML)
        found[name] = {"ml": interval, "reference_ml": truth[outer] - (truth[inner] if inner else 0)}
    return found


def dense(exam: Exam, region: str) -> Any:  # noqa: ANN401
    """The probabilities of all voxels."""
    where = exam[f"{region}-after-surgery-where"]
    values = np.zeros(VOXELS, np.float32)
    values[where] = exam[f"{region}-after-surgery-p"]
    return values


def measured(exams: list[Exam]) -> dict[str, Any]:
    dices = {region: mean_dice(exams, region) for region in REGIONS}
    false = [len(exam["ET-after-surgery"]) * ML for exam in exams if not len(exam["ET-true"])]
    return {
        "exams": f"{len(exams)} made exams after surgery that it had not learnt from",
        "count": len(exams),
        "rows": [
            {
                "sequences": SEQUENCES,
                "dice": {region: round(value, 3) for region, value in dices.items() if value is not None},
                "false_ET_ml": round(max(false, default=0.0), 2),
                "volume_factors": volume_factors([{"intervals": intervals(exam)} for exam in exams]),
                "cut": dict(zip(("intercept", "slope"), (round(value, 4) for value in fitted(exams)), strict=True)),
            }
        ],
    }


def regions(exams: dict[str, list[Exam]]) -> list[str]:
    lines = ["", "## How it does on exams that were made", ""]
    lines += [row("exams", "how many", "whole tumour", "core", "enhancing", "cavity"), row(*["---"] * 6)]
    for kind, title in KINDS.items():
        values = [shown(mean_dice(exams[kind], region)) for region in REGIONS]
        lines.append(row(f"**after-surgery**, {title}", len(exams[kind]), *values))
        values = [shown(mean_dice(exams[kind], region, "default")) for region in REGIONS[:3]]
        lines.append(row(f"default, {title}", len(exams[kind]), *values, ""))
    return [*lines, "", "Mean Dice over the exams that have the region. All four sequences."]


def residuals(exams: dict[str, list[Exam]]) -> list[str]:
    lines = ["", "## Residual tumour", ""]
    lines += [row("exams", "with residual tumour", "found", "without", "said so", "AUC of the probability"), row(*["---"] * 6)]
    for kind, title in KINDS.items():
        for by in ("after-surgery", "default"):
            there = np.array([len(exam["ET-true"]) * ML >= RESIDUAL_CUT_ML for exam in exams[kind]])
            said = np.array([len(exam[f"ET-{by}"]) * ML >= RESIDUAL_CUT_ML for exam in exams[kind]])
            stated = np.array([nested_outlines(exam[f"ET-{by}-p"], 1.0, RESIDUAL_CUT_ML).residual for exam in exams[kind]])
            found = (there & said).sum(), (~there & ~said).sum()
            lines.append(row(f"{by}, {title}", there.sum(), found[0], (~there).sum(), found[1], f"{auc(stated, there):.2f}"))
    told = "Residual tumour is enhancing tumour of at least 0.175 ml. Many of these residuals lie near it on purpose."
    return [*lines, "", told]


def stated_and_there(exams: list[Exam], cut_ml: float = RESIDUAL_CUT_ML) -> tuple[Any, Any]:
    """Of each exam, the probability by nested outlines, and whether there is residual tumour."""
    stated = [nested_outlines(exam["ET-after-surgery-p"], 1.0, cut_ml).residual for exam in exams]
    return np.array(stated), np.array([len(exam["ET-true"]) * ML >= cut_ml for exam in exams])


def fitted(exams: list[Exam]) -> tuple[float, float]:
    return fit_measured_cut(*stated_and_there(exams))


def curves(exams: dict[str, list[Exam]]) -> list[str]:
    """What the correction does to exams that it was not fitted to: each kind corrected by the other."""
    lines = ["", "## Whether a stated probability comes true", ""]
    lines += [row("exams", "stated as", "mean", "share with residual tumour", "Brier score", "log loss"), row(*["---"] * 6)]
    told, truths = {}, []
    for kind, other in zip(KINDS, reversed(KINDS), strict=True):
        stated, there = stated_and_there(exams[kind])
        nested = [nested_outlines(exam["ET-after-surgery-p"], 1.0, RESIDUAL_CUT_ML) for exam in exams[kind]]
        curve = MeasuredCut(*fitted(exams[other]), len(exams[other]), KINDS[other])
        told = {
            "nested outlines": stated,
            f"corrected by the {KINDS[other]}": np.array([curve.applied(one).residual for one in nested]),
            "the share of the others": np.full(len(there), float(stated_and_there(exams[other])[1].mean())),
        }
        truths.append((told[f"corrected by the {KINDS[other]}"], there))
        for how, p in told.items():
            sure = np.clip(p, 1e-4, 1 - 1e-4)
            loss = -np.mean(np.where(there, np.log(sure), np.log(1 - sure)))
            brier = np.mean((p - there) ** 2)
            lines.append(row(KINDS[kind], how, f"{p.mean():.2f}", f"{there.mean():.2f}", f"{brier:.3f}", f"{loss:.2f}"))
    p, there = (np.concatenate(values) for values in zip(*truths, strict=True))
    lines += ["", row("stated, corrected by the other kind", *(f"{a:g} to {b:g}" for a, b in pairwise(BINS)))]
    lines += [row(*["---"] * len(BINS))]
    bins = np.clip(np.searchsorted(BINS, p, side="right") - 1, 0, len(BINS) - 2)
    cells = [f"{there[bins == n].sum()} of {(bins == n).sum()}" if (bins == n).any() else "–" for n in range(len(BINS) - 1)]
    return [*lines, row("exams with residual tumour", *cells)]


def volumes(document: dict[str, Any]) -> list[str]:
    factors = document["measured"]["rows"][0]["volume_factors"]
    told = ", ".join(f"{region} {factor:.2f}" for region, factor in factors.items())
    return ["", "## Volumes", "", f"Factors that widen the intervals of volumes (docs/measurement.md): {told}."]


def auc(stated: Any, there: Any) -> float:  # noqa: ANN401
    """How often an exam with residual tumour is given more than one without; ties count half."""
    more = stated[there][:, None] - stated[~there][None, :]
    return float(np.mean((more > 0) + 0.5 * (more == 0))) if more.size else float("nan")


if __name__ == "__main__":
    main()
