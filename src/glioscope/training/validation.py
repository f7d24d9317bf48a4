"""Whole held-out exams through the network that is being trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glioscope.inference.predict import predict
from glioscope.inference.settings import WindowSettings
from glioscope.training.fold_job import FoldJob

if TYPE_CHECKING:
    from glioscope.training.cache import CachedExam

__all__ = ["dice_of_exams", "gathered", "predict_exam"]

Answer = Callable[[Tensor], Tensor]


def predict_exam(
    job: FoldJob, answer: Answer, exam: CachedExam, divisor: tuple[int, int, int], *, mirror: bool
) -> NDArray[np.float16]:
    """Probabilities (K, X, Y, Z) of an exam of the cache, on the grid of training.

    Args:
        job: Gives patch, overlap and activation.
        answer: Windows -> logits.
        exam: The exam.
        divisor: Of the network.
        mirror: Whether flipped copies are averaged, where the recipe wants it.
    """
    recipe = job.recipe
    settings = WindowSettings(
        patch=job.plan.patch,
        overlap=recipe.inference.overlap,
        stretch=recipe.inference.stretch,
        mirror_axes=(0, 1, 2) if mirror and recipe.inference.mirror else (),
        activation=recipe.target.activation,
        divisor=divisor,
    )
    return predict([answer], np.asarray(exam.image, np.float32), np.asarray(exam.inside), settings)


def dice_of_exams(
    job: FoldJob, answer: Answer, divisor: tuple[int, int, int], rank: int = 0, world: int = 1
) -> list[Mapping[str, float]]:
    """Dice by region of every held-out exam, shared among `world` processes; without flips, which cost eight times as much."""
    mine = {
        number: dict(
            job.scorer.dice(
                predict_exam(job, answer, job.validation[number], divisor, mirror=False),
                np.asarray(job.validation[number].target),
            )
        )
        for number in range(rank, len(job.validation), world)
    }
    found: dict[int, Mapping[str, float]] = {}
    for part in gathered(mine):
        found.update(part)
    return [found[number] for number in sorted(found)]


def gathered(mine: Any) -> Sequence[Any]:  # noqa: ANN401
    """What each of the processes has, in their order."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return [mine]
    parts: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(parts, mine)
    return parts
