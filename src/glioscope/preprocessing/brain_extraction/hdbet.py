"""Brain extraction by HD-BET, where the user has installed it and put its weights in its folder."""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glioscope.core import EngineMissing, ProcessingFailed, Volume, read_labels, write_volume
from glioscope.preprocessing.brain_extraction.extractor import BrainExtractor

__all__ = ["HdBet"]


class HdBet(BrainExtractor):
    """HD-BET 2 (Isensee et al. 2019, doi:10.1002/hbm.24750), an nnU-Net; minutes without a GPU."""

    name = "hdbet"
    distribution = "HD-BET"

    def check(self) -> None:
        """Raise EngineMissing where HD-BET or its weights are absent; nothing is ever downloaded here."""
        if importlib.util.find_spec("HD_BET") is None:
            raise EngineMissing("Brain extraction by HD-BET is not installed; run `pip install glioscope[hdbet]`.")
        weights = self._weights()
        if not (weights / "fold_all" / "checkpoint_final.pth").is_file():
            raise EngineMissing(
                f"The weights of HD-BET are not in '{weights}'; unpack release_v1.5.0.zip (Zenodo record 14445620) there."
            )

    @staticmethod
    def _weights() -> Path:
        from HD_BET.paths import folder_with_parameter_files

        return Path(folder_with_parameter_files)

    def _segment(self, volume: Volume) -> NDArray[np.bool_]:
        import torch
        from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

        # HD-BET's own wrapper starts a dozen processes and rewires standard output; its network is a plain nnU-Net
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        predictor = nnUNetPredictor(use_mirroring=False, perform_everything_on_device=True, device=device, allow_tqdm=False)
        predictor.initialize_from_trained_model_folder(str(self._weights()), "all")
        with tempfile.TemporaryDirectory(prefix="glioscope-") as scratch:
            image, mask = Path(scratch) / "image.nii.gz", Path(scratch) / "mask.nii.gz"
            write_volume(image, volume)
            predictor.predict_from_files_sequential([[str(image)]], [str(mask)], save_probabilities=False, overwrite=True)
            if not mask.is_file():
                raise ProcessingFailed("Brain extraction (HD-BET) ended without a mask.")
            return read_labels(mask).data > 0
