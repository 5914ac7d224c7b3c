"""Displayed formulas as pieces between which a browser may end a line.

Browsers break no line inside of a formula, so a long one is several, one behind the other. A
part that has room on a line stays whole. A longer one is cut where `latex_lines` cuts it:
at the signs of its sum, between its factors, behind the parenthesis that opens and at its
commas. There a fraction is written with a slash, and fences are plain ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from ....symbolic import boxes
from ....symbolic.boxes import Box, LeafBox
from ....symbolic.cases import assert_never
from ....symbolic.expression import ZERO, Add, Expression, Index, Number, Ref
from ....symbolic.latex import latex_escape, latex_name, latex_of, latex_symbol
from ....symbolic.text import gradient_parts
from ..columns import joints, steps
from ..cutting import UnbrokenPart, closed, joined, listed, opened
from ..latex.width import width
from . import mathml
from .escaping import escape
from .mathml import (
    PREFIX_MINUS,
    THIN_SPACE,
    TRANSPOSED,
    code,
    continued,
    fenced,
    in_signs,
    infix,
    laid_out,
    markup,
    total,
    word,
)
from .mathml import name as element
from .mathml import symbol as whole_symbol

# In points of letters of ten points, which a page sets nearly twice as large as a paper.
PAGE = 272.0  # of a column of text
PHONE = 116.0
LONGEST_NAME = 26  # signs, of one formula in running text


def symbol(name: str, room: float) -> list[UnbrokenPart]:
    """Write a value's name, cut at its joints where there is no room for it."""
    if width(latex_name(name)) <= room:
        return [UnbrokenPart(whole_symbol(name).body)]
    return _name(name, None)


def name(text: str, index: Index | None) -> str:
    """Write an element's name in running text, a long one so that a line may end within."""
    if len(text) <= LONGEST_NAME:
        return element(text, index)
    return "".join(f"<math>{piece.text}</math>" for piece in _name(text, index))


def _name(name: str, index: Index | None) -> list[UnbrokenPart]:
    above, below = gradient_parts(name)
    if not above:
        return [*_parts(below)[:-1], _with_index(_parts(below)[-1], index)]
    upper = opened("<mi>∂</mi>", [UnbrokenPart(whole_symbol(above).body)])
    parts = opened('<mo lspace="0" rspace="0">/</mo><mi>∂</mi>', _parts(below))
    return [*upper, *parts[:-1], _with_index(parts[-1], index)]


def _parts(name: str) -> list[UnbrokenPart]:
    ends = [0, *joints(name), len(name)]
    return [
        UnbrokenPart(f'<mi class="name">{escape(name[a:b])}</mi>')
        for a, b in pairwise(ends)
        if b > a
    ]


def _with_index(piece: UnbrokenPart, index: Index | None) -> UnbrokenPart:
    if not index:
        return piece
    below = "<mo>,</mo>".join(f"<mn>{i}</mn>" for i in index)
    return piece._replace(text=f"<msub><mrow>{piece.text}</mrow><mrow>{below}</mrow></msub>")


