"""What is tried when post-processing is tuned: a grid of thresholds, sizes and weights, and the chain that a point of it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from glioscope.core import InvalidImage, Scheme
from glioscope.postprocessing.chain import Chain, published_chain
from glioscope.postprocessing.label_step import LabelStep
from glioscope.postprocessing.rater_weights import RaterWeights
from glioscope.postprocessing.remove_dust import RemoveDust
from glioscope.postprocessing.size import Size
from glioscope.postprocessing.small_et_to_core import SmallEnhancingToCore
from glioscope.postprocessing.thresholds import Thresholds
from glioscope.postprocessing.tuning_case import LEAST_THRESHOLD, TuningCase

__all__ = ["TUNABLE", "Parameter", "Search"]

TUNABLE = ("thresholds", "dust", "small-et", "weights")

_DUST_MM3 = (0, 10, 25, 50, 75, 100, 150, 200, 300, 500)
_SMALL_ET_MM3 = (0, 50, 100, 200, 300, 500, 750)
_WEIGHTS = tuple(n / 20 for n in range(21))
_STEPS = round(1 / LEAST_THRESHOLD)


@dataclass(frozen=True)
class Parameter:
    """One number to find: an index into `values`, the index it starts from first."""

    name: str
    values: tuple[float, ...]
    default: int


@dataclass(frozen=True)
class Search:
    """Which parts of a chain are tuned; the others stay as published.

    Attributes:
        scheme: Numbering of the reference.
        raters_of: Region -> whose probabilities of it there are.
        tunable: Some of TUNABLE.

    Raises:
        InvalidImage: something else in `tunable`, or a scheme and probabilities without a common region.
    """

    scheme: Scheme
    raters_of: Mapping[str, tuple[str, ...]]
    tunable: Sequence[str] = TUNABLE

    def __post_init__(self) -> None:
        for name in self.tunable:
            if name not in TUNABLE:
                raise InvalidImage(f"'{name}' cannot be tuned; {', '.join(TUNABLE)} can.")
        if not self._thresholds:
            raise InvalidImage(f"The predictions have no region for which there is a threshold in scheme '{self.scheme.name}'.")

    @staticmethod
    def of(cases: Sequence[TuningCase], scheme: Scheme, tunable: Sequence[str] = TUNABLE) -> Search:
        """The search that fits `cases`; raises InvalidImage where their raters differ."""
        for case in cases:
            if case.raters_of != cases[0].raters_of:
                raise InvalidImage(f"'{case.id}' and '{cases[0].id}' do not have the same regions of the same raters.")
        return Search(scheme, cases[0].raters_of, tuple(tunable))

    @property
    def _thresholds(self) -> Mapping[str, float]:
        thresholds = published_chain(self.scheme).thresholds
        return {r: v for r, v in thresholds.values.items() if r in self.raters_of} if thresholds else {}

    @property
    def _dust(self) -> Mapping[str, float]:
        (step,) = published_chain(self.scheme).steps
        return {r: size.value for r, size in step.sizes.items() if r in self.raters_of} if isinstance(step, RemoveDust) else {}

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What is to be found."""
        found: list[Parameter] = []
        if "thresholds" in self.tunable:
            steps = tuple(n / _STEPS for n in range(1, _STEPS))
            found += [Parameter(f"threshold {r}", steps, round(v * _STEPS) - 1) for r, v in self._thresholds.items()]
        if "dust" in self.tunable:
            found += [Parameter(f"dust {r}", _DUST_MM3, _DUST_MM3.index(int(v))) for r, v in self._dust.items()]
        if "small-et" in self.tunable and {"ET", "TC"} <= set(self._thresholds):
            found.append(Parameter("small-et", _SMALL_ET_MM3, 0))
        if "weights" in self.tunable:
            found += [Parameter(f"weight {r} {rater}", _WEIGHTS, 10) for r in self.several for rater in self.raters_of[r]]
        return tuple(found)

    @property
    def published(self) -> dict[str, int]:
        """Parameter -> index: the point to start from."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    @property
    def several(self) -> Mapping[str, float]:
        """Regions of which several raters have probabilities -> their published thresholds."""
        return {r: value for r, value in self._thresholds.items() if len(self.raters_of[r]) > 1}

    @property
    def weighs(self) -> bool:
        """Whether weights are among what is to be found."""
        return "weights" in self.tunable and bool(self.several)

    def with_weights(self, weights: Mapping[str, Mapping[str, float]]) -> dict[str, int]:
        """Parameter -> index: the published point, but for the weights (region -> rater -> weight, the largest 1)."""
        last = len(_WEIGHTS) - 1
        return self.published | {f"weight {r} {name}": round(w * last) for r, row in weights.items() for name, w in row.items()}

    def chain(self, choose: Callable[[Parameter], float] = lambda parameter: parameter.values[parameter.default]) -> Chain:
        """The chain in which `choose` gives each parameter's value; the published one by default, with equal weights."""
        chosen = {parameter.name: choose(parameter) for parameter in self.parameters}
        thresholds = {r: chosen.get(f"threshold {r}", v) for r, v in self._thresholds.items()}
        dust = {r: chosen.get(f"dust {r}", v) for r, v in self._dust.items()}
        small = chosen.get("small-et", 0)
        steps: list[LabelStep] = []
        sizes = {region: Size(value) for region, value in dust.items() if value}
        if sizes:
            steps.append(RemoveDust(sizes))
        if small:
            steps.append(SmallEnhancingToCore(Size(small)))
        weights = None
        if len({rater for raters in self.raters_of.values() for rater in raters}) > 1:
            weights = RaterWeights({r: self._weights(chosen, r) for r in self._thresholds})
        return Chain(tuple(steps), Thresholds(thresholds), weights)

    def _weights(self, chosen: Mapping[str, float], region: str) -> dict[str, float]:
        raw = {rater: chosen.get(f"weight {region} {rater}", 1.0) for rater in self.raters_of[region]}
        total = sum(raw.values())
        return {rater: round(w / total, 6) if total else round(1 / len(raw), 6) for rater, w in raw.items()}
