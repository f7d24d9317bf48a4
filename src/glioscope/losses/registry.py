"""Which losses there are, as data: listing them imports no engine."""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from glioscope.core import EngineMissing, InvalidImage

if TYPE_CHECKING:
    from glioscope.losses.region_loss import RegionLoss
    from glioscope.losses.weighted_sum import WeightedSum

__all__ = ["ACTIVATIONS", "LOSSES", "LossEntry", "build_loss", "list_losses"]

ACTIVATIONS = ("sigmoid", "softmax")
"""What makes probabilities of logits: `sigmoid` for regions that may overlap, `softmax` for labels, background first."""


@dataclass(frozen=True)
class LossEntry:
    """One loss as it appears in lists.

    Attributes:
        name: What recipes call it.
        title: One line.
        source: Who published it.
        path: `module:Class`, called with `activation` and the parameters, all by keyword.
    """

    name: str
    title: str
    source: str
    path: str


def _entry(name: str, attribute: str, title: str, source: str) -> LossEntry:
    return LossEntry(name, title, source, f"glioscope.losses.{name.replace('-', '_')}:{attribute}")


_BUILT_IN = (
    _entry("dice", "Dice", "one minus soft Dice, mean over classes; by exam or over the batch", "Milletari et al., 3DV 2016"),
    _entry("ce", "CrossEntropy", "cross-entropy over labels, or of each region for itself", "Shannon 1948"),
    _entry("bce", "BinaryCrossEntropy", "binary cross-entropy of each region", "Shannon 1948"),
    _entry("focal", "Focal", "cross-entropy that looks away from easy voxels", "Lin et al., ICCV 2017"),
    _entry("topk", "TopK", "cross-entropy of the worst voxels only", "Wu et al. 2016; BraTS 2021 loss ensembles"),
    _entry("mse", "MeanSquaredError", "mean squared error of probabilities", "Brier 1950; Ren et al., BrainLes 2023, 2.3"),
    _entry("edge", "Edge", "mean squared error of edges", "Abderezaei et al. 2022; Ren et al., BrainLes 2023, 2.3"),
    _entry("tversky", "Tversky", "Dice with prices for false positives and false negatives", "Salehi et al., MLMI 2017"),
    _entry(
        "generalised-dice", "GeneralisedDice", "Dice of all classes at once, small ones heavier", "Sudre et al., DLMIA 2017"
    ),
    _entry(
        "hausdorff", "Hausdorff", "probability outside a region, by distance from it", "VAE and Hausdorff-like loss, BraTS 2021"
    ),
    _entry("blob", "Blob", "Dice of each connected component, each alike", "Kofler et al., IPMI 2023"),
)

LOSSES: Mapping[str, LossEntry] = MappingProxyType({entry.name: entry for entry in _BUILT_IN})


def list_losses() -> list[LossEntry]:
    """All losses."""
    return list(LOSSES.values())


def build_loss(terms: Sequence[Mapping[str, Any]], activation: str = "sigmoid") -> WeightedSum:
    """The weighted sum of `terms`.

    Args:
        terms: `{"name": NAME, "weight": 1, parameter: value}` each; the weight is 1 where none is given.
        activation: `sigmoid` or `softmax`, for all terms.

    Raises:
        InvalidImage: no term, or an unknown loss, parameter, weight or activation; the sentence names it.
        EngineMissing: what a loss is built on is not installed.
    """
    from glioscope.losses.weighted_sum import WeightedSum

    if activation not in ACTIVATIONS:
        raise InvalidImage(f"There is no activation '{activation}'; known are {' and '.join(ACTIVATIONS)}.")
    if not terms:
        raise InvalidImage("A loss needs at least one term.")
    losses = [_build_term(term, activation) for term in terms]
    return WeightedSum(losses, [_weight(term) for term in terms], [str(term["name"]) for term in terms])


def _weight(term: Mapping[str, Any]) -> float:
    weight = term.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not math.isfinite(weight) or weight < 0:
        raise InvalidImage(f"The weight of loss '{term.get('name')}' has to be a number from 0 up, not {weight!r}.")
    return float(weight)


def _build_term(term: Mapping[str, Any], activation: str) -> RegionLoss:
    name = term.get("name")
    entry = LOSSES.get(name) if isinstance(name, str) else None
    if entry is None:
        raise InvalidImage(f"There is no loss {name!r}{_nearest(name, list(LOSSES))}; known are {', '.join(LOSSES)}.")
    parameters = {key: value for key, value in term.items() if key not in ("name", "weight")}
    module, _, attribute = entry.path.partition(":")
    try:
        kind = getattr(importlib.import_module(module), attribute)
        known = [key for key in inspect.signature(kind).parameters if key != "activation"]
        for key in parameters:
            if key not in known:
                raise InvalidImage(
                    f"Loss '{name}' has no parameter '{key}'{_nearest(key, known)}; known are {', '.join(['weight', *known])}."
                )
        loss: RegionLoss = kind(activation=activation, **parameters)
    except ImportError as error:
        raise EngineMissing(
            f"Loss '{name}' needs the Python package '{_package(error)}'; install it with pip install 'glioscope[train]'."
        ) from error
    except (TypeError, ValueError) as error:
        raise InvalidImage(f"Loss '{name}' cannot be built from {parameters}: {error}.") from error
    return loss


def _nearest(word: Any, known: list[str]) -> str:  # noqa: ANN401
    near = get_close_matches(str(word), known, n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def _package(error: ImportError) -> str:
    return (error.name or str(error)).partition(".")[0]
