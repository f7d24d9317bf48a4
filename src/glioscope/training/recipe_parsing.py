"""From what a YAML file holds to frozen dataclasses and back, with one sentence for whatever does not fit."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from collections.abc import Mapping as AbstractMapping
from contextlib import suppress
from dataclasses import MISSING, Field, fields, is_dataclass
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from glioscope.core import InputUnreadable

__all__ = ["document_of", "nearest", "parse"]

T = TypeVar("T")


def nearest(wrong: object, known: Iterable[str]) -> str:
    """The end of a sentence: the one of `known` that was probably meant, or all of them."""
    listed = sorted(map(str, known))
    close = get_close_matches(str(wrong), listed, 1, 0.6)
    if not listed:
        return "there are none."
    return f"did you mean '{close[0]}'?" if close else f"known are {', '.join(listed)}."


def parse(kind: type[T], document: Any, where: str = "") -> T:  # noqa: ANN401
    """An instance of the dataclass `kind` from a mapping of its fields.

    Args:
        kind: Its fields are dataclasses, tuples, mappings, literals, plain types, or a choice of these; a field `from_` is the
            key `from`.
        document: What YAML gave.
        where: Key that the mapping stands under, for the sentence; empty at the top.

    Raises:
        InputUnreadable: a key that is not a field, a field without default that is missing, or a value of another type.
    """
    if not isinstance(document, AbstractMapping):
        raise InputUnreadable(f"'{where or 'the recipe'}' is a table of keys and values, not {document!r}.")
    known = {_key(field): field for field in fields(kind)}  # type: ignore[arg-type]
    for key in document:
        if key not in known:
            prefix = f"{where}." if where else ""
            raise InputUnreadable(f"There is no key '{prefix}{key}'; {nearest(key, known)}")
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, field in known.items():
        full = f"{where}.{key}" if where else key
        if key in document:
            values[field.name] = _value(hints[field.name], document[key], full)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise InputUnreadable(f"The key '{full}' is missing.")
    return kind(**values)


def document_of(value: Any) -> Any:  # noqa: ANN401
    """What YAML or JSON can hold of a dataclass, a tuple, a mapping or a plain value; `parse` reads it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {_key(field): document_of(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): document_of(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [document_of(item) for item in value]
    return value


def _key(field: Field[Any]) -> str:
    return field.name.removesuffix("_")


def _value(hint: Any, value: Any, where: str) -> Any:  # noqa: ANN401
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        return _choice(arguments, value, where)
    if origin is Literal:
        if value in arguments and not isinstance(value, bool):
            return value
        raise InputUnreadable(f"'{where}' cannot be {value!r}; {nearest(value, map(str, arguments))}")
    if origin is tuple:
        return _items(arguments, value, where)
    if origin is AbstractMapping:
        if not isinstance(value, AbstractMapping):
            raise InputUnreadable(f"'{where}' is a table of keys and values, not {value!r}.")
        return {str(key): _value(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if is_dataclass(hint):
        return parse(hint, value, where)  # type: ignore[arg-type]
    return _plain(hint, value, where)


def _choice(hints: tuple[Any, ...], value: Any, where: str) -> Any:  # noqa: ANN401
    if value is None and type(None) in hints:
        return None
    rest = [hint for hint in hints if hint is not type(None)]
    for literal in (hint for hint in rest if get_origin(hint) is Literal):
        if value in get_args(literal):
            return value
        rest.remove(literal)
    try:
        mappings = (hint for hint in rest if get_origin(hint) is AbstractMapping and isinstance(value, AbstractMapping))
        return _value(next(mappings, rest[0]), value, where)
    except InputUnreadable as error:
        words = [repr(word) for hint in hints if get_origin(hint) is Literal for word in get_args(hint)]
        words += ["null"] if type(None) in hints else []
        raise InputUnreadable(str(error).rstrip(".") + (f" (or {', '.join(words)})." if words else ".")) from None


def _items(hints: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:  # noqa: ANN401
    if not isinstance(value, list | tuple):
        raise InputUnreadable(f"'{where}' is a list, not {value!r}.")
    if hints[-1] is Ellipsis:
        hints = hints[:1] * len(value)
    if len(hints) != len(value):
        raise InputUnreadable(f"'{where}' has {len(hints)} values, not {len(value)}.")
    return tuple(_value(hint, item, f"{where}.{n}") for n, (hint, item) in enumerate(zip(hints, value, strict=True)))


def _plain(kind: Any, value: Any, where: str) -> Any:  # noqa: ANN401
    words = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    if kind is float and isinstance(value, str):  # YAML 1.1 takes 6e-5 for text
        with suppress(ValueError):
            value = float(value)
    fits = isinstance(value, kind) or (kind is float and isinstance(value, int))
    if not fits or (isinstance(value, bool) and kind is not bool):
        raise InputUnreadable(f"'{where}' is {words[kind]}, not {value!r}.")
    return kind(value)
