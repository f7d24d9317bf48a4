"""Recipes of published systems, one YAML file each, as package data."""
