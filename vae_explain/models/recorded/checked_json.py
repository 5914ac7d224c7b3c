"""JSON that others wrote, read as the records it should hold, each field held to its type.

A record is a dataclass or a named tuple, whose annotations say which fields a JSON object must
have and what each may be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

# Numbers that JSON has no digits for, as the words of `--format json`.
WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
LONGEST = 40  # signs of a wrong entry that its error shows


class Misfit(ValueError):
    """An entry that is not what it should be; the message is one line that says which."""

    def __init__(self, where: str, value: object, wanted: str) -> None:
        shown = repr(value)
        shown = shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 3]}..."
        super().__init__(f"{where} is {shown}, where {wanted} belongs")


def read(kind: Any, data: Any, where: str) -> Any:
    """Return JSON as what a type says; lists become tuples or frozen sets.

    Parameters
    ----------
    kind
        A record, `int`, `float`, `bool`, `str`, a `Literal`, `tuple[X, ...]`, `frozenset[X]`,
        `dict[str, X]`, `X | None`, or `Any` for what is read by other means.
    where
        What an error calls the entry, as `runs.full.values[3].name`.

    Raises
    ------
    Misfit
        If an entry is of another type, is missing, or is one that the record has not.

    Examples
    --------
    >>> from vae_explain.trace import Term
    >>> read(Term, {"name": "kl", "value": 23, "weight": 1}, "terms[0]")
    Term(name='kl', value=23, weight=1.0)
    >>> try:
    ...     read(Term, {"name": "kl", "value": "23", "weight": 1}, "terms[0]")
    ... except Misfit as misfit:
    ...     print(misfit)
    terms[0].value is '23', where a whole number belongs
    """
    if kind in PLAIN:
        return PLAIN[kind](data, where)
    parts = get_args(kind)
    match get_origin(kind):
        case origin if origin in (Union, UnionType):
            return None if data is None else read(parts[0], data, where)
        case origin if origin is Literal:
            if not isinstance(data, str) or data not in parts:
                raise Misfit(where, data, f"one of {', '.join(parts)}")
            return data
        case origin if origin in (tuple, frozenset):
            entries = _of(list, data, where, "a list")
            read_each = (read(parts[0], each, f"{where}[{i}]") for i, each in enumerate(entries))
            return origin(read_each)
        case origin if origin is dict:
            entries = _of(dict, data, where, "an object")
            return {key: read(parts[1], each, f"{where}.{key}") for key, each in entries.items()}
    return _record(kind, data, where)


def _record(kind: Any, data: Any, where: str) -> Any:
    types = types_of(kind)
    entries = _of(dict, data, where, "an object")
    missing = types.keys() - entries.keys() - defaults_of(kind).keys()
    if missing:
        raise Misfit(where, sorted(entries), f"an object with {min(missing)}")
    if unknown := entries.keys() - types.keys():
        raise Misfit(where, min(unknown), f"nothing but {', '.join(types)}")
    return kind(**{key: read(types[key], entries[key], f"{where}.{key}") for key in entries})


@cache
def types_of(kind: Any) -> dict[str, Any]:
    """Return the fields of a record with their types."""
    return get_type_hints(kind)


def defaults_of(kind: Any) -> Mapping[str, Any]:
    """Return what the fields of a record are that may be left out, as older files do."""
    defaults: Mapping[str, Any] = getattr(kind, "_field_defaults", {})
    return defaults


def _of(kind: type, data: Any, where: str, words: str) -> Any:
    # True is no number here, though to Python it is one.
    if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool):
        raise Misfit(where, data, words)
    return data


def _float(data: Any, where: str) -> float:
    if isinstance(data, str) and data in WORDS:
        return WORDS[data]
    try:
        return float(_of(int | float, data, where, "a number"))  # type: ignore[arg-type]  # as isinstance takes it
    except OverflowError:
        raise Misfit(where, "a number of very many digits", "a number") from None


def _text(data: Any, where: str) -> str:
    text: str = _of(str, data, where, "text")
    if not all(sign < "\ud800" or sign > "\udfff" for sign in text):
        raise Misfit(where, text, "text without half of a surrogate pair")
    return text


PLAIN: Mapping[Any, Callable[[Any, str], Any]] = {
    Any: lambda data, where: data,
    bool: lambda data, where: _of(bool, data, where, "true or false"),
    int: lambda data, where: _of(int, data, where, "a whole number"),
    float: _float,
    str: _text,
}


def written(data: Any) -> Any:
    """Return records as plain JSON, from which `read` makes them again."""
    if isinstance(data, float) and not math.isfinite(data):
        return next(word for word, value in WORDS.items() if repr(value) == repr(data))
    if is_dataclass(data) and not isinstance(data, type):
        return {each.name: written(getattr(data, each.name)) for each in fields(data)}
    if isinstance(data, tuple) and hasattr(data, "_asdict"):
        return written(data._asdict())
    if isinstance(data, Mapping):
        return {key: written(each) for key, each in data.items()}
    if isinstance(data, frozenset):
        return sorted(data)
    if isinstance(data, tuple | list):
        return [written(each) for each in data]
    return data
