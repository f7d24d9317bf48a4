"""When to try again."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Retry"]


@dataclass(frozen=True)
class Retry:
    """Exponential back-off: waits of first, first * 2, first * 4 … seconds, none above `longest`.

    Attributes:
        attempts: How often one thing is tried in all before it is given up.
        first: Seconds before the second attempt.
        longest: Seconds.
    """

    attempts: int = 6
    first: float = 1.0
    longest: float = 300.0

    def wait(self, failures: int, asked: float | None = None) -> float:
        """Seconds to wait after the `failures`-th failure in a row; no less than the server `asked` for, within `longest`."""
        return min(self.longest, max(self.first * 2.0 ** min(failures - 1, 40), asked or 0.0))
