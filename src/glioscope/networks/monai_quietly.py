"""MONAI without the telemetry of MLflow."""

from __future__ import annotations

import importlib
import os
from typing import Any

__all__ = ["monai"]


def monai(module: str) -> Any:  # noqa: ANN401
    """The module `monai.MODULE`; raises ImportError where MONAI is not installed.

    MONAI imports MLflow where it finds it, and MLflow decides at its import whether it will report its use: it is told before
    that it must not.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    return importlib.import_module(f"monai.{module}")
