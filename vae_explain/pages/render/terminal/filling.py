"""Long arithmetic broken into lines, at the operators that bind most loosely.

A summand that fits on a line is never split. A longer one has lines of its own: it is split
between its factors first, and inside of parentheses only if these do not fit on a line.
Continuation lines are indented under what they belong to, so that the place of a sign at the
start of a line shows what it adds to. A number is never split.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from .pieces import Canvas, Line, Piece, width_of

Part = list[tuple[Piece, int]]  # pieces, each with the number of open parentheses before it
OPENING = ("(", "[")
FURTHER_IN = 2  # columns that a summand's continuation is indented by, behind its sign
SHORT = 4  # columns of a first summand that shares its line with a long one, as in (1 - …


def filled(
    start: Line, under: int, right: Sequence[Piece], tail: Sequence[Line], canvas: Canvas
) -> list[Line]:
    """Write the right side of an equation in lines.

    Parameters
    ----------
    start
        What stands on the first line already.
    under
        How far in the others begin.
    right
        The arithmetic.
    tail
        What follows it, in parts that stay on one line each.
    canvas
        How wide a line may be, and which signs there are.
    """
    filler = _Filler(start, canvas)
    filler.sum(list(zip(right, _depths(right), strict=True)), 0, under)
    for part in tail:
        filler.put(part, under)
    return filler.lines


class _Filler:
    """Fills lines, of which the last is being written."""

    def __init__(self, start: Line, canvas: Canvas) -> None:
        self.room = canvas.room
        self.deepest = canvas.room * 3 // 5  # the deepest indent, which leaves room for a number
        self.opened = canvas.room * 2 // 5  # parentheses that open further in get a new line
        self.signs = (canvas.symbols("·"), canvas.symbols(" @ "), "/")
        self.lines: list[Line] = []
        self._begin(start)

    # --- lines ---

    def _begin(self, line: Line) -> None:
        self.lines.append(list(line))
        self.taken = width_of(line)
        self.fresh = True  # nothing is written on it yet

    def put(self, pieces: Line, indent: int) -> None:
        """Write pieces that stay on one line: this one, or the next if there is no room."""
        if self.taken + width_of(pieces) > self.room and self.taken > indent:
            self._next(indent)
        if self.fresh and not self.lines[-1][-1].text.strip():
            pieces = [Piece(pieces[0].text.lstrip(), pieces[0].style), *pieces[1:]]
            most = self.room - width_of(pieces)
            if self.taken > most:  # too wide for what the indent leaves: indent it less
                self.lines[-1] = [Piece(" " * max(most, 0))]
        self.lines[-1] += pieces
        self.taken = width_of(self.lines[-1])
        self.fresh = False

    def _next(self, indent: int) -> None:
        if self.taken > indent or not self.fresh:
            self._begin([Piece(" " * indent)])

    # --- parts ---

    def sum(self, part: Part, depth: int, indent: int, behind: int = 0) -> None:
        """Write summands; one that takes several lines shares them with no other.

        `behind` is the width of what has to follow the last of them on its line.
        """
        alone = False
        summands = _split(part, depth, _opens_summand)
        for position, summand in enumerate(summands):
            follows = behind if summand is summands[-1] else 0
            whole = [piece for piece, _ in summand]
            if width_of(whole) + follows <= self.room - indent:
                if alone:
                    self._next(indent)
                self._whole(whole, indent, follows)
                alone = False
                continue
            at = indent
            first = width_of([piece for piece, _ in _split(summand, depth, self._opens_factor)[0]])
            short = self.taken - indent <= SHORT and self.taken + 1 + FURTHER_IN <= self.deepest
            if position == 1 and short and self.taken + first <= self.room:
                at = self.taken + 1  # the sign's place, behind a space
            elif position:
                self._next(indent)
            self._product(summand, depth, at, follows)
            alone = True

    def _product(self, part: Part, depth: int, indent: int, behind: int) -> None:
        """Write a summand that is too long for a line, factor by factor."""
        inner = min(indent + FURTHER_IN, self.deepest)
        was_split = False
        factors = _split(part, depth, self._opens_factor)
        for factor in factors:
            follows = behind if factor is factors[-1] else 0
            whole = [piece for piece, _ in factor]
            if was_split and width_of(whole) > SHORT:
                self._next(inner)
            was_split = width_of(whole) + follows > self.room - inner
            was_split = was_split and any(inside > depth for _, inside in factor)
            if was_split:
                self._fenced(factor, depth, inner, follows)
            else:
                self._whole(whole, inner, follows)

    def _fenced(self, part: Part, depth: int, indent: int, behind: int) -> None:
        """Write a factor that is too long for a line: its opening, its inside, its closing."""
        first = next(i for i, (_, inside) in enumerate(part) if inside > depth)
        end = next((i for i in range(first, len(part)) if part[i][1] == depth), len(part))
        opening = [piece for piece, _ in part[:first]]
        held, closing, rest = part[first : end - 1], [part[end - 1][0]], part[end:]
        again = any(inside > depth for _, inside in rest)  # an exponent in parentheses
        if not again:
            closing += [piece for piece, _ in rest]
        inside = self.lines[-1][-1].text.endswith(OPENING)
        if self.taken + width_of(opening) > self.opened and not (self.fresh or inside):
            self._next(indent)
        self.put(opening, indent)
        inner = min(self.taken, self.deepest)
        follows = width_of(closing) + (0 if again else behind)
        arguments = _split(held, depth + 1, _opens_argument)
        for argument in arguments:
            self.sum(argument, depth + 1, inner, follows if argument is arguments[-1] else 0)
        self.put(closing, inner)
        if again:
            self._fenced(rest, depth, indent, behind)

    def _whole(self, pieces: Line, indent: int, behind: int) -> None:
        over = self.taken + width_of(pieces) + behind - self.room
        if over > 0 and self.taken > indent:
            self._next(indent)
        elif over > 0 and not self.fresh:
            self._indent_less(over)
        self.put(pieces, indent)

    def _indent_less(self, by: int) -> None:
        """Move the line that is being written to the left, as far as it is indented."""
        lead = self.lines[-1][0]
        if not lead.text.strip():
            self.lines[-1][0] = Piece(" " * (width_of([lead]) - by))
            self.taken = width_of(self.lines[-1])

    def _opens_factor(self, before: Piece, piece: Piece) -> bool:
        return piece.style == "operator" and (
            piece.text in self.signs or piece.text.startswith(".")
        )


def _opens_summand(before: Piece, piece: Piece) -> bool:
    return piece.style == "operator" and piece.text in (" + ", " - ")


def _opens_argument(before: Piece, piece: Piece) -> bool:
    return before == Piece(", ", "operator")


def _depths(pieces: Sequence[Piece]) -> list[int]:
    """Return the number of open parentheses before each piece."""
    depths, depth = [], 0
    for piece in pieces:
        depths.append(depth)
        if piece.style == "operator":
            depth += sum(map(piece.text.count, "([")) - sum(map(piece.text.count, ")]"))
    return depths


def _split(part: Part, depth: int, opens: Callable[[Piece, Piece], bool]) -> list[Part]:
    """Split pieces before each one that `opens` a part, at `depth` open parentheses."""
    parts = [part[:1]]
    for (before, _), (piece, inside) in pairwise(part):
        if inside == depth and opens(before, piece):
            parts.append([])
        parts[-1].append((piece, inside))
    return parts
