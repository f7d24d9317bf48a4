"""One case of an evaluation: two files in, scores or a plain reason out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from glioscope.core import (
    GlioscopeError,
    Grid,
    InvalidImage,
    ProcessingFailed,
    Volume,
    convert_labels,
    get_scheme,
    read_labels,
    resample_labels,
)
from glioscope.core.files import of_the_system
from glioscope.evaluation import CaseScores, Protocol, evaluate_pair, get_protocol
from glioscope.workflows.case_pairs import CasePair

__all__ = ["FailedCase", "Reading", "grid_difference", "on_grid", "score_case"]

EVERY_LABEL = tuple(range(1, 256))
"""The region of protocols in which any label is the target."""


@dataclass(frozen=True)
class FailedCase:
    """A case that could not be scored, and why."""

    id: str
    error: GlioscopeError


@dataclass(frozen=True)
class Reading:
    """How label maps are understood.

    Attributes:
        protocol: Name of the rules.
        scheme: Label scheme of protocol `general`.
        prediction_scheme: Scheme the predictions are in; the protocol's where None.
        reference_scheme: Scheme the references are in; the protocol's where None.
        resample: Bring a prediction on another grid to the reference's, instead of refusing it.
        ignore_affine: Compare voxel by voxel whatever the headers say of position; the reference's spacing counts.
    """

    protocol: str
    scheme: str | None = None
    prediction_scheme: str | None = None
    reference_scheme: str | None = None
    resample: bool = False
    ignore_affine: bool = False


def grid_difference(moving: Grid, fixed: Grid) -> str:
    """In a few words, how two grids differ: shape, spacing, orientation or position; empty where they are the same."""
    if moving.same_as(fixed):
        return ""
    if moving.orientation != fixed.orientation:
        return f"orientation {moving.orientation} instead of {fixed.orientation}"
    if moving.shape != fixed.shape:
        return f"{' x '.join(map(str, moving.shape))} voxels instead of {' x '.join(map(str, fixed.shape))}"
    if np.abs(moving.spacing - fixed.spacing).max() > 1e-4:
        sizes = (" x ".join(f"{size:.4g}" for size in grid.spacing) for grid in (moving, fixed))
        return f"voxels of {next(sizes)} mm instead of {next(sizes)} mm"
    corners = np.array([np.zeros(3), np.asarray(fixed.shape) - 1])
    apart = np.linalg.norm(moving.to_world(corners) - fixed.to_world(corners), axis=1).max()
    return f"a position that differs by up to {apart:.3g} mm"


def on_grid(labels: Volume, fixed: Grid, scheme: str, name: str, *, resample: bool, ignore_affine: bool = False) -> Volume:
    """`labels` on the grid `fixed`.

    Flipped or permuted axes are undone exactly; anything else is resampled by region, by volume fraction.

    Args:
        labels: Label map of the named scheme.
        fixed: The grid wanted.
        scheme: Label scheme by which it is resampled.
        name: The file's name, for the sentence that refuses it.
        resample: Without it, another grid is refused.
        ignore_affine: Take equal shapes for equal grids.

    Raises:
        InvalidImage: the grids differ and `resample` is not asked for.
    """
    if labels.grid.same_as(fixed) or (ignore_affine and labels.grid.shape == fixed.shape):
        return Volume(labels.data, fixed)
    if not resample:
        wrong = ", or --ignore-affine where only its header is wrong" if labels.grid.shape == fixed.shape else ""
        raise InvalidImage(f"'{name}' has {grid_difference(labels.grid, fixed)}; use --resample to move it{wrong}.")
    turned = labels.reoriented(fixed.orientation)
    return Volume(turned.data, fixed) if turned.grid.same_as(fixed) else resample_labels(labels, fixed, get_scheme(scheme))


def _read(path: Path, scheme: str | None, protocol: Protocol) -> Volume:
    """The label map of a file in the protocol's scheme; every fault names the file."""
    labels = read_labels(path)
    if EVERY_LABEL in protocol.regions.values():
        return labels.with_data((labels.data > 0).astype(np.uint8))
    try:
        if scheme is not None and scheme != protocol.scheme:
            labels = labels.with_data(convert_labels(labels.data, get_scheme(scheme), get_scheme(protocol.scheme)))
    except InvalidImage as error:
        raise InvalidImage(f"'{path.name}' cannot be taken as {scheme}: {error}") from error
    known = {0, *(protocol.tolerated or ())}.union(*(rules.labels for rules in protocol.rules.values()))
    values = {int(value) for value in np.flatnonzero(np.bincount(labels.data.ravel(order="K")))}
    if protocol.tolerated is not None and (unknown := values - known):
        raise InvalidImage(
            f"'{path.name}' has the value {min(unknown)}, which protocol '{protocol.name}' (labels of {protocol.scheme}) "
            "does not know; say which scheme it is in with --scheme-pred or --scheme-ref."
        )
    return labels


def score_case(pair: CasePair, reading: Reading) -> CaseScores | FailedCase:
    """The scores of one case, or why it has none; never raises for bad input."""
    try:
        return _score(pair, get_protocol(reading.protocol, reading.scheme), reading)
    except GlioscopeError as error:
        return FailedCase(pair.id, error)
    except MemoryError:
        return FailedCase(pair.id, ProcessingFailed(f"There was not enough memory to score '{pair.id}'; use fewer --jobs."))
    except Exception as error:  # a fault of ours: the other cases go on
        kind = type(error).__name__
        fault = GlioscopeError(f"A fault in Glioscope stopped '{pair.id}' ({kind}: {error}); please report it.")
        return FailedCase(pair.id, of_the_system(error) or fault)


def _score(pair: CasePair, protocol: Protocol, reading: Reading) -> CaseScores:
    reference = _read(pair.reference, reading.reference_scheme, protocol)
    files: dict[str, Any] = {"prediction": None, "reference": pair.reference.name}
    if pair.prediction is None:
        predicted = np.zeros_like(reference.data)
    else:
        labels = _read(pair.prediction, reading.prediction_scheme, protocol)
        name = files["prediction"] = pair.prediction.name
        scheme, resample, ignore = protocol.scheme, reading.resample, reading.ignore_affine
        predicted = on_grid(labels, reference.grid, scheme, name, resample=resample, ignore_affine=ignore).data
    spacing = tuple(float(size) for size in reference.grid.spacing)
    scores = evaluate_pair(predicted, reference.data, spacing, protocol, case_id=pair.id)
    return CaseScores(pair.id, scores.regions, {**scores.facts, **pair.facts, **files})
