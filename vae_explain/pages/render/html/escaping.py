"""Text as HTML: what is escaped, and where a long name may be broken."""

from __future__ import annotations

from html import escape as _escape
from itertools import pairwise

from ....symbolic.printable import printable
from ..columns import joints

LONGEST_WORD = 16  # signs of a word in a narrow column that need no place to break at


def escape(text: str) -> str:
    """Write text that may hold anything, such as a user's own name, as HTML text.

    Examples
    --------
    >>> escape('<b a="1">'), escape("a\\x00b")
    ('&lt;b a=&quot;1&quot;&gt;', 'a\\\\x00b')
    """
    return _escape(printable(text))


def breakable(text: str) -> str:
    """Escape what stands in a narrow column, and let long names break at their joints."""
    if not any(len(word) > LONGEST_WORD for word in text.split()):
        return escape(text)
    ends = [0, *joints(text), len(text)]
    return "<wbr>".join(escape(text[at:end]) for at, end in pairwise(ends))
