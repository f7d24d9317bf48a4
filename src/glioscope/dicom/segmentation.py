"""A label map as a DICOM Segmentation object (PS3.3, A.51) on the frames of its source series."""

from __future__ import annotations

from collections.abc import Sequence as Many
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.dicom.codes import BRAIN, MORPHOLOGY, PRIVATE_SCHEME, Code, Segment
from glioscope.dicom.identifiers import uid_of
from glioscope.dicom.product import DISCLAIMER, MANUFACTURER, MODEL, NO_SERIAL_NUMBER, Algorithm, Place, declare_codes, finished
from glioscope.dicom.quiet import quietly
from glioscope.dicom.source_series import SourceSeries

__all__ = ["concept", "make_segmentation", "tracking_of"]


def concept(code: Code) -> Any:  # noqa: ANN401
    """The coded concept as highdicom has it."""
    from highdicom.sr import CodedConcept

    return CodedConcept(code.value, code.scheme, code.meaning)


def tracking_of(segment: Segment, place: Place) -> tuple[str, str]:
    """Identifier and UID by which a report calls a segment of the object at `place`."""
    return f"Glioscope {segment.name}", uid_of("tracking", place.instance_uid, segment.name)


def make_segmentation(
    frames: NDArray[np.uint8], series: SourceSeries, segments: Many[Segment], algorithm: Algorithm, place: Place, title: str
) -> Any:  # noqa: ANN401
    """The segmentation object: binary, one bit a voxel, frames without any voxel of a segment left out.

    Every frame refers to the source image it lies on and has that image's position. A segment without any voxel is listed all
    the same: it was looked for, and is not there.

    Args:
        frames: Labels of every frame, as `label_frames` gives them.
        series: The source.
        segments: What becomes a segment, from number 1; they may overlap.
        algorithm: What found them.
        place: Series and instance.
        title: Series description, at most 64 characters.

    Returns:
        A `highdicom.seg.Segmentation`.

    Raises:
        ProcessingFailed: the headers of the source do not allow it.
    """
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.color import CIELabColor
    from highdicom.seg import Segmentation, SegmentDescription
    from pydicom.sr.codedict import codes
    from pydicom.uid import ExplicitVRLittleEndian

    with quietly("make the segmentation"):
        family = codes.cid7162.ArtificialIntelligence if algorithm.trained else codes.cid7162.HistogramAnalysis
        identification = AlgorithmIdentificationSequence(
            algorithm.name, family, algorithm.version, MANUFACTURER, dict(algorithm.parameters) or None
        )
        descriptions = [
            SegmentDescription(
                number,
                segment.label,
                concept(MORPHOLOGY),
                concept(segment.type),
                "AUTOMATIC",
                identification,
                tracking_id=tracking_of(segment, place)[0],
                tracking_uid=tracking_of(segment, place)[1],
                anatomic_regions=[concept(BRAIN)],
                display_color=CIELabColor.from_string(segment.colour),
            )
            for number, segment in enumerate(segments, start=1)
        ]
        planes = np.stack([np.isin(frames, segment.values) for segment in segments], axis=-1).astype(np.uint8)
        dataset = Segmentation(
            list(series.images),
            planes,
            "BINARY",
            descriptions,
            place.series_uid,
            place.series_number,
            place.instance_uid,
            1,
            MANUFACTURER,
            MODEL,
            algorithm.version,
            NO_SERIAL_NUMBER,
            content_description=f"{title}. {DISCLAIMER}"[:64],
            content_label="GLIOSCOPE",
            content_creator_name="",
            transfer_syntax_uid=ExplicitVRLittleEndian,
            series_description=title,
            specific_character_set=None,
        )
        if any(segment.type.scheme == PRIVATE_SCHEME for segment in segments):
            declare_codes(dataset)
        return finished(dataset, series, place)
