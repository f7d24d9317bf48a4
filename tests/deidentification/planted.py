"""Files with a made-up token in every place where somebody's name can hide, written byte by byte, and the search for tokens.

Nothing here uses the writer of a DICOM library, which would refuse much of what is found in the wild.
"""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MR = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
UID_ROOT = "1.2.826.0.1.7777777"
DATE = "19470321"

_TOKEN = re.compile(rb"zwqx\d{5}var|1\.2\.826\.0\.1\.7777777[.\d]*|19470321")
_LONG = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"])


@dataclass
class Tokens:
    """Gives tokens, each once."""

    number: int = 0
    given: set[str] = field(default_factory=set)

    def new(self) -> str:
        self.number += 1
        token = f"zwqx{self.number:05d}var"
        self.given.add(token)
        return token

    def uid(self) -> str:
        self.number += 1
        return f"{UID_ROOT}.{self.number}"


def element(tag: int, vr: str, value: bytes | str, *, implicit: bool = False, order: str = "<") -> bytes:
    """One element; text is padded as its representation wants it."""
    content = value.encode("latin-1") if isinstance(value, str) else value
    content += (b"\0" if vr in ("UI", "OB", "UN") else b" ") * (len(content) % 2)
    head = struct.pack(f"{order}HH", tag >> 16, tag & 0xFFFF)
    if implicit:
        return head + struct.pack(f"{order}I", len(content)) + content
    if vr in _LONG:
        return head + vr.encode() + struct.pack(f"{order}HI", 0, len(content)) + content
    return head + vr.encode() + struct.pack(f"{order}H", len(content)) + content


def sequence(tag: int, *items: Iterable[bytes], defined: bool = True) -> bytes:
    """A sequence in explicit little endian, of defined or undefined length."""
    whole = b""
    for item in items:
        content = b"".join(item)
        if defined:
            whole += struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content
        else:
            whole += struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + content + struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + b"SQ\0\0"
    if defined:
        return head + struct.pack("<I", len(whole)) + whole
    return head + struct.pack("<I", 0xFFFFFFFF) + whole + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def value_for(vr: str, tokens: Tokens) -> bytes | str | None:
    """A token in the form of a representation; text where a number belongs, since a file may hold anything."""
    if vr == "UI":
        return tokens.uid()
    if vr in ("DA", "DT"):
        return DATE
    if vr == "TM":
        return tokens.new()
    token = tokens.new()
    if vr == "CS":
        return token.upper()
    if vr == "PN":
        return f"{token}^{tokens.new()}"
    if vr in ("US", "SS", "OW", "AT", "UL", "SL", "FL", "OF", "OL"):
        return token.encode()  # 12 bytes: six, or three numbers
    if vr in ("FD", "OD", "UV", "SV", "OV"):
        return token.encode() + b"abcd"
    return token


def leaf(tokens: Tokens) -> list[bytes]:
    """A private block, a name, a comment, a number of a wrong representation and an unknown element."""
    return [
        element(0x00090010, "LO", tokens.new()),
        element(0x00091001, "LO", tokens.new()),
        element(0x00100010, "PN", tokens.new()),
        element(0x00104000, "LT", tokens.new()),
        element(0x00180081, "LO", tokens.new()),
        element(0x00189999, "UN", tokens.new()),
    ]


def nested(tokens: Tokens, depth: int = 0) -> list[bytes]:
    """What is planted in an item: a name, a description, a code, a private block, an unknown element, and an item below."""
    inner = [] if depth > 2 else [sequence(0x00081140, nested(tokens, depth + 1), defined=bool(depth % 2))]
    codes = [
        element(0x00080100, "SH", tokens.new()),
        element(0x00080102, "SH", "SCT"),
        element(0x00080104, "LO", tokens.new()),
    ]
    return [
        element(0x00080100, "SH", tokens.new()),
        element(0x00080104, "LO", tokens.new()),
        element(0x0008103E, "LO", f"t1 {tokens.new()}"),
        *inner,
        sequence(0x00082218, codes),
        *leaf(tokens),
    ]


_NOT_PLANTED = frozenset({0x00080005, 0x00080064, 0x00280006, 0x00280008, 0x00280301})
"""The character set, the number of frames, the order of colours, and what would be a reason to withhold the file."""


def every_public_tag(tokens: Tokens, but: Container[int]) -> dict[int, bytes]:
    """An element for each attribute that the standard knows save those in `but`, a token in each."""
    from pydicom._dicom_dict import DicomDictionary

    elements: dict[int, bytes] = {}
    for tag, (representation, *_) in DicomDictionary.items():
        if tag in but or tag in _NOT_PLANTED or tag >> 16 in (0x0000, 0x0002, 0xFFFE, 0x7FE0) or representation == "NONE":
            continue
        vr = representation.split(" or ")[0]
        if vr == "SQ":
            elements[tag] = sequence(tag, leaf(tokens))
        elif (value := value_for(vr, tokens)) is not None:
            elements[tag] = element(tag, vr, value)
    return elements


