"""What a step on label maps is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage, Scheme
from glioscope.postprocessing.canvas import Canvas
from glioscope.postprocessing.record import Record
from glioscope.postprocessing.size import Size

__all__ = ["LabelStep"]


def _sizes(document: Any) -> dict[str, Size]:  # noqa: ANN401
    if not isinstance(document, Mapping):
        raise InvalidImage(f'Sizes are written {{"ET": {{"mm3": 50}}}}, not {document!r}.')
    return {str(region): Size.of(size) for region, size in document.items()}


def _plain(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:  # noqa: ANN401
        if type(value) is not kind:
            raise InvalidImage(f"{value!r} stands where a value of kind {kind.__name__} belongs.")
        return value

    return read


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "Size": Size.of,
    "Size | None": lambda document: None if document is None else Size.of(document),
    "Mapping[str, Size]": _sizes,
    "int": _plain(int),
    "bool": _plain(bool),
    "str": _plain(str),
}


@dataclass(frozen=True)
class LabelStep(ABC):
    """One named rule by which a label map is changed.

    A subclass is a frozen dataclass whose fields are its parameters (sizes, numbers, words) and which writes `paint`.
    What lies in no region of the scheme that it names is not touched.
    """

    name: ClassVar[str]

    def apply(
        self, labels: NDArray[np.integer[Any]], scheme: Scheme, voxel_mm3: float = 1.0
    ) -> tuple[NDArray[np.uint8], Record]:
        """The label map changed, and what was changed.

        Args:
            labels: 3-D label map in `scheme`; it is not written to.
            scheme: Numbering and regions.
            voxel_mm3: Volume of a voxel in mm3.

        Raises:
            InvalidImage: the map is not 3-D, has a value that the scheme does not define, or the scheme lacks a region.
        """
        canvas = Canvas(labels, scheme, voxel_mm3)
        self.paint(canvas)
        return canvas.labels, Record(tuple(labels.shape), tuple(canvas.changes))

    @abstractmethod
    def paint(self, canvas: Canvas) -> None:
        """Make the changes on `canvas`."""

    def document(self) -> dict[str, Any]:
        """JSON-ready: `{"step": NAME, parameter: value}`."""

        def ready(value: Any) -> Any:  # noqa: ANN401
            if isinstance(value, Size):
                return value.document()
            if isinstance(value, Mapping):
                return {key: ready(inner) for key, inner in value.items()}
            return value

        return {"step": self.name, **{f.name: ready(getattr(self, f.name)) for f in fields(self)}}

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> LabelStep:
        """The step that `document` wrote, defaults filled in; raises InvalidImage for a parameter that it does not have."""
        known = {str(f.name): str(f.type) for f in fields(cls)}
        given = {key: value for key, value in document.items() if key != "step"}
        for key in given:
            if key not in known:
                raise InvalidImage(f"Step '{cls.name}' has no parameter '{key}'; it has {', '.join(known)}.")
        try:
            return cls(**{key: _READERS[known[key]](value) for key, value in given.items()})
        except TypeError:
            raise InvalidImage(f"Step '{cls.name}' needs {', '.join(known)}.") from None
