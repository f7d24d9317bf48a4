from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from glioscope.bundles.import_nnunet import import_nnunet
from glioscope.core import InputUnreadable, Sequence, Volume
from glioscope.segmentation.bundle_segmenter import BundleSegmenter
from tests.bundles.foreign import ARCHITECTURE, library_network, write_nnunet


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("older", [False, True])
def test_axes_turn_from_z_y_x_to_x_y_z_and_logits_stay(tmp_path: Path, older: bool) -> None:
    bundle = import_nnunet(write_nnunet(tmp_path / "in", older=older), tmp_path / "out", name="n")
    document = bundle.document
    assert document["inference"] == {"patch": [10, 8, 6], "overlap": 0.5, "mirror": [0, 2]}
    assert document["grid"] == {"space": "atlas", "spacing": [0.5, 1.0, 2.0], "orientation": "LPS"}
    assert document["network"]["parameters"]["strides"] == [[1, 1, 1], [2, 2, 1]]
    assert document["inputs"] == {"channels": ["t2f", "t1c"], "normalisation": "zscore"}
    assert document["target"] == {"kind": "regions", "scheme": "brats-2023", "names": ["WT", "TC", "ET"]}
    image = torch.randn(1, 2, 6, 8, 10)
    with torch.inference_mode():
        theirs, ours = library_network()(image), bundle.network(0)(image.permute(0, 1, 4, 3, 2))
    torch.testing.assert_close(ours.permute(0, 1, 4, 3, 2), theirs, atol=1e-5, rtol=1e-5)


def test_a_plan_that_turned_its_axes_is_turned_back(tmp_path: Path) -> None:
    # Arrays (z, y, x) turned by (1, 2, 0) are (y, x, z).
    bundle = import_nnunet(write_nnunet(tmp_path / "in", turned=[1, 2, 0]), tmp_path / "out", name="n")
    assert bundle.document["inference"]["patch"] == [8, 6, 10]
    assert bundle.document["inference"]["mirror"] == [1, 2]
    image = torch.randn(1, 2, 6, 8, 10)
    with torch.inference_mode():
        theirs, ours = library_network()(image), bundle.network(0)(image.permute(0, 1, 3, 2, 4))
    torch.testing.assert_close(ours.permute(0, 1, 3, 2, 4), theirs, atol=1e-5, rtol=1e-5)


def test_labels_keep_the_order_of_their_values_and_find_a_scheme(tmp_path: Path) -> None:
    labels = {"background": 0, "edema": 2, "NCR": 1, "ET": 3, "resection cavity": 4}
    bundle = import_nnunet(write_nnunet(tmp_path / "in", labels=labels, outputs=5), tmp_path / "out", name="n")
    assert bundle.document["target"] == {"kind": "labels", "scheme": "brats-2024-gli", "names": ["NETC", "SNFH", "ET", "RC"]}


def test_a_segmenter_of_it_answers_as_the_network_does(tmp_path: Path) -> None:
    bundle = import_nnunet(
        write_nnunet(tmp_path / "in", plan={"spacing": [1.0, 1.0, 1.0]}, checkpoint={"inference_allowed_mirroring_axes": None}),
        tmp_path / "out",
        name="n",
    )
    assert bundle.document["inference"]["mirror"] is False
    rng = np.random.default_rng(0)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    images = {s: Volume.of(rng.uniform(1, 9, (10, 8, 6)).astype(np.float32), affine) for s in (Sequence.T2F, Sequence.T1C)}
    brain = Volume.of(np.ones((10, 8, 6), bool), affine)
    found = BundleSegmenter(bundle, backend="torch", precision="fp32").segment(images, brain).probabilities
    stacked = np.stack([(v.data - v.data.mean()) / v.data.std() for v in images.values()])
    with torch.inference_mode():
        logits = library_network()(torch.from_numpy(stacked.transpose(0, 3, 2, 1).astype(np.float32))[None])[0]
    expected = logits.sigmoid().numpy().transpose(0, 3, 2, 1)
    for n, region in enumerate(("WT", "TC", "ET")):
        np.testing.assert_allclose(found[region].data, expected[n], atol=2e-3)  # float16 accumulation


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("never",))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"checkpoint": {"logging": _Evil()}}, "would run code of its own"),
        ({"channels": {"0": "MR1", "1": "MR2"}}, "calls a channel 'MR1'"),
        ({"labels": {"background": 0, "a": 1, "b": 2, "c": 3}, "outputs": 4}, "the labels a, b, c"),
        ({"plan": {"patch_size": [8, 8]}}, "2-D slices"),
        ({"plan": {"previous_stage": "3d_lowres"}}, "import 3d_fullres"),
        ({"plan": {"use_mask_for_norm": [False, False]}}, "use_mask_for_norm is false"),
        ({"plan": {"normalization_schemes": ["CTNormalization"] * 2}}, "'CTNormalization'"),
        (
            {"plan": {"architecture": {"network_class_name": "a.b.MyUNet", "arch_kwargs": ARCHITECTURE}}},
            "asks for the network 'MyUNet'",
        ),
        (
            {"plan": {"architecture": {"network_class_name": "PlainConvUNet", "arch_kwargs": ARCHITECTURE | {"nonlin": "x"}}}},
            "'nonlin: x'",
        ),
        (
            {
                "plan": {
                    "architecture": {
                        "network_class_name": "PlainConvUNet",
                        "arch_kwargs": ARCHITECTURE | {"features_per_stage": [4, 8]},
                    }
                }
            },
            "its description asks for",
        ),
        ({"plan": {"spacing": None}}, "is not laid out as nnU-Net v2 does it"),
    ],
)
def test_what_cannot_be_imported_costs_a_sentence(tmp_path: Path, given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputUnreadable, match=re.escape(sentence)):
        import_nnunet(write_nnunet(tmp_path / "in", **given), tmp_path / "out", name="n")
    assert not (tmp_path / "out").exists()


def test_missing_files_and_folds_are_named(tmp_path: Path) -> None:
    source = write_nnunet(tmp_path / "in")
    with pytest.raises(InputUnreadable, match="no folder 'fold_3'; it has 0"):
        import_nnunet(source, tmp_path / "out", name="n", folds=["3"])
    (source / "fold_0" / "checkpoint_final.pth").unlink()
    with pytest.raises(InputUnreadable, match="no fold with a checkpoint_final"):
        import_nnunet(source, tmp_path / "out", name="n")
    (source / "dataset.json").unlink()
    with pytest.raises(InputUnreadable, match=r"no file 'dataset\.json'"):
        import_nnunet(source, tmp_path / "out", name="n")
