"""`glioscope bundle`: from trained runs to one folder that segments."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from glioscope.bundles import Bundle, write_bundle
from glioscope.bundles.document import DOCUMENT, FORMAT, check_document
from glioscope.core import InputUnreadable, InvalidImage, OutputUnwritable
from glioscope.core.files import check_folder
from glioscope.postprocessing.search import TUNABLE
from glioscope.training.run_folder import RunFolder
from glioscope.workflows.bundle_card import bundle_document, ensemble_document

__all__ = ["MadeBundle", "bundle"]

METHODS = ("mean", "weighted", "staple")


@dataclass(frozen=True)
class MadeBundle:
    """A bundle that was written.

    Attributes:
        folder: Where.
        bundle: As it was read back.
    """

    folder: Path
    bundle: Bundle

    def document(self) -> dict[str, Any]:
        """JSON-ready."""
        told = self.bundle.document
        return {
            "bundle": str(self.folder),
            "name": self.bundle.name,
            "kind": self.bundle.kind,
            "members": len(told.get("members", ())),
            "postprocess": told.get("postprocess"),
            "validation": (told.get("training") or {}).get("validation"),
        }


def bundle(
    runs: Sequence[str | PathLike[str]],
    out: str | PathLike[str],
    *,
    ensemble: str | None = None,
    name: str | None = None,
    licence: str = "NOASSERTION",
    tune: Sequence[str] | None = None,
    told: Callable[[str], None] = lambda sentence: None,
) -> MadeBundle:
    """Make a bundle of the finished folds of a run, or an ensemble of several runs.

    Thresholds are chosen on the held-out exams of all folds, unless the recipe gives them; so are the weights of a weighted
    ensemble.

    Args:
        runs: Folders that `train` made.
        out: Folder of the bundle; a bundle that is there is replaced.
        ensemble: `mean` or `weighted` of probabilities, or `staple` of label maps; needed for several runs.
        name: What it is called; the recipe's name where None.
        licence: SPDX expression of the weights.
        tune: What of the post-processing is fitted (`thresholds`, `dust`, `small-et`); the recipe says it where None.
        told: Hears what is decided.

    Raises:
        InputUnreadable: a folder is no run, or no fold of it is finished.
        InvalidImage: several runs without a method, an unknown one, or runs that do not fit together.
        OutputUnwritable: the folder cannot be written, or holds something else.
    """
    folders = [RunFolder(Path(run)) for run in runs]
    place = Path(out)
    check_folder(place)
    if place.is_dir() and any(place.iterdir()) and not (place / DOCUMENT).is_file():
        raise OutputUnwritable(f"'{place}' holds something that is no bundle; name another folder.")
    for what in tune or ():
        if what not in TUNABLE:
            raise InvalidImage(f"'{what}' cannot be tuned; {', '.join(TUNABLE)} can.")
    if ensemble is None and len(folders) != 1:
        raise InvalidImage(f"{len(folders)} runs make an ensemble; say how with --ensemble {', '.join(METHODS)}.")
    if ensemble is not None and ensemble not in METHODS:
        raise InvalidImage(f"There is no ensemble method '{ensemble}'; known are {', '.join(METHODS)}.")
    if ensemble is not None and len(folders) < 2:
        raise InvalidImage("An ensemble needs at least two runs.")
    if ensemble is None:
        return _one(folders[0], place, name, licence, tune, told)
    return _several(folders, place, ensemble, name, licence, told)


def _one(
    run: RunFolder, place: Path, name: str | None, licence: str, tune: Sequence[str] | None, told: Callable[[str], None]
) -> MadeBundle:
    from glioscope.training.checkpoint import load_checkpoint

    run.recipe()
    folds = dict(run.finished())
    if not folds:
        raise InputUnreadable(f"No fold of '{run.path}' is finished; `glioscope train` goes on with it.")
    document = bundle_document(run, folds, name, licence, tune, told)
    members = {f"fold-{fold}.safetensors": load_checkpoint(files.best)["network"] for fold, files in folds.items()}
    return MadeBundle(place, write_bundle(place, document, members))


def _several(
    runs: Sequence[RunFolder], place: Path, method: str, name: str | None, licence: str, told: Callable[[str], None]
) -> MadeBundle:
    names: list[str] = []
    for run in runs:
        wanted = run.recipe().name
        names.append(wanted if wanted not in names else f"{wanted}-{sum(n.startswith(wanted) for n in names) + 1}")
    document = ensemble_document(runs, names, method, name, licence, told)
    check_document({"format": FORMAT, **document}, str(place / DOCUMENT))
    new = not place.exists()
    try:
        for run, member in zip(runs, names, strict=True):
            _one(run, place / member, member, licence, None, lambda sentence: None)
        return MadeBundle(place, write_bundle(place, document))
    except BaseException:
        if new:  # members without their ensemble would be in the way of the next attempt
            shutil.rmtree(place, ignore_errors=True)
        raise
