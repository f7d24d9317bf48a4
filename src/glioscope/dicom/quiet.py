"""Silence around libraries whose warnings quote what they read, which may be a patient's name."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from glioscope.core import GlioscopeError, ProcessingFailed

__all__ = ["quietly"]

_TALKERS = ("pydicom", "highdicom")


@contextmanager
def quietly(what: str) -> Iterator[None]:
    """Let nothing be logged or warned, and turn what goes wrong into a sentence without the library's own words.

    Args:
        what: What is done, as the sentence calls it: `make the segmentation`.

    Raises:
        ProcessingFailed: the library refused; the sentence names the kind of error only.
    """
    loggers = [logging.getLogger(name) for name in _TALKERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (GlioscopeError, OSError, MemoryError):
        raise
    except Exception as error:  # its words quote values; so the chain is cut as well
        kind = type(error).__name__
    else:
        kind = ""
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
    if kind:
        raise ProcessingFailed(
            f"The headers of the source series do not allow to {what} ({kind}); have the series checked by dciodvfy."
        ) from None
