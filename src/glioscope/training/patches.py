"""Patches to learn from: where they lie, what is changed about them, and what the network should answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from glioscope.bundles.channels import parse_inputs
from glioscope.core import InputUnreadable
from glioscope.training.augmentation import build_augmentation
from glioscope.training.augmentation.augmentation import OUTSIDE
from glioscope.training.cache import CachedExam
from glioscope.training.fingerprint import target_values
from glioscope.training.plan import Plan
from glioscope.training.recipe_schema import Recipe

__all__ = ["PatchDataset", "target_channels"]

Triple = tuple[int, int, int]


class PatchDataset(Dataset[dict[str, Tensor]]):
    """The samples of a whole training run by their global number, each the same whoever asks for it and when.

    Sample n is drawn from a generator seeded with (seed, n): exam, place, augmentation and channel dropout. A run that is
    continued at sample n therefore goes on with the samples that it would have had, with any number of worker processes.

    In each batch the last `training.foreground` of the samples (rounded, as nnU-Net does: one of two at 0.33) has a voxel of
    a region in its centre, or as near to it as the box around the brain allows, each region that the exam has being as likely;
    the others lie anywhere in the box. A batch of one cannot be shared: there each sample has it with that probability.

    Args:
        exams: Of the cache, at least one.
        recipe: Says target, augmentation, foreground and channel dropout.
        plan: Says patch and batch.
        seed: The recipe's where None.
        length: Samples; those of all epochs where None.
        augment: Whether patches are changed; validation does not.

    Raises:
        InputUnreadable: no exams, or as `build_augmentation` raises it.
    """

    def __init__(
        self,
        exams: Sequence[CachedExam],
        recipe: Recipe,
        plan: Plan,
        *,
        seed: int | None = None,
        length: int | None = None,
        augment: bool = True,
    ) -> None:
        if not exams:
            raise InputUnreadable("There are no exams to learn from.")
        training = recipe.training
        self.exams = list(exams)
        self.seed = training.seed if seed is None else seed
        self.patch, self.batch = plan.patch, plan.batch
        run = training.epochs * training.iterations * training.accumulate * plan.batch
        self._length = run if length is None else length
        self._values = list(target_values(recipe).values())
        self._labels_only = recipe.target.kind == "labels"
        self._channels = [channel.sources for channel in parse_inputs(recipe.inputs).channels]
        self._share = training.train_only_share
        only = np.array([exam.train_only for exam in self.exams])
        self._pools = np.flatnonzero(~only), np.flatnonzero(only)
        self._dropout, self._most = training.channel_dropout, training.channel_dropout_most
        self._foreground, self._background = training.foreground, round(plan.batch * (1 - training.foreground))
        self._augmentation = build_augmentation(
            recipe.augmentation.name if augment else "none",
            recipe.augmentation.parameters if augment else {},
            plan.patch,
            plan.spacing,
        )

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """`image` float32 (C, *patch), `target` float32 (K, *patch) of 0 and 1, and `exam`, the exam's number.

        A label target has the background as its first channel.

        Raises:
            InputUnreadable: the exam's files in the cache cannot be read.
        """
        if not 0 <= index < self._length:
            raise IndexError(index)
        rng = np.random.default_rng((self.seed, index))
        number = self._drawn(rng)
        exam = self.exams[number]
        drawn = rng.random() < self._foreground if self.batch == 1 else index % self.batch >= self._background
        centre = self._centre(exam, rng, foreground=drawn)
        warp = self._augmentation.draw(rng)
        lower = tuple(c + o - s // 2 for c, o, s in zip(centre, warp.offset, warp.size, strict=True))
        try:
            image, labels = _cut(exam.image, lower, warp.size, 0), _cut(exam.target[None], lower, warp.size, 0)
        except (OSError, ValueError) as error:
            raise InputUnreadable(f"'{exam.folder}' of the cache is missing or damaged; prepare the exam again.") from error
        seen, known = torch.from_numpy(image).float(), torch.from_numpy(labels).to(torch.int16)
        known[((seen == 0).all(dim=0) & (known[0] == 0))[None]] = OUTSIDE
        seen, known = self._augmentation.apply(seen, known, warp, rng)  # float() has copied: the cache stays as it is
        self._drop(seen, exam, rng)
        return {
            "image": seen.contiguous(),
            "target": torch.from_numpy(self._target(known[0].clamp(min=0).numpy().astype(np.uint8))),
            "exam": torch.tensor(number),
        }

    def _drawn(self, rng: np.random.Generator) -> int:
        """Number of the exam that the next patch is of."""
        if self._share is None:
            return int(rng.integers(len(self.exams)))
        return int(rng.choice(self._pools[rng.random() < self._share]))

    def _target(self, labels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return target_channels(labels, self._values, background=self._labels_only)

    def _centre(self, exam: CachedExam, rng: np.random.Generator, *, foreground: bool) -> Triple:
        """Of a patch within the box, or in its middle along an axis where the box is smaller."""
        # Zeros around a smaller box lie where prediction puts them too: a network tells even from odd voxels.
        lows = np.array([p // 2 - max(0, p - n) // 2 for p, n in zip(self.patch, exam.shape, strict=True)])
        highs = np.maximum(lows, np.array(exam.shape) - np.array(self.patch) + np.array(self.patch) // 2)
        present = [[v for v in values if exam.counts.get(v)] for values in self._values]
        present = [values for values in present if values]
        if foreground and present:
            values = present[int(rng.integers(len(present)))]
            shares = np.array([exam.counts[v] for v in values], float)
            voxels = exam.locations(int(rng.choice(values, p=shares / shares.sum())))
            centre = np.clip(voxels[int(rng.integers(len(voxels)))], lows, highs)
        else:
            centre = rng.integers(lows, highs + 1)
        x, y, z = centre.tolist()
        return x, y, z

    def _drop(self, image: Tensor, exam: CachedExam, rng: np.random.Generator) -> None:
        """Take some of the images away, and with each the channels that it is part of, as long as another channel stays."""
        if not self._dropout or rng.random() >= self._dropout:
            return
        wanted = int(rng.integers(1, self._most + 1)) if self._most > 1 else 1
        kept = set(exam.sources)
        for _ in range(wanted):
            choices = [s for s in exam.sources if s in kept and self._used(s) and self._shown(kept - {s})]
            if not choices:
                break
            kept.discard(choices[int(rng.integers(len(choices)))])
        gone = sorted(set(range(len(self._channels))) - set(self._shown(kept)))
        if gone:
            image[gone] = 0.0

    def _used(self, source: str) -> bool:
        return any(source in sources for sources in self._channels)

    def _shown(self, kept: set[str]) -> list[int]:
        """The channels that can be made of these images."""
        return [n for n, sources in enumerate(self._channels) if set(sources) <= kept]


def target_channels(labels: NDArray[np.uint8], values: Sequence[tuple[int, ...]], *, background: bool) -> NDArray[np.float32]:
    """Label map (X, Y, Z) as channels (K, X, Y, Z) of 0 and 1: one for each of `values`, and first, where `background`, what is
    in none of them.
    """
    out = np.zeros((len(values) + background, *labels.shape), np.float32)
    for channel, of_channel in zip(out[int(background) :], values, strict=True):
        for value in of_channel:
            channel[labels == value] = 1
    if background:
        out[0] = 1 - out[1:].max(axis=0)
    return out


def _cut(array: NDArray[Any], lower: Sequence[int], size: Sequence[int], fill: float) -> NDArray[Any]:
    """The part of (C, X, Y, Z) of `size` from `lower` on, `fill` beyond the array; a view where none of it is."""
    starts = [max(0, low) for low in lower]
    stops = [max(start, min(n, low + s)) for start, low, s, n in zip(starts, lower, size, array.shape[1:], strict=True)]
    part = array[(slice(None), *(slice(a, b) for a, b in zip(starts, stops, strict=True)))]
    if part.shape[1:] == tuple(size):
        return part
    out = np.full((array.shape[0], *size), fill, array.dtype)
    offset = [min(start - low, s) for start, low, s in zip(starts, lower, size, strict=True)]
    out[(slice(None), *(slice(o, o + n) for o, n in zip(offset, part.shape[1:], strict=True)))] = part
    return out
