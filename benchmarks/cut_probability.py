"""Whether the probability that a residual volume reaches 0.175 ml comes true.

    python benchmarks/cut_exams.py post-operative OUT --seed 1 --by default subtraction
    python benchmarks/cut_probability.py OUT... [--by default] [--seed 1]

Reads what benchmarks/cut_exams.py has kept of synthetic exams after surgery, whose residual is known to the voxel, and compares
every model of `glioscope surgery` with it, and voxels that err together over a length: the stated probability beside how often
there was residual tumour, in bins with their counts; the Brier score, beside that of stating the share of all exams and that of
the plain decision by the label map (0 or 1); the expected calibration error (over the bins); and how often an exam with
residual tumour is given more than one without (AUC, 0.5 by chance). `raters` are the label maps of `default` and `subtraction`,
where both are kept. Writes Markdown.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import ndtri
from scipy.stats import rankdata

from glioscope.measurement.surgery import RESIDUAL_CUT_ML, CutProbability, independent_voxels, nested_outlines, rater_share

VOXEL_MM3 = 1.0
BINS = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0)
MODELS: dict[str, Callable[[NDArray[np.float32], float, float], CutProbability]] = {
    "nested outlines": nested_outlines,
    "independent voxels": independent_voxels,
}
RATERS = ("default", "subtraction")
LENGTHS_MM = (6, 12, 24)
GRID = (240, 240, 155)
FAINT = 0.003
"""Less probable voxels are left out of the fields, for speed."""
DRAWS = 200


def correlated_voxels(where: NDArray[np.int32], p: NDArray[np.float32], length_mm: float, needed: int) -> float:
    """Share of random outlines that hold `needed` voxels: a voxel is in where a smooth Gaussian field, which changes over a
    length, is below the quantile of its probability; 0 mm would be independent voxels, infinitely many nested outlines.
    """
    where, quantiles = where[p >= FAINT], ndtri(p[p >= FAINT].astype(np.float64))
    if len(where) < needed:
        return 0.0
    places = np.array(np.unravel_index(where, GRID)).T * 2 / length_mm  # in steps of a lattice of half the length
    places -= places.min(axis=0)
    corner, reach = np.floor(places).astype(int), np.arange(6)
    shape = corner.max(axis=0) + 6
    weights = np.exp(-((1.5 * (places[:, :, None] + 2 - corner[:, :, None] - reach)) ** 2) / 2)
    weights /= np.sqrt((weights**2).sum(axis=2, keepdims=True))
    weight = np.einsum("ni,nj,nk->nijk", *np.moveaxis(weights, 1, 0)).reshape(len(where), -1)
    x, y, z = (corner[:, axis, None] + reach for axis in range(3))
    node = ((x[:, :, None, None] * shape[1] + y[:, None, :, None]) * shape[2] + z[:, None, None, :]).reshape(weight.shape)
    ends = np.arange(0, weight.size + 1, weight.shape[1])
    spread = csr_matrix((weight.ravel(), node.ravel(), ends), shape=(len(where), int(shape.prod())))
    fields = spread @ np.random.default_rng(0).standard_normal((int(shape.prod()), DRAWS))
    return float(((fields <= quantiles[:, None]).sum(axis=0) >= needed).mean())


def bin_of(stated: NDArray[np.float64]) -> NDArray[np.intp]:
    """Number of the bin of each probability; 0 and 1 lie in the first and in the last."""
    return np.asarray(np.clip(np.searchsorted(BINS, stated, side="right") - 1, 0, len(BINS) - 2))


def summary(title: str, stated: NDArray[np.float64], residual: NDArray[np.bool_]) -> str:
    """A row of the table of scores."""
    bins, error = bin_of(stated), 0.0
    for number in np.unique(bins):
        here = bins == number
        error += float(here.mean()) * abs(float(stated[here].mean()) - float(residual[here].mean()))
    ranks, positive = rankdata(stated), int(residual.sum())
    pairs = positive * (len(residual) - positive)
    auc = (float(ranks[residual].sum()) - positive * (positive + 1) / 2) / pairs if pairs else float("nan")
    brier = float(((stated - residual) ** 2).mean())
    return f"| {title} | {stated.mean():.2f} | {brier:.3f} | {error:.3f} | {auc:.2f} |"


def reliability(stated: NDArray[np.float64], residual: NDArray[np.bool_]) -> list[str]:
    """A cell a bin: stated, observed, count."""
    bins, cells = bin_of(stated), []
    for number in range(len(BINS) - 1):
        here = bins == number
        told = f"{stated[here].mean():.2f}: {residual[here].sum()} of {here.sum()}" if here.any() else "–"
        cells.append(told)
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exams", type=Path, nargs="+")
    parser.add_argument("--by", default="default")
    parser.add_argument("--seed", type=int, default=None, help="only the exams of this seed")
    options = parser.parse_args()
    pattern = "[!.]*.npz" if options.seed is None else f"{options.seed}-*.npz"
    kept = [np.load(file) for folder in options.exams for file in sorted(folder.glob(pattern))]
    kept = [exam for exam in kept if f"ET-{options.by}-p" in exam]
    if not kept:
        parser.error(f"nothing is kept there of exams that '{options.by}' has segmented.")
    ml = VOXEL_MM3 / 1000
    residual = np.array([len(exam["ET-true"]) * ml >= RESIDUAL_CUT_ML for exam in kept])
    decided = np.array([len(exam[f"ET-{options.by}"]) * ml >= RESIDUAL_CUT_ML for exam in kept])
    stated = {
        name: np.array([model(exam[f"ET-{options.by}-p"], VOXEL_MM3, RESIDUAL_CUT_ML).residual for exam in kept])
        for name, model in MODELS.items()
    }
    needed = math.ceil(RESIDUAL_CUT_ML / ml)
    for length in LENGTHS_MM:
        maps = [(exam[f"ET-{options.by}-where"], exam[f"ET-{options.by}-p"]) for exam in kept]
        stated[f"correlated over {length} mm"] = np.array([correlated_voxels(*map_, length, needed) for map_ in maps])
    if all(f"ET-{name}" in exam for exam in kept for name in RATERS):
        volumes = [[len(exam[f"ET-{name}"]) * ml for name in RATERS] for exam in kept]
        stated["raters"] = np.array([rater_share(each, RESIDUAL_CUT_ML).residual for each in volumes])
    print(f"{len(kept)} exams, residual tumour in {residual.sum()}; by '{options.by}' in {decided.sum()}")
    print(f"(rightly in {(decided & residual).sum()}).\n")
    print("| model | mean stated | Brier score | calibration error | AUC |\n|---|---|---|---|---|")
    for name, values in stated.items():
        print(summary(name, values, residual))
    print(summary("the plain decision", decided.astype(float), residual))
    print(summary("the share of all exams", np.full(len(kept), residual.mean()), residual))
    heads = " | ".join(f"{low:g} to {high:g}" for low, high in pairwise(BINS))
    print(f"\n| stated: residual tumour in | {heads} |\n|---|{'---|' * (len(BINS) - 1)}")
    for name, values in stated.items():
        print(f"| {name} | {' | '.join(reliability(values, residual))} |")


if __name__ == "__main__":
    main()
