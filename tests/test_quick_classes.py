"""What is quickly made is what the standard library makes, but for a guard against writing."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from vae_explain import quick_classes

MAKERS = (dataclasses.dataclass, quick_classes.dataclass)


def pair_of(make: Callable[..., Any], **options: Any) -> Any:
    """Return a class of two compared fields and one that is not, made as asked."""

    @make(frozen=True, **options)
    class Pair:
        first: int
        second: str = "b"
        beside: Any = dataclasses.field(default=None, compare=False, repr=False)

    return Pair


@pytest.mark.parametrize("options", [{}, {"slots": True}, {"eq": False}], ids=str)
def test_instances_compare_and_read_as_those_of_the_standard_library(
    options: dict[str, Any],
) -> None:
    def told(make: Callable[..., Any]) -> list[object]:
        kind = pair_of(make, **options)
        one, like, other = kind(1, "a", []), kind(1, "a", 2), kind(1)
        hashable = one if options.get("eq", True) else like
        return [
            repr(one),
            one == like,
            one == other,
            one == (1, "a"),
            len({hashable, like, other}),
            dataclasses.replace(one, second="c").second,
            hasattr(one, "__dict__"),
            kind.__match_args__,
        ]

    standard, quick = map(told, MAKERS)
    assert quick == standard


def test_a_class_of_the_same_fields_is_another() -> None:
    one, other = (pair_of(quick_classes.dataclass)(1) for _ in range(2))
    assert one != other


@pytest.mark.parametrize("make", MAKERS)
def test_what_a_class_writes_itself_stays(make: Callable[..., Any]) -> None:
    class Own:
        number: int

        def __repr__(self) -> str:
            return "own"

    assert repr(make(frozen=True)(Own)(1)) == "own"


class Standard(NamedTuple):
    """A pair."""

    first: int
    second: str = "b"

    @property
    def both(self) -> str:
        return f"{self.first}{self.second}"


class Quick(quick_classes.NamedTuple):
    """A pair."""

    first: int
    second: str = "b"

    @property
    def both(self) -> str:
        return f"{self.first}{self.second}"


def told_by(kind: Any) -> list[object]:
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


def test_named_tuples_are_those_of_the_standard_library() -> None:
    assert told_by(Quick) == told_by(Standard)


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


class Change(quick_classes.NamedTuple):
    """Fields that are called as what makes them may be."""

    cls: int
    new: int
    tuple: int


def test_a_field_may_have_any_name() -> None:
    assert Change(1, 2, 3)._replace(new=4) == (1, 4, 3)
