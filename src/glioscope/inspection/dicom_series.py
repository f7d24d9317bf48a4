"""DICOM files grouped into series that are one volume each, judged by their attributes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from glioscope.core import InvalidImage
from glioscope.core.acquisition import acquisition_attributes
from glioscope.core.counting import counted
from glioscope.inspection.attributes import from_attributes
from glioscope.inspection.candidate import Candidate
from glioscope.inspection.dicom_geometry import stack_slices
from glioscope.inspection.dicom_instance import Instance
from glioscope.inspection.names import protocol_words

__all__ = ["damaged_candidates", "series_candidates"]

MIN_SLICES = 8
"""Fewer slices than this are a localiser or a test, whatever they are called."""


def _groups(instances: Iterable[Instance]) -> dict[tuple[object, ...], list[tuple[Instance, int]]]:
    """(instance, frame) by series, plane, matrix, echo and kind of image; a file that is there twice counts once."""
    seen: set[str] = set()
    groups: dict[tuple[object, ...], list[tuple[Instance, int]]] = {}
    for instance in instances:
        if instance.uid in seen:
            continue
        seen.add(instance.uid)
        kinds = tuple(instance.attributes.get("ImageType") or ())[2:4]
        if not instance.frames:
            groups.setdefault((instance.series,), []).append((instance, -1))
        for i, (orientation, _, echo) in enumerate(instance.frames):
            plane = tuple(round(v, 2) + 0.0 for v in orientation)
            groups.setdefault((instance.series, plane, instance.shape, round(echo, 1), kinds), []).append((instance, i))
    return groups


def _name(instance: Instance, part: str) -> str:
    number = instance.attributes.get("SeriesNumber")
    words = protocol_words(str(instance.attributes.get("SeriesDescription") or instance.attributes.get("ProtocolName") or ""))
    return f"series {number if isinstance(number, int) else '?'}" + (f" ({words})" if words else "") + part


def _candidate(members: list[tuple[Instance, int]], part: str) -> Candidate:
    first = members[0][0]
    name = _name(first, part)
    evidence = from_attributes(first.attributes)
    files = tuple(dict.fromkeys(instance.file for instance, _ in members))
    common: dict[str, Any] = {
        "name": name,
        "kind": "dicom",
        "dtype": first.dtype,
        "attributes": acquisition_attributes(first.attributes),
        "sequence": evidence.sequence,
        "confidence": evidence.confidence,
        "reason": evidence.reason,
    }
    if members[0][1] < 0:
        return Candidate(files=files, set_aside=evidence.set_aside or "no position in space", **common)
    frames = [instance.frames[i] for instance, i in members]
    stack = stack_slices(frames[0][0], np.array([f[1] for f in frames]), first.shape, first.spacing)
    if len(files) == len(members):
        files = tuple(members[i][0].file for i in stack.order) if stack.volumes == 1 else files
    aside = evidence.set_aside
    fault: InvalidImage | None = None
    if aside is None and len(stack.order) < MIN_SLICES:
        aside = f"only {counted(len(stack.order), 'slice')}"
    elif aside is None and stack.volumes > 1:
        aside = f"several volumes in one series ({len(members)} images at {counted(len(stack.order), 'position')})"
    elif aside is None and stack.gap:
        fault = InvalidImage(f"{name[0].upper()}{name[1:]} is incomplete: {stack.gap}; export the series again.")
    elif aside is None and stack.grid is None:
        aside = "no usable position in space"
    return Candidate(files=files, grid=stack.grid, set_aside=aside, fault=fault, **common)


def series_candidates(instances: Iterable[Instance], damaged: Iterable[Path] = ()) -> list[Candidate]:
    """One candidate for each volume among the files, in the order of the series numbers."""
    groups = _groups(instances)
    parts: dict[object, int] = {}
    for key in groups:
        parts[key[0]] = parts.get(key[0], 0) + 1
    numbered: dict[object, int] = {}
    out = []
    for key, members in groups.items():
        numbered[key[0]] = numbered.get(key[0], 0) + 1
        part = f", part {numbered[key[0]]} of {parts[key[0]]}" if parts[key[0]] > 1 else ""
        order = members[0][0].attributes.get("SeriesNumber")
        out.append((order if isinstance(order, int) else 10**9, str(members[0][0].file), _candidate(members, part)))
    candidates = [candidate for *_, candidate in sorted(out, key=lambda item: item[:2])]
    return candidates + damaged_candidates(damaged)


def damaged_candidates(files: Iterable[Path]) -> list[Candidate]:
    """Files of which nothing can be used, each with its reason."""
    return [
        Candidate(
            f"damaged file {i}",
            (file,),
            "dicom",
            set_aside="damaged or truncated DICOM file" if os.access(file, os.R_OK) else "file without permission to read it",
        )
        for i, file in enumerate(files, 1)
    ]
