"""What a table of composites holds: for a call's name the functions that make it and judge it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


def anything(*_: Any, **__: Any) -> bool:
    return True


class Composite(NamedTuple):
    """A call written out by others.

    Attributes
    ----------
    made
        Makes it, with the arguments that the call takes.
    fits
        Whether it is written out with these arguments, among them all that PyTorch refuses and
        the calls in `made` would take.
    given
        A keyword without which there is a rule for the call.
    """

    made: Callable[..., Any]
    fits: Callable[..., bool] = anything
    given: str = ""
