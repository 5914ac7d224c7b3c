"""Markdown as GitHub shows it: headings, tables, and formulas in LaTeX.

Written to be read as plain text too: arithmetic stands in tables, in the field's own
signs, and only formulas and matrices are LaTeX. These stand in fences, since Markdown
would take the backslashes and underscores of a bare `$$` block for its own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from ...symbolic.cases import assert_never
from ...symbolic.expression import Expression
from ...symbolic.latex import latex_name, to_latex
from ...symbolic.printable import printable
from ...symbolic.text import elided
from .. import blocks, pictured
from .diagram import description
from .typeset import MARKS, MINUS, Grid, Typesetter, left_out, minus, result_columns, shape_text

Paragraphs = list[str]


def write(walkthrough: blocks.Walkthrough, picture: str = "", digits: int | None = None) -> str:
    """Return a walkthrough as Markdown.

    Parameters
    ----------
    picture
        The name of the file that has the drawn diagram; without one it is described in words.
    """
    return "\n\n".join(Markdown(picture, digits=digits).page(walkthrough)) + "\n"


class Markdown:
    """Writes blocks as paragraphs of Markdown.

    Parameters
    ----------
    picture
        What the picture of the model is called from the text; empty for none.
    fenced
        Whether a formula stands in a fence, as GitHub has it, or between two `$$`.
    """

    def __init__(self, picture: str = "", fenced: bool = True, digits: int | None = None) -> None:
        self.picture = picture
        self.fenced = fenced
        self.typeset = Typesetter(digits)

    def page(self, walkthrough: blocks.Walkthrough) -> Paragraphs:
        """Return the whole page."""
        paragraphs = self.title(walkthrough)
        for block in walkthrough.blocks:
            paragraphs += self.block(block)
        return paragraphs

    def title(self, walkthrough: blocks.Walkthrough) -> Paragraphs:
        """Return what stands before the blocks."""
        return [f"# {text(walkthrough.title)}", *map(text, walkthrough.remarks)]

    def block(self, block: blocks.Block) -> Paragraphs:
        """Return one block; a new kind of block is an error until it has a case here."""
        match block:
            case blocks.Heading():
                return self._heading(block)
            case blocks.Prose(words):
                return [text(words)]
            case blocks.Statement():
                return [text(self.typeset.statement(block))]
            case blocks.Note(words, tone):
                return [self._note(words, tone)]
            case blocks.Formula():
                return self._formula(block)
            case blocks.Lines():
                return self._lines(block)
            case blocks.Matrix():
                return self._matrix(block)
            case blocks.Summary():
                return self._summary(block)
            case blocks.Table():
                return [self._table(block)]
            case pictured.Diagram():
                return self._diagram(block)
            case pictured.Curve():
                return [self._curve(block)]
            case blocks.Tree():
                return ["\n".join(self._node(node) for node in block.nodes)]
            case blocks.Shares():
                return [self._shares(block)]
            case blocks.SheetQuestions():
                return self.block(block.table)
            case _:
                assert_never(block)

    def _heading(self, block: blocks.Heading) -> Paragraphs:
        level = "###" if block.chapter else "##"
        heading = f"{level} {block.label} {text(block.title)}"
        return [heading, f"*{text(block.detail)}*"] if block.detail else [heading]

    def _note(self, words: str, tone: str) -> str:
        line = text(MARKS[tone] + words)
        return f"**{line}**" if tone in ("failure", "warning") else line

    def _formula(self, block: blocks.Formula) -> Paragraphs:
        if block.again:
            return []
        paragraphs = [self._equation(block.left, block.expression)]
        return [*paragraphs, f"*{text(block.remark)}*"] if block.remark else paragraphs

    def _equation(self, left: str, right: Expression) -> str:
        return self.math(f"{latex_name(left)} = {to_latex(elided(right))}")

    def math(self, latex: str) -> str:
        """Return LaTeX as a display of its own."""
        # An empty line would end the display.
        latex = re.sub(r"\n\s*\n", "\n", printable_latex(latex))
        return f"```math\n{latex}\n```" if self.fenced else f"$$\n{latex}\n$$"

    def _matrix(self, block: blocks.Matrix) -> Paragraphs:
        name = f"**{text(block.name)}** {text(shape_text(block))}"
        if block.array.ndim == 0:
            return [f"{name} = {self.typeset.one(float(block.array), block.places)}"]
        paragraphs = [name]
        for shelf in self.typeset.shelves(block):
            if shelf[0].part:
                paragraphs.append(text(block.name + shelf[0].where))
            paragraphs.append(self.math("\n\\quad\n".join(_bmatrix(block.name, g) for g in shelf)))
        return paragraphs

    def _summary(self, block: blocks.Summary) -> Paragraphs:
        words = ", ".join(self.typeset.summary(block))
        paragraphs = [f"**{text(block.name)}** {text(shape_text(block))}: {text(words)}."]
        largest = self.typeset.largest(block)
        if largest:
            header = ["largest", *(text(label) for label, _ in largest)]
            paragraphs.append(
                table(header, [[text(block.name), *(number for _, number in largest)]])
            )
        return paragraphs

    def _lines(self, block: blocks.Lines) -> Paragraphs:
        if block.quiet:
            example = self.typeset.example(block)
            paragraphs = [f"For example, {text(example)}"] if example else []
            return paragraphs + [f"**{text(line)}**" for line in self.typeset.failed(block)]
        if not block.lines:
            return []
        if not block.head or all(line.label == "" for line in block.lines):
            # Lines of no common tensor, and a number that is no tensor.
            return ["\\\n".join(text(self.typeset.equation(block, line)) for line in block.lines)]
        rows = self.typeset.rows(block)
        header = [rows.head, *rows.columns, rows.name or "value"]
        header += [rows.after] if rows.after else []
        has_words = any(row.word or row.remark or row.failure for row in rows.rows)
        body = []
        for row in rows.rows:
            cells = [*map(text, (row.label, *row.cells)), f"**{row.result}**"]
            if rows.after:
                cells[-1] = text(row.result)
                cells.append(text(row.after) if row.word else f"**{row.after}**")
            if has_words:
                remark = text(", ".join(filter(None, (row.word, row.remark))))
                failure = f"**{text(row.failure)}**" if row.failure else ""
                cells.append(" ".join(filter(None, (remark, failure))))
            body.append(cells)
        header += [""] if has_words else []
        left = [cell in ("arithmetic", "") for cell in header]
        paragraphs = (
            [self._equation(block.after.name, block.after.expression)] if block.after else []
        )
        paragraphs.append(table([text(cell) for cell in header], body, left))
        if block.omitted:
            paragraphs.append(f"*{left_out(block.omitted)}*")
        if block.total is not None:
            total = self.typeset.one(block.total.shown, block.places)
            words = f"the sum of {len(block.lines) + block.omitted:,}"
            failure = self.typeset.failure(block.total)
            paragraphs.append(f"{text(block.name)} = **{total}**{text(failure)}, {words}")
        return paragraphs

    def _table(self, block: blocks.Table) -> str:
        columns = result_columns(block)
        body = self.typeset.table(block, lambda cell, _: text(cell), lambda cell: f"**{cell}**")
        header = [text(column.header) for column in columns]
        return table(header, body, [column.left for column in columns])

    def _diagram(self, block: pictured.Diagram) -> Paragraphs:
        words = text(" → ".join(f"{name} {size}" for name, size in block.stages))
        if not self.picture or block.network is None:
            return [words]
        seen = f"The layers of the model. {description(block.network)}"
        shown = [f"![{text(seen)}]({link(self.picture)})"]
        return [*shown, f"*{text(block.caption)}*", words] if block.caption else [*shown, words]

    def _curve(self, block: pictured.Curve) -> str:
        header, body = self.typeset.curve(block)
        return table([text(cell) for cell in header], body)

    def _node(self, node: blocks.TreeNode) -> str:
        indent = "  " * node.depth
        if node.line is None:
            result = self.typeset.one(node.value, node.places)
            return f"{indent}- {text(f'{node.name} = {result}')} ({text(node.word)})"
        written = self.typeset.numbers.alone(node.line, node.places)
        numbers = self.typeset.arithmetic(node.line.expression, written.leaf)
        symbols = self.typeset.symbols(node.line.expression)
        result = minus(written.result) + self.typeset.behind(node.line, written)
        return f"{indent}- {text(f'{node.name} = {symbols} = {numbers} = {result}')}"

    def _shares(self, block: blocks.Shares) -> str:
        body = [
            [
                self.typeset.one(share.amount, "gradient"),
                f"{100 * share.share:.1f} %",
                text(share.text),
                text(share.remark),
            ]
            for share in block.shares
        ]
        return table(["amount", "share", "way", ""], body, [False, False, True, True])


# --- the marks of Markdown --------------------------------------------------------------

# Characters that a backslash escapes. An underscore within a word needs none.
_SPECIAL = re.compile(r"[\\`*<>~&]|(?<![^\W_])_|_(?![^\W_])")
_IN_A_LINK = re.compile(r"[\[\]:!]")
# What opens a heading, a list or a rule when it is the first on a line.
_AT_START = re.compile(r"^(#{1,6}(?=\s|$)|[-+](?=\s|$)|-{2,}|=+|\d+[.)](?=\s|$))")


def text(words: str) -> str:
    """Return words as Markdown that shows exactly them, on one line.

    Examples
    --------
    >>> print(text("a_b _a_ <img onerror=x> `y` $x$"))
    a_b \\_a\\_ \\<img onerror=x\\> \\`y\\` <span>$</span>x<span>$</span>
    """
    words = printable(" ".join(words.split()))
    words = _SPECIAL.sub(r"\\\g<0>", words)
    if "](" in words or "]:" in words:
        words = _IN_A_LINK.sub(r"\\\g<0>", words)
    words = _AT_START.sub(lambda match: rf"{match[0][:-1]}\{match[0][-1]}", words)
    # GitHub looks for formulas between dollars, whatever stands before them.
    return words.replace("$", "<span>$</span>")


def link(name: str) -> str:
    """Return a file's name as the target of a link, in pointed brackets if it needs them."""
    if re.fullmatch(r"[\w.:/-]+", name):
        return name
    # By its bytes what a link cannot have: a line's end, or a byte that is no text.
    coded = (c if c.isprintable() and c != "%" else quote(os.fsencode(c)) for c in name)
    escaped = re.sub(r"[\\<>]", r"\\\g<0>", "".join(coded))
    return f"<{escaped}>"


