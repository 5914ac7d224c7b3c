r"""Formulas in LaTeX that are too long for a line: where they are broken, and how they go on.

`to_latex` writes a formula in one piece, which TeX breaks neither inside a fraction or a root
nor between `\left(` and `\right)`. Here a formula that fits stays as it is. A longer one is
cut outside of its parentheses first: at the signs of its sum, then between the factors of a
summand that is too long by itself, and only then inside of what still does not fit. There a
fraction is written with a slash, a root as a power, and the parentheses are plain ones, which
may stand on lines of their own; what goes on inside of them is set in further.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from ....symbolic import boxes
from ....symbolic.boxes import Box, LeafBox
from ....symbolic.cases import assert_never
from ....symbolic.expression import Add, Expression, Index, Ref
from ....symbolic.latex import (
    latex_boxes,
    latex_code,
    latex_escape,
    latex_function,
    latex_name,
    latex_of,
    latex_option,
    latex_symbol,
    latex_total,
)
from ....symbolic.text import Write, gradient_parts
from ..columns import joints, steps
from ..cutting import UnbrokenPart, closed, joined, listed, opened
from .width import width

LINE = 466.0  # points of a line of arithmetic, in letters of ten points; it is set smaller
INDENT = 10.0  # points for each pair of broken parentheses
FIRST = 20.0  # points that the first line has more, as it starts further left
MOST_INDENTS = 6
MARGIN = 24.0  # points kept free for the signs and parentheses around a piece
SHORT = 60.0  # an exponent that is no wider is written as one
BINARY = (" + ", " - ", r" \cdot ", r" \, ")


def filled(pieces: Sequence[UnbrokenPart], style: str = "", room: float = LINE) -> list[str]:
    r"""Join pieces to as few lines as they fit on, each a formula of its own.

    Parameters
    ----------
    pieces
        What is written, in its order.
    style
        What stands at the start of each line, such as `\displaystyle `.
    room
        How wide a line may be, in points of letters of ten points.

    Returns
    -------
    list of str
        LaTeX without its dollars; one string if everything fits on one line.
    """
    lines: list[str] = []
    current, taken = "", 0.0
    inline = r"\displaystyle" not in style
    widths = [width(piece.before + piece.text, inline) for piece in pieces]
    for position, (piece, added) in enumerate(zip(pieces, widths, strict=True)):
        indent = min(piece.depth, MOST_INDENTS)
        left = room + (0 if lines else FIRST) - taken
        summand = sum(widths[position : position + piece.whole])
        # A summand that fits on a line is not split because of what stands before it.
        lone = left < summand <= room - INDENT * indent
        if current and added <= left and not piece.fresh and not lone:
            current += piece.before + piece.text
            taken += added
            continue
        if current:
            lines.append(current + ("," if piece.before.startswith(",") else ""))
        current = rf"\hspace*{{{indent}em}}" if indent and lines else ""
        current += style + (_at_start(piece.before) if lines else piece.before) + piece.text
        taken = added + (INDENT * indent if lines else 0.0)
    return [*lines, current]


def _at_start(before: str) -> str:
    """Write an operator at the start of a line, where TeX would take it for a number's sign."""
    if before in BINARY[:3]:
        return "{}" + before
    return before.lstrip() if before.strip() in ("=", "/") else ""


def name_pieces(
    written: str, name: str, index: Index | None = None, before: str = "", depth: int = 0
) -> list[UnbrokenPart]:
    """Cut a name that is too wide for a line at its joints; `written` is all of it."""
    if width(written) <= LINE - MARGIN:
        return [UnbrokenPart(written, before, depth)]
    above, below = gradient_parts(name)
    pieces = opened(r"\partial ", _name_parts(above)) if above else []
    pieces += opened(r"/\partial " if above else "", _name_parts(below))
    if index:
        pieces = closed(pieces, f"_{{{','.join(map(str, index))}}}")
    return [piece._replace(depth=depth) for piece in joined(before, pieces)]


