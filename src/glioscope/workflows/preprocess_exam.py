"""Pre-processing of one exam: from images as they came to images in the atlas and on the native grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from glioscope.core import Exam, Interpolation, Ledger, Prepared, Sequence, Step

__all__ = ["HEADS", "PreprocessOptions", "overview_step", "preprocess_exam"]

HEADS = {"SRI24": ("SRI24-BraTS", "t1"), "MNI152": ("MNI152", "t1")}
"""Atlas space -> the volume with a skull that heads are aligned to."""


@dataclass(frozen=True)
class PreprocessOptions:
    """How an exam is pre-processed; the defaults follow the BraTS convention.

    Attributes:
        atlas: `SRI24` or `MNI152`.
        registration: What brings the reference to the atlas: `ants`, `simpleitk` or `greedy`.
        atlas_transform: How the reference is brought to the atlas: `rigid` keeps the patient's true size, as the BraTS
            exams do; `affine` and `syn` fit the atlas better.
        interpolation: `linear` or `bspline`.
        brain_extraction: `deepbet`, `robex` or `hdbet`.
        deface: Blank the face in the native images.
        skull_strip_native: Blank everything but the brain in the native images.
        normalisation: Also write images normalised by `zscore` or `percentile`.
        seed: Of the registration's sampling.
    """

    atlas: Literal["SRI24", "MNI152"] = "SRI24"
    registration: Literal["ants", "simpleitk", "greedy"] = "ants"
    atlas_transform: Literal["rigid", "affine", "syn"] = "rigid"
    interpolation: Interpolation = "linear"
    brain_extraction: Literal["deepbet", "robex", "hdbet"] = "deepbet"
    deface: bool = False
    skull_strip_native: bool = False
    normalisation: Literal["zscore", "percentile"] | None = None
    seed: int = 0


def preprocess_exam(exam: Exam, out: Path, options: PreprocessOptions, ledger: Ledger, jobs: int = 1) -> Prepared:
    """Pre-process `exam` into `out / exam.folder / "anat"`; what is done already is not done again.

    The transform files follow BIDS: `from-orig_to-SRI24` resamples images of the native space onto the atlas's grid, so it
    maps *atlas* points to *native* points; `from-SRI24_to-orig` brings atlas results home and maps native points to atlas
    points: it is `Prepared.to_native`.

    An exam that came prepared (skull-stripped, on one grid) is used as it is: only a brain mask is written.

    Args:
        exam: One to four sequences.
        out: The output dataset.
        options: Atlas, engines and what to write.
        ledger: Does each step once.
        jobs: Processes at a time; it changes no result.

    Raises:
        EngineMissing: the atlas or an engine is not installed.
        InputUnreadable, InvalidImage: an image cannot be used.
        ProcessingFailed: a registration or the brain extraction gave an implausible result.
        OutputUnwritable: `out` cannot be written.
    """
    if exam.prepared:
        return _Plan(exam, out, options, ledger, jobs).as_it_came()
    return _Plan(exam, out, options, ledger, jobs).whole()


def overview_step(prepared: Prepared, out: Path) -> Step:
    """The picture of the prepared images, by which a person judges pre-processing; nothing else waits for it."""
    from glioscope.preprocessing.overview import draw_overview

    return Step(
        "overview",
        "Drawing the images and the brain mask",
        draw_overview,
        {"images": {s.value: prepared.images[s] for s in Sequence if s in prepared.images}, "mask": prepared.brain_mask},
        {},
        {"output": out / prepared.exam.folder / "report" / "slices.png"},
        ("pillow",),
    )


class _Plan:
    """The steps of one exam, in the order in which they need each other."""

    def __init__(self, exam: Exam, out: Path, options: PreprocessOptions, ledger: Ledger, jobs: int) -> None:
        from glioscope.preprocessing.registration import ENGINES

        self.exam, self.options, self.ledger, self.jobs = exam, options, ledger, jobs
        self.anat = out / exam.folder / "anat"
        self.work = ledger.folder / "work"
        self.others = [s for s in exam.images if s is not exam.reference]
        self.packages = (ENGINES[options.registration].distribution,)

    def _path(self, entities: str, ending: str, sequence: Sequence | None = None) -> Path:
        contrast = f"_ce-{sequence.bids_contrast}" if sequence and sequence.bids_contrast else ""
        return self.anat / f"{self.exam.name}{contrast}_{entities}_{ending}"

    def _image(self, sequence: Sequence, space: str, desc: str = "preproc") -> Path:
        return self._path(f"space-{space}_desc-{desc}", f"{sequence.bids_suffix}.nii.gz", sequence)

    def whole(self) -> Prepared:
        """Everything, for an exam with its skull."""
        from glioscope.atlas import atlas_volume

        space = self.options.atlas
        atlas = atlas_volume(*HEADS[space])
        native_mask = self._path("space-orig_desc-brain", "mask.nii.gz")
        atlas_mask = self._path(f"space-{space}_desc-brain", "mask.nii.gz")
        onto_atlas = self._path(f"from-orig_to-{space}_mode-image", "xfm.h5")
        home = self._path(f"from-{space}_to-orig_mode-image", "xfm.h5")
        self._copies()
        self._brain_and_poses(atlas, native_mask, onto_atlas, home)
        if self.options.atlas_transform == "rigid" or self.others:
            self._refined(atlas, native_mask, onto_atlas, home)
        images, native = self._resampled(atlas, native_mask, atlas_mask, onto_atlas)
        prepared = Prepared(self.exam, space, images, atlas_mask, native, native_mask, home, onto_atlas)
        self._finish(prepared)
        return prepared

    def as_it_came(self) -> Prepared:
        """A mask and a picture, for an exam that is skull-stripped on one grid already."""
        from glioscope.preprocessing.steps import union_mask

        mask = self._path("space-orig_desc-brain", "mask.nii.gz")
        images = {s.value: p for s, p in self.exam.images.items()}
        self.ledger.run(Step("brain", "Taking the brain mask", union_mask, {"images": images}, {}, {"mask": mask}))
        prepared = Prepared(self.exam, "orig", dict(self.exam.images), mask, dict(self.exam.images), mask, None)
        self._finish(prepared)
        return prepared

    def _copies(self) -> None:
        from glioscope.preprocessing.steps import make_registration_copy

        copies = [
            Step(
                f"bias-{s}",
                f"Correcting the shading of {s.display_name} for registration",
                make_registration_copy,
                {"image": self.exam.images[s]},
                {},
                {"copy": self._copy(s)},
                ("SimpleITK",),
            )
            for s in self.exam.images
        ]
        self.ledger.run(*copies, jobs=self.jobs)

    def _copy(self, sequence: Sequence) -> Path:
        return self.work / f"{sequence}-unshaded.nii.gz"

    def _to_reference(self, sequence: Sequence) -> Path:
        return self.work / f"{self.exam.reference}-to-{sequence}.h5"

    def _brain_and_poses(self, atlas: Path, native_mask: Path, onto_atlas: Path, home: Path) -> None:
        """The brain, and beside it each image to the reference and that to the atlas, roughly where they will be refined."""
        from glioscope.preprocessing.steps import align_to_atlas, align_to_reference, find_brain_mask

        brain = Step(
            "brain",
            "Finding the brain",
            find_brain_mask,
            {"image": self.exam.images[self.exam.reference]},
            {"engine": self.options.brain_extraction},
            {"mask": native_mask},
        )
        reference = self._copy(self.exam.reference)
        rigid = self.options.atlas_transform == "rigid"
        to_atlas = Step(
            "register-atlas",
            f"Aligning {self.exam.reference.display_name} to {self.options.atlas}",
            align_to_atlas,
            {"atlas": atlas, "reference": reference},
            {"engine": self.options.registration, "seed": self.options.seed, "kind": self.options.atlas_transform},
            self._rough_poses() if rigid else {"forward": onto_atlas, "backward": home},
            self.packages,
        )
        to_reference = [
            Step(
                f"register-{s}",
                f"Aligning {s.display_name} to {self.exam.reference.display_name}",
                align_to_reference,
                {"reference": reference, "moving": self._copy(s)},
                {"seed": self.options.seed},
                {"transform": self._rough(s.value)},
                ("numpy", "scipy"),
            )
            for s in self.others
        ]
        self.ledger.run(brain, to_atlas, *to_reference, jobs=self.jobs)  # the longest first

    def _refined(self, atlas: Path, native_mask: Path, onto_atlas: Path, home: Path) -> None:
        from glioscope.preprocessing.steps import refine_poses

        rigid = self.options.atlas_transform == "rigid"
        together = Step(
            "refine",
            "Refining the alignment of all images together",
            refine_poses,
            {
                "atlas": atlas,
                "reference": self._copy(self.exam.reference),
                "mask": native_mask,
                "others": {s.value: self._copy(s) for s in self.others},
                "starts": {s.value: self._rough(s.value) for s in self.others},
                "pose": {"forward": self._rough_poses()["forward"]} if rigid else {},
            },
            {"seed": self.options.seed},
            {
                "transforms": {s.value: self._to_reference(s) for s in self.others},
                "onto": {"forward": onto_atlas, "backward": home} if rigid else {},
            },
            ("numpy", "scipy"),
        )
        self.ledger.run(together)

    def _rough_poses(self) -> dict[str, Path]:
        return {"forward": self._rough("atlas"), "backward": self._rough("home")}

    def _rough(self, name: str) -> Path:
        return self.work / f"rough-{name}.h5"

    def _hidden(self, native_mask: Path) -> dict[str, Path]:
        """What to hide in native images."""
        from glioscope.preprocessing.steps import face_mask

        hidden = {"brain": native_mask} if self.options.skull_strip_native else {}
        if self.options.deface:
            hidden["face"] = self._path("space-orig_desc-face", "mask.nii.gz")
            inputs = {"image": self.exam.images[self.exam.reference], "mask": native_mask}
            self.ledger.run(Step("face", "Finding the face", face_mask, inputs, {}, {"output": hidden["face"]}))
        return hidden

    def _resampled(
        self, atlas: Path, native_mask: Path, atlas_mask: Path, onto_atlas: Path
    ) -> tuple[dict[Sequence, Path], dict[Sequence, Path]]:
        """The native images, and beside them the mask's way to the atlas; then the images there, within that mask."""
        from glioscope.preprocessing.steps import carry_mask, resample_image

        space = self.options.atlas
        images = {s: self._image(s, space) for s in self.exam.images}
        native = {s: self._image(s, "orig") for s in self.exam.images}
        reference, hidden = self.exam.images[self.exam.reference], self._hidden(native_mask)

        def resampling(
            s: Sequence, name: str, grid: Path, way: Mapping[str, Path], hide: Mapping[str, Path], out: Path
        ) -> Step:
            transforms = {**way, **({} if s is self.exam.reference else {"2": self._to_reference(s)})}
            return Step(
                f"resample-{s}-{name}",
                f"Resampling {s.display_name} to {name}",
                resample_image,
                {"image": self.exam.images[s], "grid": grid, "transforms": transforms, "hide": dict(hide)},
                {"interpolation": self.options.interpolation},
                {"output": out},
            )

        carried = Step(
            "brain-atlas",
            f"Carrying the brain mask to {space}",
            carry_mask,
            {"mask": native_mask, "grid": atlas, "transform": onto_atlas},
            {},
            {"output": atlas_mask},
        )
        at_home = [resampling(s, "orig", reference, {}, hidden, native[s]) for s in native]
        self.ledger.run(carried, *at_home, jobs=self.jobs)
        there = [resampling(s, space, atlas, {"1": onto_atlas}, {"brain": atlas_mask}, images[s]) for s in images]
        self.ledger.run(*there, jobs=self.jobs)
        return images, native

    def _finish(self, prepared: Prepared) -> None:
        """Normalised images, sidecars."""
        from glioscope.preprocessing.steps import normalise_image
        from glioscope.workflows.sidecars import write_sidecars

        steps = []
        normalised: dict[Sequence, Path] = {}
        if self.options.normalisation:
            name = self.options.normalisation
            normalised = {s: self._image(s, prepared.space, name) for s in prepared.images}
            for s, output in normalised.items():
                inputs: dict[str, Any] = {"image": prepared.images[s], "mask": prepared.brain_mask}
                steps.append(
                    Step(
                        f"normalise-{s}",
                        f"Normalising {s.display_name}",
                        normalise_image,
                        inputs,
                        {"name": name},
                        {"output": output},
                    )
                )
        self.ledger.run(*steps, jobs=1)
        write_sidecars(prepared, normalised, self.options, self.anat)
