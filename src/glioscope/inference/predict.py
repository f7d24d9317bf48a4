"""Probabilities of a whole volume from a network that sees one window at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage, ProcessingFailed
from glioscope.inference.flips import Flip, flips_of
from glioscope.inference.settings import WindowSettings
from glioscope.inference.windows import brain_box, fitted_window, window_starts, window_weights

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Forward", "central_window", "predict", "window_for"]

Forward = Callable[["Tensor"], "Tensor"]
"""Windows (N, C, x, y, z) float32 on the CPU -> logits (N, K, x, y, z) of any float type on any device."""

Image = NDArray[np.float32]
Probabilities = NDArray[np.float16]


def predict(models: Iterable[Forward], image: Image, inside: NDArray[np.bool_], settings: WindowSettings) -> Probabilities:
    """Slide every model over the brain and average their probabilities.

    Windows are spread over the brain's box; one without a voxel of brain is left out. A model's logits are averaged over the
    flips of a window (all, or the half that `flips_of` gives it) and, weighted by a Gaussian, over the windows; then the
    activation follows, then the mean over the models. The weighted sum is kept in float16 and only for the planes (along the
    first axis) that a window still to come can reach; planes that are complete go straight to the result. A box smaller than a
    window has zeros around it.

    Args:
        models: Used one after the other; an iterator that makes each when it is asked for holds one in memory at a time.
        image: (C, X, Y, Z).
        inside: (X, Y, Z), the brain.
        settings: The window.

    Returns:
        (K, X, Y, Z) float16 in [0, 1]. Outside the brain nothing is predicted: all 0 for `sigmoid`, channel 0 (background) is 1
        for `softmax`. Rounding to float16 moves a logit by less than 0.2 % of the largest near it.

    Raises:
        InvalidImage: shapes do not fit, or two models give different numbers of channels.
        ProcessingFailed: a model gives values that are not finite or runs out of memory, or there is no model.
    """
    import torch

    if image.ndim != 4 or image.shape[1:] != inside.shape:
        raise InvalidImage(f"The image has the shape {image.shape}, which does not fit the brain mask {inside.shape}.")
    box = brain_box(inside)
    window = _window(box, settings)
    part, margin = _padded(image[:, *box] if box else image[:, :0, :0, :0], window)
    brain = np.pad(inside[box], margin) if box else inside[:0, :0, :0]
    mean: Probabilities | None = None
    used = 0
    for model in models:
        used += 1  # noqa: SIM113  (enumerate would keep a model alive)
        planes = _planes(model, torch.from_numpy(part), brain, window, settings) if box else _nothing(model, image, settings)
        for first, logits in planes:
            found = logits.float()
            found = found.sigmoid_() if settings.activation == "sigmoid" else found.softmax(dim=0)
            values = found.cpu().numpy()
            if mean is None:
                mean = np.zeros((len(values), *brain.shape), np.float16)
            if len(mean) != len(values):
                raise InvalidImage(f"The models of an ensemble give {len(mean)} and {len(values)} channels.")
            target = mean[:, first : first + values.shape[1]]
            target += values if used == 1 else ((values - target) / used).astype(np.float16)
        del model, planes  # it goes before an iterator makes the next one
    if mean is None:
        raise ProcessingFailed("There is no model to predict with.")
    whole = np.zeros((len(mean), *inside.shape), np.float16)
    if settings.activation == "softmax":
        whole[0] = 1
    if box:
        within = inside[box]
        inner = tuple(slice(low, low + side) for (low, _), side in zip(margin, within.shape, strict=True))
        for channel, values in zip(whole, mean, strict=True):
            np.copyto(channel[box], values[inner], where=within)
    return whole


def window_for(inside: NDArray[np.bool_], settings: WindowSettings) -> tuple[int, int, int]:
    """Sides of the windows that `predict` shows a model of an image with this brain."""
    return _window(brain_box(inside), settings)


def _window(box: tuple[slice, ...] | None, settings: WindowSettings) -> tuple[int, int, int]:
    return fitted_window([side.stop - side.start for side in box], settings) if box else settings.window


def central_window(image: Image, inside: NDArray[np.bool_], settings: WindowSettings) -> Image:
    """A window (C, x, y, z) of the settings' own size in the middle of the brain's box; zeros without a brain."""
    box = brain_box(inside)
    if box is None:
        return np.zeros((len(image), *settings.window), np.float32)
    part, _ = _padded(image[:, *box], settings.window)
    firsts = [(size - side) // 2 for size, side in zip(part.shape[1:], settings.window, strict=True)]
    place = (slice(first, first + side) for first, side in zip(firsts, settings.window, strict=True))
    return np.ascontiguousarray(part[:, *place])


def _padded(part: Image, window: tuple[int, int, int]) -> tuple[Image, list[tuple[int, int]]]:
    """The box, contiguous and no smaller than a window, and the zeros added before and after it along each axis."""
    lacking = [max(0, side - have) for side, have in zip(window, part.shape[1:], strict=True)]
    margin = [(n // 2, n - n // 2) for n in lacking]
    if not any(lacking):
        return np.ascontiguousarray(part, np.float32), margin
    sides = [low + have + high for (low, high), have in zip(margin, part.shape[1:], strict=True)]
    whole = np.zeros((len(part), *sides), np.float32)  # np.pad takes three times as long
    whole[:, *(slice(low, low + have) for (low, _), have in zip(margin, part.shape[1:], strict=True))] = part
    return whole, margin


def _nothing(model: Forward, image: Image, settings: WindowSettings) -> Iterator[tuple[int, Tensor]]:
    """No brain: how many channels the model has, and no plane."""
    import torch

    with torch.no_grad():
        yield 0, model(torch.zeros(1, len(image), *settings.window))[0, :, :0, :0, :0]


def _planes(
    model: Forward, image: Tensor, inside: NDArray[np.bool_], window: tuple[int, int, int], settings: WindowSettings
) -> Iterator[tuple[int, Tensor]]:
    """Weighted mean logits, plane by plane along the first axis: (first plane, (K, planes, Y, Z) float16), all but in order."""
    import torch

    shape = inside.shape
    starts = [window_starts(size, side, settings.overlap) for size, side in zip(shape, window, strict=True)]
    weights = [
        [torch.from_numpy(row) for row in window_weights(size, side, lattice)]
        for size, side, lattice in zip(shape, window, starts, strict=True)
    ]
    total: Tensor | None = None
    for i, x in enumerate(starts[0]):
        if i and total is not None:
            yield (done := starts[0][i - 1]), total[:, : x - done]
            total = _moved(total, x - done)
        for (j, y), (k, z) in product(enumerate(starts[1]), enumerate(starts[2])):
            place = tuple(slice(start, start + side) for start, side in zip((x, y, z), window, strict=True))
            if not inside[place].any():
                continue
            flips = flips_of(settings.mirror_axes, (i, j, k), settings.share_flips)
            logits = _flipped_mean(model, image[:, *place], flips, settings.batch)
            if not bool(torch.isfinite(logits).all()):
                raise ProcessingFailed("The network gave values that are not finite; its weights or its input are damaged.")
            for axis, row in enumerate((weights[0][i], weights[1][j], weights[2][k]), start=1):
                logits *= row.to(logits.device).reshape([-1 if a == axis else 1 for a in range(4)])
            if total is None:
                total = torch.zeros(len(logits), window[0], *shape[1:], dtype=torch.float16, device=logits.device)
            total[:, :, place[1], place[2]] += logits
            del logits
    if total is not None:
        yield starts[0][-1], total


def _moved(total: Tensor, planes: int) -> Tensor:
    """The sum without its first planes, which are complete, and with as many empty ones at its end."""
    rest = total[:, planes:].clone()
    total.zero_()
    total[:, : rest.shape[1]] = rest
    return total


def _flipped_mean(model: Forward, window: Tensor, flips: Sequence[Flip], batch: int) -> Tensor:
    """Logits (K, x, y, z) float32 of a window (C, x, y, z), the mean over its flips."""
    import torch

    mean: Tensor | None = None
    with torch.no_grad():
        for first in range(0, len(flips), batch):
            axes = [[axis + 1 for axis in flip] for flip in flips[first : first + batch]]
            found = _answered(model, torch.stack([window.flip(turned) for turned in axes]))
            for logits, turned in zip(found, axes, strict=True):
                back = logits.flip(turned)
                mean = back.to(torch.float32, copy=True) if mean is None else mean.add_(back)
    assert mean is not None
    return mean.div_(len(flips))


def _answered(model: Forward, windows: Tensor) -> Tensor:
    """The model's logits; engines tell of a lack of memory in many ways."""
    try:
        return model(windows)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError) or any(word in str(error).lower() for word in ("alloc", "out of memory")):
            sides = " x ".join(map(str, windows.shape[2:]))
            raise ProcessingFailed(
                f"There is not enough memory to run the network on a window of {sides} voxels; close other programs or work on "
                "fewer exams at a time."
            ) from error
        raise