def table(
    header: Sequence[str], body: Iterable[Sequence[str]], left: Sequence[bool] | None = None
) -> str:
    """Return cells that are Markdown already as a table, its columns aligned in plain text."""
    rows = [[cell.replace("|", r"\|") for cell in row] for row in (header, *body)]
    left = left or [False] * len(header)
    widths = [max(3, *(len(row[j]) for row in rows)) for j in range(len(header))]

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.ljust(width) if is_left else cell.rjust(width)
            for cell, width, is_left in zip(row, widths, left, strict=True)
        ]
        return f"| {' | '.join(cells)} |"

    rule = [
        "-" * width if is_left else "-" * (width - 1) + ":"
        for width, is_left in zip(widths, left, strict=True)
    ]
    return "\n".join([line(rows[0]), line(rule), *map(line, rows[1:])])


def _bmatrix(name: str, grid: Grid) -> str:
    """Write a grid in LaTeX, with its index where it is one matrix of several."""
    label = f"{latex_name(name, grid.at)} = " if grid.at and not grid.part else ""
    width = max(len(cell) for row in grid.rows for cell in row)
    lines = [" & ".join(cell.rjust(width) for cell in row) for row in grid.rows]
    rows = " \\\\\n".join(lines).replace(MINUS, "-")
    return f"{label}\\begin{{bmatrix}}\n{rows}\n\\end{{bmatrix}}"


def printable_latex(latex: str) -> str:
    """Keep what a name may hold from ending the formula that it stands in."""
    return latex.replace("```", "'''")
