"""Trials kept on disk while a search runs, so that a killed one goes on where it was."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import glioscope
from glioscope.core import OutputUnwritable
from glioscope.core.files import ensure_folder
from glioscope.postprocessing.search import Search
from glioscope.postprocessing.tuning_case import TuningCase

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import RDBStorage

__all__ = ["Studies"]

_WAIT_S = 60  # for another process that is writing


@dataclass(frozen=True)
class Studies:
    """Finished trials of any number of searches, in an SQLite file of Optuna's.

    A search finds only trials of its own: of the same exams, voxel by voxel, the same score, grid of settings, seed and
    versions of Glioscope and Optuna. The number of trials is not part of that, so more can be asked for later. No name of an
    exam is written.

    Attributes:
        file: The file; made where it is missing.
        score: What is maximised, such as `brats-2023-gli lesion_dice`.
    """

    file: Path
    score: str

    def prepare(self) -> None:
        """Make the file, before the work and before several processes want to; raises OutputUnwritable."""
        ensure_folder(self.file.parent)
        with self._storage():
            pass

    @contextmanager
    def study(self, cases: Sequence[TuningCase], search: Search, seed: int) -> Iterator[Study]:
        """The study of one search, to read its finished trials from and add more to; raises OutputUnwritable."""
        import optuna

        with self._storage() as storage:
            name = self._name(cases, search, seed)
            yield optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)

    @contextmanager
    def _storage(self) -> Iterator[RDBStorage]:
        from optuna.exceptions import StorageInternalError
        from optuna.storages import RDBStorage
        from sqlalchemy.exc import SQLAlchemyError

        storage = None
        try:
            # A connection of our own, since a URL would have to escape what may stand in the name of a folder.
            made = {"creator": lambda: sqlite3.connect(self.file, timeout=_WAIT_S, check_same_thread=False)}
            storage = RDBStorage("sqlite://", engine_kwargs=made)
            yield storage
        except (StorageInternalError, SQLAlchemyError, RuntimeError) as error:
            raise OutputUnwritable(
                f"'{self.file}' cannot be used to keep trials: it is no file of `glioscope tune`, or cannot be written. Name "
                "another one with --storage."
            ) from error
        finally:
            if storage is not None:
                storage.remove_session()
                storage.engine.dispose()

    def _name(self, cases: Sequence[TuningCase], search: Search, seed: int) -> str:
        """A digest of all that the trials depend on."""
        import optuna

        found = hashlib.blake2b(digest_size=16)
        told = (glioscope.__version__, optuna.__version__, self.score, search.scheme.name, search.parameters, seed)
        found.update(repr(told).encode())
        for case in cases:
            found.update(repr((case.id, tuple(map(float, case.spacing)))).encode())
            maps = [(rater, region) for rater in sorted(case.raters) for region in sorted(case.raters[rater])]
            arrays = [case.reference, *(case.raters[rater][region] for rater, region in maps)]
            found.update(repr([maps, [(a.shape, a.dtype.str) for a in arrays]]).encode())
            for array in arrays:
                found.update(np.ascontiguousarray(array).tobytes())
        return found.hexdigest()
