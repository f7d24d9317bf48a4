"""The command line: what people type and what they see; no arithmetic in it."""

import sys

try:
    from glioscope.cli.main import app, main
except KeyboardInterrupt:  # a second or two of imports
    sys.stderr.write("Interrupted. Nothing was begun.\n")
    sys.exit(130)

__all__ = ["app", "main"]
