"""`glioscope recipes`: which systems can be trained."""

from __future__ import annotations

from os import PathLike, fspath
from typing import Any

from glioscope.training.recipe import list_recipes, load_recipe

__all__ = ["recipes"]


def recipes(name: str | PathLike[str] | None = None) -> list[dict[str, Any]]:
    """The recipes that come with the package, or one of them in full.

    Args:
        name: Of a recipe, or a YAML file; it is given in full then.

    Raises:
        InputUnreadable: no such recipe, or a file that is none.
    """
    if name is not None:
        return [load_recipe(fspath(name)).document()]
    found = []
    for known in list_recipes():
        recipe = load_recipe(known)
        network = (
            recipe.network.name if recipe.ensemble is None else f"{recipe.ensemble.method} of {len(recipe.ensemble.members)}"
        )
        found.append({"name": recipe.name, "title": recipe.title, "network": network, "source": recipe.source})
    return found
