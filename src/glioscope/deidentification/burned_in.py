"""Text in the pixels: what the header says of it, and where letters are found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["TextLine", "blank", "find_text", "said_to_hold_text"]

SMALLEST, LARGEST = 5, 40
"""Heights of letters, pixels."""
LETTERS = 4
_MARGIN = 3
_THIN = 9
_CONTRAST = 0.35
_STRAIGHT = 1.9
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
        return "it says that text is burned in"
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
    connected pieces; pieces of the size of letters (5 to 40 pixels high) that stand in a row, alike in height and close together,
    four or more, are a line of text.

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


def _in_frame(frame: NDArray[np.float32], number: int) -> list[TextLine]:
    low, high = float(frame.min()), float(frame.max())
    if high <= low:
        return []
    found: list[TextLine] = []
    for mask in _inks(frame, low, high):
        found += [TextLine(number, *_grown(box, frame.shape)) for box in _lines(mask)]
    return _merged(found)


def _inks(frame: NDArray[np.float32], low: float, high: float) -> list[NDArray[np.bool_]]:
    """Candidate strokes: thin and far brighter than what lies around them, or far darker, or of just the highest value."""
    from scipy.ndimage import black_tophat, white_tophat

    range_ = high - low
    masks = [white_tophat(frame, size=_THIN) > _CONTRAST * range_, black_tophat(frame, size=_THIN) > _CONTRAST * range_]
    masks.append(frame >= high - 0.02 * range_)
    return [mask for mask in masks if 0 < mask.mean() < 0.5]


def _lines(mask: NDArray[np.bool_]) -> list[tuple[int, int, int, int]]:
    """Boxes (top, bottom, left, right) of four or more letter-like pieces in a row."""
    from scipy.ndimage import find_objects, label

    pieces, _ = label(mask, structure=np.ones((3, 3)))
    boxes = []
    for number, place in enumerate(find_objects(pieces), 1):
        top, bottom, left, right = place[0].start, place[0].stop, place[1].start, place[1].stop
        tall, wide = bottom - top, right - left
        if SMALLEST <= tall <= LARGEST and wide <= 2 * tall and _stroked(pieces[place] == number):
            boxes.append((top, bottom, left, right))
    lines = []
    while boxes:
        line = [boxes.pop(0)]
        grew = True
        while grew:
            grew = False
            for box in list(boxes):
                if any(_beside(box, other) for other in line):
                    line.append(box)
                    boxes.remove(box)
                    grew = True
        tops, bottoms, lefts, rights = zip(*line, strict=True)
        tall = float(np.median([bottom - top for top, bottom, _, _ in line]))
        if len(line) >= LETTERS and max(bottoms) - min(tops) <= _STRAIGHT * tall:
            lines.append((min(tops), max(bottoms), min(lefts), max(rights)))
    return lines


def _stroked(piece: NDArray[np.bool_]) -> bool:
    """Whether a piece is made of strokes: its widest place is thin beside its height."""
    from scipy.ndimage import distance_transform_cdt

    padded = np.pad(piece, 1)
    return int(distance_transform_cdt(padded, "chessboard").max()) * 2 - 1 <= max(2, 0.34 * piece.shape[0])


def _beside(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    """Whether two letters stand in one line: alike in height, on one base or middle, no more than their height apart."""
    height, tall = one[1] - one[0], other[1] - other[0]
    if not 0.6 <= height / tall <= 1.7:
        return False
    overlap = min(one[1], other[1]) - max(one[0], other[0])
    gap = max(one[2], other[2]) - min(one[3], other[3])
    return overlap >= 0.6 * min(height, tall) and -1 <= gap <= 0.8 * max(height, tall)


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


def _merged(lines: list[TextLine]) -> list[TextLine]:
    """Each rectangle once."""
    return sorted(set(lines), key=lambda line: (line.frame, line.top, line.left))
