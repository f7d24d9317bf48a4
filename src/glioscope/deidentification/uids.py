"""New UIDs for old."""

from __future__ import annotations

from glioscope.deidentification.secret_key import SecretKey

__all__ = ["is_well_known", "new_uid"]


def is_well_known(uid: str) -> bool:
    """Whether the standard registers `uid` (PS3.6, annex A): a class, a transfer syntax, a coding scheme, never an object."""
    from pydicom._uid_dict import UID_dictionary

    return uid in UID_dictionary


def new_uid(key: SecretKey, uid: str) -> str:
    """The UID that takes the place of `uid`, the same in every file: `2.25.` and a version-8 UUID (PS3.5 B.2, RFC 9562)."""
    number = int.from_bytes(key.draw("uid", uid)[:16])
    number = number & ~(0xF << 76) | (0x8 << 76)  # version
    number = number & ~(0x3 << 62) | (0x2 << 62)  # variant
    return f"2.25.{number}"
