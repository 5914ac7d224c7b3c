"""Derivations on a page: the tree of one number, and the parts that it is the sum of."""

from __future__ import annotations

from collections.abc import Sequence

from ....symbolic.expression import Number, Ref
from ....symbolic.text import elided
from ...blocks import Shares, Tree, TreeNode
from ..columns import columns
from .arithmetic import Arithmetic
from .grids import Grids
from .pieces import Canvas, Line, Piece, width_of

ROOM_FOR_NUMBERS = 20  # columns, beside the guides


class Derivations:
    """Lays out derivations on a canvas."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self.arithmetic = Arithmetic(canvas, Grids(canvas))

    def tree(self, block: Tree) -> list[Line]:
        """Lay out a derivation: formula and numbers of each node under its name."""
        # The deepest levels share an indentation, so that narrow pages keep room for numbers,
        # and for each name with a sign on either side of it.
        names = (columns(self.canvas.symbols(node.name)) + 4 for node in block.nodes if node.line)
        needed = max(ROOM_FOR_NUMBERS, *names, 0)
        deepest = max(self.canvas.room - needed, 0) // columns(self.canvas.symbols.guides[0])
        depths = [min(node.depth, deepest) for node in block.nodes]
        past, turn, last = self.canvas.symbols.guides
        lines: list[Line] = []
        for at, node in enumerate(block.nodes):
            depth = depths[at]
            on = [_goes_on(depths, at, level) for level in range(1, depth + 1)]
            beside = "".join(past if more else "  " for more in on)
            turned = beside[:-2] + (turn if on[-1] else last) if on else ""
            leads_on = depth < (depths[at + 1] if at + 1 < len(depths) else 0)
            inner = Derivations(self.canvas.narrowed(len(beside)))
            first, *others = inner.node(node)
            lines.append([Piece(turned, "dim"), *first])
            for line in others:
                under = beside
                if leads_on and line and line[0].text.startswith("  "):
                    under += past
                    line = [line[0]._replace(text=line[0].text[len(past) :]), *line[1:]]
                lines.append([Piece(under, "dim"), *line])
        return lines

    def node(self, node: TreeNode) -> list[Line]:
        """Lay out one number of a derivation."""
        name = [Piece(self.canvas.symbols(node.name), "accent" if node.depth == 0 else "bold")]
        if node.line is None and node.word.startswith("not explained"):
            result = self.canvas.numbers.one(node.value, node.places)
            return self.arithmetic.equation(
                name, [Piece(result), Piece(f"   {node.word}", "warning")]
            )
        if node.line is None:
            return self.canvas.wrapped(f"{node.name}: {node.word}", self.canvas.room, "dim")
        written = self.canvas.numbers.alone(node.line, node.places)
        tail = self.arithmetic.result(node.line, written)
        numbers = self.canvas.tokens(node.line.expression, written.leaf)
        if isinstance(node.line.expression, Number):
            return self.arithmetic.equation(name, tail[1:])
        signs = self.canvas.tokens(elided(node.line.expression))
        if isinstance(node.line.expression, Ref):
            return self.arithmetic.equation(name, signs, tail)
        whole = [*name, Piece(" = ", "operator"), *signs, Piece(" = ", "operator"), *numbers, *tail]
        if width_of(whole) <= self.canvas.room:
            return [whole]
        symbols = self.arithmetic.equation(name, signs)
        return [*symbols, *self.arithmetic.equation([Piece("  ")], numbers, tail)]

    def shares(self, block: Shares) -> list[Line]:
        """Lay out the parts of a number: amount, share, and what it is, wrapped beside."""
        amounts = self.canvas.numbers.column([s.amount for s in block.shares], "gradient")
        width = max(map(len, amounts), default=0)
        lines: list[Line] = []
        for share, amount in zip(block.shares, amounts, strict=True):
            lead: Line = [
                Piece(amount.rjust(width), "dim" if share.amount == 0 else "accent"),
                Piece(f"  {100 * share.share:5.1f} %  ", "dim"),
            ]
            room = self.canvas.room - width_of(lead)
            below = room < 20
            text = self.canvas.wrapped(share.text, self.canvas.room - 2 if below else room, "")
            text += self.canvas.wrapped(
                share.remark, self.canvas.room - 2 if below else room, "dim"
            )
            if below:
                lines += [lead, *self.canvas.indented(text, 2)]
                continue
            lines += [[*lead, *text[0]], *self.canvas.indented(text[1:], width_of(lead))]
        return lines


def _goes_on(depths: Sequence[int], at: int, level: int) -> bool:
    """Whether a further node of a level follows behind one, under the same node above."""
    behind = next((depth for depth in depths[at + 1 :] if depth <= level), 0)
    return behind == level
