"""Derivations on a page: the tree of one number, and the parts that it is the sum of."""

from __future__ import annotations

from ...symbolic.expression import Number, Ref
from ...symbolic.text import elided
from ..blocks import Shares, Tree, TreeNode
from .arithmetic import Arithmetic
from .grids import Grids
from .pieces import Canvas, Line, Piece, width_of


class Derivations:
    """Lays out derivations on a canvas."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self.arithmetic = Arithmetic(canvas, Grids(canvas))

    def tree(self, block: Tree) -> list[Line]:
        """Lay out a derivation: formula and numbers of each node under its name."""
        lines: list[Line] = []
        for node in block.nodes:
            # Deep levels share an indentation, so that narrow pages keep room for numbers.
            by = 2 * min(node.depth, max((self.canvas.room - 30) // 6, 1))
            inner = Derivations(self.canvas.narrowed(by))
            lines += self.canvas.indented(inner.node(node), by)
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
        whole = [
            *name,
            Piece(" = ", "operator"),
            *signs,
            Piece(" = ", "operator"),
            *numbers,
            *tail,
        ]
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
