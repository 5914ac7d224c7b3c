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
from dataclasses import dataclass, replace
from itertools import pairwise

from typing_extensions import assert_never

from ...symbolic.expression import Expression, Index, Ref
from ...symbolic.latex import (
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
from ...symbolic.layout import (
    NUMERATOR,
    Access,
    Application,
    Box,
    Call,
    Fence,
    Fraction,
    Leaf,
    MatrixProduct,
    Negative,
    Power,
    Product,
    Sum,
    Total,
    Transposed,
)
from ...symbolic.text import Write
from .columns import joints, steps
from .latex_width import width

LINE = 466.0  # points of a line of arithmetic, in letters of ten points; it is set smaller
INDENT = 10.0  # of what stands in one more pair of parentheses
FIRST = 20.0  # what the first line has more, which starts further out
MOST_INDENTS = 6
SPARE = 24.0  # for the signs and parentheses that stand around a piece
SHORT = 60.0  # an exponent that is no wider is written as one
BINARY = (" + ", " - ", r" \cdot ", r" \, ")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a formula that stays on one line.

    Attributes
    ----------
    latex
        The part.
    before
        The sign that joins it to what stands before it on its line.
    depth
        How many broken pairs of parentheses it stands in.
    fresh
        Whether it starts a line, since it or what stands before it takes several.
    whole
        Of how many pieces the summand is that it opens.
    """

    latex: str
    before: str = ""
    depth: int = 0
    fresh: bool = False
    whole: int = 1


def filled(pieces: Sequence[Piece], style: str = "", room: float = LINE) -> list[str]:
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
    found: list[str] = []
    current, taken = "", 0.0
    inline = r"\displaystyle" not in style
    widths = [width(piece.before + piece.latex, inline) for piece in pieces]
    for position, (piece, added) in enumerate(zip(pieces, widths, strict=True)):
        indent = min(piece.depth, MOST_INDENTS)
        left = room + (0 if found else FIRST) - taken
        summand = sum(widths[position : position + piece.whole])
        # What fits on a line is not parted for what stands before it.
        lone = left < summand <= room - INDENT * indent
        if current and added <= left and not piece.fresh and not lone:
            current += piece.before + piece.latex
            taken += added
            continue
        if current:
            found.append(current + ("," if piece.before.startswith(",") else ""))
        current = rf"\hspace*{{{indent}em}}" if indent and found else ""
        current += style + (_at_start(piece.before) if found else piece.before) + piece.latex
        taken = added + (INDENT * indent if found else 0.0)
    return [*found, current]


def _at_start(before: str) -> str:
    """Write a sign at the start of a line, where TeX would take it for that of a number."""
    if before in BINARY[:3]:
        return "{}" + before
    return before.lstrip() if before.strip() in ("=", "/") else ""


def name_pieces(
    written: str, name: str, index: Index | None = None, before: str = "", depth: int = 0
) -> list[Piece]:
    """Cut a name that is too wide for a line at its joints; `written` is all of it."""
    if width(written) <= LINE - SPARE:
        return [Piece(written, before, depth)]
    above, slash, below = name.partition("/∂") if name.startswith("∂") else ("", "", name)
    found = []
    if slash:
        found = _opened(r"\partial ", _name_parts(above[1:]))
    found += _opened(r"/\partial " if slash else "", _name_parts(below))
    if index:
        found = _closed(found, f"_{{{','.join(map(str, index))}}}")
    return [replace(piece, depth=depth) for piece in _joined(before, found)]


def _name_parts(name: str) -> list[Piece]:
    if width(latex_name(name)) <= LINE - SPARE:
        return [Piece(latex_name(name))]
    found = []
    for start, end in pairwise([0, *joints(name), len(name)]):
        # A part without a joint is broken anywhere, if it must be.
        most = int((end - start) * LINE / (2 * width(latex_name(name[start:end])))) or 1
        for at in range(start, end, most):
            part = latex_escape(name[at : min(at + most, end)])
            found.append(Piece(rf"\mathrm{{{part}}}"))
    return found


class Cutter:
    """Cuts formulas into pieces that fit on a line, their leaves written by `leaf`."""

    def __init__(self, leaf: Write = latex_symbol, room: float = LINE) -> None:
        self.leaf = leaf
        self.room = room

    def equation(self, expression: Expression) -> list[Piece]:
        """Return the pieces of a whole formula, with the equals sign before it."""
        box = latex_boxes(expression, self.leaf)
        if isinstance(box, Sum):
            return _joined(" = ", self._sum(box.terms, 0))
        pieces = self._cut(box, 0)
        return _joined(" = ", [replace(pieces[0], whole=len(pieces)), *pieces[1:]])

    def _fits(self, box: Box, depth: int) -> bool:
        """Return whether a box has room on a line; its own parentheses are in `SPARE`."""
        room = self.room - SPARE - INDENT * min(depth, MOST_INDENTS)
        return width(latex_of(box.inside if isinstance(box, Fence) else box)) <= room

    def _cut(self, box: Box, depth: int) -> list[Piece]:
        """Return one piece if it fits on a line, otherwise the pieces of its parts."""
        if self._fits(box, depth):
            return [Piece(latex_of(box), depth=depth)]
        match box:
            case Leaf(Ref(name, index)):
                return name_pieces(latex_of(box), name, index, depth=depth)
            case Leaf():
                return [Piece(latex_of(box), depth=depth)]
            case Sum(terms):
                return self._sum(terms, depth)
            case Product(factors):
                return self._product(factors, depth)
            case Negative(Product(factors)):
                return _opened("-", self._product(factors, depth))
            case Negative(body):
                return _opened("-", self._cut(body, depth))
            case Fence(inside):
                return self._call(r"\bigl(", (inside,), r"\bigr)", depth)
            case Fraction(above, below):
                return _divided(self._over(above, depth), self._cut(_in_line(below), depth))
            case Power(base, exponent):
                return self._power(box, base, latex_of(exponent), depth)
            case Transposed(body):
                return _closed(self._base(body, depth), r"^{\top}")
            case MatrixProduct(left, right):
                left = Fence(left, in_line=True) if isinstance(left, Fraction) else left
                return self._cut(left, depth) + self._each(r" \, ", [right], depth)
            case Total(body, over):
                return _opened(latex_total(over), self._cut(body, depth))
            case Application("sqrt", (argument,)):
                return _closed(self._cut(Fence(argument), depth), "^{1/2}")
            case Application(function, arguments):
                # Fences of a fixed size, which need not be on one line.
                opening, closing = latex_function(function)
                opening, closing = opening.replace("left", "bigl"), closing.replace("right", "bigr")
                return self._call(opening, arguments, closing, depth)
            case Call(op, arguments, options):
                opening = rf"\operatorname{{{latex_escape(op)}}}\bigl("
                listed = map(latex_option, options)
                return self._call(opening, arguments, r"\bigr)", depth, listed)
            case Access(body, code):
                taken = [Piece(latex_code(step), depth=depth) for step in steps(code)]
                return [*self._base(body, depth), *taken]
            case _:
                assert_never(box)

    # --- parts ---

    def _sum(self, terms: Sequence[Box], depth: int) -> list[Piece]:
        found: list[Piece] = []
        broken = False
        for term in terms:
            pieces = self._cut(term, depth)
            first = replace(pieces[0], whole=len(pieces))
            if found:
                sign = " - " if first.latex.startswith("-") else " + "
                bare = first.latex.removeprefix("-")
                first = replace(first, latex=bare, before=sign, fresh=broken or len(pieces) > 1)
            broken = len(pieces) > 1
            found += [first, *pieces[1:]]
        return found

    def _product(self, factors: Sequence[Box], depth: int) -> list[Piece]:
        return self._cut(factors[0], depth) + self._each(r" \cdot ", factors[1:], depth)

    def _each(self, sign: str, boxes: Iterable[Box], depth: int) -> list[Piece]:
        """Return the pieces of boxes that a sign joins to what stands before each."""
        return [piece for box in boxes for piece in _joined(sign, self._cut(box, depth))]

    def _over(self, above: Box, depth: int) -> list[Piece]:
        """Return the pieces of a numerator; a minus may stand before it."""
        if isinstance(above, Fence) and not isinstance(above.inside, NUMERATOR):
            above = above.inside
        return self._cut(_in_line(above), depth)

    def _power(self, whole: Power, base: Box, power: str, depth: int) -> list[Piece]:
        if width(power) > SHORT:
            parts = [part.inside if isinstance(part, Fence) else part for part in whole]
            return self._call(r"\operatorname{pow}\bigl(", parts, r"\bigr)", depth)
        if self._fits(base, depth):
            return [Piece(latex_of(whole), depth=depth)]
        return _closed(self._base(base, depth), f"^{{{power}}}")

    def _base(self, box: Box, depth: int) -> list[Piece]:
        """Return the pieces of what an exponent is hung on; a root that is cut has one itself."""
        rooted = isinstance(box, Application) and box.function == "sqrt"
        return self._cut(Fence(box) if rooted else box, depth)

    def _call(
        self,
        opening: str,
        arguments: Iterable[Box],
        closing: str,
        depth: int,
        options: Iterable[str] = (),
    ) -> list[Piece]:
        """Return the pieces of a function of its arguments, or of a part in its fences."""
        found: list[Piece] = []
        listed = [self._cut(argument, depth + 1) for argument in arguments]
        listed += [[Piece(option, depth=depth + 1)] for option in options]
        for pieces in listed:
            found = [*_closed(found, ","), *_joined(" ", pieces)] if found else pieces
        found = _closed(_opened(opening, found or [Piece("")]), closing)
        return [replace(found[0], depth=depth), *found[1:]]


def _in_line(box: Box) -> Box:
    """Return a part of a fraction with the parentheses that it needs beside a slash."""
    # A fraction below another needs them where it has a slash itself.
    needed = isinstance(box, Fence) and not isinstance(box.inside, Fraction)
    return Fence(box.inside) if isinstance(box, Fence) and needed else box


def _opened(opening: str, pieces: Sequence[Piece]) -> list[Piece]:
    """Put something before the first piece, which stays on its line."""
    return [replace(pieces[0], latex=opening + pieces[0].latex), *pieces[1:]]


def _closed(pieces: Sequence[Piece], closing: str) -> list[Piece]:
    """Put something behind the last piece, which stays on its line."""
    return [*pieces[:-1], replace(pieces[-1], latex=pieces[-1].latex + closing)]


def _joined(sign: str, pieces: Sequence[Piece]) -> list[Piece]:
    """Say by which sign pieces go on from what stands before them."""
    return [replace(pieces[0], before=sign), *pieces[1:]]


def _divided(above: list[Piece], below: list[Piece]) -> list[Piece]:
    """Write a slash between pieces; a short divisor stays with what it divides."""
    last = above[-1]
    if len(below) == 1 and width(last.latex) + width(below[0].latex) <= LINE / 2:
        return _closed(above, f"/{below[0].latex}")
    return above + _joined("/", below)
