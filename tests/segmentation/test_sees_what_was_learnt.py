"""Issue 4: a bundle's network sees of an exam what it saw of it in training, whatever the grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glioscope.bundles.channels import build_channels, parse_inputs
from glioscope.core import SCHEMES, Grid, Sequence, Volume
from glioscope.segmentation.bundle_segmenter import BundleSegmenter
from glioscope.training.cohort_data import ExamArrays, placed
from glioscope.training.recipe_schema import GridRules
from tests.bundles.toy import document_of, write_toy

pytest.importorskip("torch")
pytest.importorskip("dynamic_network_architectures")

INPUTS = {"channels": ["t1c", "t2f", "t1c-t1n", "pre-t1c", "pre-mask"], "normalisation": "zscore"}


@pytest.mark.parametrize(
    ("spacing", "size"), [((1.0, 1.0, 3.0), None), ((1.5, 1.0, 1.0), None), ((1.0, 1.0, 1.0), (16, 8, 12))]
)
def test_the_same_channels(tmp_path: Path, spacing: tuple[float, float, float], size: tuple[int, int, int] | None) -> None:
    rng = np.random.default_rng(1)
    grid = Grid((14, 17, 9), np.array([[1, 0, 0, 5], [0, 0.9998, -0.06, 2], [0, 0.02, 2.9994, -7], [0, 0, 0, 1.0]]))
    brain = np.zeros(grid.shape, bool)
    brain[2:12, 1:16, 1:7] = True
    images = {s: rng.gamma(2, 50, grid.shape).astype(np.float32) * brain for s in (Sequence.T1C, Sequence.T1N, Sequence.T2F)}
    earlier = {"pre-t1c": rng.gamma(2, 50, grid.shape).astype(np.float32), "pre-mask": rng.random(grid.shape) < 0.6}
    told = {"space": "atlas", "spacing": list(spacing), "orientation": "RAS", **({"size": list(size)} if size else {})}
    document = document_of(inputs=INPUTS, grid=told)
    segmenter = BundleSegmenter(write_toy(tmp_path / "toy", document=document))

    sources = {**{s.value: data for s, data in images.items()}, **{s: data.astype(np.float32) for s, data in earlier.items()}}
    arrays = ExamArrays(sources, brain, brain.astype(np.uint8), grid)
    learnt = placed(arrays, GridRules(size=size), spacing, SCHEMES["brats-2023"])
    channels = build_channels(learnt.images, learnt.brain, segmenter.bundle.inputs)

    box = arrays.box
    part = grid.cropped([s.start for s in box], [s.stop for s in box])
    before = {s: Volume(data[box], part) for s, data in earlier.items()}
    seen, inside, _ = segmenter.seen(
        {s: Volume(data[box], part) for s, data in images.items()}, Volume(brain[box], part), before
    )
    assert parse_inputs(INPUTS).channels == segmenter.bundle.inputs.channels
    np.testing.assert_array_equal(inside, learnt.brain)
    np.testing.assert_array_equal(seen, channels)
