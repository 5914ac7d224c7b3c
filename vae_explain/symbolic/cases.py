"""The end of a `match` that has a case for every kind."""

from __future__ import annotations

from typing import NoReturn


def assert_never(value: NoReturn) -> NoReturn:
    """Say that a value is none of the kinds that there are, which the type checker rules out."""
    raise AssertionError(f"there is no case for {value!r}")
