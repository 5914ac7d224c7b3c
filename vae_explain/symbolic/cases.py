"""The end of a `match` that has a case for every kind."""

from __future__ import annotations

from typing import NoReturn


def assert_never(value: NoReturn) -> NoReturn:
    """Raise an error for a value of an unknown kind, which the type checker rules out."""
    raise AssertionError(f"there is no case for {value!r}")
