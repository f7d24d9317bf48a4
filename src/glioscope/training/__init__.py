"""Recipes, and what turns a labelled cohort into samples; importing it imports no engine."""

from __future__ import annotations

from glioscope.training.recipe import arms, list_recipes, load_recipe, recipe_of, with_changes
from glioscope.training.recipe_schema import Recipe

__all__ = ["Recipe", "arms", "list_recipes", "load_recipe", "recipe_of", "with_changes"]
