"""What `bundle.yaml` says of a trained run: how to run it, and what it comes from."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from glioscope.core import GlioscopeError, InvalidImage, get_scheme
from glioscope.core.counting import counted
from glioscope.postprocessing import Chain, Thresholds
from glioscope.training.checkpoint import load_checkpoint
from glioscope.training.fold_job import FoldFiles
from glioscope.training.recipe import arms
from glioscope.training.recipe_schema import Recipe
from glioscope.training.run_folder import RunFolder
from glioscope.training.transfer import exam_id, exams_before
from glioscope.workflows.held_out import best_thresholds, fit_steps, fitted_weights, held_out_of, weighted
from glioscope.workflows.validation_scorer import dice_at_thresholds

__all__ = ["bundle_document", "ensemble_document"]

Told = Callable[[str], None]


def bundle_document(
    run: RunFolder, folds: Mapping[str, FoldFiles], name: str | None, licence: str, tune: Sequence[str] | None, told: Told
) -> dict[str, Any]:
    """The document of a bundle of kind `network`; raises InvalidImage where the folds hold different networks."""
    recipe = run.recipe()
    plan = run.plan()
    found = {fold: run.result(files) for fold, files in folds.items()}
    _check_arms(run, recipe, found)
    document = {
        "name": name or recipe.name,
        "title": recipe.title,
        "description": _description(recipe, found),
        "source": recipe.source,
        "licence": licence,
        "inputs": {**recipe.document()["inputs"], **_optional(run, recipe)},
        "grid": {"space": recipe.grid.space, "spacing": list(plan.spacing), "orientation": "RAS", **_size(recipe)},
        "target": recipe.document()["target"],
        "network": {"name": recipe.network.name, "parameters": dict(plan.network)},
        "inference": {
            "patch": list(plan.patch),
            "overlap": recipe.inference.overlap,
            "stretch": recipe.inference.stretch,
            "mirror": recipe.inference.mirror,
        },
        "postprocess": _postprocess(run, recipe, found, tune, told),
        "training": _card(run, recipe, folds, found, told),
        "published": recipe.published,
    }
    return _plain(document)


def _check_arms(run: RunFolder, recipe: Recipe, found: Mapping[str, Mapping[str, Any]]) -> None:
    choices = arms(recipe)
    networks = {json.dumps(choices[told.get("arm", 0)].document()["network"], sort_keys=True) for told in found.values()}
    if len(networks) > 1:
        raise InvalidImage(f"The folds of '{run.path}' chose different networks; one bundle cannot hold them.")


def _optional(run: RunFolder, recipe: Recipe) -> dict[str, Any]:
    """Images that the network has learnt to live without."""
    from glioscope.bundles import parse_inputs

    sources = parse_inputs(recipe.inputs).sources
    present = run.read(run.data_file).get("present", {})
    exams = len(run.exams())
    lacked = {source for source in sources if present.get(source, 0) < exams}
    optional = sources if recipe.training.channel_dropout > 0 else lacked
    return {"optional": sorted(optional)} if optional else {}


def _size(recipe: Recipe) -> dict[str, Any]:
    return {} if recipe.grid.size is None else {"size": list(recipe.grid.size)}


def _description(recipe: Recipe, found: Mapping[str, Mapping[str, Any]]) -> str:
    numbers = ", ".join(f"{region} {value:.3f}" for region, value in _mean_dice(found).items())
    if set(found) == {"full"}:
        return f"Trained with recipe {recipe.name} on all exams; Dice on these same exams: {numbers}."
    count = sum(fold.isdigit() for fold in found)
    folds = f"{count} of {counted(recipe.folds.count, 'fold')}"
    return f"Trained with recipe {recipe.name}, {folds}; mean Dice of held-out exams: {numbers}."


def _honest(found: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What was said of exams that were not learnt from, as far as there are any."""
    held_out = [told for told in found.values() if not told["seen_in_training"]]
    return held_out or list(found.values())


