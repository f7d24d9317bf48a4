"""A network in training."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from glioscope.losses import build_loss
from glioscope.networks import build_network
from glioscope.training.module import SegmentationModule


def test_the_resolutions_weigh_as_the_network_was_published_with() -> None:
    """AGU-Net's resolutions count alike; they were weighted as those of nnU-Net, the coarsest with 0."""
    network = build_network("agunet", 1, 1, {"features": [2, 4, 4]})
    job: Any = SimpleNamespace(recipe=SimpleNamespace(training=SimpleNamespace(ema=0.0)))
    module = SegmentationModule(job, network, build_loss([{"name": "dice"}]))
    assert module.loss.weights == (1.0, 1.0)
