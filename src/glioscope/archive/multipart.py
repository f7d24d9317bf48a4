"""The body of DICOMweb messages (RFC 2387)."""

from __future__ import annotations

import hashlib

__all__ = ["join_part", "only_part"]


def join_part(content: bytes, kind: str = "application/dicom") -> tuple[bytes, str]:
    """A message of one part: its body, and its Content-Type. The boundary is made of the content, so the same in every run."""
    boundary = "glioscope-" + hashlib.sha256(content).hexdigest()
    body = f"--{boundary}\r\nContent-Type: {kind}\r\n\r\n".encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, f'multipart/related; type="{kind}"; boundary={boundary}'


def only_part(body: bytes) -> bytes | None:
    """The one part of a message; None where it has none, or is cut short."""
    start = body.find(b"--")
    line_end = body.find(b"\r\n", start)
    if start < 0 or line_end < 0:
        return None
    boundary = body[start:line_end].rstrip()
    head_end = body.find(b"\r\n\r\n", line_end)
    end = body.find(b"\r\n" + boundary, head_end + 2)
    return body[head_end + 4 : end] if len(boundary) > 2 and 0 <= head_end < end else None
