"""Against nnU-Net itself, where it is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from glioscope.bundles.import_nnunet import import_nnunet
from glioscope.core import Sequence, Volume
from glioscope.segmentation.bundle_segmenter import BundleSegmenter
from tests.bundles.foreign import write_nnunet


def test_probabilities_equal_those_of_nnunet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        monkeypatch.setenv(name, str(tmp_path))
    module = pytest.importorskip("nnunetv2.inference.predict_from_raw_data")
    torch.set_num_threads(1)
    source = write_nnunet(tmp_path / "in", plan={"spacing": [1.0, 1.0, 1.0], **_RESAMPLING})
    # One window, so weights do not matter; with them nnU-Net rounds logits in the window's corners to whole numbers (float16).
    predictor = module.nnUNetPredictor(device=torch.device("cpu"), allow_tqdm=False, use_gaussian=False)
    predictor.initialize_from_trained_model_folder(str(source), None)
    rng = np.random.default_rng(0)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    images = {s: Volume.of(rng.uniform(1, 9, (10, 8, 6)).astype(np.float32), affine) for s in (Sequence.T2F, Sequence.T1C)}
    stacked = np.stack([v.data.transpose(2, 1, 0) for v in images.values()])
    _, expected = predictor.predict_single_npy_array(stacked, {"spacing": [1.0, 1.0, 1.0]}, None, None, True)
    bundle = import_nnunet(source, tmp_path / "out", name="n")
    segmenter = BundleSegmenter(bundle, backend="torch", precision="fp32")
    found = segmenter.segment(images, Volume.of(np.ones((10, 8, 6), bool), affine))
    for n, region in enumerate(("WT", "TC", "ET")):
        np.testing.assert_allclose(found.probabilities[region].data, expected[n].transpose(2, 1, 0), atol=2e-3)


_RESAMPLING = {
    "data_identifier": "x",
    "preprocessor_name": "DefaultPreprocessor",
    **{f"resampling_fn_{part}": "resample_data_or_seg_to_shape" for part in ("data", "seg", "probabilities")},
    **{
        f"resampling_fn_{part}_kwargs": {"is_seg": part == "seg", "order": 1, "order_z": 0, "force_separate_z": None}
        for part in ("data", "seg", "probabilities")
    },
}
