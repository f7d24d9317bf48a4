"""Random changes of patches."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glioscope.core import InputUnreadable
from glioscope.training.augmentation import AUGMENTATIONS, build_augmentation, list_augmentations
from glioscope.training.augmentation.seeding import seeded
from glioscope.training.augmentation.warp import Warp, Warper

torch.set_num_threads(1)
SPACING = (1.0, 1.0, 1.0)
Triple = tuple[int, int, int]


def source(size: Triple, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Three channels, the last one missing, and labels 0 to 3 in a brain that leaves a rim outside."""
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(3, *size)).astype(np.float32)
    image[2] = 0
    labels = rng.integers(0, 4, (1, *size)).astype(np.int16)
    labels[:, :2] = -1
    image[:, :2] = 0
    return torch.from_numpy(image), torch.from_numpy(labels)


@pytest.mark.parametrize("name", list(AUGMENTATIONS))
@pytest.mark.parametrize("patch", [(16, 16, 16), (20, 16, 5)])
def test_each_augmentation(name: str, patch: Triple) -> None:
    augmentation = build_augmentation(name, {}, patch, SPACING)
    moved = changed = 0
    for seed in range(25):
        results = []
        for _ in range(2):
            rng = np.random.default_rng(seed)
            warp = augmentation.draw(rng)
            image, labels = source(warp.size)
            before = image.clone()
            results.append(augmentation.apply(image, labels, warp, rng))
            moved += warp.moves
        (image, labels), (again, same_labels) = results
        assert image.shape == (3, *patch)
        assert labels.shape == (1, *patch)
        assert torch.equal(image, again)
        assert torch.equal(labels, same_labels)
        assert set(np.unique(labels).tolist()) <= {-1, 0, 1, 2, 3}
        assert torch.isfinite(image).all()
        assert not image[2].any()  # a sequence that is not there stays so
        assert not image[:, labels[0] < 0].any()  # outside the brain there is nothing
        changed += before.shape != image.shape or not torch.equal(before, image)
    assert (moved > 0) == (name in ("nnunet", "heavy"))
    assert (changed > 10) == (name != "none")


def test_intensities_alone_leave_the_labels() -> None:
    off = {"p_rotation": 0, "p_scaling": 0, "mirror": []}
    augmentation = build_augmentation("nnunet", {**off, "p_gamma": 1, "p_brightness": 1}, (12, 12, 12), SPACING)
    rng = np.random.default_rng(0)
    image, labels = source((12, 12, 12))
    changed, same_labels = augmentation.apply(image.clone(), labels.clone(), augmentation.draw(rng), rng)
    assert torch.equal(labels, same_labels)
    assert not torch.equal(changed, image)


def test_thick_slices_are_turned_within_themselves() -> None:
    augmentation = build_augmentation("nnunet", {"p_rotation": 1, "p_scaling": 1}, (32, 32, 8), SPACING)
    for seed in range(10):
        warp = augmentation.draw(np.random.default_rng(seed))
        assert warp.angles[:2] == (0, 0)
        assert warp.scales[2] == 1
        assert warp.size[2] == 8
    assert build_augmentation("nnunet", {"p_rotation": 1}, (32, 32, 11), SPACING).draw(np.random.default_rng(0)).angles[0] != 0


def test_agunets_rotation_and_translation() -> None:
    given = {"mirror": [0, 1], "degrees": 20, "translation": 0.1, "p_rotation": 1, "p_translation": 1, "scale": 0, "shift": 0}
    augmentation = build_augmentation("light", given, (40, 30, 20), SPACING)
    offsets = []
    for seed in range(40):
        warp = augmentation.draw(np.random.default_rng(seed))
        assert warp.angles[:2] == (0, 0)
        assert abs(warp.angles[2]) <= np.deg2rad(20)
        offsets.append(warp.offset)
    assert np.abs(offsets).max(axis=0).tolist() == [4, 3, 2]


def test_the_size_that_a_warp_reads() -> None:
    assert Warp.of((16, 16, 16)).size == (16, 16, 16)
    quarter = Warp.of((21, 11, 5), (0.0, 0.0, np.pi / 2))
    assert quarter.size == (21, 21, 5)  # 11 turned by a quarter needs 21, and no axis is cut below the patch
    assert Warp.of((11, 11, 11), scales=(2.0, 1.0, 0.5)).size == (21, 11, 11)


