"""What is quickly made is what the standard library makes."""

from __future__ import annotations

import copy
import pickle
from typing import Any, NamedTuple

import pytest

from vae_explain import quick_named_tuples


class Standard(NamedTuple):
    """A pair."""

    first: int
    second: str = "b"

    @property
    def both(self) -> str:
        return f"{self.first}{self.second}"


class Quick(quick_named_tuples.NamedTuple):
    """A pair."""

    first: int
    second: str = "b"

    @property
    def both(self) -> str:
        return f"{self.first}{self.second}"


def told(kind: Any) -> list[object]:
    pair = kind(1, second="c")
    match pair:
        case kind(first, second):
            matched = first, second
    return [
        repr(pair).removeprefix(kind.__name__),
        tuple(pair),
        (pair.first, pair.second, pair.both),
        matched,
        kind(1),
        kind._make([3, "d"]),
        pair._replace(first=2),
        pair._asdict(),
        (kind._fields, kind._field_defaults, kind.__doc__),
        pair == (1, "c"),
        hasattr(pair, "__dict__"),
        copy.copy(pair),
        pickle.loads(pickle.dumps(pair)),
    ]


def test_instances_are_those_of_the_standard_library() -> None:
    assert told(Quick) == told(Standard)


@pytest.mark.parametrize("change", ["Kind()", "Kind(1, 2, 3)", "Kind(1, third=2)"])
def test_an_instance_of_other_fields_is_refused_in_the_same_words(change: str) -> None:
    def said(kind: type) -> str:
        with pytest.raises(TypeError) as raised:
            eval(change, {"Kind": kind})
        return str(raised.value).replace(kind.__name__, "Kind")

    assert said(Quick) == said(Standard)


@pytest.mark.parametrize("kind", [Standard, Quick])
def test_a_field_that_is_not_there_is_not_replaced(kind: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="third"):
        kind(1)._replace(third=2)


class Change(quick_named_tuples.NamedTuple):
    """Fields that are called as what makes them may be."""

    cls: int
    new: int
    tuple: int


def test_a_field_may_have_any_name() -> None:
    assert Change(1, 2, 3)._replace(new=4) == (1, 4, 3)
