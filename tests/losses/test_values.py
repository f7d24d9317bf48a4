"""Each loss has the value that its formula has by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.losses.cases import G, P, logits_of, target_of, value


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ({"name": "dice"}, 0.170732),  # 1 - 2 * 1.7 / (2.1 + 2)
        ({"name": "dice", "squared": True}, 0.042254),  # 1 - 3.4 / (1.55 + 2)
        ({"name": "dice", "smooth": 1.0}, 0.137255),  # 1 - 4.4 / 5.1
        ({"name": "bce"}, 0.197635),  # -(ln 0.9 + ln 0.8 + ln 0.7 + ln 0.9) / 4
        ({"name": "ce"}, 0.197635),
        ({"name": "focal"}, 0.010783),  # (0.01 * 0.10536 + 0.04 * 0.22314 + 0.09 * 0.35667 + 0.01 * 0.10536) / 4
        ({"name": "focal", "gamma": 0}, 0.197635),
        ({"name": "focal", "gamma": 0, "alpha": 0.75}, 0.090472),  # (0.75 * 0.32850 + 0.25 * 0.46204) / 4
        ({"name": "topk", "percent": 50}, 0.289909),  # (0.35667 + 0.22314) / 2
        ({"name": "topk", "percent": 1}, 0.356675),  # one voxel at least
        ({"name": "mse"}, 0.0375),  # (0.01 + 0.04 + 0.09 + 0.01) / 4
        ({"name": "tversky"}, 0.162562),  # 1 - 1.7 / (1.7 + 0.3 * 0.4 + 0.7 * 0.3)
        ({"name": "tversky", "alpha": 0.5, "beta": 0.5}, 0.170732),
        ({"name": "generalised-dice"}, 0.170732),
        ({"name": "hausdorff"}, 0.125),  # (0.3 * 1 + 0.1 * 2) / 4
        ({"name": "hausdorff", "mean": 0, "maximum": 1}, 0.3),
        ({"name": "hausdorff", "mean": 0.1, "maximum": 0.01}, 0.0155),
        ({"name": "hausdorff", "alpha": 2, "beta": 2}, 0.0325),  # (0.09 * 1 + 0.01 * 4) / 4
        ({"name": "dice", "weight": 3}, 0.512195),
    ],
)
def test_a_region(term: dict[str, Any], expected: float) -> None:
    assert value(term, logits_of(P), target_of(G)) == pytest.approx(expected, abs=5e-6)


def test_dice_by_exam_and_over_the_batch() -> None:
    logits = torch.cat([logits_of(P), logits_of((0.5, 0.5, 0.5, 0.5))])
    target = torch.cat([target_of(G), target_of((0, 0, 0, 0))])

    assert value({"name": "dice"}, logits, target) == pytest.approx((0.170732 + 1) / 2, abs=5e-6)
    # 1 - 3.4 / (4.1 + 2)
    assert value({"name": "dice", "batch": True}, logits, target) == pytest.approx(0.442623, abs=5e-6)
    # 1 - 1.7 / (1.7 + 0.3 * 2.4 + 0.7 * 0.3)
    assert value({"name": "tversky", "batch": True}, logits, target) == pytest.approx(0.353612, abs=5e-6)


def test_generalised_dice_weighs_by_the_square_of_the_volume() -> None:
    # Weights 1/4 and 1: overlaps 1.7 and 0.5, sizes 4.1 and 2.2; 1 - 2 * 0.925 / 3.225.
    logits = logits_of(P, (0.5, 0.5, 0.1, 0.1))

    assert value({"name": "generalised-dice"}, logits, target_of(G, (1, 0, 0, 0))) == pytest.approx(0.426357, abs=5e-6)


def test_labels() -> None:
    p = torch.tensor([[0.7, 0.3], [0.2, 0.2], [0.1, 0.5]], dtype=torch.float64)
    logits = p.log()[None, :, None, None]
    target = target_of((1, 0), (0, 1), (0, 0))

    assert value({"name": "ce"}, logits, target, "softmax") == pytest.approx(0.983056, abs=5e-6)  # -(ln 0.7 + ln 0.2) / 2
    assert value({"name": "topk", "percent": 50}, logits, target, "softmax") == pytest.approx(1.609438, abs=5e-6)  # -ln 0.2
    # (0.3^2 * 0.356675 + 0.8^2 * 1.609438) / 2
    assert value({"name": "focal"}, logits, target, "softmax") == pytest.approx(0.531070, abs=5e-6)
    # background at 0.25, foreground at 0.75: (0.25 * 0.356675 + 0.75 * 1.609438) / 2
    assert value({"name": "focal", "gamma": 0, "alpha": 0.75}, logits, target, "softmax") == pytest.approx(0.648124, abs=5e-6)
    # without background: 1 - (2 * 0.2 / 1.4 + 0 / 0.6) / 2
    assert value({"name": "dice"}, logits, target, "softmax") == pytest.approx(0.857135, abs=5e-6)
    # (0.09 + 0.09 + 0.04 + 0.64 + 0.01 + 0.25) / 6
    assert value({"name": "mse"}, logits, target, "softmax") == pytest.approx(0.186667, abs=5e-6)


def test_edges_of_a_straight_border() -> None:
    target = torch.zeros(1, 1, 4, 3, 3, dtype=torch.float64)
    target[:, :, 2:] = 1
    nothing = torch.full_like(target, -40)

    # Edges of 16 in the two slices beside the border: 2 / 4 * 16^2.
    assert value({"name": "edge"}, nothing, target) == pytest.approx(128, rel=1e-5)
    assert value({"name": "edge", "normalised": True}, nothing, target) == pytest.approx(1 / 6, rel=1e-5)
    assert value({"name": "edge"}, 80 * target - 40, target) == pytest.approx(0, abs=1e-9)


def test_blobs_count_alike() -> None:
    # Two blobs, 0.2 found beside them: Dice 2 * 0.5 / (0.2 + 0.5 + 1) and 2 * 1.7 / (0.2 + 1.7 + 2).
    logits = logits_of((0.5, 0.2, 0.9, 0.8))

    assert value({"name": "blob"}, logits, target_of((1, 0, 1, 1))) == pytest.approx(0.269985, abs=1e-5)


def test_blob_is_dice_where_there_is_one() -> None:
    assert value({"name": "blob"}, logits_of(P), target_of(G)) == pytest.approx(0.170732, abs=5e-6)


def test_hausdorff_is_the_single_label_loss_for_two_labels() -> None:
    # With beta 2: half the mean of (g - p)^2 times the distance to the border, on either side of it.
    generator = torch.Generator().manual_seed(0)
    foreground = torch.zeros(5, 6, 4, dtype=torch.float64)
    foreground[1:4, 2:5, 1:3] = 1
    target = torch.stack([1 - foreground, foreground])[None]
    logits = torch.randn(1, 2, 5, 6, 4, generator=generator, dtype=torch.float64)
    p = torch.softmax(logits, 1)[0, 1]
    points = {inside: torch.nonzero(foreground == inside).double() for inside in (0, 1)}
    grid = torch.cartesian_prod(*(torch.arange(float(side)) for side in foreground.shape)).double()
    to_other = {inside: torch.cdist(grid, points[1 - inside]).min(1).values.view_as(foreground) for inside in (0, 1)}
    distance = torch.where(foreground == 1, to_other[1], to_other[0])
    single = ((foreground - p) ** 2 * distance).mean()

    assert value({"name": "hausdorff", "beta": 2}, logits, target, "softmax") == pytest.approx(float(single) / 2, rel=1e-6)
