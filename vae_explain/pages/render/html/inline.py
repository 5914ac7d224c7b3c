"""Expressions in running text, whose numbers can be links and whose sums can be broken.

Browsers do not break a formula at the end of a line, and what is inside of one is not
reached by a keyboard or read aloud as a link. So lines of numbers are text, with a real
minus and superscripts, and formulas of symbols are MathML.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

from ....symbolic import boxes
from ....symbolic.boxes import Box, LeafBox
from ....symbolic.cases import assert_never
from ....symbolic.expression import Expression, Number, Ref
from ..typeset import MINUS
from .escaping import escape
from .mathml import joined

LONG = 26  # signs, for which a line of a phone has room
WHOLE = 60  # signs, for which a line of a page has
_TAG = re.compile(r"<[^>]*>")
_SPACE = re.compile(r" (?![^<]*>)")  # of the text


def laid_out(expression: Expression, leaf: Callable[[Number | Ref], LeafBox]) -> Box:
    """Lay out a tree over single numbers."""
    return boxes.lay_out(expression, boxes.Notation(leaf, minus_first=True))


def line(box: Box) -> str:
    """Write a whole line, whose long summands stay whole as far as a line has room."""
    written = ""
    for piece in summands(box):
        bare = piece.removeprefix(" ")
        held = f'<span class="long">{bare}</span>' if _is_long(bare) else bare
        written += " " + held if piece != bare else held
    return written


def summands(box: Box) -> list[str]:
    """Write what is laid out as one piece for each summand, each with the sign before it."""
    terms = box.terms if isinstance(box, boxes.SumBox) else (box,)
    return [markup(terms[0]), *map(_continued, terms[1:])]


def _continued(term: Box) -> str:
    sign, bare = joined(term)
    return f" {_sign(sign)}&nbsp;{markup(bare)}"


def markup(box: Box) -> str:
    """Write what is laid out as text with superscripts; a sum may be broken before its signs.

    What stands in parentheses is broken only where a line has no room for it.
    """
    match box:
        case LeafBox() | boxes.ProductBox() if (bare := boxes.without_minus(box)) is not None:
            return markup(boxes.NegativeBox(bare))
        case boxes.NegativeBox(body):
            return f"{MINUS}{markup(body)}"
        case LeafBox(text=text):
            return text
        case boxes.SumBox():
            return "".join(summands(box))
        case boxes.ProductBox(factors):
            written = list(map(markup, factors))
            times = '<span class="sign times">·</span>'
            whole = times.join(written)
            # A line may end within a long product, before one of its signs.
            return f"<wbr>{times}".join(written) if _is_long(whole) else whole
        case boxes.FractionBox(above, below):
            before, after = markup(above), markup(below)
            # A line may end before what divides several numbers, or is several itself.
            several = (before + after).count("<a ") > 2 or _is_long(before + after)
            return f"{before}{'<wbr>' if several else ''}{_sign('/')}{after}"
        case boxes.PowerBox(base, exponent):
            above = exponent.inside if isinstance(exponent, boxes.FenceBox) else exponent
            return f"{markup(base)}<sup>{markup(above)}</sup>"
        case boxes.ApplicationBox("sqrt", (argument,)):
            return f"√{_fenced(markup(argument))}"
        case boxes.ApplicationBox("abs", (argument,)):
            return _fenced(markup(argument), "|", "|")
        case boxes.ApplicationBox("gate", (argument,)):
            return _fenced(f"{markup(argument)}&nbsp;{_sign('&gt;')}&nbsp;0", "[", "]")
        case boxes.ApplicationBox("relu", (argument,)):
            return f"max{_fenced(f'0, {markup(argument)}')}"
        case boxes.ApplicationBox(function, arguments):
            return f"{escape(function)}{_fenced(', '.join(map(markup, arguments)))}"
        case boxes.FenceBox(inside):
            return _fenced(markup(inside))
        case boxes.TransposedBox() | boxes.MatrixProductBox() | boxes.TotalBox():
            raise TypeError(f"{type(box).__name__} stands for a whole tensor, not a number")
        case boxes.CallBox() | boxes.AccessBox():
            raise TypeError(f"{type(box).__name__} stands for a whole tensor, not a number")
        case _:
            assert_never(box)


def _fenced(inside: str, before: str = "(", after: str = ")") -> str:
    whole = f"{_sign(before)}{inside}{_sign(after)}"
    length = _length(whole)
    if length <= LONG:
        return _SPACE.sub("&nbsp;", whole.replace("<wbr>", ""))
    return f'<span class="whole">{whole}</span>' if length <= WHOLE else whole


def _is_long(markup: str) -> bool:
    """Whether a piece may need more room than a line of a phone has."""
    return _length(markup) > LONG


def _length(markup: str) -> int:
    return len(unescape(_TAG.sub("", markup)))


def _sign(text: str) -> str:
    return f'<span class="sign">{text}</span>'
