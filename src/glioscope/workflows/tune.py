"""`glioscope tune`: thresholds, dust sizes and fusion weights that score best under a protocol."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InputUnreadable, InvalidImage, OutputUnwritable, Scheme, get_scheme, region_mask
from glioscope.core.files import check_file
from glioscope.evaluation import evaluate_pair, get_protocol
from glioscope.fusion import fit_weights
from glioscope.postprocessing import Fit, Studies, Tuned, TuningCase, save_postprocessing, tune_chain
from glioscope.postprocessing.search import TUNABLE, Search
from glioscope.workflows.case_pairs import find_pairs
from glioscope.workflows.postprocess import PathOrPaths, find_raters
from glioscope.workflows.region_maps import CaseMaps, arrays, common_grid, plain, read_label_map

__all__ = ["ProtocolScore", "Tuning", "tune"]

_MORE_IS_BETTER = re.compile(r"dice|nsd|jaccard|sensitivity|precision|^[psr]q$")
_LESS_IS_BETTER = re.compile(r"hd95|^fp$|^fn$")
RULE = (
    "Of the settings within one standard error of the best, the nearest to the published one; it is taken where its gain over "
    "the published one on exams that had no part in the choice exceeds the standard error of that gain."
)
_NOT_FINITE = 374.0  # an infinite distance costs what the official scripts charge for a missed lesion


@dataclass(frozen=True)
class ProtocolScore:
    """Mean over a protocol's regions of one of its metrics, with a minus where less is better.

    Attributes:
        protocol: Its name.
        metric: Name of a metric that it defines.
    """

    protocol: str
    metric: str

    def __call__(self, labels: NDArray[np.integer[Any]], case: TuningCase) -> float:
        """The score of one label map; 0 where the protocol defines none for it."""
        scores = evaluate_pair(labels, case.reference, case.spacing, self.protocol, case_id=case.id)
        values = np.array(
            [region.values[self.metric] for region in scores.regions.values() if self.metric in region.values], float
        )
        values = np.nan_to_num(values[~np.isnan(values)], posinf=_NOT_FINITE)
        sign = -1 if _LESS_IS_BETTER.search(self.metric) else 1
        return sign * float(values.mean()) if values.size else 0.0

    @staticmethod
    def of(protocol: str, metric: str | None, case: TuningCase) -> ProtocolScore:
        """The score by `metric`, or by the lesion-wise Dice, the Dice where there is none.

        Raises:
            InvalidImage: no such protocol, or it does not give such a metric, or one of which it is not clear what is good.
        """
        scores = evaluate_pair(case.reference, case.reference, case.spacing, protocol)
        known = sorted({name for region in scores.regions.values() for name in region.values})
        usable = [n for n in known if _MORE_IS_BETTER.search(n) or _LESS_IS_BETTER.search(n)]
        wanted = metric or ("lesion_dice" if "lesion_dice" in usable else "dice")
        if wanted not in usable:
            raise InvalidImage(f"Protocol '{protocol}' cannot be tuned for '{wanted}'; it can for {', '.join(usable)}.")
        return ProtocolScore(protocol, wanted)


@dataclass(frozen=True)
class Tuning:
    """What tuning found and where it was written."""

    file: Path
    score: ProtocolScore
    tuned: Tuned
    facts: dict[str, Any]

    def document(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"file": str(self.file), **self.tuned.chain.document(), "tuning": self.facts}


def tune(
    predictions: PathOrPaths,
    references: str | PathLike[str],
    out: str | PathLike[str],
    *,
    protocol: str,
    metric: str | None = None,
    given_scheme: str | None = None,
    tunable: Sequence[str] = TUNABLE,
    folds: int = 5,
    trials: int = 60,
    seed: int = 0,
    jobs: int = 1,
    storage: str | PathLike[str] | None = None,
    pattern: str | None = None,
    reference_pattern: str | None = None,
    told: Callable[[str], None] = lambda sentence: None,
) -> Tuning:
    """Find thresholds, dust sizes, the least ET and raters' weights on exams with a reference, and write them to a file.

    The file is what `segment --postprocess` and `postprocess --steps` take. The exams should be ones that the segmenter was not
    trained on.

    Args:
        predictions: A folder of region probability maps; several are several raters of the same exams. Label maps count as
            probabilities 0 and 1.
        references: A folder of label maps.
        out: The JSON file to write.
        protocol: Scoring rules, see `glioscope evaluate`.
        metric: One of its metrics, averaged over its regions; `lesion_dice`, or `dice` where there is none, by default.
        given_scheme: Numbering of the label maps read; the protocol's where None.
        tunable: Some of `thresholds`, `dust`, `small-et`, `weights`.
        folds: Parts of cross-validation.
        trials: Points tried in each fit.
        seed: Of the search and of the parts.
        jobs: Fits at a time; it never changes the result.
        storage: SQLite file in which finished trials are kept, so that a killed tuning goes on and ends with the same result;
            `OUT.trials.db` beside `out` where None. It may hold the trials of other tunings too.
        pattern: Of the file names of predictions.
        reference_pattern: Of the file names of references.
        told: Hears how it goes on.

    Raises:
        EngineMissing: Optuna is not installed.
        InputUnreadable: nothing there, or a prediction without a reference.
        AmbiguousExam: several files for one exam.
        InvalidImage: grids that differ, unknown labels, no such protocol or metric, or fewer than 2 exams.
        OutputUnwritable: `out` or `storage` cannot be written.
    """
    rules = get_protocol(protocol)
    scheme = get_scheme(rules.scheme)
    given = get_scheme(given_scheme or scheme.name)
    raters = find_raters(predictions, scheme, pattern)
    chosen = _references(Path(references), reference_pattern)
    if Path(out).is_dir():
        raise OutputUnwritable(f"'{out}' is a folder; name the file to write, such as '{Path(out) / 'tuned.json'}'.")
    kept = Path(storage) if storage is not None else Path(out).with_suffix(".trials.db")
    if kept.is_dir():
        raise OutputUnwritable(f"'{kept}' is a folder; name the file to keep trials in, such as '{kept / 'trials.db'}'.")
    check_file(Path(out))
    ids = sorted({plain(case): case for found in raters.values() for case in found}.values())
    if lacking := [case for case in ids if plain(case) not in chosen]:
        raise InputUnreadable(
            f"There is no reference for '{lacking[0]}' in '{references}'; add it, or choose with --pred-files."
        )
    cases = []
    for case in ids:
        maps = {rater: {plain(name): m for name, m in found.items()}.get(plain(case)) for rater, found in raters.items()}
        if without := [rater for rater, found in maps.items() if found is None]:
            raise InputUnreadable(f"Rater '{without[0]}' has nothing for '{case}', which another has.")
        cases.append(_read(case, {r: found for r, found in maps.items() if found}, chosen[plain(case)], given, scheme))
    if not cases:
        raise InputUnreadable(f"There are no predictions in '{predictions}'.")
    score = ProtocolScore.of(protocol, metric, cases[0])
    several = [f"{n} {what}{'s' * (n > 1)}" for n, what in ((len(cases), "exam"), (len(raters), "rater"))]
    told(f"{', '.join(several)}; the score is {protocol}'s {score.metric}.")
    start = partial(_fit_each_region, scheme=scheme)
    studies = Studies(kept, f"{score.protocol} {score.metric}")
    told(f"Trials are kept in '{kept}'; called again, it goes on from there.")
    tuned = tune_chain(
        cases,
        score,
        scheme,
        tunable=tunable,
        folds=folds,
        trials=trials,
        seed=seed,
        jobs=jobs,
        start=start,
        studies=studies,
        told=told,
    )
    facts = _facts(tuned, score, scheme, seed, trials)
    save_postprocessing(out, replace(tuned.chain, facts={"tuning": facts}))
    return Tuning(Path(out), score, tuned, facts)


def _fit_each_region(cases: Sequence[TuningCase], scheme: Scheme) -> dict[str, dict[str, float]]:
    """Region -> rater -> the weight with which the mean, cut at the published threshold, has the best Dice over `cases`."""
    found = {}
    for region, threshold in Search.of(cases, scheme).several.items():
        raters = cases[0].raters_of[region]
        exams = (([c.raters[r][region] for r in raters], region_mask(c.reference, scheme, region)) for c in cases)
        found[region] = dict(zip(raters, fit_weights(exams, threshold=threshold), strict=True))
    return found


def _references(path: Path, pattern: str | None) -> dict[str, Path]:
    if not path.is_dir():
        raise InputUnreadable(f"'{path}' is not a folder; tuning needs the references of several exams.")
    pairs = find_pairs(path, path, prediction_files=pattern, reference_files=pattern)
    return {plain(pair.id): pair.reference for pair in pairs.cases}


def _read(case: str, maps: dict[str, CaseMaps], reference: Path, given: Scheme, scheme: Scheme) -> TuningCase:
    truth = read_label_map(reference, given, scheme)
    volumes = {rater: found.read(given, scheme) for rater, found in maps.items()}
    named = [(f"{region} of '{rater}' for '{case}'", v) for rater, found in volumes.items() for region, v in found.items()]
    grid = common_grid([(f"reference '{reference.name}'", truth), *named])
    whole = TuningCase(case, {r: arrays(found) for r, found in volumes.items()}, truth.data, tuple(grid.spacing.tolist()))
    return whole.cropped()


def _facts(tuned: Tuned, score: ProtocolScore, scheme: Scheme, seed: int, trials: int) -> dict[str, Any]:
    published, held_out = tuned.held_out
    return {
        "protocol": score.protocol,
        "metric": score.metric,
        "scheme": scheme.name,
        "seed": seed,
        "trials": trials,
        "exams": sum(len(fold.held_out) for fold in tuned.folds),
        "rule": RULE,
        "held_out": {
            "published": round(published, 6),
            "tuned": round(held_out, 6),
            "best_trial": round(tuned.held_out_best, 6),
        },
        "all_exams": {"published": round(tuned.default, 6), "tuned": round(tuned.fitted, 6), **_told(tuned.fit)},
        "folds": [
            {
                "held_out": list(fold.held_out),
                "published": round(fold.default, 6),
                "tuned": round(fold.tuned, 6),
                "best_trial": round(fold.best, 6),
                **_told(fold.fit),
                **{k: v for k, v in fold.chain.document().items() if k in ("weights", "thresholds", "steps")},
            }
            for fold in tuned.folds
        ],
    }


def _told(fit: Fit) -> dict[str, Any]:
    """What left the published settings, or kept them."""
    return {
        "gain": round(fit.gain, 6),
        "standard_error": None if fit.error is None else round(fit.error, 6),
        "kept_published": fit.kept_published,
    }
