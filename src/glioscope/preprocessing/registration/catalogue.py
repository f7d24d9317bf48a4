"""Which registration engines exist, as data: listing them imports none."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass

from glioscope.core import EngineMissing
from glioscope.preprocessing.registration.engine import Kind, RegistrationEngine

__all__ = ["ENGINES", "EngineEntry", "get_engine"]


@dataclass(frozen=True)
class EngineEntry:
    """One engine.

    Attributes:
        path: `module:class`, imported when it is chosen.
        requires: Import name of the library it needs.
        distribution: That library's name on the package index, whose version decides the result.
        extra: The optional extra that installs it; None for a core dependency.
    """

    name: str
    summary: str
    path: str
    requires: str
    distribution: str
    licence: str
    kinds: tuple[Kind, ...]
    extra: str | None = None

    @property
    def installed(self) -> bool:
        """Whether the library is there."""
        return importlib.util.find_spec(self.requires) is not None


_HERE = "glioscope.preprocessing.registration"
ENGINES = {
    entry.name: entry
    for entry in (
        EngineEntry(
            "ants",
            "ANTs through ANTsPy, the default; the only one with SyN",
            f"{_HERE}.ants:AntsEngine",
            "ants",
            "antspyx",
            "Apache-2.0",
            ("rigid", "affine", "syn", "deformation"),
        ),
        EngineEntry(
            "simpleitk",
            "SimpleITK's registration framework",
            f"{_HERE}.simpleitk:SimpleItkEngine",
            "SimpleITK",
            "SimpleITK",
            "Apache-2.0",
            ("rigid", "affine"),
        ),
        EngineEntry(
            "greedy",
            "Greedy, the engine of the BraTS organisers",
            f"{_HERE}.greedy:GreedyEngine",
            "picsl_greedy",
            "picsl-greedy",
            "GPL-3.0",
            ("rigid", "affine"),
            "greedy",
        ),
    )
}


def get_engine(name: str) -> RegistrationEngine:
    """The engine called `name`, ready to use; raises EngineMissing for an unknown name or a library not installed."""
    entry = ENGINES.get(name)
    if entry is None:
        raise EngineMissing(f"There is no registration engine '{name}'; choose one of {', '.join(ENGINES)}.")
    if not entry.installed:
        wanted = f"glioscope[{entry.extra}]" if entry.extra else entry.distribution
        raise EngineMissing(f"The registration engine '{name}' is not installed; run: pip install '{wanted}'.")
    module, _, attribute = entry.path.partition(":")
    engine: RegistrationEngine = getattr(importlib.import_module(module), attribute)()
    return engine
