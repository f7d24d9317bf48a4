"""A run on disk: what it is, and what it has come to."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

import glioscope
from glioscope.core import InputUnreadable, OutputUnwritable
from glioscope.core.files import read_json, write_json, write_text
from glioscope.training.fold_job import FoldFiles
from glioscope.training.plan import Plan
from glioscope.training.recipe import recipe_of
from glioscope.training.recipe_schema import Recipe

__all__ = ["RunFolder", "source_checksum", "versions"]

_CHANGEABLE = (
    "name",
    "title",
    "source",
    "published",
    "optimiser.lr",
    "optimiser.weight_decay",
    "schedule",
    "inference",
    "postprocess",
    "tune",
    "training.precision",
    "training.clip",
    "training.validate_every",
    "training.patience",
    "training.epochs",
)
"""What may differ when a run goes on: none of it changes the data, the network or what the checkpoint holds."""

_PACKAGES = ("torch", "lightning", "monai", "dynamic-network-architectures", "batchgeneratorsv2", "numpy", "scipy", "nibabel")


@dataclass(frozen=True)
class RunFolder:
    """The files of a run.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def recipe_file(self) -> Path:
        """The recipe in full."""
        return self.path / "recipe.yaml"

    @property
    def plan_file(self) -> Path:
        """Fingerprint and plan."""
        return self.path / "plan.json"

    @property
    def folds_file(self) -> Path:
        """Which exam is in which fold."""
        return self.path / "folds.json"

    @property
    def data_file(self) -> Path:
        """Which exams there are, and where they lie prepared; written last of what is there before training."""
        return self.path / "data.json"

    @property
    def versions_file(self) -> Path:
        """What computed it, a line a sitting."""
        return self.path / "versions.json"

    @property
    def bundle(self) -> Path:
        """The bundle of the folds that are finished."""
        return self.path / "bundle"

    def fold(self, name: str | int) -> FoldFiles:
        """The files of fold `name`: a number, or `full`."""
        return FoldFiles(self.path / f"fold-{name}")

    def finished(self) -> Iterator[tuple[str, FoldFiles]]:
        """Names and files of the folds that have a result, in order."""
        found = [file.parent for file in self.path.glob("fold-*/validation.json")]
        for folder in sorted(found, key=lambda f: (not f.name[5:].isdigit(), int(f.name[5:]) if f.name[5:].isdigit() else 0)):
            yield folder.name.removeprefix("fold-"), FoldFiles(folder)

    def read(self, file: Path, *keys: str) -> dict[str, Any]:
        """One of the JSON files, which has these keys; raises InputUnreadable where it is missing or damaged."""
        try:
            document = read_json(file)
        except FileNotFoundError:
            raise InputUnreadable(f"'{self.path}' is not a run of `glioscope train`: it has no {file.name}.") from None
        except (OSError, ValueError):
            document = None
        if not isinstance(document, dict) or not set(keys) <= document.keys():
            raise InputUnreadable(f"'{file}' is damaged; the run has to be made again.")
        return document

    def plan(self) -> Plan:
        """The plan that the run was begun with; raises InputUnreadable."""
        try:
            return Plan.of_document(self.read(self.plan_file, "plan")["plan"])
        except (KeyError, TypeError, ValueError):
            raise InputUnreadable(f"'{self.plan_file}' is damaged; the run has to be made again.") from None

    def exams(self) -> list[dict[str, Any]]:
        """Name, patient and site of each exam; raises InputUnreadable."""
        found: list[dict[str, Any]] = self.read(self.data_file, "exams")["exams"]
        return found

    def result(self, files: FoldFiles) -> dict[str, Any]:
        """What a finished fold came to; raises InputUnreadable."""
        return self.read(files.validation, "score", "dice", "seen_in_training", "exams")

    def sittings(self) -> list[dict[str, Any]]:
        """What computed the run, sitting by sitting; none where that was lost, which stops nobody."""
        try:
            found = read_json(self.versions_file)
        except (OSError, ValueError):
            return []
        return found if isinstance(found, list) else []

    def recipe(self) -> Recipe:
        """The recipe that the run was begun with; raises InputUnreadable where there is none."""
        if not self.recipe_file.is_file():
            raise InputUnreadable(f"'{self.path}' is not a run of `glioscope train`: it has no recipe.yaml.")
        try:
            return recipe_of(yaml.safe_load(self.recipe_file.read_text("utf-8")))
        except InputUnreadable as error:
            raise InputUnreadable(f"'{self.recipe_file}' is damaged: {error}") from None
        except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, TypeError):
            raise InputUnreadable(f"'{self.recipe_file}' is damaged; the run has to be made again.") from None

    def accept(self, recipe: Recipe) -> list[str]:
        """Whether the run can go on, or begin, with `recipe`; nothing is written.

        Returns:
            A sentence for each key that differs from how the run was begun.

        Raises:
            OutputUnwritable: the folder holds a run that has begun with another recipe.
        """
        told = []
        if self.recipe_file.is_file() and any(self.path.glob("fold-*/**/last.ckpt")):
            before, now = _flat(self.recipe().document()), _flat(recipe.document())
            for key in sorted(before.keys() | now.keys()):
                if before.get(key) == now.get(key):
                    continue
                change = f"{key} is {now.get(key)!r} now and was {before.get(key)!r}"
                if not any(key == free or key.startswith(f"{free}.") for free in _CHANGEABLE):
                    raise OutputUnwritable(f"'{self.path}' holds a run of another recipe ({change}); choose another --out.")
                told.append(f"The run goes on with a change: {change}.")
        return told

    def note_recipe(self, recipe: Recipe) -> None:
        """Write `recipe` down as that of the run."""
        write_text(self.recipe_file, yaml.safe_dump(recipe.document(), sort_keys=False, allow_unicode=True, width=128))

    def note_sitting(self, facts: Mapping[str, Any]) -> None:
        """Add a sitting to `versions.json`, where it differs from the one before."""
        known = self.sittings()
        entry = {**versions(), **facts}
        if not known or known[-1] != entry:
            write_json(self.versions_file, [*known, entry])


def _flat(document: Any, prefix: str = "") -> dict[str, Any]:  # noqa: ANN401
    if isinstance(document, Mapping) and document:
        out = {}
        for key, value in document.items():
            out.update(_flat(value, f"{prefix}.{key}" if prefix else str(key)))
        return out
    return {prefix: list(document) if isinstance(document, Sequence) and not isinstance(document, str) else document}


def versions() -> dict[str, Any]:
    """What computes here: versions of the package and of those that do the work, and the checksum of the package's source."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "glioscope": glioscope.__version__,
        "source_sha256": source_checksum(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": found,
    }


@cache
def source_checksum() -> str:
    """SHA-256 over the package's own Python files and recipes: it tells apart two states of the same version."""
    root = Path(glioscope.__file__).parent
    digest = hashlib.sha256()
    for file in sorted([*root.rglob("*.py"), *root.rglob("*.yaml")]):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
