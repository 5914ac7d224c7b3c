r"""Formulas in LaTeX that are too long for a line: where they are broken, and how they go on.

`to_latex` writes a formula in one piece, which TeX breaks neither inside a fraction or a root
nor between `\left(` and `\right)`. Here a formula that fits stays as it is. A longer one is
cut outside of its parentheses first: at the signs of its sum, then between the factors of a
summand that is too long by itself, and only then inside of what still does not fit. There a
fraction is written with a slash, a root as a power, and the parentheses are plain ones, which
may stand on lines of their own; what goes on inside of them is set in further.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ...symbolic.expression import (
    FUNCTIONS,
    OF_SEVERAL,
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
    Reshape,
    SumOver,
    Transpose,
)
from ...symbolic.latex import (
    LOOSER_THAN_A_BASE,
    latex_comparing,
    latex_escape,
    latex_name,
    latex_sum,
    latex_symbol,
    to_latex,
)
from ...symbolic.text import Leaf, access
from .columns import joints, steps
from .latex_width import width

LINE = 466.0  # points of a line of arithmetic, in letters of ten points; it is set smaller
INDENT = 10.0  # of what stands in one more pair of parentheses
FIRST = 20.0  # what the first line has more, which starts further out
MOST_INDENTS = 6
SPARE = 24.0  # for the signs and parentheses that stand around a piece
SHORT = 60.0  # an exponent that is no wider is written as one
BINARY = (" + ", " - ", r" \cdot ", r" \, ")
_Loose = tuple[type[Expression], ...]


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

    def __init__(self, leaf: Leaf = latex_symbol, room: float = LINE) -> None:
        self.leaf = leaf
        self.room = room

    def equation(self, expression: Expression) -> list[Piece]:
        """Return the pieces of a whole formula, with the equals sign before it."""
        if isinstance(expression, Add):
            return _joined(" = ", self._sum(expression))
        pieces = self._cut(expression)
        return _joined(" = ", [replace(pieces[0], whole=len(pieces)), *pieces[1:]])

    def _fits(self, expression: Expression, depth: int) -> bool:
        room = self.room - SPARE - INDENT * min(depth, MOST_INDENTS)
        return width(to_latex(expression, self.leaf)) <= room

    def _cut(self, expression: Expression, depth: int = 0) -> list[Piece]:
        """Return one piece if it fits on a line, otherwise the pieces of its parts."""
        if self._fits(expression, depth):
            return [Piece(to_latex(expression, self.leaf), depth=depth)]
        match expression:
            case Number():
                return [Piece(self.leaf(expression), depth=depth)]
            case Ref(name=name, index=index):
                return name_pieces(self.leaf(expression), name, index, depth=depth)
            case Add():
                return self._sum(expression, depth)
            case Mul(factors):
                return self._product(factors, depth)
            case Neg(body):
                return _opened("-", self._inside(body, depth, (Add, Neg)))
            case Div(numerator, denominator):
                above = self._inside(numerator, depth, (Add, SumOver), negative=False)
                loose = (Add, Mul, Neg, MatMul, SumOver)
                return _divided(above, self._inside(denominator, depth, loose, slash=False))
            case Pow(base, exponent):
                return self._power(base, exponent, depth)
            case Apply("sqrt", (argument,)):
                return _closed(self._fenced(argument, depth), "^{1/2}")
            case Apply(function, arguments) if function in OF_SEVERAL:
                opening = rf"{latex_comparing(function)}\bigl("
                return self._call(opening, arguments, r"\bigr)", depth)
            case Apply(function, arguments):
                # Its own LaTeX with fences of a fixed size, which need not be on one line.
                pattern = FUNCTIONS[function].latex.replace(r"\left", r"\bigl")
                opening, closing = pattern.replace(r"\right", r"\bigr").format("\0").split("\0")
                return self._call(opening, arguments, closing, depth)
            case MatMul(left, right):
                before = self._inside(left, depth, (Add, Mul, Neg), slash=False)
                behind = self._inside(right, depth, (Add, Mul, Neg), slash=False)
                return before + _joined(r" \, ", behind)
            case Transpose(body):
                return _closed(self._base(body, depth), r"^{\top}")
            case Reshape(body):
                return self._cut(body, depth)
            case SumOver(body):
                return _opened(latex_sum(expression), self._inside(body, depth, (Add,)))
            case Opaque(name, (body,)) if name.startswith((".", "[")):
                found = self._base(body, depth)
                for step in steps(access(name, body)):
                    found.append(Piece(rf"\mathtt{{{latex_escape(step)}}}", depth=depth))
                return found
            case Opaque(name, arguments, options):
                listed = [rf"\mathrm{{{latex_escape(f'{key}={v}')}}}" for key, v in options]
                opening = rf"\operatorname{{{latex_escape(name)}}}\bigl("
                return self._call(opening, arguments, r"\bigr)", depth, listed)
            case _:
                raise TypeError(f"no LaTeX for {type(expression).__name__}")

    # --- parts ---

    def _sum(self, expression: Add, depth: int = 0) -> list[Piece]:
        found: list[Piece] = []
        broken = False
        for term in expression.terms:
            pieces = self._cut(term, depth)
            pieces = [replace(pieces[0], whole=len(pieces)), *pieces[1:]]
            fresh, broken = broken or len(pieces) > 1, len(pieces) > 1
            if not found:
                found = pieces
                continue
            sign, first = " + ", pieces[0]
            if first.latex.startswith("-"):
                sign, first = " - ", replace(first, latex=first.latex[1:])
            found += [replace(first, before=sign, fresh=fresh), *pieces[1:]]
        return found

    def _product(self, factors: Sequence[Expression], depth: int) -> list[Piece]:
        found: list[Piece] = []
        minus = len(factors) > 1 and factors[0] == Number(-1.0)
        for factor in factors[1:] if minus else factors:
            last = factor is factors[-1]
            loose: _Loose = (Add, MatMul) if last else (Add, MatMul, SumOver)
            pieces = self._inside(factor, depth, loose, negative=bool(found) or minus)
            found += _joined(r" \cdot ", pieces) if found else pieces
        return _opened("-", found) if minus else found

    def _power(self, base: Expression, exponent: Expression, depth: int) -> list[Piece]:
        power = to_latex(exponent, self.leaf)
        if width(power) > SHORT:
            return self._call(r"\operatorname{pow}\bigl(", (base, exponent), r"\bigr)", depth)
        if self._fits(base, depth):
            return [Piece(to_latex(Pow(base, exponent), self.leaf), depth=depth)]
        return _closed(self._base(base, depth), f"^{{{power}}}")

    def _base(self, expression: Expression, depth: int) -> list[Piece]:
        """Return the pieces of what a superscript is hung on."""
        rooted = isinstance(expression, Apply) and expression.function == "sqrt"
        return self._inside(
            expression, depth, (*LOOSER_THAN_A_BASE, Apply) if rooted else LOOSER_THAN_A_BASE
        )

    def _inside(
        self,
        expression: Expression,
        depth: int,
        loose: _Loose,
        negative: bool = True,
        slash: bool = True,
    ) -> list[Piece]:
        """Return the pieces of a part, in parentheses where it binds more loosely.

        `slash` says whether a fraction may stand there that is written with one.
        """
        while isinstance(expression, Reshape):
            expression = expression.body
        flat = to_latex(expression, self.leaf)
        if isinstance(expression, loose) or (negative and flat.startswith("-")):
            return self._fenced(expression, depth)
        if not slash and isinstance(expression, Div) and not self._fits(expression, depth):
            return self._fenced(expression, depth)
        return self._cut(expression, depth)

    def _fenced(self, expression: Expression, depth: int) -> list[Piece]:
        """Return the pieces of a part with its parentheses, small ones if they are apart."""
        if self._fits(expression, depth):
            return [Piece(rf"\left({to_latex(expression, self.leaf)}\right)", depth=depth)]
        return self._call(r"\bigl(", (expression,), r"\bigr)", depth)

    def _call(
        self,
        opening: str,
        arguments: Sequence[Expression],
        closing: str,
        depth: int,
        options: Sequence[str] = (),
    ) -> list[Piece]:
        """Return the pieces of a function of its arguments, or of a part in its fences."""
        found: list[Piece] = []
        listed = [self._cut(argument, depth + 1) for argument in arguments]
        listed += [[Piece(option, depth=depth + 1)] for option in options]
        for pieces in listed:
            found = [*_closed(found, ","), *_joined(" ", pieces)] if found else pieces
        found = _closed(_opened(opening, found or [Piece("")]), closing)
        return [replace(found[0], depth=depth), *found[1:]]


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
