"""What servers do instead of what they are asked."""

from __future__ import annotations

from glioscope.core import GlioscopeError, TransferFailed

__all__ = ["InstanceRefused", "ServerFault"]


class ServerFault(TransferFailed):
    """The server as a whole does not do it now (down, slow, full) or at all (refuses).

    Attributes:
        passing: Whether it may do it later.
        after: Seconds after which the server asked to be called again, or None.
    """

    def __init__(self, sentence: str, *, passing: bool, after: float | None = None) -> None:
        super().__init__(sentence)
        self.passing, self.after = passing, after


class InstanceRefused(GlioscopeError):
    """The server answers, and does not take or give this one instance; others may go. The text is a reason, not a sentence."""
