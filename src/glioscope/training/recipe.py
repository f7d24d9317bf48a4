"""Recipes by name or file: read, inherited, changed from the command line, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from glioscope.core import InputUnreadable
from glioscope.training.recipe_checks import check
from glioscope.training.recipe_parsing import document_of, nearest, parse
from glioscope.training.recipe_schema import Recipe

__all__ = ["arms", "list_recipes", "load_recipe", "recipe_of", "with_changes"]

_SUFFIX = ".yaml"
_WHOLE = {"postprocess", "choose", "ensemble"}
"""Sections that are replaced and not merged: half of one and half of another makes no sense."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def list_recipes() -> list[str]:
    """Names of the recipes that come with the package, sorted."""
    folder = files("glioscope.recipes")
    return sorted(entry.name.removesuffix(_SUFFIX) for entry in folder.iterdir() if entry.name.endswith(_SUFFIX))


def load_recipe(name_or_path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of that name, or in that file.

    A file may say `extends: NAME` (a recipe of the package, or a file beside it, that extends none itself): its own keys are
    then merged into that recipe's, table by table; a list is replaced, and so are `postprocess`, `choose` and `ensemble`, and
    the `parameters` of a section whose `name` is another. A published result is not inherited: it belongs to one system.

    Args:
        name_or_path: A name of `list_recipes`, or the path of a YAML file.
        overrides: `key.sub=value`, the value as YAML would read it; `loss.0.weight=2` reaches into a list. What they make is
            another system than the published one: it has no published result, unless they change nothing of the system.

    Raises:
        InputUnreadable: no such recipe, not YAML, or a key or value that is wrong; the sentence names it and what was meant.
    """
    name, document = _inherited(name_or_path)
    plain = document
    try:
        for override in overrides:
            document = _overridden(document, override)
        recipe = recipe_of({**document, "name": name})
        claimed = document.get("published") is not None and document.get("published") == plain.get("published")
        if not claimed or _system(recipe) == _system(recipe_of({**plain, "name": name})):
            return recipe
        return replace(recipe, published=None)
    except InputUnreadable as error:
        raise InputUnreadable(f"Recipe '{name}': {error}") from None


def _system(recipe: Recipe) -> Recipe:
    """The recipe without what a published result does not hang on."""
    training = replace(recipe.training, precision="auto", seed=0)
    return replace(recipe, title="", source="", training=training)


def recipe_of(document: Mapping[str, Any]) -> Recipe:
    """The recipe that `Recipe.document` wrote; raises InputUnreadable for anything else."""
    recipe = parse(Recipe, document)
    check(recipe)
    return recipe


def with_changes(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """The recipe with other values under some dotted keys, such as `{"training.batch": 4}`; raises as `load_recipe`."""
    document = document_of(recipe)
    for key, value in changes.items():
        document = _set(document, key.split("."), value, key)
    return recipe_of(document)


def arms(recipe: Recipe) -> list[Recipe]:
    """One recipe for each combination of the alternatives in `choose`; the recipe itself where it has none."""
    if not recipe.choose:
        return [recipe]
    plain = replace(recipe, choose=None)
    return [with_changes(plain, dict(zip(recipe.choose, values, strict=True))) for values in product(*recipe.choose.values())]


def _inherited(name_or_path: str | Path) -> tuple[str, dict[str, Any]]:
    name, document, folder = _read(name_or_path)
    parent = document.pop("extends", None)
    if parent is None:
        return name, document
    beside = folder / f"{parent}{_SUFFIX}" if folder else None
    _, base, _ = _read(beside if beside and beside.is_file() else str(parent))
    if "extends" in base:
        raise InputUnreadable(f"Recipe '{name}' extends '{parent}', which extends '{base['extends']}'; extend that one.")
    base.pop("published", None)  # what another system reached is no result of this one
    for key in _WHOLE & document.keys():
        base.pop(key, None)
    return name, _merged(base, document)


def _read(name_or_path: str | Path) -> tuple[str, dict[str, Any], Path | None]:
    path = Path(name_or_path)
    if path.is_dir() and str(name_or_path) not in list_recipes():
        raise InputUnreadable(f"'{path}' is a folder; a recipe is a YAML file, or a name of `glioscope recipes`.")
    if path.suffix in (_SUFFIX, ".yml") or path.is_file():
        if not path.is_file():
            raise InputUnreadable(f"'{path}' does not exist or is not a file.")
        text, name, folder = _text(path), path.stem, path.parent
    elif str(name_or_path) in list_recipes():
        name, folder = str(name_or_path), None
        text = files("glioscope.recipes").joinpath(name + _SUFFIX).read_text("utf-8")
    else:
        told = nearest(name_or_path, list_recipes())
        listed = told if told.startswith("did") else "`glioscope recipes` lists those there are."
        raise InputUnreadable(f"There is no recipe '{name_or_path}'; {listed}")
    try:
        document = yaml.load(text, _LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise InputUnreadable(f"'{path.name}' is not YAML{line}; a recipe is.") from None
    if not isinstance(document, dict):
        raise InputUnreadable(f"'{path.name}' is not a recipe: it holds no keys and values.")
    return name, document, folder


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise InputUnreadable(f"'{path.name}' cannot be read ({error.strerror}); check its permissions.") from error
    except UnicodeDecodeError as error:
        raise InputUnreadable(f"'{path.name}' cannot be read as UTF-8 text.") from error


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(base)
    if "name" in changes and changes["name"] != base.get("name"):
        out.pop("parameters", None)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(base.get(key), Mapping)
        out[key] = _merged(out.get(key, {}), value) if both else value
    return out


def _overridden(document: Mapping[str, Any], override: str) -> dict[str, Any]:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise InputUnreadable(f"'{override}' is not of the form key=value, such as training.batch=4.")
    try:
        value = yaml.load(text, _LOADER)
    except yaml.YAMLError:
        raise InputUnreadable(f"The value of '{override}' is not YAML.") from None
    changed: dict[str, Any] = _set(document, key.strip().split("."), value, key.strip())
    return changed


def _set(document: Any, keys: Sequence[str], value: Any, where: str) -> Any:  # noqa: ANN401
    """A copy of `document` with `value` under `keys`; what is no key at all is found when the whole is parsed."""
    head, rest = keys[0], keys[1:]
    if isinstance(document, list | tuple):
        if not head.isdigit() or int(head) >= len(document):
            raise InputUnreadable(f"'{where}' names none of the {len(document)} items of its list, which count from 0.")
        items = list(document)
        items[int(head)] = _set(items[int(head)], rest, value, where) if rest else value
        return items
    if document is not None and not isinstance(document, Mapping):
        raise InputUnreadable(f"'{where}' goes into a value that has no keys of its own.")
    inner = dict(document or {})
    if not rest:
        return _merged(inner, {head: value}) if head == "name" else {**inner, head: value}
    inner[head] = _set(inner.get(head), rest, value, where)
    return inner
