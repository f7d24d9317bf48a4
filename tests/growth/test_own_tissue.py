"""Tissue from brightness, with a prior that is slightly wrong."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.growth.own_tissue import own_tissue


def test_brightness_corrects_an_atlas_that_lies_beside_the_brain() -> None:
    rng = np.random.default_rng(0)
    truth = np.zeros((30, 20, 20), int)
    truth[10:20], truth[20:] = 1, 2
    image = (np.array([20.0, 60.0, 100.0])[truth] + rng.normal(0, 5, truth.shape)).astype(np.float32)
    shifted = np.roll(truth, 3, axis=0)
    shifted[:3] = 0
    priors = np.stack([shifted == n for n in range(3)]).astype(np.float32)
    brain = np.ones(truth.shape, bool)
    brain[0] = False
    lesion = np.zeros(truth.shape, bool)
    lesion[24:28, 4:8, 4:8] = True
    image[lesion] = 20
    found = own_tissue([image], brain, priors, lesion)
    assert (found.argmax(axis=0) == truth)[brain & ~lesion].mean() > 0.99
    assert found[2][lesion].min() > 0.8
    assert found.sum(axis=0)[brain] == pytest.approx(np.ones(brain.sum()), abs=1e-5)
    assert not found[:, ~brain].any()
    inverted = own_tissue([(200 - image).astype(np.float32)], brain, priors, lesion)
    assert (inverted.argmax(axis=0) == truth)[brain & ~lesion].mean() > 0.99
