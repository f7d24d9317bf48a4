from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import InvalidImage, Volume
from glioscope.normalisation import histogram, histogram_quantiles, none, percentile_rescale


def volume(values: list[float]) -> Volume:
    return Volume.of(np.array(values, np.float32).reshape(1, 1, -1), np.eye(4))


def whole(image: Volume) -> Volume:
    return image.with_data(np.ones(image.grid.shape, bool))


def test_none_changes_nothing_inside_and_hides_what_is_outside() -> None:
    image = volume([7, -2, 5])
    out = none(image, image.with_data(np.array([[[True, True, False]]])))
    assert out.data.tolist() == [[[7, -2, 0]]]
    assert out.data.dtype == np.float32


def test_the_histogram_becomes_that_of_the_reference() -> None:
    image = volume([float(n**3) for n in range(501)])
    out = histogram(image, whole(image), [0.0, 0.2, 1.0]).data.ravel()
    # 2 % lie below and above the percentiles that rescaling clips; between them the ranks are even.
    np.testing.assert_allclose(np.quantile(out, [0.25, 0.5, 0.75]), [0.1, 0.2, 0.6], atol=0.01)
    assert (np.diff(out) >= 0).all()


def test_an_image_matched_to_itself_stays() -> None:
    rng = np.random.default_rng(0)
    image = volume(list(rng.gamma(2, 50, 4000)))
    out = histogram(image, whole(image), histogram_quantiles(image, whole(image)))
    np.testing.assert_allclose(out.data, percentile_rescale(image, whole(image)).data, atol=0.02)


def test_without_a_reference_it_is_normal() -> None:
    image = volume([float(n) for n in range(1001)])
    out = histogram(image, whole(image)).data.ravel()
    assert out[500] == pytest.approx(0.5, abs=1e-3)
    assert out[841] == pytest.approx(0.5 + 1 / 6, abs=5e-3)  # one standard deviation


def test_a_reference_that_falls_is_refused() -> None:
    image = volume([1, 2, 3])
    for reference in ([1.0], [0.5, 0.2], [0.0, float("nan")]):
        with pytest.raises(InvalidImage, match="never fall"):
            histogram(image, whole(image), reference)
    with pytest.raises(InvalidImage, match="without contrast"):
        histogram_quantiles(volume([4, 4]), whole(volume([4, 4])))
