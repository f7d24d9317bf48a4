"""The command line: what people type and what they see; no arithmetic in it."""

from glioscope.cli.main import app, main

__all__ = ["app", "main"]
