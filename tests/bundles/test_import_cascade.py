from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from glioscope.bundles import read_bundle
from glioscope.bundles.import_cascade import import_cascade
from glioscope.core import InputUnreadable
from tests.bundles.cascade_weights import write_weights


def test_kernels_are_turned_from_depth_height_width_in_out_to_out_in_depth_height_width(tmp_path: Path) -> None:
    source = write_weights(tmp_path / "npz")
    bundle = import_cascade(source, tmp_path / "bundle")
    ours, theirs = load_file(bundle.folder / "tc-sagittal.safetensors"), np.load(source / "msnet_tc32sg_20000.npz")
    assert ours["stage1.0.convolution1.weight"][5, 3, 0, 2, 1] == theirs["block1_1/conv_0/w"][0, 2, 1, 3, 5]
    assert ours["fuse2.convolution.weight"][5, 3, 2, 0, 0] == theirs["fuse2_bn_prelu/conv_/w"][2, 0, 0, 3, 5]
    # A transposed convolution stores its outputs before its inputs, in both.
    assert ours["raise3.0.convolution.weight"][31, 7, 0, 2, 1] == theirs["pred_up3_1_bn_prelu/deconv_/w"][0, 2, 1, 7, 31]
    np.testing.assert_array_equal(ours["stage3.2.activation2.weight"], theirs["block3_3/prelu_acti_1/alpha"])


def test_the_bundle_names_every_view_of_every_stage(tmp_path: Path) -> None:
    import_cascade(write_weights(tmp_path / "npz"), tmp_path / "bundle")
    document = read_bundle(tmp_path / "bundle").document
    assert [(s["region"], s["halvings"], list(s["views"])) for s in document["stages"]] == [
        (region, halvings, ["axial", "sagittal", "coronal"]) for region, halvings in (("WT", 2), ("TC", 2), ("ET", 1))
    ]
    assert len(document["members"]) == 9
    assert document["licence"] == "BSD-3-Clause"


def test_a_missing_file_or_array_costs_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    source = write_weights(tmp_path / "npz", leave_out="final_pred/w")
    with pytest.raises(InputUnreadable, match="lacks 'final_pred/w'"):
        import_cascade(source, tmp_path / "bundle")
    (source / "msnet_wt32_20000.npz").write_bytes(b"no zip")
    with pytest.raises(InputUnreadable, match="not a file of NumPy arrays"):
        import_cascade(source, tmp_path / "bundle")
    (source / "msnet_wt32_20000.npz").unlink()
    with pytest.raises(InputUnreadable, match="no files 'msnet_wt32_"):
        import_cascade(source, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
