"""The secret that pseudonyms, new UIDs and shifts of dates are drawn from."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from glioscope.core import InputUnreadable, OutputUnwritable
from glioscope.core.files import output_errors

__all__ = ["SecretKey"]

BYTES = 32


class SecretKey:
    """A key of 256 bits. Whoever has it can tell which pseudonym a known patient got; nobody can go back without the table.

    Everything is drawn by HMAC-SHA256 (RFC 2104) over a purpose and a text, so that draws for two purposes are unrelated.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != BYTES:
            raise ValueError(f"a key has {BYTES} bytes")
        self._key = key

    @classmethod
    def from_file(cls, path: Path) -> SecretKey:
        """Read the key, 64 hexadecimal digits; raises InputUnreadable."""
        try:
            text = path.read_text(encoding="ascii").strip()
            key = bytes.fromhex(text)
        except OSError as error:
            raise InputUnreadable(
                f"The key '{path}' cannot be read ({error.strerror}); name the file that holds it."
            ) from error
        except ValueError as error:
            raise InputUnreadable(
                f"'{path}' is not a key of Glioscope (64 hexadecimal digits); name the right file."
            ) from error
        if len(key) != BYTES:
            raise InputUnreadable(f"'{path}' is not a key of Glioscope (64 hexadecimal digits); name the right file.")
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise InputUnreadable(f"Others may read the key '{path}'; close it with: chmod 600 '{path}'")
        return cls(key)

    @classmethod
    def drawn(cls) -> SecretKey:
        """A new key, in no file yet."""
        return cls(secrets.token_bytes(BYTES))

    @classmethod
    def create(cls, path: Path) -> SecretKey:
        """Draw a new key and `write` it to `path`."""
        key = cls.drawn()
        key.write(path)
        return key

    def write(self, path: Path) -> None:
        """Write the key to `path`, readable by its owner alone; raises OutputUnwritable where one is there."""
        try:
            with output_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                try:
                    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                        stream.write(self._key.hex() + "\n")
                        stream.flush()
                        os.fsync(stream.fileno())
                except OSError:  # half a key would be refused from now on
                    path.unlink(missing_ok=True)
                    raise
        except FileExistsError as error:
            raise OutputUnwritable(f"The key '{path}' is there already; it is not replaced.") from error

    def draw(self, purpose: str, text: str) -> bytes:
        """32 bytes that depend on the key, the purpose and the text."""
        return hmac.new(self._key, f"{purpose}\0{text}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()

    def number(self, purpose: str, text: str, below: int) -> int:
        """A whole number from 0 to `below` - 1."""
        return int.from_bytes(self.draw(purpose, text)) % below

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that tell two keys apart and give neither away."""
        return self.draw("fingerprint", "").hex()[:16]
