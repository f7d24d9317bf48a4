"""Everything that can go wrong in a way a user can act on: one tree, one exit code a branch, one plain sentence each."""

from __future__ import annotations

__all__ = [
    "AmbiguousExam",
    "EngineMissing",
    "GlioscopeError",
    "InputUnreadable",
    "InvalidImage",
    "MissingSequence",
    "OutputUnwritable",
    "ProcessingFailed",
    "SomeExamsFailed",
    "TransferFailed",
]


class GlioscopeError(Exception):
    """Base of all errors meant for people. `str(error)` is a sentence that names the file, the fault and the remedy."""

    exit_code = 1


class InputUnreadable(GlioscopeError):
    """A file or folder is missing, truncated, unsafe (zip bomb, path outside the archive) or not of a known kind."""

    exit_code = 3


class AmbiguousExam(GlioscopeError):
    """Two readings of an exam are equally good (two T1c candidates, two patients); the sentence lists the choices."""

    exit_code = 4


class MissingSequence(GlioscopeError):
    """The exam lacks a sequence that the chosen segmenter or step needs."""

    exit_code = 5


class InvalidImage(GlioscopeError):
    """A readable image that cannot be an MRI volume: 2-D, 4-D, all zero, not finite, without a usable affine."""

    exit_code = 6


class OutputUnwritable(GlioscopeError):
    """The output folder cannot be written, or the disk is full."""

    exit_code = 7


class EngineMissing(GlioscopeError):
    """An optional engine, its weights, or an atlas is not installed; the sentence says how to install it."""

    exit_code = 8


class ProcessingFailed(GlioscopeError):
    """A step ran and its result is implausible or its engine gave up (registration diverged, empty brain mask)."""

    exit_code = 9


class SomeExamsFailed(GlioscopeError):
    """A cohort was worked through and at least one exam failed; the others are complete."""

    exit_code = 10


class TransferFailed(GlioscopeError):
    """A server is down, slow, full or refuses; what it has not taken is kept, and the same command goes on from there."""

    exit_code = 11