def _mean_dice(found: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    exams = [exam["dice"] for told in _honest(found) for exam in told["exams"]]
    return {region: round(float(np.mean([exam[region] for exam in exams])), 6) for region in exams[0]}


def _postprocess(
    run: RunFolder, recipe: Recipe, found: Mapping[str, Mapping[str, Any]], tune: Sequence[str] | None, told: Told
) -> dict[str, Any] | None:
    own = Chain.of_document(recipe.postprocess) if recipe.postprocess else Chain()
    wanted = tuple(recipe.tune) if tune is None else tuple(tune)
    if tune is None and not wanted and own.thresholds is None and recipe.target.kind == "regions":
        wanted = ("thresholds",)
    wanted = tuple(what for what in wanted if what != "weights")
    held_out = [exam for part in found.values() if not part["seen_in_training"] for exam in part["exams"]]
    if wanted and not held_out:
        told("No exam was held out: thresholds and steps are the recipe's, or 0.5 and none; nothing is fitted.")
        wanted = ()
    if set(wanted) - {"thresholds"}:
        exams = held_out_of([run])
        if len(exams) > 1:
            chain, thresholds = fit_steps(exams, recipe.target.scheme, wanted, recipe.training.seed, told)
            made = Chain(chain.steps, thresholds).document()
            if gone := _names(own.document()) - _names(made):
                told(f"What is fitted takes the place of the recipe's own post-processing; gone is {', '.join(sorted(gone))}.")
            return made
        told("There is only one held-out exam; nothing but thresholds is fitted.")
    thresholds = own.thresholds
    if "thresholds" in wanted:
        chosen = best_thresholds([exam["dice_by_threshold"] for exam in held_out])
        values = ", ".join(f"{region} {value:g}" for region, value in chosen.items())
        told(f"Thresholds with the best Dice on held-out exams: {values}.")
        thresholds = Thresholds(chosen, {} if own.thresholds is None else own.thresholds.least_mean)
    elif thresholds is None and recipe.target.kind == "regions":
        thresholds = Thresholds(dict.fromkeys(recipe.target.names, 0.5))
    if thresholds is None and not own.steps:
        return None
    return Chain(own.steps, thresholds).document()


def _names(document: Mapping[str, Any]) -> set[str]:
    """What a chain does beside its thresholds."""
    return {str(step["step"]) for step in document["steps"]} | ({"least_mean"} & document.keys())


def _card(
    run: RunFolder, recipe: Recipe, folds: Mapping[str, FoldFiles], found: Mapping[str, Mapping[str, Any]], told: Told
) -> dict[str, Any]:
    exams = run.exams()
    states = {fold: _states(files) for fold, files in folds.items()}
    return {
        "recipe": recipe.document(),
        "data": {
            "exams": len(exams),
            **({"train_only": only} if (only := sum(bool(exam.get("train_only")) for exam in exams)) else {}),
            "patients": len({exam["patient"] for exam in exams}),
            "sites": len({exam["site"] for exam in exams if exam["site"]}),
            "ids_sha256": sorted(exam_id(str(exam["name"])) for exam in exams),
            **_learnt_before(recipe, told),
        },
        "validation": {
            "dice": _mean_dice(found),
            "folds": {fold: round(float(result["score"]), 6) for fold, result in found.items()},
            **({"arms": {fold: result["arm"] for fold, result in found.items()}} if recipe.choose else {}),
        },
        "seed": recipe.training.seed,
        "seconds": round(sum(state["seconds"] for parts in states.values() for state in parts), 1),
        "versions": run.sittings(),
    }


def _learnt_before(recipe: Recipe, told: Told) -> dict[str, list[str]]:
    """The exams that the bundle was learnt from which the run started from, as far as its card tells them."""
    if recipe.transfer.from_ is None:
        return {}
    with contextlib.suppress(GlioscopeError):
        if (known := exams_before(Path(recipe.transfer.from_))) is not None:
            return {"before_sha256": sorted(known)}
    told(
        f"The data card lacks the exams that '{recipe.transfer.from_}' was learnt from: its own does not tell them, or is gone."
    )
    return {}


def _states(files: FoldFiles) -> list[dict[str, Any]]:
    return [load_checkpoint(file)["state"] for file in sorted(files.folder.glob("**/last.ckpt"))]


def ensemble_document(
    runs: Sequence[RunFolder], names: Sequence[str], method: str, name: str | None, licence: str, told: Told
) -> dict[str, Any]:
    """The document of a bundle of kind `ensemble`, its members in folders of these names beside it.

    Raises:
        InvalidImage: the runs are in different schemes, or weights cannot be fitted on exams that all held out.
    """
    recipes = [run.recipe() for run in runs]
    scheme = recipes[0].target.scheme
    if len({recipe.target.scheme for recipe in recipes}) > 1:
        raise InvalidImage("The runs are in different label schemes; an ensemble has one.")
    ensemble: dict[str, Any] = {"method": method}
    postprocess, facts = None, {}
    if method != "staple":
        exams = held_out_of(runs)
        regions = [region for region in exams[0].said[0] if all(region in said for said in exams[0].said)]
        weights = dict.fromkeys(regions, (1.0,) * len(runs)) if method == "mean" else fitted_weights(exams, scheme)
        if method == "weighted":
            ensemble["weights"] = {region: [round(w, 6) for w in of_region] for region, of_region in weights.items()}
            told("Weights: " + "; ".join(f"{region} {ensemble['weights'][region]}" for region in weights) + ".")
        dice = [dice_at_thresholds(weighted(exam, weights), exam.reference, get_scheme(scheme)) for exam in exams]
        chosen = best_thresholds(dice)
        told("Thresholds: " + ", ".join(f"{region} {value:g}" for region, value in chosen.items()) + ".")
        steps = Chain.of_document(recipes[0].postprocess).steps if recipes[0].postprocess else ()
        postprocess = Chain(steps, Thresholds(chosen)).document()
        facts = {"validation": {"exams": len(exams), "note": "weights and thresholds were fitted on these exams"}}
    return _plain(
        {
            "kind": "ensemble",
            "name": name or f"ensemble-{method}",
            "title": f"{method} of {', '.join(names)}",
            "description": f"An ensemble ({method}) of {len(names)} systems: {', '.join(names)}.",
            "source": "; ".join(dict.fromkeys(recipe.source for recipe in recipes)),
            "licence": licence,
            "members": [{"bundle": member} for member in names],
            "ensemble": ensemble,
            "postprocess": postprocess,
            "training": {"runs": [{"name": member} for member in names], **facts},
        }
    )


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """Lists, mappings, text and numbers only, as YAML writes them."""
    plain: dict[str, Any] = json.loads(json.dumps(document))
    return plain
