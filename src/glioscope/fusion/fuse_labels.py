"""Label maps or masks of several raters in, one out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage, Scheme
from glioscope.fusion.composition import compose_labels, compose_regions, innermost_first, questions
from glioscope.fusion.decision import TIE, Decision
from glioscope.fusion.majority import at_least, majority, weighted
from glioscope.fusion.methods import FusionOptions, get_method
from glioscope.fusion.simple import simple
from glioscope.fusion.staple import MAX_ROUNDS, Confusion, staple, staple_labels
from glioscope.fusion.votes import Ballot, Votes

__all__ = ["LabelFusion", "MaskFusion", "fuse_labels", "fuse_masks"]


@dataclass(frozen=True, eq=False)
class MaskFusion:
    """One mask from several.

    Attributes:
        mask: Bool, shape of the inputs.
        decision: How it came about: weights, raters kept, sensitivity, specificity, rounds.
        votes: The vote patterns that `decision` speaks of.
    """

    mask: NDArray[np.bool_]
    decision: Decision
    votes: Votes

    @property
    def support(self) -> NDArray[np.float64]:
        """Share of votes or probability of foreground, voxel by voxel, 0 to 1."""
        return self.votes.paint(self.decision.support)


@dataclass(frozen=True, eq=False)
class LabelFusion:
    """One label map from several.

    Attributes:
        labels: uint8, shape and scheme of the inputs.
        by: Whether `labels` or `regions` were decided.
        decisions: Label or region name -> how it was decided, before the answers were put together to one label map.
        votes: The vote patterns that the decisions speak of.
        table: The label of each pattern.
        confusion: Every rater's confusion matrix, for STAPLE by labels; its labels are background, then those of the scheme.
    """

    labels: NDArray[np.uint8]
    by: str
    decisions: Mapping[str, Decision]
    votes: Votes
    table: NDArray[np.uint8]
    confusion: Confusion | None = None

    def ballot(self, values: Sequence[int]) -> tuple[Ballot, NDArray[np.bool_]]:
        """Who says that a voxel has one of the label `values`, and the fused answer, pattern by pattern."""
        return self.votes.ballot(values), np.isin(self.table, list(values))


def _decide(ballot: Ballot, method: str, name: str, options: FusionOptions) -> Decision:
    if method == "majority":
        return majority(ballot, tie=options.tie)
    if method == "weighted":
        if options.weights is None or name not in options.weights:
            raise InvalidImage(f"There are no weights for {name or 'the mask'}; fit them first, or choose another method.")
        return weighted(ballot, options.weights[name], tie=options.tie, threshold=options.thresholds.get(name, 0.5))
    if method == "simple":
        return simple(ballot, threshold=options.threshold, tie=options.tie, max_rounds=options.max_rounds or 100)
    if method == "staple":
        return staple(ballot, prior=options.prior, tie=options.tie, max_rounds=options.max_rounds or MAX_ROUNDS)
    if method == "at-least":
        if options.k is None:
            raise InvalidImage("Say how many raters have to agree for 'at-least'.")
        return at_least(ballot, options.k)
    known = "majority, weighted, simple, staple, at-least"
    raise InvalidImage(f"Method '{method}' does not fuse masks to a mask; those that do are {known}.")


def fuse_masks(
    masks: Sequence[NDArray[Any]], method: str = "majority", options: FusionOptions | None = None, **changes: object
) -> MaskFusion:
    """Fuse binary masks of one region.

    Args:
        masks: One a rater, of one shape, bool or whole numbers; everything but 0 is foreground.
        method: `majority`, `weighted` (weights under the name ""), `simple`, `staple` or `at-least`.
        options: What the method can be told.
        changes: Fields of `FusionOptions` by name, such as `threshold=0.5`.

    Raises:
        InvalidImage: no masks, different shapes, values that are not whole numbers, or options that make no sense.
    """
    options = replace(options or FusionOptions(), **changes)  # type: ignore[arg-type]
    votes = Votes.of([one if one.dtype == np.uint8 else _binary(one) for one in map(np.asarray, masks)])
    decision = _decide(Ballot(votes.patterns > 0, votes.counts), get_method(method).name, "", options)
    return MaskFusion(votes.paint(decision.decided), decision, votes)


def _binary(one: NDArray[Any]) -> NDArray[np.bool_]:
    if one.dtype.kind == "f" and not np.isfinite(one).all():
        raise InvalidImage("A mask has values that are not finite numbers (NaN or infinity); export it again.")
    if one.dtype.kind not in "biuf":
        raise InvalidImage("A mask does not consist of numbers.")
    return np.asarray(one != 0, np.bool_)


def fuse_labels(
    maps: Sequence[NDArray[Any]] | Votes,
    scheme: Scheme,
    method: str = "majority",
    options: FusionOptions | None = None,
    **changes: object,
) -> LabelFusion:
    """Fuse label maps of one scheme.

    By labels, every label is decided for itself and the one with most support takes the voxel, the innermost of two with the
    same (STAPLE estimates all labels together). By regions, WT, TC and ET are decided one by one and put together so that each
    lies in the one before; a label that no region holds, such as the resection cavity, is decided for itself.

    Args:
        maps: One label map a rater, of one shape, numbered by `scheme`; or their votes.
        scheme: Gives the numbers meaning.
        method: `majority`, `weighted`, `simple`, `staple` or `at-least`.
        options: What the method can be told.
        changes: Fields of `FusionOptions` by name, such as `by="labels"`.

    Raises:
        InvalidImage: no maps, different shapes, labels that the scheme does not have, or options that make no sense.
    """
    options = replace(options or FusionOptions(), **changes)  # type: ignore[arg-type]
    votes = maps if isinstance(maps, Votes) else Votes.of(maps)
    unknown = sorted(set(np.unique(votes.patterns).tolist()) - {0, *scheme.labels})
    if unknown:
        named = ", ".join(map(str, unknown))
        raise InvalidImage(f"The masks have the label {named}, which scheme '{scheme.name}' does not define.")
    by = options.by or get_method(method).by
    if method == "staple" and by == "labels":
        return _staple_labels(votes, scheme, options)
    decisions = {name: _decide(votes.ballot(values), method, name, options) for name, values in questions(scheme, by).items()}
    decided = {name: decision.decided for name, decision in decisions.items()}
    support = {name: decision.support for name, decision in decisions.items()}
    if by == "labels":
        table = compose_labels(decided, support, scheme)
    else:
        table = compose_regions(decided, support, {v: votes.ballot([v]).share for v in scheme.labels}, scheme)
    return LabelFusion(votes.paint(table), by, decisions, votes, table)


def _staple_labels(votes: Votes, scheme: Scheme, options: FusionOptions) -> LabelFusion:
    if options.prior is not None:
        raise InvalidImage(
            "A prior is one share of the volume and fits STAPLE by regions only; leave it out, or go by regions."
        )
    values = [0, *scheme.labels]
    said = np.searchsorted(np.array(sorted(values)), votes.patterns)
    values.sort()
    found = staple_labels(said, votes.counts, len(values), max_rounds=options.max_rounds or MAX_ROUNDS)
    share = np.stack([(votes.patterns == value).mean(axis=1) for value in values], axis=1)
    top = found.posterior.max(axis=1, keepdims=True)
    equal = found.posterior >= top - TIE
    rank = np.array([(innermost_first(scheme).index(value) if value else len(values)) for value in values])
    most = np.where(equal, share, -1.0)
    chosen = np.where(most >= most.max(axis=1, keepdims=True) - TIE, rank, len(values) + 1).argmin(axis=1)
    table = np.array(values, np.uint8)[chosen]
    mass = votes.counts @ found.posterior
    tied = equal.sum(axis=1) > 1
    decisions = {}
    for index, value in enumerate(values[1:], 1):
        other = np.delete(mass, index)
        wrong = np.delete(found.rates[:, index, :], index, axis=1)
        decisions[scheme.labels[value].name] = Decision(
            decided=table == value,
            support=found.posterior[:, index],
            weights=np.ones(votes.raters),
            kept=np.ones(votes.raters, bool),
            sensitivity=found.rates[:, index, index],
            specificity=1 - wrong @ other / other.sum() if other.sum() > 0 else np.ones(votes.raters),
            rounds=found.rounds,
            converged=found.converged,
            undecided=int(votes.counts[tied & equal[:, index]].sum()),
            prior=float(found.prior[index]),
        )
    return LabelFusion(votes.paint(table), "labels", decisions, votes, table, found)
