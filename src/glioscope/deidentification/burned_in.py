"""Text in the pixels: what the header says of it, and where letters are found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BURNED_IN", "TextLine", "blank", "find_text", "said_to_hold_text"]

BURNED_IN = "it says that text is burned in"
SMALLEST, LARGEST = 5, 40
"""Heights of letters, pixels."""
LETTERS = 5
_MARGIN = 3
_THIN = 9
_CONTRAST = 0.35
_STRAIGHT = 1.9
_SAME_INK = 0.1
_CAPTURES = ("SCREEN SAVE", "SCREEN", "REPORT", "DOSE", "CAPTURE")


@dataclass(frozen=True)
class TextLine:
    """A rectangle of pixels, ends excluded."""

    frame: int
    top: int
    bottom: int
    left: int
    right: int


def said_to_hold_text(dataset: Any) -> str | None:  # noqa: ANN401
    """Why the header makes one expect text in the pixels, None where it does not."""
    if str(dataset.get("BurnedInAnnotation") or "").strip().upper() == "YES":
        return BURNED_IN
    kinds = {str(v).strip().upper() for v in (dataset.get("ImageType") or [])}
    if str(dataset.get("SOPClassUID") or "").startswith("1.2.840.10008.5.1.4.1.1.7"):
        return "a secondary capture"
    if kinds & set(_CAPTURES) or dataset.get("ConversionType"):
        return "a screen capture or scan"
    if str(dataset.get("PhotometricInterpretation") or "").strip().upper() == "RGB":
        return "a colour picture"
    return None


def find_text(frames: NDArray[Any]) -> list[TextLine]:
    """Lines of letters in an image, by their shape: no reading, so that every alphabet counts.

    Letters are thin strokes, far brighter or darker than what lies around them. In each frame such strokes are taken apart into
    connected pieces. Pieces of the size of letters (5 to 40 pixels high) that stand in a row, alike in height and brightness
    and close together, five or more, are a line of text.

    Args:
        frames: (frames, rows, columns), or with a last axis of colours.

    Returns:
        Rectangles, from the first frame to the last. Faint, slanted or hand-drawn writing is missed.
    """
    grey = frames.max(axis=-1) if frames.ndim == 4 else frames
    return [line for number, frame in enumerate(grey) for line in _in_frame(np.asarray(frame, np.float32), number)]


def blank(frames: NDArray[Any], lines: list[TextLine]) -> NDArray[Any]:
    """A copy with the rectangles set to the lowest value of their frame."""
    clean = frames.copy()
    for line in lines:
        part = clean[line.frame]
        part[line.top : line.bottom, line.left : line.right] = part.min()
    return clean


@dataclass(frozen=True)
class _Letter:
    """A piece of the size and thinness of a letter, and the value that it is drawn in (0 to 1 of the frame's range)."""

    top: int
    bottom: int
    left: int
    right: int
    ink: float

    @property
    def height(self) -> int:
        return self.bottom - self.top


def _in_frame(frame: NDArray[np.float32], number: int) -> list[TextLine]:
    from scipy.ndimage import black_tophat, white_tophat

    low, high = float(frame.min()), float(frame.max())
    if high <= low:
        return []
    shade = (frame - low) / (high - low)
    strokes = (
        (shade, white_tophat(shade, size=_THIN) > _CONTRAST),
        (1 - shade, black_tophat(shade, size=_THIN) > _CONTRAST),
        (shade, shade >= 0.98),
    )
    lines = {box for ink, mask in strokes if 0 < mask.mean() < 0.5 for box in _lines(_letters(ink, mask))}
    return [TextLine(number, *_grown(box, frame.shape)) for box in sorted(lines)]


def _letters(ink: NDArray[np.float32], mask: NDArray[np.bool_]) -> list[_Letter]:
    from scipy.ndimage import find_objects, label

    pieces, _ = label(mask, structure=np.ones((3, 3)))
    letters = []
    for number, place in enumerate(find_objects(pieces), 1):
        piece = pieces[place] == number
        tall, wide = piece.shape
        if SMALLEST <= tall <= LARGEST and wide <= 2 * tall and _stroked(piece):
            rows, columns = place
            letters.append(_Letter(rows.start, rows.stop, columns.start, columns.stop, float(ink[place][piece].max())))
    return letters


def _lines(letters: list[_Letter]) -> list[tuple[int, int, int, int]]:
    """Boxes (top, bottom, left, right) of five or more letters in a row."""
    left, lines = list(letters), []
    while left:
        line = [left.pop(0)]
        while more := [letter for letter in left if any(_beside(letter, other) for other in line)]:
            line += more
            left = [letter for letter in left if letter not in more]
        top, bottom = min(letter.top for letter in line), max(letter.bottom for letter in line)
        if len(line) >= LETTERS and bottom - top <= _STRAIGHT * float(np.median([letter.height for letter in line])):
            lines.append((top, bottom, min(letter.left for letter in line), max(letter.right for letter in line)))
    return lines


def _stroked(piece: NDArray[np.bool_]) -> bool:
    """Whether a piece is made of strokes: its widest place is thin beside its height."""
    from scipy.ndimage import distance_transform_cdt

    padded = np.pad(piece, 1)
    return bool(int(distance_transform_cdt(padded, "chessboard").max()) * 2 - 1 <= max(2, 0.34 * piece.shape[0]))


def _beside(one: _Letter, other: _Letter) -> bool:
    """Whether two letters are of one line: alike in height and ink, level, and no more than their height apart."""
    if not 0.6 <= one.height / other.height <= 1.7 or abs(one.ink - other.ink) > _SAME_INK:
        return False
    overlap = min(one.bottom, other.bottom) - max(one.top, other.top)
    gap = max(one.left, other.left) - min(one.right, other.right)
    return overlap >= 0.6 * min(one.height, other.height) and -1 <= gap <= 0.8 * max(one.height, other.height)


def _grown(box: tuple[int, int, int, int], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """A box with a margin: accents, points and short words beside the line belong to it."""
    top, bottom, left, right = box
    beside = bottom - top
    return (
        max(0, top - _MARGIN),
        min(shape[0], bottom + _MARGIN),
        max(0, left - 2 * beside),
        min(shape[1], right + 2 * beside),
    )
