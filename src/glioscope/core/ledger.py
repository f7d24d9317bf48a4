"""Steps that are done once: keyed by what goes in, resumed after a kill, recorded for provenance."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glioscope.core.errors import ProcessingFailed
from glioscope.core.files import atomic, output_errors, sha256, write_json
from glioscope.core.workers import in_working_folder

__all__ = ["Ledger", "Record", "Step"]


@dataclass(frozen=True)
class Step:
    """A pure function from files to files.

    Attributes:
        name: Unique in the ledger; letters, digits, `-` and `_`.
        title: What it is doing, for the progress display.
        function: A module-level function, called as `function(**inputs, **parameters, **outputs)`. It writes every output
            path that it is given, and may return JSON-ready facts about what it found or decided.
        inputs: Argument name -> file, or mapping of files. Their content, not their names, decides whether the step is done.
        parameters: Argument name -> JSON-ready value.
        outputs: Argument name -> file, or mapping of files.
        packages: Distributions whose version changes the result.
    """

    name: str
    title: str
    function: Callable[..., Mapping[str, Any] | None]
    inputs: Mapping[str, Path | Mapping[str, Path]] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Path | Mapping[str, Path]] = field(default_factory=dict)
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Record:
    """What is known of a finished step.

    Attributes:
        facts: What the function returned.
        seconds: How long it took when it ran.
        reused: Whether this run found it done.
    """

    name: str
    key: str
    inputs: Mapping[str, str]
    parameters: Mapping[str, Any]
    versions: Mapping[str, str]
    outputs: Mapping[str, str]
    facts: Mapping[str, Any]
    seconds: float
    reused: bool = False

    def document(self) -> dict[str, Any]:
        """The record as JSON-ready values, `reused` left out."""
        return {k: v for k, v in vars(self).items() if k != "reused"}


def _flat(files: Mapping[str, Path | Mapping[str, Path]]) -> dict[str, Path]:
    """One level: `images.t1c` for a file inside a mapping."""
    flat: dict[str, Path] = {}
    for name, value in files.items():
        if isinstance(value, Mapping):
            flat.update({f"{name}.{inner}": path for inner, path in value.items()})
        else:
            flat[name] = value
    return flat


def _nested(shape: Mapping[str, Path | Mapping[str, Path]], flat: Mapping[str, Path]) -> dict[str, Any]:
    return {
        name: {inner: flat[f"{name}.{inner}"] for inner in value} if isinstance(value, Mapping) else flat[name]
        for name, value in shape.items()
    }


def _execute(step: Step) -> tuple[dict[str, Any], dict[str, str], float]:
    """Run a step: outputs appear all together after the function has returned."""
    started = time.perf_counter()
    outputs = _flat(step.outputs)
    with ExitStack() as stack:
        scratch = {name: stack.enter_context(atomic(path)) for name, path in outputs.items()}
        facts = step.function(**step.inputs, **step.parameters, **_nested(step.outputs, scratch)) or {}
        missing = [name for name, path in scratch.items() if not path.exists()]
        if missing:
            raise ProcessingFailed(f"Step '{step.name}' ended without writing {', '.join(missing)}.")
    checksums = {name: sha256(path) for name, path in outputs.items()}
    return dict(facts), checksums, time.perf_counter() - started


class Ledger:
    """The steps of one exam and whether they are done.

    A step is done when its record holds the key made of its function, parameters, versions and the SHA-256 of its inputs,
    and every output still has the checksum recorded. Otherwise it runs; its record is written last.

    Args:
        folder: Where the records are kept.
        notify: Called with a step before it runs and again with its record when it is done.
    """

    def __init__(self, folder: Path, notify: Callable[[Step, Record | None], None] | None = None) -> None:
        self.folder = folder
        self.records: dict[str, Record] = {}
        self._notify = notify or (lambda step, record: None)
        self._checksums: dict[tuple[Path, int, int], str] = {}

    def run(self, *steps: Step, jobs: int = 1) -> list[Record]:
        """Do the steps that are not done, at most `jobs` at a time (each in a process of its own where `jobs` > 1).

        The steps must not depend on each other. Their order does not change any result.
        """
        keys = {step.name: self._key(step) for step in steps}
        for step in steps:
            done = self._find(step, keys[step.name])
            if done:
                self.records[step.name] = done
        pending = [step for step in steps if step.name not in self.records or self.records[step.name].key != keys[step.name]]
        for step in pending:
            self._notify(step, None)
        if jobs > 1 and len(pending) > 1:
            from joblib import Parallel, delayed

            # Workers that have grown are replaced between batches, as they should be; nobody needs to be told.
            warnings.filterwarnings("ignore", message="A worker stopped while", category=UserWarning)
            results = Parallel(n_jobs=min(jobs, len(pending)), return_as="generator")(
                delayed(in_working_folder(_execute))(step) for step in pending
            )
        else:
            results = (_execute(step) for step in pending)
        for step, (facts, checksums, seconds) in zip(pending, results, strict=True):
            inputs = {name: self._sha256(path) for name, path in _flat(step.inputs).items()}
            record = Record(
                step.name,
                keys[step.name],
                inputs,
                dict(step.parameters),
                self._versions(step),
                checksums,
                facts,
                round(seconds, 3),
            )
            write_json(self._path(step), record.document())
            self.records[step.name] = record
        for step in steps:
            self._notify(step, self.records[step.name])
        return [self.records[step.name] for step in steps]

    def has_read(self, files: Iterable[Path]) -> bool:
        """Whether a step recorded in the folder has read one of `files`, or none is recorded."""
        found = [self._read(path) for path in self.folder.glob("*.json")]
        known = {checksum for record in found if record for checksum in record.inputs.values()}
        return not known or any(self._sha256(file) in known for file in files)

    def _path(self, step: Step) -> Path:
        return self.folder / f"{step.name}.json"

    def _sha256(self, path: Path) -> str:
        with output_errors(path):
            stat = path.stat()
            where = (path, stat.st_mtime_ns, stat.st_size)
            if where not in self._checksums:
                self._checksums[where] = sha256(path)
        return self._checksums[where]

    @staticmethod
    def _versions(step: Step) -> dict[str, str]:
        return {name: importlib.metadata.version(name) for name in ("glioscope", *step.packages)}

    def _key(self, step: Step) -> str:
        content = {
            "function": f"{step.function.__module__}.{step.function.__qualname__}",
            "inputs": {name: self._sha256(path) for name, path in sorted(_flat(step.inputs).items())},
            "parameters": step.parameters,
            "outputs": {name: path.name for name, path in sorted(_flat(step.outputs).items())},
            "versions": self._versions(step),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @staticmethod
    def _read(path: Path) -> Record | None:
        try:
            return Record(**json.loads(path.read_text()), reused=True)
        except (OSError, ValueError, TypeError):
            return None

    def _find(self, step: Step, key: str) -> Record | None:
        record = self._read(self._path(step))
        if record is None or record.key != key:
            return None
        for name, path in _flat(step.outputs).items():
            if not path.is_file() or self._sha256(path) != record.outputs.get(name):
                return None
        return record
