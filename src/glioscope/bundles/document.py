"""What `bundle.yaml` says, and one sentence for everything that it must not say."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

import yaml

from glioscope.bundles.channels import parse_inputs
from glioscope.bundles.measured import check_measured
from glioscope.bundles.wording import closest
from glioscope.core import InputUnreadable, InvalidImage, get_scheme

__all__ = [
    "CARD",
    "DOCUMENT",
    "FORMAT",
    "KINDS",
    "check_document",
    "check_orientation",
    "check_region_needs",
    "dump_document",
    "parse_document",
    "target_regions",
]

DOCUMENT = "bundle.yaml"
CARD = "card.md"
"""Beside the document, where somebody wrote one: what people should know before they trust the model."""
FORMAT = "glioscope-bundle-1"
KINDS = ("network", "ensemble", "cascade", "external")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CARD = ("format", "kind", "name", "title", "description", "source", "licence")
_NEEDED = ("format", "name", "title", "source", "licence")
_NETWORK = ("inputs", "grid", "target", "network", "members", "inference")
_KEYS = {
    "network": (*_CARD, *_NETWORK, "postprocess", "training", "published", "measured"),
    "ensemble": (*_CARD, "members", "ensemble", "postprocess", "training", "published"),
}
_INFERENCE: tuple[tuple[str, Any], ...] = (("stretch", 1), ("overlap", 0.5), ("mirror", True), ("batch", 1))
"""Keys of `inference` and what they are where they are not given."""
_INSIDE = {
    "grid": ("space", "spacing", "orientation", "size"),
    "target": ("kind", "scheme", "names", "needs"),
    "network": ("name", "parameters"),
    "inference": ("patch", "overlap", "mirror", "share_flips", "stretch", "batch"),
    "ensemble": ("method", "weights"),
}


def parse_document(text: str, where: str) -> dict[str, Any]:
    """The mapping in `text`; raises InputUnreadable, calling the file `where`, for what is no bundle of this format."""
    return deepcopy(_parsed(text, where))


@lru_cache(maxsize=64)  # a run lists the bundles several times, and reading YAML takes longer than anything else in it
def _parsed(text: str, where: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        at = "" if line is None else f" (line {line + 1})"
        raise InputUnreadable(f"'{where}' is not YAML{at}.") from None
    if not isinstance(document, dict) or "format" not in document:
        raise InputUnreadable(f"'{where}' is not the document of a bundle: it does not say 'format: {FORMAT}'.")
    if document["format"] != FORMAT:
        raise InputUnreadable(
            f"'{where}' is of format '{document['format']}', and this version of Glioscope reads '{FORMAT}'; update Glioscope "
            "or ask for the bundle in that format."
        )
    return document


def dump_document(document: Mapping[str, Any]) -> str:
    """`document` as YAML, keys in the order they have, the same text each time."""
    return str(yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=128))


def check_document(document: Mapping[str, Any], where: str) -> None:
    """Raise InputUnreadable, naming the key, where `document` is not that of a bundle that can work.

    Kinds `network` and `ensemble` are checked throughout; what else `cascade` and `external` say, their segmenters check.
    """
    try:
        _check(document)
    except InvalidImage as error:
        raise InputUnreadable(f"'{where}' cannot be used: {error}") from None


def _check(document: Mapping[str, Any]) -> None:
    kind = document.get("kind", "network")
    if kind not in KINDS:
        raise InvalidImage(f"there is no kind of bundle '{kind}'; {closest(kind, KINDS)}.")
    _need(document, _NEEDED, "it")
    for key in ("name", "title", "source", "licence", "description"):
        if not isinstance(document.get(key, ""), str):
            raise InvalidImage(f"'{key}' is not text.")
    if not _NAME.fullmatch(document["name"]):
        raise InvalidImage(f"the name '{document['name']}' has other characters than letters, digits, '-', '_' and '.'.")
    _check_members(document.get("members", []))
    if kind in _KEYS:
        _check_keys(document, kind)
    if kind == "network":
        _check_network(document)
        _check_inference(document["inference"])
    elif kind == "ensemble":
        _check_ensemble(document)


def _check_members(members: Any) -> None:  # noqa: ANN401
    if not isinstance(members, list) or not all(isinstance(member, Mapping) for member in members):
        raise InvalidImage("'members' is not a list of entries.")
    for member in members:
        if "file" in member:
            path = PurePosixPath(str(member["file"]))
            if path.is_absolute() or ".." in path.parts:
                raise InvalidImage(f"the member '{path}' does not lie in the bundle's folder.")
            _need(member, ("sha256",), f"the member '{path}'")


def _check_keys(document: Mapping[str, Any], kind: str) -> None:
    for key in document:
        if key not in _KEYS[kind]:
            raise InvalidImage(f"it has the unknown key '{key}'; {closest(key, _KEYS[kind])}.")
    for part in set(_INSIDE) & set(document):
        _need(document[part], (), f"'{part}'")
        for key in document[part]:
            if key not in _INSIDE[part]:
                raise InvalidImage(f"'{part}' has the unknown key '{key}'; {closest(key, _INSIDE[part])}.")


def _check_network(document: Mapping[str, Any]) -> None:
    from glioscope.networks.registry import NETWORKS

    _need(document, _NETWORK, "it")
    inputs = parse_inputs(document["inputs"])
    _need(document["network"], ("name",), "'network'")
    named = document["network"]["name"]
    if not isinstance(named, str) or named not in NETWORKS:
        raise InvalidImage(f"there is no network '{named}'; {closest(named, NETWORKS)}.")
    _need(document["network"].get("parameters") or {}, (), "'network.parameters'")
    regions = target_regions(document["target"])
    if "measured" in document:
        check_measured(document["measured"], regions)
    check_region_needs(document["target"], inputs.sources)
    _need(document["grid"], ("space", "spacing", "orientation"), "'grid'")
    if document["grid"]["space"] not in ("atlas", "native", "any"):
        raise InvalidImage(f"'grid.space' is atlas, native or any, not '{document['grid']['space']}'.")
    check_orientation(document["grid"]["orientation"])
    spacing = document["grid"]["spacing"]  # None: whatever the images have
    if spacing is not None and not (isinstance(spacing, list) and len(spacing) == 3 and all(_is_number(s, 0) for s in spacing)):
        raise InvalidImage("'grid.spacing' is not a list of three lengths in mm.")
    size = document["grid"].get("size")
    if size is not None and not (isinstance(size, list) and len(size) == 3 and all(isinstance(n, int) and n > 0 for n in size)):
        raise InvalidImage("'grid.size' is not a list of three whole numbers.")
    _need(document["inference"], ("patch",), "'inference'")
    patch = document["inference"]["patch"]
    if not isinstance(patch, list) or len(patch) != 3 or not all(isinstance(side, int) and side > 0 for side in patch):
        raise InvalidImage("'inference.patch' is not a list of three whole numbers.")
    if not document["members"]:
        raise InvalidImage("'members' is empty: a bundle has at least one file of weights.")
    for member in document["members"]:
        _need(member, ("file", "sha256"), "a member")


def _check_inference(told: Mapping[str, Any]) -> None:
    if not isinstance(told.get("share_flips", False), bool):
        raise InvalidImage("'inference.share_flips' is true or false.")
    stretch, overlap, mirror, batch = (told.get(key, usual) for key, usual in _INFERENCE)
    if not _is_number(stretch, 0) or stretch < 1:
        raise InvalidImage(f"'inference.stretch' is a number of at least 1, not {stretch!r}.")
    if not _is_number(overlap, -1) or not 0 <= overlap < 1:
        raise InvalidImage(f"'inference.overlap' is a number from 0 to below 1, not {overlap!r}.")
    axes = mirror if isinstance(mirror, list) else []
    if not isinstance(mirror, bool | list) or any(isinstance(axis, bool) or axis not in (0, 1, 2) for axis in axes):
        raise InvalidImage(f"'inference.mirror' is true, false or a list of the axes 0, 1 and 2, not {mirror!r}.")
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise InvalidImage(f"'inference.batch' is a whole number of at least 1, not {batch!r}.")


def _is_number(value: Any, above: float) -> bool:  # noqa: ANN401
    return isinstance(value, int | float) and not isinstance(value, bool) and above < value < math.inf


def check_orientation(value: Any) -> None:  # noqa: ANN401
    """Raise InvalidImage where `value` is no word for the directions of three axes, such as LPS or RAS."""
    directions = {"L": "x", "R": "x", "A": "y", "P": "y", "S": "z", "I": "z"}
    if not isinstance(value, str) or len(value) != 3 or {directions.get(letter) for letter in value} != {"x", "y", "z"}:
        raise InvalidImage(f"'grid.orientation' is three letters for three axes, such as LPS or RAS, not '{value}'.")


def _check_ensemble(document: Mapping[str, Any]) -> None:
    _need(document, ("members", "ensemble"), "it")
    if not document["members"]:
        raise InvalidImage("'members' is empty: an ensemble has at least one bundle.")
    for member in document["members"]:
        _need(member, ("bundle",), "a member")
    _need(document["ensemble"], ("method",), "'ensemble'")
    methods = ("mean", "weighted", "staple")
    if document["ensemble"]["method"] not in methods:
        raise InvalidImage(f"there is no ensemble method '{document['ensemble']['method']}'; known are {', '.join(methods)}.")
    weights = document["ensemble"].get("weights")
    if document["ensemble"]["method"] == "weighted" and not isinstance(weights, Mapping):
        raise InvalidImage("'ensemble.weights' is not a table: region, then one weight for each member.")
    for region, values in (weights or {}).items():
        whole = isinstance(values, list) and len(values) == len(document["members"])
        if not whole or not all(_is_number(value, -1) and value >= 0 for value in values) or not any(values):
            raise InvalidImage(
                f"'ensemble.weights.{region}' is not one weight for each of the {len(document['members'])} members, "
                "none negative and not all 0."
            )


def target_regions(target: Mapping[str, Any]) -> tuple[str, ...]:
    """The regions that a network with this `target` finds.

    With `kind: regions` they are its channels; with `kind: labels` (channel 0 is the background) all regions of the scheme that
    consist of its labels.

    Raises:
        InvalidImage: a key is missing, the scheme is not known, or it has no region or label of a name.
    """
    _need(target, ("kind", "scheme", "names"), "'target'")
    scheme, names = get_scheme(str(target["scheme"])), target["names"]
    kinds: dict[str, tuple[str, ...]] = {
        "regions": tuple(scheme.regions),
        "labels": tuple(label.name for label in scheme.labels.values()),
    }
    if target["kind"] not in kinds:
        raise InvalidImage(f"'target.kind' is regions or labels, not '{target['kind']}'.")
    known = kinds[target["kind"]]
    if not isinstance(names, list) or not names:
        raise InvalidImage("'target.names' is not a list of at least one name.")
    for name in names:
        if name not in known:
            raise InvalidImage(f"scheme '{scheme.name}' has no {target['kind'][:-1]} '{name}'; {closest(name, known)}.")
        if names.count(name) > 1:
            raise InvalidImage(f"'target.names' names '{name}' twice.")
    if target["kind"] == "regions":
        return tuple(names)
    values = {scheme.value_of(name) for name in names}
    return tuple(region for region, of_region in scheme.regions.items() if set(of_region) <= values)


def check_region_needs(target: Mapping[str, Any], sources: Iterable[str]) -> None:
    """Raise InvalidImage where `target.needs` is not a table of its regions, each with some of the images `sources`."""
    needs, known = target.get("needs") or {}, sorted(sources)
    _need(needs, (), "'target.needs'")
    if needs and target["kind"] != "regions":
        raise InvalidImage("'target.needs' goes with 'kind: regions'; labels are not found one by one.")
    for region, wanted in needs.items():
        if region not in target["names"]:
            raise InvalidImage(f"'target.needs' has '{region}', which is not found; {closest(region, target['names'])}.")
        if not isinstance(wanted, list | tuple):
            raise InvalidImage(f"'target.needs.{region}' is not a list of images.")
        for source in wanted:
            if source not in known:
                raise InvalidImage(
                    f"'target.needs.{region}' has '{source}', which no channel is made of; {closest(source, known)}."
                )


def _need(mapping: Any, keys: tuple[str, ...], what: str) -> None:  # noqa: ANN401
    if not isinstance(mapping, Mapping):
        raise InvalidImage(f"{what} is not a table of keys and values.")
    for key in keys:
        if key not in mapping:
            raise InvalidImage(f"{what} lacks the key '{key}'.")
