"""What a file name, a folder name or a series description says: words, never substrings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from glioscope.core import Sequence, parse_sequence

__all__ = ["Reading", "Weighting", "protocol_words", "read_name", "word_set"]

Weighting = Literal["T1", "T2", "FLAIR"]


def word_set(text: str) -> frozenset[str]:
    """The words of `text`, which blanks part."""
    return frozenset(text.split())


_T1 = word_set(
    "mprage mpr spgr fspgr efgre3d bravo tfe vibe thrive lava flash mp2rage mp tfl3d1 fl3d1 fspgr3d ir-fspgr 3dt1 t13d"
)
_FLAIR = word_set("flair fla fl tirm tir2d1 tir3d1 fluid_attenuated darkfluid spcir spcir2")
_CONTRAST = word_set(
    "gd gad gado gadolinium gadavist gadovist gadobutrol dotarem magnevist prohance multihance ce km mkm kontrast contrast "
    "contraste contrasto mdc post postcontrast postgad postgd postgado +c +gd +gad +gado +km +contrast enhanced"
)
_NATIVE = word_set(
    "pre native nativ nat without wo ohne sin sans no non noncontrast unenhanced precontrast pregad pregd before plain"
)
_WEAK_T1 = word_set("mpr mp")

# Why a series is not one of the four, in the order of precedence; the text completes "set aside: …".
_ASIDE: dict[str, frozenset[str]] = {
    "segmentation or mask": word_set(
        "seg segs segmentation segmentations dseg probseg label labels mask masks roi rois brainmask annotation gt pred "
        "prediction"
    ),
    "localiser": word_set(
        "localizer localiser localizers loc scout survey aahead aascout smartbrain 3pl 3plane calibration cal asset"
    ),
    "diffusion": word_set(
        "dwi dti adc eadc dadc diff diffusion trace tracew b0 b500 b800 b1000 fa md rd ad colfa tensor resolve isodwi hardi"
    ),
    "perfusion": word_set("perf perfusion pwi dsc dce asl pcasl pasl cbf cbv rcbv rcbf mtt ttp tmax pbp ktrans leakage"),
    "susceptibility (T2*)": word_set("swi swan t2star t2s swip hemo gre medic qsm venbold"),
    "functional": word_set("bold fmri rest rsfmri task"),
    "spectroscopy": word_set("mrs csi svs spectro spectroscopy"),
    "angiography": word_set("tof mra mrv angio angiography venogram cemra"),
    "subtraction": word_set("subtraction subtracted subtract sub subs"),
    "projection": word_set("mip minip mips"),
    "phase image": word_set("ph phase imaginary pha"),
    "field map": word_set("fieldmap fmap b1 b1map"),
    "parameter map": word_set("map maps t1map t2map ratio r1 r2 r2star pdmap"),
    "screen capture or report": word_set("screenshot screencapture screensave capture report dose"),
    "other contrast": word_set("stir dir psir ciss fiesta bssfp mtw mton mtoff"),
    "not the head": word_set("spine cspine tspine lspine"),
}
_ASIDE_WITHOUT_T2 = word_set("pd pdw proton")

_SHOWN = (
    _T1
    | _FLAIR
    | _CONTRAST
    | _NATIVE
    | _ASIDE_WITHOUT_T2
    | frozenset().union(*_ASIDE.values())
    | word_set(
        "t1 t2 t1w t2w t1n t1c t1ce t1gd t2f t2flair axial ax sagittal sag coronal cor tra transverse "
        "oblique obl brain head 3d 2d "
        "se tse fse frfse ge ffe ir fs fatsat fat sat spair cube space "
        "propeller blade haste iso isotropic p2 p3 nd norm dis2d dis3d "
        "star weighted images image tumor tumour mr mri mrhr hr reformat + series acq run echo c n ns with and w thin thick"
    )
)

_AFTER_OP = word_set(
    "op operative operativ surgery surgical surg rt radiation treatment tx chemo processed processing proc resection biopsy"
)
_WORD = re.compile(r"[A-Za-z0-9]+|\+[A-Za-z]*")
_PLANE = re.compile(r"^(?:ax|axial|sag|cor|tra)(?=t1|t2|flair)")
_WEIGHTED = re.compile(r"^(?:3d)?t([12])(?:weighted|wi|w)?(.*)$")


@dataclass(frozen=True)
class Reading:
    """What words say of a series.

    Attributes:
        weighting: T1, T2 or FLAIR, or None where no word tells.
        explicit: Whether the weighting is spelled out (`t1`, `flair`) rather than implied by a technique (`mprage`).
        contrast: True after, False before contrast agent, None where no word tells.
        set_aside: Why it is none of the four sequences, or None.
    """

    weighting: Weighting | None
    explicit: bool
    contrast: bool | None
    set_aside: str | None

    @property
    def sequence(self) -> Sequence | None:
        """The sequence; a T1 without a word on contrast is native."""
        if self.weighting == "T1":
            return Sequence.T1C if self.contrast else Sequence.T1N
        return {"T2": Sequence.T2W, "FLAIR": Sequence.T2F, None: None}[self.weighting]


def _spelled_out(text: str) -> str:
    """`text` with the shorthands that punctuation carries (`w/o`, `-C`, `T2*`, `dark-fluid`) written as words."""
    text = re.sub(r"(?i)(?<![a-z0-9])(?:sub|ses)-[0-9a-z]+", " ", text)  # BIDS entities: `sub` is no subtraction
    text = re.sub(r"(?i)(?<![a-z0-9])w/o(?![a-z0-9])", " without ", text)
    text = re.sub(r"(?i)(?<![a-z0-9])c-(?![a-z0-9])|\s-\s?c(?![a-z0-9])", " native ", text)
    text = re.sub(r"(?i)(t2)\s*\*", r"\1star", text)
    return re.sub(r"(?i)dark[ _-]?fluid|fluid[ _-]attenuated", " flair ", text)


def _parts(word: str) -> list[str]:
    """The pieces of a compound in mixed case (`AxT1Post`), lower case."""
    pieces = re.findall(r"[A-Z]+[a-z0-9]*|[a-z0-9]+", word) if re.search(r"[a-z0-9][A-Z]", word) else [word]
    return [_PLANE.sub("", piece.lower()) for piece in pieces]


def _tokens(text: str) -> list[str]:
    """Lower-case words, with the pieces of compounds after each."""
    tokens: list[str] = []
    for word in re.findall(_WORD, _spelled_out(text)):
        parts = _parts(word)
        tokens += [word.lower(), *parts] if len(parts) > 1 else parts
    return [t for t, after in zip(tokens, [*tokens[1:], ""], strict=False) if not (t in ("pre", "post") and after in _AFTER_OP)]


def _split_weighted(token: str) -> tuple[str, ...]:
    """`t1ce` -> (`t1`, `ce`); a word that only begins like one (`t12`, `t1rho`) says nothing."""
    match = _WEIGHTED.match(token)
    if match is None:
        sequence = parse_sequence(token)
        return ("t1", "ce") if sequence is Sequence.T1C and token not in _CONTRAST else (token,)
    number, rest = match.groups()
    if rest in ("star", "s"):
        return ("t2star",)
    if rest == "map":
        return ("map",)
    known = (
        _T1
        | _FLAIR
        | _CONTRAST
        | _NATIVE
        | word_set("tse fse se ax sag cor tra fs space cube ffe ge ir 3d 2d blade propeller frfse")
    )
    meaning = {"": (), "n": ("native",), "c": ("ce",), "cw": ("ce",), "f": ("flair",)}.get(rest)
    if meaning is None:
        meaning = (rest,) if rest in known else None
    return () if meaning is None else (f"t{number}", *meaning)


def read_name(text: str) -> Reading:
    """Read a name, such as `MRHR_T1_AX_POST_GAD_SE_13`, `sub-1_ce-gadolinium_T1w` or `t2_tirm_tra_dark-fluid`."""
    tokens = [part for token in _tokens(text) for part in _split_weighted(token)]
    words = set(tokens)
    explicit_t1, t2, flair = "t1" in words, "t2" in words, bool(words & _FLAIR)
    t1 = explicit_t1 or bool(words & (_T1 - _WEAK_T1))
    weighting: Weighting | None = "T1" if t1 else "FLAIR" if flair else "T2" if t2 else None
    if explicit_t1 and t2:  # `T1 und T2`: a folder of both; says nothing
        weighting = "FLAIR" if flair else None

    contrast: bool | None = None
    after_weight = {b for a, b in pairwise(tokens) if a == "t1"}
    enhanced = words & _CONTRAST or after_weight & {"c", "+"} or ("c", "+") in set(pairwise(tokens))
    if words & _NATIVE:
        contrast = None if words & {"post", "with", "and", "w"} else False
    elif enhanced:
        contrast = True

    aside = next((why for why, vocabulary in _ASIDE.items() if words & vocabulary), None)
    if aside is None and words & _ASIDE_WITHOUT_T2 and not (t2 or t1):
        aside = "proton density"
    if aside is None and weighting is None and "mpr" in words:
        aside = "reformatted"
    return Reading(weighting, explicit_t1 or t2 or flair, contrast, aside)


def protocol_words(text: str) -> str:
    """`text` reduced to words of MR protocols, so that nothing personal that was typed into a description is shown."""
    kept = []
    for word in re.findall(_WORD, _spelled_out(text)):
        if all(token in _SHOWN for part in _parts(word) for token in _split_weighted(part) or (part,)):
            kept.append(word)
    return " ".join(kept)