class Breaker:
    """Cuts formulas into pieces for a line of `room` points, their leaves written by `leaf`."""

    def __init__(self, room: float, leaf: Callable[[Number | Ref], LeafBox] = in_signs) -> None:
        self.room = room
        self.leaf = leaf

    def equation(self, expression: Expression) -> list[UnbrokenPart]:
        """Return the pieces of a whole formula; the summands of a sum are always apart."""
        box = laid_out(expression, self.leaf)
        # A sum in another shape stays in one piece if it can.
        if isinstance(box, boxes.SumBox) and isinstance(expression, Add):
            return self._sum(box.terms)
        return self._cut(box)

    def _fits(self, box: Box, used: float = 0.0) -> bool:
        """Return whether there is room for a box; its own parentheses do not count."""
        inside = box.inside if isinstance(box, boxes.FenceBox) else box
        return width(latex_of(inside, _in_latex)) + used <= self.room

    def _cut(self, box: Box, used: float = 0.0) -> list[UnbrokenPart]:
        """Return one piece if there is room for it, otherwise the pieces of its parts.

        `used` is what stands before it on its line and cannot be parted from it.
        """
        # A name is not cut for what stands before it.
        if self._fits(box, 0.0 if isinstance(box, LeafBox) else used):
            return [UnbrokenPart(markup(box))]
        match box:
            case LeafBox(Ref(name, index, role)):
                return [
                    UnbrokenPart(f'<mrow class="{role}">{piece.text}</mrow>')
                    for piece in _name(name, index)
                ]
            case LeafBox() | boxes.ApplicationBox("abs" | "gate"):
                return [UnbrokenPart(markup(box))]
            case boxes.SumBox(terms):
                return self._sum(terms, used)
            case boxes.ProductBox(factors):
                return self._product(factors, used)
            case boxes.NegativeBox(boxes.ProductBox(factors)):
                return opened(PREFIX_MINUS, self._product(factors, used))
            case boxes.NegativeBox(body):
                return opened(PREFIX_MINUS, self._cut(body))
            case boxes.FenceBox(inside):
                return closed(opened(OPENING, self._cut(inside, used)), CLOSING)
            case boxes.FractionBox(above, below):
                return self._cut(_in_line(above)) + joined(infix("/"), self._cut(_in_line(below)))
            case boxes.PowerBox(base, exponent):
                return self._raised(base, f"<mrow>{markup(exponent)}</mrow>")
            case boxes.TransposedBox(body):
                return self._raised(body, TRANSPOSED)
            case boxes.MatrixProductBox(left, right):
                return self._cut(left) + joined(THIN_SPACE, self._cut(right))
            case boxes.TotalBox(body, over):
                return opened(total(over), self._cut(body))
            case boxes.ApplicationBox("sqrt", (argument,)):
                half = "<mrow><mn>1</mn><mo>/</mo><mn>2</mn></mrow>"
                return self._raised(boxes.FenceBox(argument), half)
            case boxes.ApplicationBox("relu", (argument,)):
                return self._call("max", (self.leaf(ZERO), argument), used)
            case boxes.ApplicationBox(function, arguments):
                return self._call(function, arguments, used)
            case boxes.CallBox(op, arguments, options):
                return self._call(op, arguments, used, options)
            case boxes.AccessBox(body, taken):
                taken_of = boxes.FenceBox(body) if isinstance(body, boxes.ApplicationBox) else body
                if isinstance(body, boxes.FenceBox) and isinstance(body.inside, LeafBox):
                    taken_of = body.inside  # the fraction of a gradient stands by itself
                return [*self._cut(taken_of), *(UnbrokenPart(code(step)) for step in steps(taken))]
            case _:
                assert_never(box)

    # --- parts ---

    def _sum(self, terms: Sequence[Box], used: float = 0.0) -> list[UnbrokenPart]:
        pieces = self._cut(terms[0], used)
        for term in terms[1:]:
            sign, bare = mathml.joined(term)
            whole = [UnbrokenPart(continued(term))] if self._fits(term) else None
            pieces += whole or joined(infix(sign), self._cut(bare))
        return pieces

    def _product(self, factors: Sequence[Box], used: float) -> list[UnbrokenPart]:
        pieces = self._cut(factors[0], used)
        for factor in factors[1:]:
            pieces += joined(infix("·"), self._cut(factor))
        return pieces

    def _raised(self, body: Box, power: str) -> list[UnbrokenPart]:
        """Return the pieces of what a superscript is hung on, and the superscript."""
        if isinstance(body, LeafBox) and isinstance(body.node, Ref):
            *start, end = self._cut(body)
            return [
                *start,
                UnbrokenPart(f"<msup><mrow>{end.text}</mrow>{power}</msup>", end.before),
            ]
        body = body.inside if isinstance(body, boxes.FenceBox) else body
        if self._fits(body):
            return [UnbrokenPart(f"<msup>{fenced(markup(body))}{power}</msup>")]
        closing = f"<msup>{CLOSING}{power}</msup>"
        return closed(opened(OPENING, self._cut(body)), closing)

    def _call(
        self, name: str, arguments: Sequence[Box], used: float, options: Sequence[str] = ()
    ) -> list[UnbrokenPart]:
        """Return the pieces of a function, whose commas stay on the lines that they end."""
        used += width(rf"\operatorname{{{latex_escape(name)}}}(")
        inside = [self._cut(each, 0.0 if at else used) for at, each in enumerate(arguments)]
        inside += [[UnbrokenPart(code(option))] for option in options]
        opening = f"{word(name)}<mo>&#x2061;</mo>{OPENING}"
        return closed(opened(opening, listed(inside, "<mo>,</mo>")), CLOSING)


OPENING, CLOSING = (
    f'<mo form="{form}" stretchy="false">{sign}</mo>'
    for form, sign in (("prefix", "("), ("postfix", ")"))
)


def _in_latex(leaf: LeafBox) -> str:
    return latex_symbol(leaf.node).removeprefix("-")


def _in_line(box: Box) -> Box:
    """Return a part of a fraction with the parentheses that it needs beside a slash."""
    return boxes.FenceBox(box.inside) if isinstance(box, boxes.FenceBox) else box
