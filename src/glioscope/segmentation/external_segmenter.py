"""A program of somebody else's, started by a command, with files in and a label map out."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from glioscope.bundles import Bundle
from glioscope.bundles.external_program import ExternalProgram, read_program
from glioscope.core import (
    GlioscopeError,
    ProcessingFailed,
    Scheme,
    Sequence,
    Volume,
    get_scheme,
    is_image,
    read_labels,
    write_volume,
)
from glioscope.segmentation.external_run import run_program
from glioscope.segmentation.segmenter import Segmentation, Segmenter

__all__ = ["ExternalSegmenter"]


class ExternalSegmenter(Segmenter):
    """Writes the images to a scratch folder, runs the command, and reads the label map that it leaves.

    The command is a list of arguments; no shell reads it. `{t1c}`, `{t1n}`, `{t2w}`, `{t2f}` and `{mask}` become NIfTI files,
    `{out}` the file that it has to write. Programs that read folders, such as the BraTS containers, take `{in_folder}`, which
    holds one exam `CASE/CASE-t1c.nii.gz` …, and `{out_folder}`, in which they leave one NIfTI file. The scratch folder goes
    when the program has ended, however it ended.

    Args:
        bundle: Of kind `external`, as `import_external` writes it.
        device: `cpu` or `cuda`; the program itself decides what it uses.

    Raises:
        InputUnreadable: the bundle's document is wrong.
    """

    devices: ClassVar[tuple[str, ...]] = ("cuda", "cpu")
    margin_mm = None
    outputs = "labels"

    def __init__(self, bundle: Bundle, device: str = "cpu") -> None:
        document = bundle.document
        self.program: ExternalProgram = read_program(bundle)
        self.bundle, self.name, self.title = bundle, bundle.name, str(document["title"])
        self.description = str(document.get("description") or document["title"])
        self.source, self.licence = str(document["source"]), str(document["licence"])
        self.needs = frozenset(Sequence(name) for name in self.program.needs)
        self.scheme: Scheme = get_scheme(self.program.scheme)
        self.regions = bundle.regions
        self.space, self.orientation = self.program.space, self.program.orientation
        super().__init__(device)

    @property
    def identity(self) -> str:  # type: ignore[override]
        """The bundle's checksum; another version of the program under the same command is not noticed."""
        return self.bundle.checksum

    def _run(self, images: Mapping[Sequence, Volume], brain: Volume, earlier: Mapping[str, Volume]) -> Segmentation:
        # A container may leave files of another user behind; that must not hide its result.
        with tempfile.TemporaryDirectory(prefix="glioscope-external-", ignore_cleanup_errors=True) as scratch:
            place = Path(scratch)
            files = self._written(images, brain, place)
            seconds = run_program(self.program.arguments(files), place, self.program.time_limit_s, self.name)
            labels = self._labels(files, brain)
        facts = {
            "bundle": self.bundle.checksum,
            "command": self.program.command[0],
            "exit_code": 0,
            "seconds": round(seconds, 1),
        }
        return Segmentation(brain.with_data(labels), {}, facts)

    def _written(self, images: Mapping[Sequence, Volume], brain: Volume, place: Path) -> dict[str, Path]:
        """Placeholder -> file or folder; only what the command mentions is written."""
        case = self.program.case
        files = {
            **{str(sequence): place / f"{sequence}.nii.gz" for sequence in images},
            "mask": place / "mask.nii.gz",
            "out": place / "result" / "out.nii.gz",
            "in_folder": place / "input",
            "out_folder": place / "output",
        }
        files["out"].parent.mkdir()
        wanted = self.program.placeholders
        for sequence, volume in images.items():
            if str(sequence) in wanted:
                write_volume(files[str(sequence)], volume)
            if "in_folder" in wanted:
                write_volume(files["in_folder"] / case / f"{case}-{sequence}.nii.gz", volume)
        if "mask" in wanted:
            write_volume(files["mask"], brain)
        if "out_folder" in wanted:
            files["out_folder"].mkdir()
            files["out_folder"].chmod(0o777)  # the user inside a container is another one
        return files

    def _labels(self, files: Mapping[str, Path], brain: Volume) -> NDArray[np.uint8]:
        file = self._result(files)
        try:
            found = read_labels(file)
        except GlioscopeError as error:
            raise ProcessingFailed(f"What '{self.name}' wrote is no label map: {error}") from None
        if not found.grid.same_as(brain.grid):
            raise ProcessingFailed(
                f"'{self.name}' wrote a label map on another grid ({_size(found)}, {found.grid.orientation}) than the images "
                f"that it was given ({_size(brain)}, {brain.grid.orientation})."
            )
        strange = sorted(set(np.unique(found.data).tolist()) - {0, *self.scheme.labels})
        if strange:
            raise ProcessingFailed(
                f"'{self.name}' wrote the value {strange[0]}, which scheme '{self.scheme.name}' does not define; "
                "its bundle names the wrong scheme."
            )
        return np.asarray(found.data, np.uint8)

    def _result(self, files: Mapping[str, Path]) -> Path:
        if "out" in self.program.placeholders:
            if not files["out"].is_file():
                raise ProcessingFailed(f"'{self.name}' ended well but did not write '{{out}}'.")
            return files["out"]
        found = sorted(file for file in files["out_folder"].rglob("*") if file.is_file() and is_image(file))
        if len(found) != 1:
            raise ProcessingFailed(f"'{self.name}' left {len(found) or 'no'} images in '{{out_folder}}', not one.")
        return found[0]


def _size(volume: Volume) -> str:
    return " x ".join(map(str, volume.grid.shape))
