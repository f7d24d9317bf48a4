"""Brain extraction by deepbet, a small U-Net in two passes; its weights come with its package."""

from __future__ import annotations

import importlib.util
import warnings

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from glioscope.core import EngineMissing, ProcessingFailed, Volume
from glioscope.preprocessing.brain_extraction.extractor import BrainExtractor

__all__ = ["Deepbet"]

THREADS = 2
"""Always as many, so that the mask does not depend on how many cores a machine has."""


class Deepbet(BrainExtractor):
    """deepbet (Fisch et al. 2024, doi:10.1016/j.compbiomed.2024.108845), trained on T1; holds on T1c, T2 and FLAIR too."""

    name = "deepbet"
    distribution = "deepbet"

    def check(self) -> None:
        """Raise EngineMissing where deepbet is not installed."""
        if importlib.util.find_spec("deepbet") is None:
            raise EngineMissing("Brain extraction by deepbet is not installed; run `pip install deepbet`.")

    def _segment(self, volume: Volume) -> NDArray[np.bool_]:
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(THREADS)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from deepbet.bet import BrainExtraction

                image = nib.Nifti1Image(np.ascontiguousarray(volume.data, np.float32), volume.grid.affine)
                _, mask, _ = BrainExtraction(no_gpu=True).run(image)
        except (AssertionError, ValueError, RuntimeError) as error:
            raise ProcessingFailed(f"Brain extraction (deepbet) found no brain in the image ({error}).") from error
        finally:
            torch.set_num_threads(threads)
        return np.asarray(mask.dataobj) > 0
