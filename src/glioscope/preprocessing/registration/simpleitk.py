"""SimpleITK's registration framework: no further dependency, rigid and affine."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from glioscope.core import Transform, Volume
from glioscope.preprocessing.registration.engine import Alignment, Kind, RegistrationEngine, affine_alignment
from glioscope.preprocessing.registration.itk_space import from_lps, to_lps, to_sitk

__all__ = ["SimpleItkEngine"]


class SimpleItkEngine(RegistrationEngine):
    """Mattes mutual information with regular-step gradient descent on two levels, one thread."""

    name: ClassVar[str] = "simpleitk"
    kinds: ClassVar[tuple[Kind, ...]] = ("rigid", "affine")

    def _optimise(
        self,
        fixed: Volume,
        moving: Volume,
        kind: Kind,
        start: Transform,
        *,
        mask: Volume | None,
        deform_mask: Volume | None,
        seed: int,
        quick: bool,
    ) -> Alignment:
        import SimpleITK as sitk

        images = to_sitk(fixed), to_sitk(moving)
        centre = fixed.grid.to_world((np.asarray(fixed.grid.shape) - 1) / 2) * [-1, -1, 1]
        found = start
        for step in ("rigid", "affine")[: 1 + (kind == "affine")]:
            transform: Any = sitk.Euler3DTransform() if step == "rigid" else sitk.AffineTransform(3)
            matrix = to_lps(found.matrix)
            transform.SetCenter(centre.tolist())
            transform.SetMatrix(matrix[:3, :3].ravel().tolist())
            transform.SetTranslation((matrix[:3, 3] - centre + matrix[:3, :3] @ centre).tolist())
            method = sitk.ImageRegistrationMethod()
            method.SetNumberOfThreads(1)
            method.SetMetricAsMattesMutualInformation(32)
            method.SetMetricSamplingStrategy(method.RANDOM)
            method.SetMetricSamplingPercentagePerLevel([0.5, 0.2][: 2 - quick], seed + 1)
            if mask is not None:
                method.SetMetricFixedMask(to_sitk(mask.with_data(mask.data > 0)))
            method.SetInterpolator(sitk.sitkLinear)
            method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-3, 120, 0.6, 1e-6)
            method.SetOptimizerScalesFromPhysicalShift()
            method.SetShrinkFactorsPerLevel([4, 2][: 2 - quick])
            method.SetSmoothingSigmasPerLevel([2.0, 1.0][: 2 - quick])
            method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
            method.SetInitialTransform(transform, True)
            method.Execute(*images)
            linear = np.asarray(transform.GetMatrix()).reshape(3, 3)
            found = from_lps(linear, np.asarray(transform.GetTranslation()), centre)
        return affine_alignment(found)
