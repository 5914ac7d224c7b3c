"""What is quickly made is what the standard library makes, but for the guard against writing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from vae_explain import quick_dataclasses

MAKERS = (dataclasses.dataclass, quick_dataclasses.dataclass)


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
    one, other = (pair_of(quick_dataclasses.dataclass)(1) for _ in range(2))
    assert one != other


@pytest.mark.parametrize("make", MAKERS)
def test_what_a_class_writes_itself_stays(make: Callable[..., Any]) -> None:
    class Own:
        number: int

        def __repr__(self) -> str:
            return "own"

    assert repr(make(frozen=True)(Own)(1)) == "own"
