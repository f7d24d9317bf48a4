"""Why a file does not leave."""

from __future__ import annotations

__all__ = ["Withheld"]


class Withheld(Exception):
    """A file that cannot be made safe; the message is the reason, without any value of the file."""
