from __future__ import annotations

import io

import numpy as np
from PIL import Image

from glioscope.core import Sequence, Volume
from glioscope.preprocessing.bias_field import correct_bias
from glioscope.preprocessing.overview import overview_figure
from tests.preprocessing.heads import centred_grid, head


def test_overview_is_deterministic_radiological_and_of_true_aspect() -> None:
    grid = centred_grid((50, 40, 20), (2.0, 5.0, 7.0))
    base = head(grid)
    data = base.data.copy()
    data[26:] *= 0.1  # array axis 0 runs to the patient's right: dark there
    image, brain = base.with_data(data), base.with_data(base.data > 50)
    png = overview_figure({Sequence.T1N: image, Sequence.T2W: image}, brain)
    assert png == overview_figure({Sequence.T1N: image, Sequence.T2W: image}, brain)
    assert png == overview_figure({Sequence.T1N: image.reoriented("PIR"), Sequence.T2W: image}, brain.reoriented("PIR"))
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("L"), float)
    assert picture.shape == (2 * 180, 7 * 90)  # 100 mm by 200 mm, two rows
    tile = picture[:180, 3 * 90 : 4 * 90]
    assert tile[60:120, 15:40].mean() < 0.4 * tile[60:120, 50:75].mean()


def test_bias_field_is_flattened() -> None:
    grid = centred_grid((60, 70, 30), (3.0, 3.0, 5.0))
    truth = head(grid)
    x = np.linspace(0.6, 1.5, 60)[:, None, None]
    brain = Volume(truth.data > 50, grid)
    shaded = truth.with_data((truth.data * x).astype(np.float32))
    flat = correct_bias(shaded, brain)

    def unevenness(v: Volume) -> float:
        ratio = v.data[brain.data] / truth.data[brain.data]
        return float(ratio.std() / ratio.mean())

    assert unevenness(flat) < 0.65 * unevenness(shaded)


def test_shading_is_corrected_to_the_same_bytes_whatever_the_threads() -> None:
    """Issue 2: N4's inner filters took as many threads as the process had, and sums over several come in any order."""
    import SimpleITK as sitk

    x = np.linspace(0.6, 1.5, 64)[:, None, None]
    data = np.asarray(np.random.default_rng(0).gamma(4, 25, (64, 60, 40)) * x, np.float32)
    volume = Volume(data, centred_grid((64, 60, 40), (3.0, 3.0, 3.0)))
    results = []
    for threads in (1, 2, 5):
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
        results.append(correct_bias(volume).data.tobytes())
    assert results[0] == results[1] == results[2]
