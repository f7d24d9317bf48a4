"""All that the training of one fold needs to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from glioscope.training.machine import Machine
from glioscope.training.recipe_schema import Recipe

if TYPE_CHECKING:
    from glioscope.training.cache import CachedExam
    from glioscope.training.plan import Plan
    from glioscope.training.scorer import Scorer

__all__ = ["FoldFiles", "FoldJob"]


@dataclass(frozen=True)
class FoldFiles:
    """Where the files of a fold, or of one arm of it, lie.

    Attributes:
        folder: `RUN/fold-0`, `RUN/fold-full`, `RUN/fold-0/arm-1` …
    """

    folder: Path

    @property
    def last(self) -> Path:
        """The whole state, to continue from."""
        return self.folder / "last.ckpt"

    @property
    def best(self) -> Path:
        """The weights that did best on the held-out exams."""
        return self.folder / "best.ckpt"

    @property
    def log(self) -> Path:
        """A row an epoch."""
        return self.folder / "log.csv"

    @property
    def curves(self) -> Path:
        """The log as a picture."""
        return self.folder / "curves.png"

    @property
    def validation(self) -> Path:
        """Scores of the best weights on every held-out exam; written when the fold is finished."""
        return self.folder / "validation.json"

    @property
    def predictions(self) -> Path:
        """Folder of the held-out exams' probabilities and scores."""
        return self.folder / "predictions"


@dataclass(frozen=True)
class FoldJob:
    """One fold, or one arm of it.

    Attributes:
        number: The fold's, from 0; it takes part in the seed. -1 for a training on all exams.
        title: Such as `fold 0`.
        run: The run's folder.
        files: Where everything goes.
        recipe: How to train.
        plan: Patch, batch and network for this cohort.
        train: Exams to learn from.
        validation: Held-out exams.
        machine: What to compute on.
        scorer: Scores the held-out exams.
    """

    number: int
    title: str
    run: Path
    files: FoldFiles
    recipe: Recipe
    plan: Plan
    train: Sequence[CachedExam]
    validation: Sequence[CachedExam]
    machine: Machine
    scorer: Scorer

    @property
    def steps(self) -> int:
        """Of the whole training."""
        return self.recipe.training.epochs * self.recipe.training.iterations

    @property
    def label(self) -> str:
        """The name of its folder for files that lie elsewhere."""
        return "-".join(self.files.folder.relative_to(self.run).parts)

    @property
    def seed(self) -> int:
        """Of weights and samples: the recipe's, another one in every fold."""
        return self.recipe.training.seed * 1009 + self.number + 1

    def with_recipe(self, recipe: Recipe, files: FoldFiles, title: str) -> FoldJob:
        """The same fold by another recipe, such as one of the alternatives of `choose`."""
        return replace(self, recipe=recipe, files=files, title=title)