def base(
    tokens: Tokens,
    *,
    patient: str,
    uid: str,
    rows: int = 16,
    columns: int = 16,
    sop: str = MR,
    series: str = "1",
    image: str = "M",
) -> dict[int, bytes]:
    """The elements that make an MR image."""
    return {
        0x00080008: element(0x00080008, "CS", f"ORIGINAL\\PRIMARY\\{image}"),
        0x00080016: element(0x00080016, "UI", sop),
        0x00080018: element(0x00080018, "UI", uid),
        0x00080060: element(0x00080060, "CS", "MR"),
        0x00080020: element(0x00080020, "DA", DATE),
        0x0008103E: element(0x0008103E, "LO", f"{tokens.new()} t1_se_tra"),
        0x00100010: element(0x00100010, "PN", f"{tokens.new()}^{tokens.new()}"),
        0x00100020: element(0x00100020, "LO", patient),
        0x00100030: element(0x00100030, "DA", DATE),
        0x00180081: element(0x00180081, "DS", "9.5"),
        0x0020000D: element(0x0020000D, "UI", f"{UID_ROOT}.1"),
        0x0020000E: element(0x0020000E, "UI", f"{UID_ROOT}.1.{series}"),
        0x00200013: element(0x00200013, "IS", "1"),
        0x00200052: element(0x00200052, "UI", f"{UID_ROOT}.9"),
        0x00280002: element(0x00280002, "US", struct.pack("<H", 1)),
        0x00280004: element(0x00280004, "CS", "MONOCHROME2"),
        0x00280010: element(0x00280010, "US", struct.pack("<H", rows)),
        0x00280011: element(0x00280011, "US", struct.pack("<H", columns)),
        0x00280100: element(0x00280100, "US", struct.pack("<H", 16)),
        0x00280101: element(0x00280101, "US", struct.pack("<H", 12)),
        0x00280102: element(0x00280102, "US", struct.pack("<H", 11)),
        0x00280103: element(0x00280103, "US", struct.pack("<H", 0)),
    }


def pixels(rows: int = 16, columns: int = 16, shade: int = 3) -> NDArray[np.uint16]:
    """A smooth ramp."""
    i, j = np.indices((rows, columns))
    return np.asarray((i * shade + j * 5) % 4096, "<u2")


def write(
    path: Path, elements: dict[int, bytes], *, tokens: Tokens, syntax: str = EXPLICIT, preamble: bool = True, tail: bytes = b""
) -> Path:
    """A file with tokens in its preamble and its file meta information."""
    meta = [
        element(0x00020001, "OB", b"\0\1"),
        element(0x00020002, "UI", MR),
        element(0x00020003, "UI", f"{UID_ROOT}.5"),
        element(0x00020010, "UI", syntax),
        element(0x00020012, "UI", f"{UID_ROOT}.6"),
        element(0x00020013, "SH", tokens.new()),
        element(0x00020016, "AE", tokens.new()),
        element(0x00020017, "AE", tokens.new()),
        element(0x00020100, "UI", f"{UID_ROOT}.7"),
        element(0x00020102, "OB", tokens.new()),
    ]
    head = b"".join(meta)
    whole = (tokens.new() + " ").encode().ljust(128, b"#") if preamble else b"\0" * 128
    whole += b"DICM" + element(0x00020000, "UL", struct.pack("<I", len(head))) + head
    body = b"".join(elements[tag] for tag in sorted(elements)) + tail
    if syntax == DEFLATED:
        packer = zlib.compressobj(wbits=-15)
        body = packer.compress(body) + packer.flush()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(whole + body)
    return path


def found(folder: Path) -> set[str]:
    """Every token in the names and the bytes of all files below `folder`, unpacked and in any common encoding."""
    tokens: set[str] = set()
    for path in sorted(folder.rglob("*")):
        contents = [path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape")]
        if path.is_file():
            contents.append(path.read_bytes())
        contents += [inner for content in contents[1:] for inner in _unpacked(content)]
        for content in contents:
            tokens |= {match.decode() for form in _forms(content) for match in _TOKEN.findall(form)}
    return tokens


def _unpacked(content: bytes) -> list[bytes]:
    """What gzip or deflate hide."""
    inner = []
    if content[:2] == b"\x1f\x8b":
        inner.append(gzip.decompress(content))
    if content[128:132] == b"DICM" and DEFLATED.encode() in content[:600]:
        (length,) = struct.unpack("<I", content[140:144])
        inner.append(zlib.decompress(content[144 + length :], wbits=-15))
    return inner


def _forms(content: bytes) -> list[bytes]:
    """The bytes in lower case; without zeros, as UTF-16 has them; and with pairs swapped, as big-endian words have them."""
    plain = content.lower()
    even = np.frombuffer(content[: len(content) // 2 * 2], np.uint16).byteswap().tobytes().lower()
    odd = np.frombuffer(content[1 : 1 + (len(content) - 1) // 2 * 2], np.uint16).byteswap().tobytes().lower()
    return [plain, plain.replace(b"\0", b""), even, odd]
