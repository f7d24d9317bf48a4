"""N4 bias field correction, for the copies that registration looks at."""

from __future__ import annotations

import numpy as np

from glioscope.core import Volume
from glioscope.preprocessing.registration.itk_space import orthonormal, to_sitk

__all__ = ["correct_bias"]

WORKING_MM = 6.0


def correct_bias(volume: Volume, mask: Volume | None = None) -> Volume:
    """The volume with its smooth shading divided out (Tustison et al., N4ITK, IEEE TMI 29, 2010).

    The field is estimated on a copy shrunken to about 6 mm and applied at full resolution. Meant for registration copies
    only: N4 takes oedema's FLAIR signal for shading, so images that come out of the pre-processing are never corrected.

    Args:
        volume: Image, not negative where it matters.
        mask: Where to estimate the field; what is brighter than the mean where None.
    """
    import SimpleITK as sitk

    # For N4's inner filters too, which do not ask the filter around them: sums over several threads come in any order.
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    square = orthonormal(volume)
    if square is not volume:
        return volume  # a sheared grid: ITK cannot place it, and registration does without the correction
    shrink = [int(max(1, min(WORKING_MM // s, n // 8))) for s, n in zip(volume.grid.spacing, volume.grid.shape, strict=True)]
    inside = volume.data > volume.data.mean() if mask is None else mask.data > 0
    if not inside.any():
        return volume
    image = to_sitk(volume.with_data(np.clip(volume.data, 0, None)))
    small = sitk.Shrink(image, shrink)
    small_mask = sitk.Shrink(to_sitk(volume.with_data(inside)), shrink)
    if not sitk.GetArrayViewFromImage(small_mask).any():
        return volume
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetNumberOfThreads(1)
    n4.SetMaximumNumberOfIterations([20, 10])
    n4.Execute(small, small_mask)
    field = sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(image)).T
    return volume.with_data((volume.data / np.exp(np.clip(field, -3, 3))).astype(np.float32))
