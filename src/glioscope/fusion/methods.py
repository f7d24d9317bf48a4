"""The ways to fuse, as data: what each is called, what it does, and what it works on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from glioscope.core import InvalidImage

__all__ = ["METHODS", "FusionOptions", "Method", "get_method"]


@dataclass(frozen=True)
class Method:
    """One way to fuse.

    Attributes:
        name: What people type.
        definition: One sentence for reports.
        takes: `labels` (label maps) or `probabilities` (region probability maps).
        gives: `labels`, `probabilities` or `entropy`.
        by: What it decides by default: each of the `labels`, or the nested `regions`.
    """

    name: str
    definition: str
    takes: str = "labels"
    gives: str = "labels"
    by: str = "regions"


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        m.name: m
        for m in (
            Method("majority", "A voxel gets the label that at least half of the raters give it.", by="labels"),
            Method(
                "weighted",
                "A voxel gets the label whose raters have at least half of all weight; each rater has a weight for each label.",
                by="labels",
            ),
            Method(
                "staple",
                "A voxel belongs to what is most probable when the truth and every rater's sensitivity and specificity are "
                "estimated together by expectation maximisation (Warfield et al. 2004).",
            ),
            Method(
                "simple",
                "Raters vote with their Dice with the consensus as weight, those far below the best are dropped, until nothing "
                "changes (Langerak et al. 2010).",
            ),
            Method("at-least", "A voxel belongs to a region when at least k raters say so."),
            Method("entropy", "Entropy of the labels that raters give a voxel, background included, in bits.", gives="entropy"),
            Method("mean", "The mean of the raters' probabilities.", "probabilities", "probabilities"),
            Method("weighted-mean", "The mean of the raters' probabilities by weight.", "probabilities", "probabilities"),
            Method("max", "The largest of the raters' probabilities.", "probabilities", "probabilities"),
        )
    }
)


@dataclass(frozen=True)
class FusionOptions:
    """What a method can be told.

    Attributes:
        by: Decide each of the `labels` or the nested `regions`; the method's own choice where None.
        tie: What an exactly split vote means: `foreground` ("at least half") or `background` ("more than half").
        threshold: SIMPLE drops raters below this share of the best rater's Dice, 0 to below 1.
        weights: Label or region name -> one weight a rater, for `weighted` and `weighted-mean`.
        thresholds: Label or region name -> the share of weight, or mean probability, that is enough, for the same; half where
            there is none.
        prior: Share of the volume that is foreground, for binary STAPLE; the raters' mean where None; or `estimate`.
        k: How many raters have to agree, for `at-least`.
        max_rounds: When iterations give up; each method's own limit where None.
    """

    by: str | None = None
    tie: str = "foreground"
    threshold: float = 0.5
    weights: Mapping[str, tuple[float, ...]] | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    prior: float | str | None = None
    k: int | None = None
    max_rounds: int | None = None

    def __post_init__(self) -> None:
        if self.by not in (None, "labels", "regions"):
            raise InvalidImage(f"Fusion goes by 'labels' or by 'regions', not by '{self.by}'.")
        if self.tie not in ("foreground", "background"):
            raise InvalidImage(f"A tie goes to 'foreground' or to 'background', not to '{self.tie}'.")
        if self.max_rounds is not None and self.max_rounds < 1:
            raise InvalidImage(f"At least one round is needed, not {self.max_rounds}.")


def get_method(name: str) -> Method:
    """The method called `name`; raises InvalidImage, listing the known names, when there is none."""
    try:
        return METHODS[name]
    except KeyError:
        raise InvalidImage(f"There is no fusion method '{name}'; known are {', '.join(METHODS)}.") from None
