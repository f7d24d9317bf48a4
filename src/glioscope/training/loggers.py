"""TensorBoard and MLflow, both as files below the run's folder; nothing is sent anywhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from glioscope.core import EngineMissing

if TYPE_CHECKING:
    from lightning.pytorch.loggers import Logger

__all__ = ["build_loggers"]


def build_loggers(name: str, run: Path, fold: str) -> list[Logger]:
    """The loggers for one fold.

    Args:
        name: `none`, `tensorboard` (files in `RUN/tensorboard/FOLD`) or `mlflow` (files in `RUN/mlruns`).
        run: The run's folder.
        fold: Such as `fold-0`.

    Raises:
        EngineMissing: the package is not installed.
    """
    if name == "tensorboard":
        from lightning.pytorch.loggers import TensorBoardLogger

        try:
            return [TensorBoardLogger(str(run), name="tensorboard", version=fold)]
        except ModuleNotFoundError:
            raise EngineMissing("Logging to TensorBoard needs a package: pip install 'glioscope[train]'.") from None
    if name == "mlflow":
        # Both before the import: MLflow would report its use otherwise, and warn of stores in files.
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        os.environ["DO_NOT_TRACK"] = "true"
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        from lightning.pytorch.loggers import MLFlowLogger

        try:
            return [MLFlowLogger("glioscope", run_name=fold, tracking_uri=(run / "mlruns").absolute().as_uri())]
        except ModuleNotFoundError:
            raise EngineMissing("Logging to MLflow needs a package: pip install 'glioscope[mlflow]'.") from None
    return []
