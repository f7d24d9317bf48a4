"""Private elements that the standard lists as safe (PS3.15, table E.3.10-1), those of MR: diffusion and scaling."""

from __future__ import annotations

__all__ = ["safe_private_representation"]

_SAFE: dict[str, dict[tuple[int, int], str]] = {
    "SIEMENS MR HEADER": {
        (0x0019, 0x0C): "IS",
        (0x0019, 0x0D): "CS",
        (0x0019, 0x0E): "FD",
        (0x0019, 0x27): "FD",
    },
    "GEMS_ACQU_01": {(0x0019, 0xBB): "DS", (0x0019, 0xBC): "DS", (0x0019, 0xBD): "DS"},
    "GEMS_PARM_01": {(0x0043, 0x39): "IS"},
    "Philips Imaging DD 001": {(0x2001, 0x03): "FL", (0x2001, 0x04): "CS"},
    "Philips MR Imaging DD 001": {
        (0x2005, 0x0D): "FL",
        (0x2005, 0x0E): "FL",
        (0x2005, 0xB0): "FL",
        (0x2005, 0xB1): "FL",
        (0x2005, 0xB2): "FL",
    },
}


def safe_private_representation(creator: str, tag: int) -> str | None:
    """The value representation of a safe private element, None for all others. `creator` is compared to the letter."""
    return _SAFE.get(creator, {}).get((tag >> 16, tag & 0xFF))
