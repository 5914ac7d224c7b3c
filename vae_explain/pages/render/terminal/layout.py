"""Blocks laid out as lines of styled pieces for a given width; knows no terminal library.

A number is never cut and never broken: what does not fit is shown another way. Rows of
factors give way to rows of products, those to lines broken between summands; tables and
matrices that are too wide are stacked in groups of columns.
"""

from __future__ import annotations

from ....symbolic.cases import assert_never
from ... import blocks, pictured
from ..columns import columns, wrap, wrap_parts
from ..numbers import Numbers
from .arithmetic import Arithmetic
from .curves import Curves
from .derivations import Derivations
from .grids import Grids
from .pieces import Canvas, Line, Piece, width_of
from .summaries import Summaries
from .symbols import Symbols


class Layout:
    """Lays out a walkthrough for one width."""

    def __init__(self, width: int, numbers: Numbers, symbols: Symbols) -> None:
        self.canvas = Canvas(width, numbers, symbols)
        self.grids = Grids(self.canvas)
        self.arithmetic = Arithmetic(self.canvas, self.grids)
        self.derivations = Derivations(self.canvas)
        self.curves = Curves(self.canvas)
        self.summaries = Summaries(self.canvas)

    def page(self, walkthrough: blocks.Walkthrough) -> list[Line]:
        """Return the whole page."""
        command = self.canvas.symbols(f"vae-explain {walkthrough.command}")
        lines: list[Line] = []
        title = self.canvas.symbols(walkthrough.title)
        if len(command) + 3 + columns(title) <= self.canvas.width:
            lines.append([Piece(command, "bold"), Piece("   " + title)])
        else:
            lines.append([Piece(command, "bold")])
            dot = self.canvas.symbols(" · ")
            lines += [[Piece(text)] for text in wrap_parts(title, self.canvas.width, dot)]
        for remark in walkthrough.remarks:
            lines += self.canvas.wrapped(remark, self.canvas.width, "dim")
        for block in walkthrough.blocks:
            laid = self.block(block)
            lines += [[], *laid] if laid else []
        return [part for line in lines for part in self.canvas.cut(line)]

    def block(self, block: blocks.Block) -> list[Line]:
        """Return one block; a new kind of block is an error until it has a case here."""
        match block:
            case blocks.Heading():
                return self._heading(block)
            case blocks.Prose(text):
                return self.canvas.indented(self.canvas.wrapped(text, self.canvas.room, ""))
            case blocks.Statement():
                written = "".join(text for text, _ in self.canvas.numbers.statement(block))
                return self.canvas.indented(self.canvas.wrapped(written, self.canvas.room, ""))
            case blocks.Note():
                return self._note(block)
            case blocks.Formula():
                return self.canvas.indented(self.arithmetic.formula(block))
            case blocks.Lines():
                return self.canvas.indented(self.arithmetic.lines(block))
            case blocks.Matrix():
                return self.canvas.indented(self.grids.matrix(block))
            case blocks.Summary():
                return self.canvas.indented(self.summaries.summary(block))
            case blocks.Table():
                return self.canvas.indented(self.grids.table(block))
            case pictured.Curve():
                return self.canvas.indented(self.curves.curve(block))
            case blocks.Tree():
                return self.canvas.indented(self.derivations.tree(block))
            case blocks.Shares():
                return self.canvas.indented(self.derivations.shares(block))
            case pictured.Diagram():
                return self.canvas.indented(self._diagram(block))
            case blocks.SheetQuestions():
                return self.block(block.table)
            case _:
                assert_never(block)

    def _heading(self, heading: blocks.Heading) -> list[Line]:
        badge = Piece(f" {heading.label} ", "badge")
        title = self.canvas.symbols(heading.title)
        detail = self.canvas.symbols(heading.detail)
        used = len(badge.text) + 1
        lines: list[Line] = []
        wrapped = wrap(title, self.canvas.width - used) or [""]
        lines.append([badge, Piece(" "), Piece(wrapped[0], "bold")])
        lines += [[Piece(" " * used), Piece(text, "bold")] for text in wrapped[1:]]
        if not detail:
            return lines
        if len(wrapped) == 1 and used + columns(title) + 3 + columns(detail) <= self.canvas.width:
            lines[0] += [Piece("   "), Piece(detail, "dim")]
            return lines
        return lines + self.canvas.indented(
            self.canvas.wrapped(detail, self.canvas.width - used, "dim"), used
        )

    def _note(self, note: blocks.Note) -> list[Line]:
        mark, style = {
            "plain": ("", "dim"),
            "check": (self.canvas.symbols.check, "check"),
            "failure": (self.canvas.symbols.cross, "failure"),
            "warning": (self.canvas.symbols.warning, "warning"),
        }[note.tone]
        lead = f"{mark} " if mark else ""
        text = self.canvas.wrapped(note.text, self.canvas.room - len(lead), style)
        lines = [
            [Piece(lead if i == 0 else " " * len(lead), style), *line]
            for i, line in enumerate(text)
        ]
        return self.canvas.indented(lines)

    def _diagram(self, block: pictured.Diagram) -> list[Line]:
        arrow = self.canvas.symbols("→")
        pieces: Line = []
        lines: list[Line] = [pieces]
        for position, (name, size) in enumerate(block.stages):
            lead = f" {arrow} " if position else ""
            width = len(lead) + columns(name) + columns(size) + 1
            if position and width_of(pieces) + width > self.canvas.room:
                pieces = [Piece("  ")]
                lines.append(pieces)
            pieces += [
                Piece(lead, "operator"),
                Piece(self.canvas.symbols(name), "bold"),
                Piece(f" {size}", "dim"),
            ]
        return lines
