"""Plans for cohorts and budgets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glioscope.core import InvalidImage
from glioscope.training import load_recipe
from glioscope.training.fingerprint import ExamPrint, Fingerprint
from glioscope.training.memory import gibibytes, values_kept
from glioscope.training.plan import Plan, make_plan
from glioscope.training.topology import topology_of

Triple = tuple[int, int, int]


def cohort(
    box: Triple = (136, 175, 142), spacing: tuple[float, float, float] = (1.0, 1.0, 1.0), count: int = 1000
) -> Fingerprint:
    """Exams whose brain has the size that the post-treatment cohort's median has."""
    return Fingerprint((ExamPrint("e", (182, 218, 182), spacing, box, {"t1c": (1.0,)}, {"WT": 10.0}),) * count)


def test_the_published_plans_follow_from_the_published_cohort() -> None:
    """Kim et al., section 2.2: patch and batch of nnU-Net in 8 GB, ResEnc L in 24 GB, ResEnc XL in 40 GB."""
    recipe = load_recipe("nnunet", ["target={kind: labels, scheme: brats-2024-gli, names: [NETC, SNFH, ET, RC]}"])
    plan = make_plan(cohort(), recipe, 8)
    assert (plan.patch, plan.batch) == ((112, 160, 128), 2)
    assert plan.network["strides"][-1] == [1, 2, 2]
    assert plan.memory_gib <= 8
    residual = load_recipe("nnunet", ["network.name=resenc-unet"])
    large, largest = make_plan(cohort(), residual, 24), make_plan(cohort(), residual, 40)
    assert (large.patch, large.batch) == ((160, 192, 160), 3)
    assert (largest.patch, largest.batch) == ((160, 192, 160), 5)
    assert largest.network["n_blocks_per_stage"] == [1, 3, 4, 6, 6, 6]


def test_it_says_why() -> None:
    plan = make_plan(cohort(), load_recipe("nnunet"), 8)
    assert plan.reasons == (
        "Spacing 1 x 1 x 1 mm: the median of 1000 exams.",
        "Patch 112 x 160 x 128: the median brain is 136 x 175 x 142 voxels, cut from 160 x 192 x 160 in proportion to it until "
        "two fit 8 GiB.",
        "Batch 2: the least that is trained with; memory goes to the patch first.",
        "Depth: 6 stages, an axis is halved while 8 voxels are left: 7 x 5 x 4 at the deepest.",
    )


def test_the_recipe_comes_first() -> None:
    recipe = load_recipe("nnunet", ["training.patch=[64, 64, 32]", "training.batch=7", "grid.spacing=[1, 1, 2]"])
    plan = make_plan(cohort(), recipe, 8)
    assert (plan.patch, plan.batch, plan.spacing) == ((64, 64, 32), 7, (1.0, 1.0, 2.0))
    assert plan.network["kernel_sizes"][0] == [3, 3, 1]
    own = make_plan(cohort(), load_recipe("residual-nnunet-b"), 8)
    assert own.network["features_per_stage"] == [32, 64, 128, 256, 320]
    assert own.reasons[-1] == "Depth: the recipe says so."
    assert make_plan(cohort(), load_recipe("residual-agunet-b"), 8).patch == (128, 128, 144)


def test_a_recipe_beyond_the_budget_is_said_so() -> None:
    plan = make_plan(cohort(), load_recipe("gli-2024-resenc-xl"), 8)
    assert plan.patch == (160, 192, 160)
    assert any("more than the budget of 8 GiB" in reason for reason in plan.reasons)
    assert plan.memory_gib > 30


def test_a_small_cohort_has_small_batches() -> None:
    recipe = load_recipe("nnunet", ["training.patch=[32, 32, 32]"])
    voxels = 10 * 136 * 175 * 142
    assert make_plan(cohort(count=10), recipe, 40).batch == round(0.05 * voxels / 32**3)


def test_thick_slices_keep_their_thinner_tenth() -> None:
    exams = [
        ExamPrint(f"e{n}", (256, 256, 24), (0.9, 0.9, mm), (150, 190, 22), {}, {}) for n, mm in enumerate([2.5] + [5.5] * 9)
    ]
    plan = make_plan(Fingerprint(tuple(exams)), load_recipe("nnunet"), 8)
    assert plan.spacing == pytest.approx((0.9, 0.9, np.percentile([2.5] + [5.5] * 9, 10)))
    assert any("10th percentile" in reason for reason in plan.reasons)


def test_networks_with_a_depth_of_their_own() -> None:
    assert make_plan(cohort(), load_recipe("gli-2021-swin-unetr"), 8).network["feature_size"] == 48
    assert make_plan(cohort(), load_recipe("gli-2024-segresnet"), 8).network["patch"] == [112, 160, 128]
    assert make_plan(cohort(), load_recipe("gli-2021-unpooling"), 8).network["features"] == [32, 64, 128, 256, 320, 320]


@settings(max_examples=30)
@given(
    st.tuples(*[st.integers(8, 300)] * 3),
    st.sampled_from([(1.0, 1.0, 1.0), (0.5, 0.5, 1.0), (0.9, 0.9, 5.5), (6.0, 6.0, 6.0)]),
    st.floats(0.5, 80),
)
def test_any_plan_fits_and_can_be_halved(box: Triple, spacing: tuple[float, float, float], budget: float) -> None:
    recipe = load_recipe("nnunet", [f"grid.spacing={list(spacing)}"])
    plan = make_plan(cohort(box, spacing), recipe, budget)
    topology = topology_of(plan.patch, spacing)
    assert all(side % divisor == 0 for side, divisor in zip(plan.patch, topology.divisor, strict=True))
    assert plan.batch >= 2
    values = values_kept(plan.patch, topology, topology.features(32, 320), 3)
    assert gibibytes(values, 2) <= budget
    assert plan.network["strides"] == [list(stride) for stride in topology.strides]


def test_round_trip_and_refusals() -> None:
    plan = make_plan(cohort(), load_recipe("nnunet"), 8)
    assert Plan.of_document(plan.document()) == plan
    with pytest.raises(InvalidImage, match="above 0 GiB"):
        make_plan(cohort(), load_recipe("nnunet"), 0)
    with pytest.raises(InvalidImage, match="hold no two patches"):
        make_plan(cohort(), load_recipe("nnunet"), 1e-6)
