"""Unique identifiers that are made of what they identify, so that the same result is the same object in the archive."""

from __future__ import annotations

import hashlib
import uuid

__all__ = ["uid_of"]


def uid_of(*parts: str | bytes) -> str:
    """A DICOM UID under the root 2.25 (PS3.5, B.2), from the SHA-256 of `parts` in their order.

    The first 128 bits are marked as a UUID of version 8 (RFC 9562, 5.8), which is what the root 2.25 is for.
    """
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "big") + content)
    number = int.from_bytes(digest.digest()[:16], "big")
    number = number & ~(0xF << 76) | 8 << 76
    number = number & ~(0x3 << 62) | 2 << 62
    return f"2.25.{uuid.UUID(int=number).int}"
