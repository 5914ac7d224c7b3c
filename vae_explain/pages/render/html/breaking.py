"""Displayed formulas as pieces between which a browser may end a line.

Browsers break no line inside of a formula, so a long one is several, one behind the other. A
part that has room on a line stays whole. A longer one is cut where `latex_lines` cuts it:
at the signs of its sum, between its factors, behind the parenthesis that opens and at its
commas. There a fraction is written with a slash, and fences are plain ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ....symbolic.expression import (
    Add,
    Apply,
    Div,
    Expression,
    Index,
    MatMul,
    Mul,
    Neg,
    Number,
    Opaque,
    Pow,
    Ref,
    SumOver,
    Transpose,
    unshaped,
)
from ....symbolic.latex import latex_escape, latex_name, to_latex
from ....symbolic.text import access
from ..columns import joints, steps
from ..latex_width import width
from ..typeset import MINUS
from .mathml import IN_SIGNS, MathML
from .mathml import name as element
from .mathml import symbol as whole_symbol
from .notation import escape

# In points of letters of ten points, which a page sets nearly twice as large as a paper.
PAGE = 272.0  # of a column of text
PHONE = 116.0
LONGEST_NAME = 26  # signs, of one formula in running text
_Loose = tuple[type[Expression], ...]
_PRODUCT: _Loose = (Add, Mul, Neg)


class Piece(NamedTuple):
    """A part of a formula that stays on one line, and the sign that joins it to what is before."""

    markup: str
    before: str = ""


def symbol(name: str, room: float) -> list[Piece]:
    """Write a value's name, cut at its joints where there is no room for it."""
    if width(latex_name(name)) <= room:
        return [Piece(whole_symbol(name).body)]
    return _name(name, None)


def name(text: str, index: Index | None) -> str:
    """Write an element's name in running text, a long one so that a line may end within."""
    if len(text) <= LONGEST_NAME:
        return element(text, index)
    return "".join(f"<math>{piece.markup}</math>" for piece in _name(text, index))


def _name(name: str, index: Index | None) -> list[Piece]:
    above, slash, below = name.partition("/∂") if name.startswith("∂") else ("", "", name)
    if not slash:
        return [*_parts(below)[:-1], _with_index(_parts(below)[-1], index)]
    found = _opened("<mi>∂</mi>", [Piece(whole_symbol(above[1:]).body)])
    parts = _opened('<mo lspace="0" rspace="0">/</mo><mi>∂</mi>', _parts(below))
    return [*found, *parts[:-1], _with_index(parts[-1], index)]


def _parts(name: str) -> list[Piece]:
    ends = [0, *joints(name), len(name)]
    return [Piece(f'<mi class="name">{escape(name[a:b])}</mi>') for a, b in pairwise(ends) if b > a]


def _with_index(piece: Piece, index: Index | None) -> Piece:
    if not index:
        return piece
    below = "<mo>,</mo>".join(f"<mn>{i}</mn>" for i in index)
    return piece._replace(markup=f"<msub><mrow>{piece.markup}</mrow><mrow>{below}</mrow></msub>")


