"""The protocols by name: data, no code. `docs/protocols.md` tells how the official ones and their corrections differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

from glioscope.core.errors import InvalidImage
from glioscope.core.labels import get_scheme
from glioscope.evaluation.protocol import Protocol, RegionRules
from glioscope.evaluation.protocol_definitions import complete_definitions, official_definitions

__all__ = ["PROTOCOLS", "get_protocol"]

_ANY_LABEL = tuple(range(1, 256))
_BRATS_LABELS = (1, 2, 3, 4)


def _three(dilation: int, smallest: float) -> dict[str, RegionRules]:
    labels = {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,)}
    return {name: RegionRules(values, dilation, smallest) for name, values in labels.items()}


def _challenge_2023(name: str, dilation: int, smallest: float) -> tuple[Protocol, Protocol]:
    official = Protocol(
        name=f"brats-2023-{name}",
        scheme="brats-2023",
        rules=MappingProxyType(_three(dilation, smallest)),
        definitions=official_definitions(2023, "374"),
        tolerated=_BRATS_LABELS,
        merges_prediction=False,
        filters_prediction=False,
    )
    corrected = replace(official, name=f"{official.name}-corrected", definitions=complete_definitions("374 mm"), tolerated=())
    return official, corrected


def _challenge_2024(
    name: str,
    scheme: str,
    rules: dict[str, RegionRules],
    *,
    penalty: float | Literal["diagonal-voxels"] = 374,
    amended: Mapping[str, RegionRules] = MappingProxyType({}),
    tolerated: tuple[int, ...] | None = _BRATS_LABELS,
    counts_false_positives: bool = True,
) -> tuple[Protocol, Protocol]:
    own_grid = penalty == "diagonal-voxels"
    words = ("the image's diagonal in voxels", "the image's diagonal in mm") if own_grid else (f"{penalty}", "374 mm")
    official = Protocol(
        name=f"brats-2024-{name}",
        scheme=scheme,
        rules=MappingProxyType(rules),
        definitions=official_definitions(2024, words[0], counts_false_positives=counts_false_positives),
        penalty=penalty,
        tolerated=tolerated,
        counts_false_positives=counts_false_positives,
        numbered=True,
        voxel_sizes=True,
        chained_merging=False,
        voxel_nsd=True,
    )
    corrected = Protocol(
        name=f"{official.name}-corrected",
        scheme=scheme,
        rules=MappingProxyType({**rules, **amended}),
        definitions=complete_definitions(words[1], counts_false_positives=counts_false_positives),
        penalty="diagonal-mm" if own_grid else 374,
        tolerated=None if tolerated is None else (),
        counts_false_positives=counts_false_positives,
    )
    return official, corrected


def _glioma_2024() -> tuple[Protocol, Protocol]:
    rules = {
        "WT": RegionRules((1, 2, 3), 3, 20),
        "TC": RegionRules((1, 3), 3, 20),
        "NETC": RegionRules((1,), 5, 20, ("ET", "RC")),
        "SNFH": RegionRules((2,), 3, 20, ("ET", "RC", "NETC")),  # written "SFNH" where the script sets its 5 steps
        "ET": RegionRules((3,), 3, 10, ("NETC", "RC")),
        "RC": RegionRules((4,), 5, 20, ("ET", "NETC")),
    }
    amended = {"SNFH": replace(rules["SNFH"], dilation=5)}
    return _challenge_2024("gli", "brats-2024-gli", rules, penalty=337, amended=amended)


def _with_core(dilation: int, smallest: float) -> dict[str, RegionRules]:
    """Three regions where enhancing lesions that touch one non-enhancing core are joined; the core itself is not scored."""
    rules = _three(dilation, smallest)
    rules["ET"] = replace(rules["ET"], neighbours=("NETC",))
    return {**rules, "NETC": RegionRules((1,), dilation, smallest, scored=False)}


def _metastases_2024() -> tuple[Protocol, Protocol]:
    rules = {**_with_core(1, 2), "RC": RegionRules((4,), 1, 2)}
    return _challenge_2024("met", "brats-2024-met", rules, penalty="diagonal-voxels")


def _paediatric_2024() -> tuple[Protocol, Protocol]:
    scheme = get_scheme("brats-ped")
    return _challenge_2024("ped", scheme.name, {name: RegionRules(labels, 5, 10) for name, labels in scheme.regions.items()})


def _radiotherapy_2024() -> tuple[Protocol, Protocol]:
    official, corrected = _challenge_2024(
        "men-rt",
        "brats-men-rt",
        {"GTV": RegionRules(_ANY_LABEL, 1, 50)},
        penalty="diagonal-voxels",
        tolerated=None,
        counts_false_positives=False,
    )
    return replace(official, voxel_sizes=False), corrected


def _general(scheme: str) -> Protocol:
    rules = {name: RegionRules(labels, 0, 0) for name, labels in get_scheme(scheme).regions.items()}
    return Protocol("general", scheme, MappingProxyType(rules), complete_definitions("374 mm"), merges_prediction=False)


_ALL = (
    *_challenge_2023("gli", 3, 50),
    *_challenge_2023("ssa", 3, 50),
    *_challenge_2023("men", 1, 50),
    *_challenge_2023("ped", 3, 50),
    *_challenge_2023("met", 1, 2),
    *_glioma_2024(),
    *_challenge_2024("ssa", "brats-2023", _with_core(3, 50)),
    *_metastases_2024(),
    *_paediatric_2024(),
    *_radiotherapy_2024(),
    _general("brats-2023"),
)
PROTOCOLS: Mapping[str, Protocol] = MappingProxyType({protocol.name: protocol for protocol in _ALL})


def get_protocol(name: str, scheme: str | None = None) -> Protocol:
    """The protocol called `name`.

    Args:
        name: A key of PROTOCOLS.
        scheme: Label scheme, only for `general`, which scores the regions of any scheme (default `brats-2023`).

    Raises:
        InvalidImage: no such protocol or scheme.
    """
    if name not in PROTOCOLS:
        raise InvalidImage(f"There is no protocol '{name}'; known are {', '.join(PROTOCOLS)}.")
    return _general(scheme) if name == "general" and scheme is not None else PROTOCOLS[name]
