from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from glioscope.core import InvalidImage, ProcessingFailed
from glioscope.inference import WindowSettings, predict
from glioscope.inference.predict import central_window

torch = pytest.importorskip("torch")
torch.set_num_threads(1)
RNG = np.random.default_rng(7)


def ball(shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """An ellipsoid that touches all faces but those of one voxel around it."""
    axes = [np.linspace(-1, 1, n - 2) for n in shape]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    inside: NDArray[np.bool_] = np.pad(x**2 + y**2 + z**2 <= 1.2, 1)
    return inside


def pointwise(seed: int = 0, channels: int = 2, out: int = 3) -> Any:
    torch.manual_seed(seed)
    return torch.nn.Conv3d(channels, out, 1).eval()


def logistic(logits: Any) -> Any:
    return 1 / (1 + np.exp(-logits))


def whole(model: Any, image: NDArray[np.float32]) -> Any:
    with torch.no_grad():
        return model(torch.from_numpy(image)[None])[0].numpy()


@pytest.mark.parametrize("shape", [(20, 23, 17), (9, 31, 12), (6, 7, 5), (16, 16, 16)])
@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.75])
def test_a_pointwise_network_gives_what_it_gives_on_the_whole_volume(shape: tuple[int, int, int], overlap: float) -> None:
    image = RNG.standard_normal((2, *shape)).astype(np.float32)
    inside, model = ball(shape), pointwise()
    found = predict([model], image, inside, WindowSettings((8, 8, 8), overlap))
    assert found.shape == (3, *shape)
    assert found.dtype == np.float16
    expected = logistic(whole(model, image))
    np.testing.assert_allclose(found[:, inside].astype(float), expected[:, inside], atol=2e-3)
    assert not found[:, ~inside].any()


def test_a_window_that_stretches_sees_the_brain_at_once() -> None:
    seen: list[tuple[int, ...]] = []

    def model(windows: Any) -> Any:
        seen.append(tuple(windows.shape[2:]))
        return pointwise()(windows)

    image, inside = RNG.standard_normal((2, 30, 41, 20)).astype(np.float32), ball((30, 41, 20))
    found = predict([model], image, inside, WindowSettings((32, 32, 32), 0.5, mirror_axes=(), stretch=2.0))
    assert seen == [(32, 64, 32)]
    np.testing.assert_allclose(found[:, inside].astype(float), logistic(whole(pointwise(), image))[:, inside], atol=2e-3)


def test_softmax_sums_to_one_and_is_background_outside() -> None:
    image, inside = RNG.standard_normal((2, 14, 15, 16)).astype(np.float32), ball((14, 15, 16))
    found = predict([pointwise()], image, inside, WindowSettings((8, 8, 8), activation="softmax")).astype(float)
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=2e-3)
    assert (found[0, ~inside] == 1).all()
    logits = whole(pointwise(), image)
    expected = np.exp(logits) / np.exp(logits).sum(axis=0)
    np.testing.assert_allclose(found[:, inside], expected[:, inside], atol=2e-3)


def test_a_constant_answer_stays_constant() -> None:
    def constant(windows: Any) -> Any:
        return torch.full((len(windows), 1, *windows.shape[2:]), 3.0)

    inside = ball((21, 19, 18))
    found = predict([constant], np.zeros((1, *inside.shape), np.float32), inside, WindowSettings((8, 8, 8), 0.6))
    np.testing.assert_allclose(found[0, inside].astype(float), logistic(np.float64(3.0)), atol=1e-3)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_with_mirroring_a_flipped_image_gives_the_flipped_answer(axis: int) -> None:
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Conv3d(2, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv3d(4, 2, 3, padding=1))
    shape = (19, 15, 17)
    image, inside = RNG.standard_normal((2, *shape)).astype(np.float32), ball(shape)
    settings = WindowSettings((9, 7, 9))  # odd, so that the weights are symmetric
    one = predict([model], image, inside, settings)
    other = predict([model], np.flip(image, axis + 1).copy(), np.flip(inside, axis).copy(), settings)
    np.testing.assert_allclose(np.flip(other, axis + 1).astype(float), one.astype(float), atol=2e-3)
    plain = predict([model], image, inside, WindowSettings((9, 7, 9), mirror_axes=()))
    assert np.abs(plain.astype(float) - one).max() > 0.01  # without it the test above would show nothing


def test_shared_flips_cost_half_and_are_nearer_to_all_flips_than_none() -> None:
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Conv3d(2, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv3d(4, 2, 3, padding=1))
    seen: list[int] = []

    def counting(windows: Any) -> Any:
        seen.append(len(windows))
        return model(windows)

    image, inside = RNG.standard_normal((2, 19, 15, 17)).astype(np.float32), ball((19, 15, 17))
    answers: list[Any] = []
    calls: list[int] = []
    for axes, share in (((0, 1, 2), False), ((0, 1, 2), True), ((), False)):
        settings = WindowSettings((9, 7, 9), mirror_axes=axes, share_flips=share)
        answers.append(predict([counting], image, inside, settings).astype(float))
        calls.append(sum(seen) - sum(calls))
    assert calls[0] == 2 * calls[1] == 8 * calls[2]
    every, half, none = answers
    assert 0 < np.abs(half - every).mean() < 0.5 * np.abs(none - every).mean()


@pytest.mark.parametrize("batch", [2, 3, 8])
def test_the_batch_does_not_matter(batch: int) -> None:
    image, inside = RNG.standard_normal((2, 12, 11, 10)).astype(np.float32), ball((12, 11, 10))
    one = predict([pointwise()], image, inside, WindowSettings((8, 8, 8)))
    many = predict([pointwise()], image, inside, WindowSettings((8, 8, 8), batch=batch))
    np.testing.assert_allclose(one.astype(float), many.astype(float), atol=1e-3)


