"""`glioscope fuse`: the masks or probability maps of several raters of one exam in, one out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from glioscope.core import InputUnreadable, OutputUnwritable, Scheme, Volume, get_scheme, write_volume
from glioscope.core.files import check_file, real, write_json
from glioscope.fusion import (
    FusionOptions,
    Method,
    fuse_labels,
    fuse_probabilities,
    get_method,
    label_probabilities,
    questions,
    vote_entropy,
)
from glioscope.postprocessing import Chain, Record, load_postprocessing
from glioscope.workflows.case_pairs import stem
from glioscope.workflows.fusion_inputs import (
    AUTO,
    LabelRaters,
    Onto,
    ProbabilityRaters,
    find_files,
    read_label_raters,
    read_probability_raters,
)
from glioscope.workflows.fusion_report import Result, by_name, report_head, told_regions, told_vote

__all__ = ["FusionResult", "fuse"]

NIFTI = (".nii", ".nii.gz")


@dataclass(frozen=True)
class FusionResult:
    """What `fuse` wrote.

    Attributes:
        out: The fused file.
        files: What was written -> where; `report` is the JSON beside it.
        report: Method, definition, raters kept and dropped, weights, sensitivity and specificity, volumes.
    """

    out: Path
    files: Mapping[str, Path]
    report: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """The report and the files as JSON-ready values."""
        return {**self.report, "files": {name: str(path) for name, path in self.files.items()}}


def fuse(
    masks: Iterable[str | PathLike[str]],
    out: str | PathLike[str],
    *,
    method: str = "simple",
    options: FusionOptions | None = None,
    weights: str | PathLike[str] | None = None,
    scheme: str | None = None,
    source: str | Sequence[str] = AUTO,
    names: Sequence[str] = (),
    resample: bool = False,
    ignore_affine: bool = False,
) -> FusionResult:
    """Fuse the label maps (or region probability maps) of one exam and write the result with a report beside it.

    Args:
        masks: Files, one a rater (for probabilities one a rater and region), or folders of them; at least two raters.
        out: NIfTI file to write: a label map, or for `entropy` and a single probability region a map of numbers. Fused region
            probabilities are written beside the label map. It lies on the grid of the first mask.
        method: A name in `glioscope.fusion.METHODS`.
        options: What the method can be told; its `weights` are taken from the file `weights` where that is given.
        weights: File that `glioscope tune` wrote, for `weighted` and `weighted-mean`: its weights and thresholds are taken, and
            its steps (dust removal …) are done on the label map; what they changed is written beside it, as `postprocess` does.
        scheme: Label scheme of the result; that of the masks by default.
        source: Label scheme of the masks, or one for each in order; `auto` goes by the table beside a mask, else it tells
            `brats-2021` from `brats-2023` by the values.
        names: Of the raters, in order; from the file names by default, or from the folders that a weights file names.
        resample: Bring masks on another grid to the first one's instead of refusing them.
        ignore_affine: Where headers differ in orientation or position only, go by the arrays.

    Raises:
        InputUnreadable: a file is missing or damaged, or there are fewer than two raters.
        InvalidImage: masks that do not fit together, unknown labels, or options that make no sense.
        OutputUnwritable: `out` cannot be written.
    """
    chosen, target = get_method(method), _output(Path(out))
    options = options or FusionOptions()
    files = find_files([Path(mask) for mask in masks], chosen.takes)
    _refuse_overwriting(target, files)
    check_file(target)
    onto = Onto(resample=resample, ignore_affine=ignore_affine)
    weighing = chosen.name in ("weighted", "weighted-mean")
    if weighing and weights is None and options.weights is None:
        raise InputUnreadable(f"Method '{method}' needs weights: give a file of `glioscope tune` with --weights.")
    if weights is not None and not weighing:
        raise InputUnreadable(f"Method '{method}' takes no weights; choose weighted, or weighted-mean for probability maps.")
    chain = None if weights is None else _with_weights(Path(weights))
    known = chain.weights.raters if chain is not None and chain.weights is not None else ()
    if chosen.takes == "labels":
        raters = read_label_raters(files, onto, source=source, scheme=scheme, names=names, known=known)
        _at_least_two(raters.names)
        options = _weighted(options, chain, raters.names, raters.scheme)
        return _fuse_labels(raters, files, target, chosen, options, onto, chain or Chain())
    numbering = get_scheme(scheme or "brats-2023")
    maps = read_probability_raters(files, onto, names=names, known=known)
    _at_least_two(maps.names)
    options = _weighted(options, chain, maps.names, numbering)
    return _fuse_maps(maps, target, chosen, options, onto, numbering, chain or Chain())


def _with_weights(file: Path) -> Chain:
    chain = load_postprocessing(file)
    if chain.weights is None:
        raise InputUnreadable(f"'{file.name}' has no raters' weights; tune with one folder for each of several raters.")
    return chain


def _output(out: Path) -> Path:
    if not out.name.lower().endswith(NIFTI):
        raise OutputUnwritable(f"'{out.name}' is no name for a label map; let it end in .nii.gz or .nii.")
    return out


def _refuse_overwriting(out: Path, files: Sequence[Path]) -> None:
    if real(out) in map(real, files):
        raise OutputUnwritable(f"'{out}' is one of the masks to fuse; choose another name for the result.")


def _at_least_two(names: Sequence[str]) -> None:
    if len(names) < 2:
        raise InputUnreadable(f"There is one rater only ('{names[0]}'); fusing takes at least two.")


def _weighted(options: FusionOptions, chain: Chain | None, names: Sequence[str], scheme: Scheme) -> FusionOptions:
    """The options with the weights and thresholds of `chain` for these raters, by labels only where its weights are."""
    if chain is None or chain.weights is None:
        return options
    weights = chain.weights.of(names)
    by = options.by or ("labels" if set(weights) == set(questions(scheme, "labels")) else "regions")
    thresholds = chain.thresholds.values if chain.thresholds and by == "regions" else {}
    return replace(options, by=by, weights=weights, thresholds=thresholds)


def _beside(out: Path, ending: str) -> Path:
    return out.with_name(stem(out).removesuffix("_dseg") + ending)


def _fuse_labels(
    raters: LabelRaters, files: Sequence[Path], out: Path, method: Method, options: FusionOptions, onto: Onto, chain: Chain
) -> FusionResult:
    who = [
        {"name": name, "file": path.name, "scheme": scheme}
        for name, path, scheme in zip(raters.names, files, raters.schemes, strict=True)
    ]
    report = report_head(method, options, onto, raters.grid) | {"scheme": raters.scheme.name, "raters": who}
    if method.gives == "entropy":
        entropy = vote_entropy(raters.votes)
        seen = len(raters.votes.where)
        mean = float(entropy.sum(dtype=np.float64)) / seen if seen else 0.0
        report["mean_entropy_bits_where_anyone_votes"] = round(mean, 4)
        return _written(out, {"entropy": (out, Volume(entropy, raters.grid))}, report)
    fused = fuse_labels(raters.votes, raters.scheme, method.name, options)
    labels, record = chain.from_labels(fused.labels, raters.scheme, raters.grid.voxel_volume)
    result = Result.changed(fused.votes, labels) if record.changes else Result(fused.votes, fused.table)
    report |= {
        "by": fused.by,
        "votes": {name: told_vote(decision, raters.names) for name, decision in fused.decisions.items()},
        "regions": told_regions(raters, result),
        **_told_steps(chain, record),
    }
    if fused.confusion is not None:
        values = sorted([0, *raters.scheme.labels])
        names = ["background" if value == 0 else raters.scheme.labels[value].name for value in values]
        rates = fused.confusion.rates.round(6).tolist()
        report["confusion"] = {
            "definition": "Row: what the rater says; column: what is estimated to be true; columns sum to 1.",
            "labels": names,
            "raters": dict(zip(raters.names, rates, strict=True)),
        }
    return _written(out, {"labels": (out, Volume(labels, raters.grid))}, report, record if chain.steps else None)


def _fuse_maps(
    raters: ProbabilityRaters,
    out: Path,
    method: Method,
    options: FusionOptions,
    onto: Onto,
    scheme: Scheme,
    chain: Chain,
) -> FusionResult:
    fused = fuse_probabilities(raters.maps, method.name, options.weights)
    report = report_head(method, options, onto, raters.grid) | {"raters": [{"name": name} for name in raters.names]}
    if method.name == "weighted-mean" and options.weights:
        report["weights"] = {r: by_name(raters.names, row) for r, row in options.weights.items() if r in fused}
    litre = raters.grid.voxel_volume / 1000
    report["regions"] = {
        region or "map": {"expected_volume_ml": round(float(data.sum(dtype=np.float64)) * litre, 4)}
        for region, data in fused.items()
    }
    volumes = {region: Volume(data, raters.grid) for region, data in fused.items()}
    if len(fused) == 1:
        if chain.steps:
            report["decided"].append("The steps of the file of weights were not done: they need a label map of all regions.")
        return _written(out, {"probabilities": (out, next(iter(volumes.values())))}, report)
    labels = label_probabilities(fused, scheme, options.thresholds)
    labels, record = chain.from_labels(labels, scheme, raters.grid.voxel_volume)
    thresholds = {region: options.thresholds.get(region, 0.5) for region in questions(scheme, "regions")}
    report |= {"scheme": scheme.name, "thresholds": thresholds, **_told_steps(chain, record)}
    for region, values in scheme.regions.items():
        if region in report["regions"]:
            report["regions"][region]["volume_ml"] = round(float(np.isin(labels, values).sum()) * litre, 4)
    outputs = {f"probabilities_{region}": (_beside(out, f"_label-{region}_probseg.nii.gz"), v) for region, v in volumes.items()}
    return _written(out, {"labels": (out, Volume(labels, raters.grid)), **outputs}, report, record if chain.steps else None)


def _told_steps(chain: Chain, record: Record) -> dict[str, Any]:
    """Which steps were done after the fusion, and what they changed; nothing where there are none."""
    if not chain.steps:
        return {}
    return {"steps": [step.document() for step in chain.steps], "changes": record.summary()}


def _written(
    out: Path, volumes: Mapping[str, tuple[Path, Volume]], report: Mapping[str, Any], record: Record | None = None
) -> FusionResult:
    for path, volume in volumes.values():
        write_volume(path, volume)
    files = {name: path for name, (path, _) in volumes.items()} | {"report": out.with_name(stem(out) + ".json")}
    if record is not None:
        files["changes"] = out.with_name(stem(out) + "_changes.json")
        write_json(files["changes"], record.document())
    write_json(files["report"], report)
    return FusionResult(out, files, report)
