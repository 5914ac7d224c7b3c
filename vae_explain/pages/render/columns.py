"""How many columns a text takes in a terminal, and texts fitted into a number of columns.

A name in a reader's own code may be in any script: an ideograph is two columns wide, and a
combining mark takes none.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from functools import cache

# A dotted name starts with a letter, so that no number is one, and no part of one; the rest
# of a name that is broken already starts with its dot.
NAME = re.compile(r"(?<![\w.])\.?[^\W\d]\w*(?:\.\w+)*")
HELD = "\x00"  # for a space at which no line may end; no page has this sign
STEP = re.compile(r"\.\w+(?:\([^()]*\))?|\[[^\[\]]*\]|.+?(?=[.\[]|$)")
JOINT = re.compile(r"(?=\.[^\W\d])|(?<=_)(?=[^\W\d_])")  # a digit stays with what it counts


def columns(text: str) -> int:
    """Return how many columns a text takes.

    Examples
    --------
    >>> columns("mu"), columns("∂loss/∂μ"), columns("潜在"), columns("e\\u0301")
    (2, 8, 4, 1)
    """
    return len(text) if text.isascii() else sum(map(_width, text))


def left(text: str, width: int) -> str:
    """Fill a text up with spaces behind it."""
    return text + " " * (width - columns(text))


def right(text: str, width: int) -> str:
    """Fill a text up with spaces before it."""
    return " " * (width - columns(text)) + text


def wrap(text: str, width: int, break_long_words: bool = True) -> list[str]:
    """Break a text between words, and a word that is too long inside if that is wanted.

    Never at a hyphen: it may belong to an option, which has to be copied whole.
    """
    if columns(text) == len(text):
        return textwrap.wrap(
            text, max(width, 1), break_long_words=break_long_words, break_on_hyphens=False
        )
    lines: list[str] = []
    for word in text.split():
        if lines and columns(lines[-1]) + 1 + columns(word) <= width:
            lines[-1] += " " + word
            continue
        lines.append("")
        for character in word:
            if break_long_words and lines[-1] and columns(lines[-1] + character) > width:
                lines.append("")
            lines[-1] += character
    return lines


def wrap_parts(text: str, width: int, between: str) -> list[str]:
    """Break a text after its separators, and inside a part only if that is too long.

    Examples
    --------
    >>> wrap_parts("VAE · seed 42 · x = [1, 2, 3]", 20, " · ")
    ['VAE · seed 42 ·', 'x = [1, 2, 3]']
    """
    parts = text.split(between)
    last = len(parts) - 1
    held = [part + between.rstrip() if at < last else part for at, part in enumerate(parts)]
    fixed = [part.replace(" ", HELD) if columns(part) <= width else part for part in held]
    return [line.replace(HELD, " ") for line in wrap(" ".join(fixed), width)]


def joints(text: str) -> list[int]:
    """Return where the names of a text may be broken: before a dot and behind an underscore.

    A number has no such place.

    Examples
    --------
    >>> joints("encoder.to_mu"), joints("sqrt(0.7071) - 1.5e-08")
    ([7, 11], [])
    """
    return [
        name.start() + joint.start()
        for name in NAME.finditer(text)
        for joint in JOINT.finditer(name.group())
    ]


def steps(access: str) -> list[str]:
    """Split a chain of calls and indices, such as `.reshape(2, 3)[:, 0]`, into its steps.

    Examples
    --------
    >>> steps(".reshape(2, 3).T[:, 0]")
    ['.reshape(2, 3)', '.T', '[:, 0]']
    """
    return STEP.findall(access)


def broken_names(text: str, width: int) -> list[str]:
    """Break a text at the joints of its names into parts of at most `width` columns, if it can."""
    parts = []
    while columns(text) > width:
        place = max((at for at in joints(text) if 0 < columns(text[:at]) <= width), default=0)
        if not place:
            break
        parts.append(text[:place])
        text = text[place:]
    return [*parts, text]


@cache
def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