def _name_parts(name: str) -> list[UnbrokenPart]:
    if width(latex_name(name)) <= LINE - MARGIN:
        return [UnbrokenPart(latex_name(name))]
    pieces = []
    for start, end in pairwise([0, *joints(name), len(name)]):
        # A part without a joint is broken anywhere.
        most = int((end - start) * LINE / (2 * width(latex_name(name[start:end])))) or 1
        for at in range(start, end, most):
            part = latex_escape(name[at : min(at + most, end)])
            pieces.append(UnbrokenPart(rf"\mathrm{{{part}}}"))
    return pieces


class Cutter:
    """Cuts formulas into pieces that fit on a line, their leaves written by `leaf`."""

    def __init__(self, leaf: Write = latex_symbol, room: float = LINE) -> None:
        self.leaf = leaf
        self.room = room

    def equation(self, expression: Expression) -> list[UnbrokenPart]:
        """Return the pieces of a whole formula, with the equals sign before it."""
        box = latex_boxes(expression, self.leaf)
        # A sum in another shape stays in one piece if it can.
        if isinstance(box, boxes.SumBox) and isinstance(expression, Add):
            return joined(" = ", self._sum(box.terms, 0))
        pieces = self._cut(box, 0)
        return joined(" = ", [pieces[0]._replace(whole=len(pieces)), *pieces[1:]])

    def _fits(self, box: Box, depth: int) -> bool:
        """Return whether a box has room on a line; its own parentheses are in `MARGIN`."""
        room = self.room - MARGIN - INDENT * min(depth, MOST_INDENTS)
        return width(latex_of(box.inside if isinstance(box, boxes.FenceBox) else box)) <= room

    def _cut(self, box: Box, depth: int) -> list[UnbrokenPart]:
        """Return one piece if it fits on a line, otherwise the pieces of its parts."""
        if self._fits(box, depth):
            return [UnbrokenPart(latex_of(box), depth=depth)]
        match box:
            case LeafBox(Ref(name, index)):
                return name_pieces(latex_of(box), name, index, depth=depth)
            case LeafBox():
                return [UnbrokenPart(latex_of(box), depth=depth)]
            case boxes.SumBox(terms):
                return self._sum(terms, depth)
            case boxes.ProductBox(factors):
                return self._product(factors, depth)
            case boxes.NegativeBox(boxes.ProductBox(factors)):
                return opened("-", self._product(factors, depth))
            case boxes.NegativeBox(body):
                return opened("-", self._cut(body, depth))
            case boxes.FenceBox(inside):
                return self._call(r"\bigl(", (inside,), r"\bigr)", depth)
            case boxes.FractionBox(above, below):
                return _divided(self._over(above, depth), self._cut(_in_line(below), depth))
            case boxes.PowerBox(base, exponent):
                return self._power(box, base, latex_of(exponent), depth)
            case boxes.TransposedBox(body):
                return closed(self._base(body, depth), r"^{\top}")
            case boxes.MatrixProductBox(left, right):
                left = (
                    boxes.FenceBox(left, in_line=True)
                    if isinstance(left, boxes.FractionBox)
                    else left
                )
                return self._cut(left, depth) + self._each(r" \, ", [right], depth)
            case boxes.TotalBox(body, over):
                return opened(latex_total(over), self._cut(body, depth))
            case boxes.ApplicationBox("sqrt", (argument,)):
                return closed(self._cut(boxes.FenceBox(argument), depth), "^{1/2}")
            case boxes.ApplicationBox(function, arguments):
                # Fences of a fixed size, which need not be on one line.
                opening, closing = latex_function(function)
                opening, closing = opening.replace("left", "bigl"), closing.replace("right", "bigr")
                return self._call(opening, arguments, closing, depth)
            case boxes.CallBox(op, arguments, options):
                opening = rf"\operatorname{{{latex_escape(op)}}}\bigl("
                listed = map(latex_option, options)
                return self._call(opening, arguments, r"\bigr)", depth, listed)
            case boxes.AccessBox(body, code):
                taken = [UnbrokenPart(latex_code(step), depth=depth) for step in steps(code)]
                return [*self._base(body, depth), *taken]
            case _:
                assert_never(box)

    # --- parts ---

    def _sum(self, terms: Sequence[Box], depth: int) -> list[UnbrokenPart]:
        summands: list[UnbrokenPart] = []
        broken = False
        for term in terms:
            pieces = self._cut(term, depth)
            first = pieces[0]._replace(whole=len(pieces))
            if summands:
                sign = " - " if first.text.startswith("-") else " + "
                bare = first.text.removeprefix("-")
                first = first._replace(text=bare, before=sign, fresh=broken or len(pieces) > 1)
            broken = len(pieces) > 1
            summands += [first, *pieces[1:]]
        return summands

    def _product(self, factors: Sequence[Box], depth: int) -> list[UnbrokenPart]:
        return self._cut(factors[0], depth) + self._each(r" \cdot ", factors[1:], depth)

    def _each(self, sign: str, boxes: Iterable[Box], depth: int) -> list[UnbrokenPart]:
        """Return the pieces of boxes that a sign joins to what stands before each."""
        return [piece for box in boxes for piece in joined(sign, self._cut(box, depth))]

    def _over(self, above: Box, depth: int) -> list[UnbrokenPart]:
        """Return the pieces of a numerator; a minus may stand before it."""
        if isinstance(above, boxes.FenceBox) and not isinstance(above.inside, boxes.NUMERATOR):
            above = above.inside
        return self._cut(_in_line(above), depth)

    def _power(
        self, whole: boxes.PowerBox, base: Box, power: str, depth: int
    ) -> list[UnbrokenPart]:
        if width(power) > SHORT:
            parts = [part.inside if isinstance(part, boxes.FenceBox) else part for part in whole]
            return self._call(r"\operatorname{pow}\bigl(", parts, r"\bigr)", depth)
        if self._fits(base, depth):
            return [UnbrokenPart(latex_of(whole), depth=depth)]
        return closed(self._base(base, depth), f"^{{{power}}}")

    def _base(self, box: Box, depth: int) -> list[UnbrokenPart]:
        """Return the pieces of what an exponent is hung on; a root that is cut has one itself."""
        rooted = isinstance(box, boxes.ApplicationBox) and box.function == "sqrt"
        return self._cut(boxes.FenceBox(box) if rooted else box, depth)

    def _call(
        self,
        opening: str,
        arguments: Iterable[Box],
        closing: str,
        depth: int,
        options: Iterable[str] = (),
    ) -> list[UnbrokenPart]:
        """Return the pieces of a function of its arguments, or of a part in its fences."""
        inside = [self._cut(argument, depth + 1) for argument in arguments]
        inside += [[UnbrokenPart(option, depth=depth + 1)] for option in options]
        pieces = closed(opened(opening, listed(inside, ",", " ")), closing)
        return [pieces[0]._replace(depth=depth), *pieces[1:]]


def _in_line(box: Box) -> Box:
    """Return a part of a fraction with the parentheses that it needs beside a slash."""
    # A fraction below another needs them where it has a slash itself.
    needed = isinstance(box, boxes.FenceBox) and not isinstance(box.inside, boxes.FractionBox)
    return boxes.FenceBox(box.inside) if isinstance(box, boxes.FenceBox) and needed else box


def _divided(above: list[UnbrokenPart], below: list[UnbrokenPart]) -> list[UnbrokenPart]:
    """Write a slash between pieces; a short divisor stays with what it divides."""
    last = above[-1]
    if len(below) == 1 and width(last.text) + width(below[0].text) <= LINE / 2:
        return closed(above, f"/{below[0].text}")
    return above + joined("/", below)
