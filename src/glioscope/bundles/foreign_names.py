"""What other programs call channels, regions and labels, in the words of this package."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from glioscope.bundles.channels import parse_channel
from glioscope.core import SCHEMES, InputUnreadable, InvalidImage, Scheme, get_scheme, parse_sequence

__all__ = ["channels_of", "target_of"]

_REGIONS = {
    "WT": {"wt", "wholetumor", "wholetumour", "whole"},
    "TC": {"tc", "tumorcore", "tumourcore", "core"},
    "ET": {"et", "enhancingtumor", "enhancingtumour", "enhancing", "activetumor", "activetumour"},
    "RC": {"rc", "resectioncavity", "cavity"},
    "GTV": {"gtv", "grosstumorvolume", "grosstumourvolume"},
    "RT": {"rt", "residualtumor", "residualtumour"},
}
_TISSUES = {
    "NCR": {"ncr", "necrosis", "necrotic", "necroticcore", "necrotictumorcore", "ncrnet", "necrosisnonenhancing"},
    "NETC": {"netc", "net", "nonenhancing", "nonenhancingtumor", "nonenhancingtumour", "nonenhancingtumorcore"},
    "ED": {"ed", "edema", "oedema", "peritumoraledema", "peritumoraloedema"},
    "SNFH": {"snfh", "flairhyperintensity"},
    "CC": {"cc", "cyst", "cysticcomponent"},
}


def channels_of(names: Sequence[str], given: Sequence[str] | None, where: str) -> list[str]:
    """Channels in this package's words.

    Args:
        names: What the model calls its channels, in its order.
        given: What the user says they are; goes before `names`.
        where: The file to name in an error.

    Raises:
        InputUnreadable: a name is not understood, or as many were not given; the sentence tells the option.
    """
    if given and names and len(given) != len(names):
        raise InputUnreadable(f"'{where}' has {len(names)} channels, but --channels names {len(given)}.")
    found = [_channel(name, where) for name in given or names]
    for channel in found:
        if found.count(channel) > 1:
            raise InputUnreadable(f"'{where}' has two channels '{channel}'; say what they are, in order, with --channels.")
    return found


def _channel(name: str, where: str) -> str:
    sequence = parse_sequence(str(name))
    if sequence is not None:
        return str(sequence)
    try:
        return parse_channel(str(name).lower().replace(" ", "")).name
    except InvalidImage:
        raise InputUnreadable(
            f"'{where}' calls a channel '{name}', which could be any; say what the channels are, in order, with --channels, "
            "such as: --channels t1c,t1n,t2f,t2w."
        ) from None


def target_of(kind: str, names: Iterable[str], scheme: str | None, where: str) -> dict[str, Any]:
    """The `target` of a bundle whose channels the model calls `names`, in its order.

    Args:
        kind: `regions` or `labels` (the background not among `names`).
        names: The model's words.
        scheme: Scheme that the user asks for; None takes the first that has all of them.
        where: The file to name in an error.

    Raises:
        InputUnreadable: a name is not understood, or no scheme has all of them.
        InvalidImage: there is no scheme `scheme`.
    """
    words = list(names)
    wanted = [get_scheme(scheme)] if scheme else [SCHEMES["brats-2023"], *SCHEMES.values()]
    for candidate in wanted:
        found = [_name(kind, word, candidate) for word in words]
        if all(found) and len(set(found)) == len(found):
            return {"kind": kind, "scheme": candidate.name, "names": found}
    raise InputUnreadable(
        f"'{where}' has the {kind} {', '.join(words)}, which "
        + (
            f"scheme '{scheme}' does not have; its {kind} are {_known(kind, wanted[0])}."
            if scheme
            else "no scheme has together."
        )
    )


def _name(kind: str, word: str, scheme: Scheme) -> str | None:
    own = list(scheme.regions) if kind == "regions" else [label.name for label in scheme.labels.values()]
    plain = re.sub(r"[^a-z0-9]", "", str(word).lower())
    table: Mapping[str, set[str]] = _REGIONS if kind == "regions" else _REGIONS | _TISSUES
    for name in own:
        if plain in {name.lower(), *table.get(name, ())}:
            return name
    # Before and after 2024 the challenge had other names for the same tissues.
    same = {"NCR": "NETC", "NETC": "NCR", "ED": "SNFH", "SNFH": "ED"}
    return next((name for name in own if name in same and plain in {same[name].lower(), *_TISSUES.get(same[name], ())}), None)


def _known(kind: str, scheme: Scheme) -> str:
    return ", ".join(scheme.regions if kind == "regions" else (label.name for label in scheme.labels.values()))
