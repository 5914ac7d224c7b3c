"""Names as they may be printed: they come from a user's code and may have any sign in them."""

from __future__ import annotations

from collections.abc import Sequence


def printable(text: str) -> str:
    """Write what would steer a terminal or break a file by its code, such as `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def listed(names: Sequence[str]) -> str:
    """Write names one behind the other: `a, b and c`."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
