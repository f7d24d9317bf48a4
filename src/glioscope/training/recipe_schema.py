"""What a recipe may say: one frozen dataclass a section, its fields the keys of the YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "Augmentation",
    "Ensemble",
    "FoldRules",
    "GridRules",
    "Inference",
    "Inputs",
    "Network",
    "Optimiser",
    "Recipe",
    "Schedule",
    "Target",
    "Training",
    "Transfer",
]

Auto = Literal["auto"]
Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Inputs:
    """What the network sees.

    Attributes:
        channels: Sequences (`t1n`, `t1c`, `t2w`, `t2f`), differences of two (`t1c-t1n`), of the pre-operative exam an image
            (`pre-t1c`) or the tumour mask (`pre-mask`), and what a segmenter finds that learnt nothing (`subtraction:ET`).
        normalisation: One of `glioscope.normalisation` for all images, or one for each image (`t1c: zscore`).
        optional: Images that an exam may lack; a channel made of one that is not there is zero.
        reference: Image -> quantiles that the normalisation `histogram` matches; a normal distribution for those left out.
    """

    channels: tuple[str, ...]
    normalisation: str | Mapping[str, str] = "zscore"
    optional: tuple[str, ...] = ()
    reference: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class GridRules:
    """Where the arrays lie.

    Attributes:
        space: `atlas` or `native`.
        spacing: Voxel size in mm along the axes of a RAS array; `auto` leaves it to the plan (the cohort's median).
        size: Voxels to which the brain's box is resized whatever its size, for networks that see the full volume; or None.
    """

    space: Literal["atlas", "native"] = "atlas"
    spacing: tuple[float, float, float] | Auto = "auto"
    size: Triple | None = None


@dataclass(frozen=True)
class Target:
    """What the network learns.

    Attributes:
        kind: `regions` (sigmoid, may overlap) or `labels` (softmax; background is channel 0 and not named).
        scheme: Label scheme that `names` belong to.
        names: Regions, or labels, in the order of the channels.
        needs: Region -> images without which it is not told: the network learns it all the same, and its bundle leaves it out
            of the answer for an exam that lacks one.
    """

    kind: Literal["regions", "labels"]
    scheme: str
    names: tuple[str, ...]
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    @property
    def channels(self) -> int:
        """Channels of the network's output and of a target array: K."""
        return len(self.names) + (self.kind == "labels")

    @property
    def activation(self) -> Literal["sigmoid", "softmax"]:
        """What turns the network's output into probabilities."""
        return "sigmoid" if self.kind == "regions" else "softmax"


@dataclass(frozen=True)
class Network:
    """A network of `glioscope.networks` and what it is built with; the plan fills in what depends on the cohort."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Augmentation:
    """An augmentation of `glioscope.training.augmentation` and what of it is changed."""

    name: str = "nnunet"
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Optimiser:
    """SGD, Adam or AdamW; `momentum` and `nesterov` are SGD's."""

    name: Literal["sgd", "adam", "adamw"]
    lr: float
    momentum: float = 0.99
    nesterov: bool = True
    weight_decay: float = 0.0


@dataclass(frozen=True)
class Schedule:
    """How the learning rate falls, by epoch.

    Attributes:
        name: `poly`: lr (1 - epoch / epochs)^exponent; `exponential`: lr gamma^epoch; `cosine`: to 0; `constant`.
        exponent: Of `poly`.
        gamma: Of `exponential`.
        warmup: Epochs over which the rate first rises from near 0.
    """

    name: Literal["poly", "exponential", "cosine", "constant"] = "poly"
    exponent: float = 0.9
    gamma: float = 0.99
    warmup: int = 0


@dataclass(frozen=True)
class Training:
    """The loop.

    Attributes:
        patch: Voxels along the three axes, or `auto` for the plan's.
        batch: Patches a step and device, or `auto` for the plan's.
        accumulate: Batches whose gradients are added before a step.
        epochs: Of `iterations` steps each.
        iterations: Steps an epoch.
        validate_every: Epochs between two validations of whole exams.
        foreground: Share of a batch's patches that are centred on a foreground voxel.
        precision: `auto` takes bf16 where the device has it.
        ema: Decay of the exponential moving average of the weights; 0 keeps none.
        deep_supervision: Whether the network is also scored at coarser resolutions.
        channel_dropout: Probability that a patch loses some of the sequences it has (at least one stays).
        channel_dropout_most: How many it loses then: 1 to this number, each as likely.
        train_only_share: Share of the patches from exams that are only learnt from (the cohort says which); None takes each
            exam as often as any other.
        clip: Largest norm of the gradient; None clips nothing.
        patience: Validations without a better score after which training stops; None never does.
        seed: Of the weights, the samples and the folds.
    """

    patch: Triple | Auto = "auto"
    batch: int | Auto = "auto"
    accumulate: int = 1
    epochs: int = 1000
    iterations: int = 250
    validate_every: int = 50
    foreground: float = 0.33
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    ema: float = 0.0
    deep_supervision: bool = True
    channel_dropout: float = 0.0
    channel_dropout_most: int = 1
    train_only_share: float | None = None
    clip: float | None = 12.0
    patience: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class FoldRules:
    """How a cohort is divided.

    Attributes:
        count: Parts; each is the validation set of one fold.
        by: `patient` keeps a patient's exams together; `site` also keeps a site's patients together.
        hold_out: A site that no fold sees, or None.
    """

    count: int = 5
    by: Literal["patient", "site"] = "patient"
    hold_out: str | None = None


@dataclass(frozen=True)
class Transfer:
    """Start from a trained bundle (`from`, its folder) and freeze a part of it."""

    from_: str | None = None
    freeze: Literal["none", "encoder", "middle", "decoder"] = "none"


@dataclass(frozen=True)
class Inference:
    """How a whole exam is segmented.

    Attributes:
        overlap: Share of a window that its neighbour covers too.
        mirror: Whether mirrored copies are averaged.
        stretch: By how much a window may grow along an axis to cover the brain at once; 1 for not at all.
    """

    overlap: float = 0.5
    mirror: bool = True
    stretch: float = 1.0


@dataclass(frozen=True)
class Ensemble:
    """A system made of others: their recipes, and how their answers become one."""

    method: Literal["mean", "staple", "weighted"]
    members: tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """One system: what it sees, what it learns, and how it is trained, run and published.

    Attributes:
        name: The file's name.
        title: One line.
        source: Publication, with section and table.
        published: The published result, as text or numbers; None for a system that nobody has published.
        loss: Terms for `glioscope.losses.build_loss`: `name`, `weight` and the parameters of each.
        postprocess: Document of a `glioscope.postprocessing.Chain`, or None.
        tune: What of the post-processing is fitted to the validation predictions afterwards (`thresholds` …).
        ensemble: For a system that trains nothing itself.
        choose: Key -> alternatives; each is trained in every fold and the one better on validation is kept.
    """

    name: str
    title: str
    source: str
    inputs: Inputs
    target: Target
    network: Network
    loss: tuple[Mapping[str, Any], ...]
    optimiser: Optimiser
    published: Any = None
    grid: GridRules = GridRules()
    augmentation: Augmentation = Augmentation()
    schedule: Schedule = Schedule()
    training: Training = Training()
    folds: FoldRules = FoldRules()
    transfer: Transfer = Transfer()
    inference: Inference = Inference()
    postprocess: Mapping[str, Any] | None = None
    tune: tuple[str, ...] = ()
    ensemble: Ensemble | None = None
    choose: Mapping[str, tuple[Any, ...]] | None = None

    def document(self) -> dict[str, Any]:
        """As the YAML file would say it in full; `recipe_of` reads it."""
        from glioscope.training.recipe_parsing import document_of

        document: dict[str, Any] = document_of(self)
        return document