@given(
    st.tuples(*[st.floats(-3, 3)] * 3),
    st.tuples(*[st.floats(0.6, 1.6)] * 3),
    st.tuples(*[st.integers(3, 9)] * 3),
)
def test_a_warp_sees_only_what_it_has_read(
    angles: tuple[float, float, float], scales: tuple[float, float, float], patch: Triple
) -> None:
    """Of a volume that is 1 everywhere nothing becomes less than 1: no empty corners."""
    warp = Warp.of(patch, angles, scales)
    assert all((a - b) % 2 == 0 for a, b in zip(warp.size, patch, strict=True))
    image, labels = Warper(patch)(torch.ones(1, *warp.size), torch.ones(1, *warp.size, dtype=torch.int16), warp)
    assert image.shape == (1, *patch)
    assert float(image.min()) > 0.999
    assert int(labels.min()) == 1


def test_a_quarter_turn_and_a_scaling_by_hand() -> None:
    patch = (5, 5, 5)
    warp = Warp.of(patch, (0.0, 0.0, np.pi / 2))
    image = torch.zeros(1, 5, 5, 5)
    image[0, 4, 2, 2] = 1
    labels = image.to(torch.int16)
    turned, turned_labels = Warper(patch)(image, labels, warp)
    place = [int(n) for n in torch.nonzero(turned[0] > 0.99)[0]]
    assert place in ([2, 0, 2], [2, 4, 2])
    assert turned_labels[0][tuple(place)] == 1
    assert int(turned_labels.sum()) == 1
    twice = Warp.of(patch, scales=(2.0, 1.0, 1.0))
    ramp = torch.arange(9.0)[None, :, None, None].expand(1, *twice.size)
    seen, _ = Warper(patch)(ramp, ramp.to(torch.int16), twice)
    assert torch.allclose(seen[0, :, 0, 0], torch.tensor([0.0, 2.0, 4.0, 6.0, 8.0]), atol=1e-4)


def test_seeded_leaves_the_generators_alone() -> None:
    torch.manual_seed(1)
    np.random.seed(1)
    expected = (torch.rand(1).item(), float(np.random.random()))
    torch.manual_seed(1)
    np.random.seed(1)
    with pytest.raises(RuntimeError), seeded(3):
        torch.rand(5)
        np.random.random(5)
        raise RuntimeError
    assert (torch.rand(1).item(), float(np.random.random())) == expected


def test_thick_slices_are_means_of_slabs_with_lines_between() -> None:
    from glioscope.training.augmentation.thick_slices import ThickSlices

    class Along(ThickSlices):
        def get_parameters(self, **data: object) -> dict[str, object]:
            return {**super().get_parameters(**data), "axis": 0, "channels": torch.tensor([True, False])}

    image = torch.tensor([0.0, 4.0, 10.0, 14.0])[None, :, None, None].expand(2, 4, 2, 2).clone()
    done = Along((2.0, 2.0))(image=image)["image"]
    assert done[0, :, 0, 0].tolist() == [2.0, 4.5, 9.5, 12.0]  # slabs of 2 and 12, their middles 2 voxels apart
    assert done[1, :, 1, 1].tolist() == [0.0, 4.0, 10.0, 14.0]


def test_shading_is_a_smooth_field_on_some_channels() -> None:
    from glioscope.training.augmentation.shading import Shading

    done = []
    for seed in range(12):
        torch.manual_seed(seed)
        field = Shading((0.5, 0.5))(image=torch.zeros(4, 9, 9, 9))["image"]
        steps = field.diff(dim=1)
        assert torch.allclose(
            steps[:, :4], steps[:, :1].expand(-1, 4, -1, -1), atol=1e-5
        )  # linear between knots 4 voxels apart
        done += field.std(dim=(1, 2, 3)).tolist()
    assert 12 < sum(sd == 0 for sd in done) < 36
    assert 0.2 < np.mean([sd for sd in done if sd]) < 0.5  # 0.5 at the knots, less between them


def test_wrong_names() -> None:
    with pytest.raises(InputUnreadable, match=r"'augmentation\.name' cannot be 'nnunnet'; did you mean 'nnunet'"):
        build_augmentation("nnunnet", {}, (8, 8, 8), SPACING)
    with pytest.raises(InputUnreadable, match=r"no key 'augmentation.parameters.miror'; did you mean 'mirror'"):
        build_augmentation("light", {"miror": [0]}, (8, 8, 8), SPACING)


def test_listing_imports_no_engine() -> None:
    assert [entry.name for entry in list_augmentations()] == ["none", "light", "nnunet", "heavy"]
    code = "import sys, glioscope.training.augmentation; print({'torch', 'batchgeneratorsv2'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"
