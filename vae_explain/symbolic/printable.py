"""Names as they may be printed: they come from a user's code and may have any sign in them."""

from __future__ import annotations


def printable(text: str) -> str:
    """Write what would steer a terminal or break a file by its code, such as `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
