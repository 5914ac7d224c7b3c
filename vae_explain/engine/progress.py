"""What is being worked on, for whoever shows it: the command line does, in a bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Tell = Callable[[str], None]


def _to_nobody(what: str) -> None:
    """Tell nobody."""


_TELL: ContextVar[Tell] = ContextVar("tell", default=_to_nobody)


def working_on(what: str) -> None:
    """Say what is being worked on: a section by its title, or nothing any more by ""."""
    _TELL.get()(what)


@contextmanager
def told_to(tell: Tell) -> Iterator[None]:
    """Pass on what is being worked on, until the end of the block."""
    token = _TELL.set(tell)
    try:
        yield
    finally:
        tell("")
        _TELL.reset(token)