def test_an_ensemble_averages_probabilities_and_holds_one_model_at_a_time() -> None:
    image, inside = RNG.standard_normal((2, 12, 13, 14)).astype(np.float32), ball((12, 13, 14))
    settings = WindowSettings((8, 8, 8))
    apart = [predict([pointwise(seed)], image, inside, settings).astype(float) for seed in range(3)]
    alive: list[int] = []

    class Counted:
        def __init__(self, seed: int) -> None:
            self.model = pointwise(seed)
            alive.append(seed)
            assert len(alive) == 1

        def __call__(self, windows: Any) -> Any:
            return self.model(windows)

        def __del__(self) -> None:
            alive.pop()

    def models() -> Iterator[Any]:
        for seed in range(3):
            yield Counted(seed)

    together = predict(models(), image, inside, settings).astype(float)
    np.testing.assert_allclose(together, np.mean(apart, axis=0), atol=1e-3)


def test_float16_sums_stay_within_their_bound() -> None:
    """Large logits of both signs that meet in overlapping windows; the answer is to be within 0.2 % of the largest."""
    scale = 40.0

    def noisy(windows: Any) -> Any:
        return scale * torch.sin(windows.cumsum(2) * 50 + windows.cumsum(3) * 70)

    shape = (24, 22, 20)
    image, inside = RNG.random((1, *shape)).astype(np.float32), ball(shape)
    settings = WindowSettings((8, 8, 8), 0.75, mirror_axes=())
    found = predict([noisy], image, inside, settings)[0].astype(float)

    from glioscope.inference.windows import brain_box, window_starts, window_weights

    box = brain_box(inside)
    assert box is not None
    part = torch.from_numpy(image[:, *box].astype(np.float64))
    total = np.zeros(part.shape[1:])
    starts = [window_starts(n, 8, 0.75) for n in total.shape]
    weights = [window_weights(n, 8, s).astype(np.float64) for n, s in zip(total.shape, starts, strict=True)]
    for i, x in enumerate(starts[0]):
        for j, y in enumerate(starts[1]):
            for k, z in enumerate(starts[2]):
                place = (slice(x, x + 8), slice(y, y + 8), slice(z, z + 8))
                weight = weights[0][i][:, None, None] * weights[1][j][:, None] * weights[2][k]
                total[place] += weight * noisy(part[:, *place].float()[None])[0, 0].numpy()
    moved = np.abs(np.log(np.clip(found[box], 1e-7, 1) / np.clip(1 - found[box], 1e-7, 1)) - total)
    sure = inside[box] & (np.abs(total) < 4)  # beyond, the probability itself is rounded
    assert moved[sure].max() < 0.002 * scale


def test_windows_without_brain_are_left_out() -> None:
    inside = np.zeros((40, 8, 8), bool)
    inside[:8], inside[32:] = True, True
    seen: list[int] = []

    def counting(windows: Any) -> Any:
        seen.append(len(windows))
        return windows[:, :1]

    found = predict([counting], np.ones((1, *inside.shape), np.float32), inside, WindowSettings((8, 8, 8), 0.0, ()))
    assert len(seen) == 2  # of five
    assert (found[0, inside] > 0.7).all()


def test_an_empty_brain_has_no_tumour() -> None:
    empty = np.zeros((5, 6, 7), bool)
    found = predict([pointwise()], np.ones((2, 5, 6, 7), np.float32), empty, WindowSettings((4, 4, 4)))
    assert found.shape == (3, 5, 6, 7)
    assert not found.any()


def test_what_cannot_be_predicted_is_said() -> None:
    image, inside = np.ones((2, 5, 6, 7), np.float32), np.ones((5, 6, 7), bool)
    settings = WindowSettings((4, 4, 4))
    with pytest.raises(InvalidImage, match="does not fit the brain mask"):
        predict([pointwise()], image, inside[:4], settings)
    with pytest.raises(InvalidImage, match="give 3 and 2 channels"):
        predict([pointwise(), pointwise(out=2)], image, inside, settings)
    with pytest.raises(ProcessingFailed, match="no model"):
        predict([], image, inside, settings)
    with pytest.raises(ProcessingFailed, match="not finite"):
        predict([lambda windows: windows * float("nan")], image, inside, settings)


@pytest.mark.parametrize("error", [RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), MemoryError()])
def test_a_lack_of_memory_is_said_and_other_faults_pass(error: Exception) -> None:
    def failing(error: Exception) -> Any:
        def answer(windows: Any) -> Any:
            raise error

        return answer

    image, inside = np.ones((2, 5, 6, 7), np.float32), np.ones((5, 6, 7), bool)
    with pytest.raises(ProcessingFailed, match=r"not enough memory .* window of 4 x 4 x 8 voxels"):
        predict([failing(error)], image, inside, WindowSettings((4, 4, 8)))
    with pytest.raises(RuntimeError, match="shapes"):
        predict([failing(RuntimeError("shapes do not match"))], image, inside, WindowSettings((4, 4, 8)))


def test_the_example_is_the_middle_of_the_brain() -> None:
    image = np.zeros((1, 10, 10, 10), np.float32)
    inside = np.zeros((10, 10, 10), bool)
    inside[2:8, 0:6, 4:10] = True
    image[0, 5, 3, 7] = 1
    window = central_window(image, inside, WindowSettings((4, 4, 8)))
    assert window.shape == (1, 4, 4, 8)
    assert np.argwhere(window[0]).tolist() == [[2, 2, 4]]  # one voxel of padding before along the last axis