class Breaker:
    """Cuts formulas into pieces for a line of `room` points, written by `notation`."""

    def __init__(self, room: float, notation: MathML = IN_SIGNS) -> None:
        self.room = room
        self.notation = notation

    def equation(self, expression: Expression) -> list[Piece]:
        """Return the pieces of a whole formula; the summands of a sum are always apart."""
        terms = expression.terms if isinstance(expression, Add) else (expression,)
        return self._sum(terms)

    def _fits(self, expression: Expression, used: float = 0.0) -> bool:
        return width(to_latex(expression)) + used <= self.room

    def cut(self, expression: Expression, used: float = 0.0) -> list[Piece]:
        """Return one piece if there is room for it, otherwise the pieces of its parts.

        `used` is what stands before it on its line and cannot be parted from it.
        """
        expression = unshaped(expression)
        # A name is not cut for what stands before it.
        if self._fits(expression, 0.0 if isinstance(expression, Ref) else used):
            return [Piece(self.notation.whole(expression))]
        match expression:
            case Ref(name=name, index=index, role=role):
                return [
                    Piece(f'<mrow class="{role}">{piece.markup}</mrow>')
                    for piece in _name(name, index)
                ]
            case Add(terms):
                return self._sum(terms, used)
            case Mul(factors):
                return self._product(factors, used)
            case Neg(body):
                return _opened(_minus(), self._inside(body, (Add, Neg)))
            case Div(numerator, denominator):
                above = self._inside(numerator, (Add, SumOver))
                below = self._inside(denominator, (Add, Mul, Neg, MatMul, SumOver, Div))
                return above + _joined('<mo form="infix">/</mo>', below)
            case Pow(base, exponent):
                power = self.notation.whole(exponent)
                return self._raised(base, f"<mrow>{power}</mrow>")
            case Transpose(body):
                return self._raised(body, "<mo>⊤</mo>")
            case MatMul(left, right):
                space = '<mspace width="0.17em"></mspace>'
                return self._inside(left, _PRODUCT) + _joined(space, self._inside(right, _PRODUCT))
            case SumOver(body):
                return _opened(self.notation.total(expression.over), self._inside(body, (Add,)))
            case Apply("sqrt", (argument,)):
                half = "<mrow><mn>1</mn><mo>/</mo><mn>2</mn></mrow>"
                return self._raised(argument, half, fenced=True)
            case Apply("relu", (argument,)):
                return self._call("max", (Number(0.0), argument), used)
            case Apply(function, arguments) if function not in ("abs", "gate"):
                return self._call(function, arguments, used)
            case Opaque(name, (body,)) if name.startswith((".", "[")):
                done = steps(access(name, body))
                taken = [Piece(self.notation.word(step, code=True)) for step in done]
                loose = (Add, Mul, Neg, MatMul, SumOver, Div, Pow, Transpose, Apply)
                return [*self._inside(body, loose), *taken]
            case Opaque(name, arguments, options):
                listed = [Piece(self.notation.word(f"{k}={v}", code=True)) for k, v in options]
                return self._call(name, arguments, used, listed)
            case _:
                return [Piece(self.notation.whole(expression))]

    # --- parts ---

    def _sum(self, terms: Sequence[Expression], used: float = 0.0) -> list[Piece]:
        found: list[Piece] = []
        for term in terms:
            mark = self.notation.write(term)
            sign = MINUS if mark.minus else "+"
            if not found:
                found = self.cut(term, used)
            elif self._fits(term):
                found.append(Piece(self.notation.continued(mark)))
            else:
                bare = _without_minus(term) if mark.minus else term
                pieces = self.cut(bare) if bare is not None else self._fenced(term)
                sign = sign if bare is not None else "+"
                found += _joined(f'<mo form="infix">{sign}</mo>', pieces)
        return found

    def _product(self, factors: Sequence[Expression], used: float = 0.0) -> list[Piece]:
        minus = len(factors) > 1 and factors[0] == Number(-1.0)
        found: list[Piece] = []
        for factor in factors[1:] if minus else factors:
            loose: _Loose = (Add, MatMul) if factor is factors[-1] else (Add, MatMul, SumOver)
            before = 0.0 if found else used
            pieces = self._inside(factor, loose, negative=bool(found) or minus, used=before)
            found += _joined('<mo form="infix">·</mo>', pieces) if found else pieces
        return _opened(_minus(), found) if minus else found

    def _inside(
        self, expression: Expression, loose: _Loose, negative: bool = True, used: float = 0.0
    ) -> list[Piece]:
        """Return the pieces of a part, in parentheses where it binds more loosely."""
        expression = unshaped(expression)
        minus = negative and self.notation.write(expression).minus
        if isinstance(expression, loose) or minus:
            return self._fenced(expression, used)
        return self.cut(expression, used)

    def _fenced(self, expression: Expression, used: float = 0.0) -> list[Piece]:
        if self._fits(expression, used):
            return [Piece(self.notation.fenced(self.notation.whole(expression)))]
        inside = self.cut(expression, used)
        return _closed(_opened(_fence("(", "prefix"), inside), _fence(")", "postfix"))

    def _raised(self, body: Expression, power: str, fenced: bool = False) -> list[Piece]:
        """Return the pieces of what a superscript is hung on, and the superscript."""
        body = unshaped(body)
        mark = self.notation.write(body)
        if isinstance(body, Ref) and not (fenced or mark.minus or mark.compound):
            *start, end = self.cut(body)
            return [*start, Piece(f"<msup><mrow>{end.markup}</mrow>{power}</msup>", end.before)]
        if self._fits(body):
            inside = self.notation.fenced(self.notation.whole(body))
            return [Piece(f"<msup>{inside}{power}</msup>")]
        closing = f"<msup>{_fence(')', 'postfix')}{power}</msup>"
        return _closed(_opened(_fence("(", "prefix"), self.cut(body)), closing)

    def _call(
        self,
        name: str,
        arguments: Sequence[Expression],
        used: float,
        options: Sequence[Piece] = (),
    ) -> list[Piece]:
        """Return the pieces of a function, whose commas stay on the lines that they end."""
        used += width(rf"\operatorname{{{latex_escape(name)}}}(")
        found: list[Piece] = []
        for argument in arguments:
            pieces = self.cut(argument, 0.0 if found else used)
            found = [*_closed(found, "<mo>,</mo>"), *pieces] if found else pieces
        for option in options:
            found = [*_closed(found, "<mo>,</mo>"), option] if found else [option]
        opening = f"{self.notation.word(name)}<mo>&#x2061;</mo>{_fence('(', 'prefix')}"
        return _closed(_opened(opening, found or [Piece("")]), _fence(")", "postfix"))


def _fence(sign: str, form: str) -> str:
    return f'<mo form="{form}" stretchy="false">{sign}</mo>'


def _minus() -> str:
    return f'<mo form="prefix">{MINUS}</mo>'


def _without_minus(expression: Expression) -> Expression | None:
    """Return what a minus stands before; None where it is inside of something."""
    match unshaped(expression):
        case Neg(body) if not isinstance(unshaped(body), Add | Neg):
            return body
        case Mul((Number(-1.0), one)):
            return one
        case Mul((Number(-1.0), *factors)):
            return Mul(tuple(factors))
        case Mul((Number(value), *factors)) if value < 0:
            return Mul((Number(-value), *factors))
        case _:
            return None


def _opened(opening: str, pieces: Sequence[Piece]) -> list[Piece]:
    """Put something before the first piece, which stays on its line."""
    return [pieces[0]._replace(markup=opening + pieces[0].markup), *pieces[1:]]


def _closed(pieces: Sequence[Piece], closing: str) -> list[Piece]:
    """Put something behind the last piece, which stays on its line."""
    return [*pieces[:-1], pieces[-1]._replace(markup=pieces[-1].markup + closing)]


def _joined(sign: str, pieces: Sequence[Piece]) -> list[Piece]:
    return [pieces[0]._replace(before=sign), *pieces[1:]]
