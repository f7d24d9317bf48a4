"""A NIfTI image with its numbers, and nothing in words."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np

from glioscope.deidentification.withheld import Withheld

__all__ = ["clean_nifti"]

_KEPT = (
    "dim_info",
    "dim",
    "intent_p1",
    "intent_p2",
    "intent_p3",
    "intent_code",
    "datatype",
    "bitpix",
    "slice_start",
    "pixdim",
    "scl_slope",
    "scl_inter",
    "slice_end",
    "slice_code",
    "xyzt_units",
    "cal_max",
    "cal_min",
    "slice_duration",
    "toffset",
    "qform_code",
    "sform_code",
    "quatern_b",
    "quatern_c",
    "quatern_d",
    "qoffset_x",
    "qoffset_y",
    "qoffset_z",
    "srow_x",
    "srow_y",
    "srow_z",
)
"""Numbers alone. Left behind: descrip, aux_file, intent_name, db_name, data_type, extensions, what follows the voxels."""


def clean_nifti(path: Path) -> bytes:
    """A gzip-compressed single-file NIfTI (1 or 2, as it came) with the voxels bit for bit and the numbers of the header.

    The gzip header holds neither a name nor a time. Byte order becomes little-endian.

    Raises:
        Withheld: it cannot be read, or is a pair of files.
    """
    import nibabel as nib

    try:
        image = nib.load(path)
        if not isinstance(image, nib.Nifti1Image | nib.Nifti2Image):
            raise Withheld("of a kind that is not handled")
        old = image.header
        values = np.asanyarray(image.dataobj.get_unscaled())
        new = type(old)(endianness="<")
        for name in _KEPT:
            new[name] = old[name]
        new["scl_slope"], new["scl_inter"] = image.dataobj.slope, image.dataobj.inter  # nibabel clears them in its header
        content = io.BytesIO()
        new["magic"] = old["magic"]
        offset = 352 if new["sizeof_hdr"] == 348 else 544
        new["vox_offset"] = offset
        content.write(new.binaryblock)
        content.write(b"\0" * (offset - content.tell()))
        content.write(np.asarray(values, values.dtype.newbyteorder("<")).tobytes(order="F"))
    except Withheld:
        raise
    except Exception as error:  # a damaged file makes nibabel raise anything
        raise Withheld("damaged") from error
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0, compresslevel=6) as stream:
        stream.write(content.getvalue())
    return packed.getvalue()
