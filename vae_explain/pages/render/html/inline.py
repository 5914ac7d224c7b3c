"""Expressions in running text, whose numbers can be links and whose sums can be broken.

Browsers do not break a formula at the end of a line, and what is inside of one is not
reached by a keyboard or read aloud as a link. So lines of numbers are text, with a real
minus and superscripts, and formulas of symbols are MathML.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape

from ....symbolic.expression import Add, Div, Expression, MatMul, Mul, Neg
from ..typeset import MINUS
from .notation import Mark, Notation, escape

LONG = 26  # signs, for which a line of a phone has room
WHOLE = 60  # signs, for which a line of a page has
_TAG = re.compile(r"<[^>]*>")
_SPACE = re.compile(r" (?![^<]*>)")  # of the text


class Inline(Notation):
    """Writes expressions as text with superscripts; a sum may be broken before its signs.

    What stands in parentheses is broken only where a line has no room for it.
    """

    def signed(self, mark: Mark) -> str:
        return f"{MINUS}{mark.body}" if mark.minus else mark.body

    def continued(self, mark: Mark) -> str:
        return f" {_sign(MINUS if mark.minus else '+')}&nbsp;{mark.body}"

    def fenced(self, inside: str, before: str = "(", after: str = ")") -> str:
        whole = f"{_sign(before)}{inside}{_sign(after)}"
        length = _length(whole)
        if length <= LONG:
            return _SPACE.sub("&nbsp;", whole.replace("<wbr>", ""))
        return f'<span class="whole">{whole}</span>' if length <= WHOLE else whole

    def row(self, markup: str) -> str:
        return markup

    def line(self, expression: Expression) -> str:
        """Write a whole line, whose long summands stay whole as far as a line has room."""
        found = ""
        for piece in self.summands(expression):
            bare = piece.removeprefix(" ")
            held = f'<span class="long">{bare}</span>' if _is_long(bare) else bare
            found += " " + held if piece != bare else held
        return found

    def times(self, factors: Sequence[str]) -> str:
        whole = super().times(factors)
        # A line may end within a long product, before one of its signs.
        return f"<wbr>{self.sign('·')}".join(factors) if _is_long(whole) else whole

    def sign(self, text: str) -> str:
        if text == "·":
            return '<span class="sign times">·</span>'
        return _sign(text) if text in "∑⊤" else f"&nbsp;{_sign(text)}&nbsp;"

    def word(self, text: str, code: bool = False) -> str:
        return f"<code>{escape(text)}</code>" if code else escape(text)

    def call(self, name: str, arguments: Sequence[str]) -> str:
        return f"{self.word(name)}{self.fenced(', '.join(arguments))}"

    def product(self, left: str, right: str) -> str:
        return f"{left} {right}"

    def fraction(self, numerator: Expression, denominator: Expression) -> Mark:
        above = self.write(numerator)
        body = self.fenced(self.signed(above)) if isinstance(numerator, Add) else above.body
        minus = above.minus and not isinstance(numerator, Add)
        below = self.inside(denominator, (Add, Mul, Div, Neg, MatMul))
        # A line may end before what divides several numbers, or is several itself.
        several = (body + below).count("<a ") > 2 or _is_long(body + below)
        may_end = "<wbr>" if several else ""
        return Mark(f"{body}{may_end}{_sign('/')}{below}", minus, compound=True)

    def power(self, base: str, exponent: str) -> str:
        return f"{base}<sup>{exponent}</sup>"

    def root(self, inside: str) -> str:
        return f"√{self.fenced(inside)}"

    def total(self, over: str) -> str:
        return f"{self.sign('∑')}<sub>dim={over}</sub>" if over else self.sign("∑")


def _is_long(markup: str) -> bool:
    """Whether a piece may need more room than a line of a phone has."""
    return _length(markup) > LONG


def _length(markup: str) -> int:
    return len(unescape(_TAG.sub("", markup)))


def _sign(text: str) -> str:
    return f'<span class="sign">{text}</span>'
