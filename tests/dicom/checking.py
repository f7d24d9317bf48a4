"""What tools that nobody here wrote say of a DICOM object."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

PRIVATE = "Unrecognized defined term = <99GLIOSCOPE>"
"""It warns of every private code, as it knows the public schemes only."""


def complaints(*files: Path) -> list[str]:
    """Errors and warnings of dciodvfy but PRIVATE; the test is skipped where it is not installed (Debian: dicom3tools)."""
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed")
    found = []
    for file in files:
        done = subprocess.run([program, "-new", str(file)], capture_output=True, text=True, errors="replace", check=False)
        lines = [line for line in done.stderr.splitlines() if not line.endswith(PRIVATE)]
        found += [f"{file.name}: {line}" for line in lines if line.startswith(("Error", "Warning"))]
        assert done.stderr.strip(), "it says which kind of object it read"
    return found
