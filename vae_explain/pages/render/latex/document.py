"""A LaTeX document that compiles as it is, with amsmath alone.

A formula or a line of arithmetic is a formula in running text, and one that is too long for
a line is several; `latex_lines` decides where it is broken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ....engine.worked_lines import Worked
from ....symbolic.cases import assert_never
from ....symbolic.expression import Expression
from ....symbolic.latex import latex_name
from ....symbolic.text import Write, elided, split_index
from ... import blocks, pictured
from ..cutting import UnbrokenPart
from ..diagram import description
from ..numbers import LineNumbers
from ..typeset import MINUS, Grid, Typesetter, left_out, result_columns, shape_text
from .lines import INDENT, LINE, Cutter, filled, name_pieces
from .marks import inline, letters, marked_name, number_text, scientific, text
from .picture import picture

MOST_TABLE_ROWS = 36  # on one page; the rest goes into a further table
PREAMBLE = r"""\documentclass[10pt,a4paper]{article}
\usepackage[utf8]{inputenc}
\usepackage{amsmath}
\setlength{\textwidth}{17cm}
\setlength{\oddsidemargin}{-0.5cm}
\setlength{\evensidemargin}{-0.5cm}
\setlength{\topmargin}{-1.5cm}
\setlength{\textheight}{24.5cm}
\setlength{\parindent}{0pt}
\setlength{\parskip}{5pt plus 2pt minus 1pt}
\setlength{\tabcolsep}{5pt}
\setlength{\emergencystretch}{3em}
\setcounter{tocdepth}{1}
\allowdisplaybreaks
% A formula or a line of arithmetic: its own paragraph, broken with an indent.
\newenvironment{arithmetic}{\begin{list}{}{\setlength{\leftmargin}{4em}%
  \setlength{\itemindent}{-2em}\setlength{\itemsep}{1pt}\setlength{\parsep}{0pt}%
  \setlength{\topsep}{3pt}\setlength{\rightmargin}{0pt}}\raggedright\small
  % Fractions that stand under each other keep a distance.
  \setlength{\lineskiplimit}{2pt}\setlength{\lineskip}{4pt}}{\end{list}}
"""
SIGNS = {"plain": "", "check": r"$\surd$ ", "failure": r"$\times$ ", "warning": r"\textbf{!} "}


def write(walkthrough: blocks.Walkthrough, _: str = "", digits: int | None = None) -> str:
    """Return a walkthrough as a LaTeX document, which draws the picture itself."""
    return _Latex(digits).document(walkthrough)


class _Latex:
    def __init__(self, digits: int | None) -> None:
        self.typeset = Typesetter(digits)

    def document(self, walkthrough: blocks.Walkthrough) -> str:
        parts = [
            PREAMBLE + r"\begin{document}",
            rf"\begin{{center}}\LARGE {text(walkthrough.title)}\end{{center}}",
        ]
        parts += [
            rf"\begin{{center}}\small {text(remark)}\end{{center}}"
            for remark in walkthrough.remarks
        ]
        if walkthrough.contents and any(isinstance(b, blocks.Heading) for b in walkthrough.blocks):
            parts.append(r"\tableofcontents")
        for position, block in enumerate(walkthrough.blocks):
            is_sheet = (
                isinstance(block, blocks.Heading) and not block.chapter and not walkthrough.contents
            )
            parts += [r"\newpage"] if is_sheet and position else []
            parts += self.block(block)
        return "\n\n".join([*parts, r"\end{document}"]) + "\n"

    def block(self, block: blocks.Block) -> list[str]:
        """Return one block; a new kind of block is an error until it has a case here."""
        match block:
            case blocks.Heading():
                return self._heading(block)
            case blocks.Prose(words):
                return [text(words)]
            case blocks.Statement():
                return [text(self.typeset.statement(block))]
            case blocks.Note(words, tone):
                return [rf"{{\small {SIGNS[tone]}{text(words)}}}"]
            case blocks.Formula():
                return self._formula(block)
            case blocks.Lines():
                return self._lines(block)
            case blocks.Matrix():
                return self._matrix(block)
            case blocks.Summary():
                return self._summary(block)
            case blocks.Table():
                return self._table(block)
            case pictured.Diagram():
                return self._diagram(block)
            case pictured.Curve():
                return self._curve(block)
            case blocks.Tree():
                return [_arithmetic([self._node(node) for node in block.nodes])]
            case blocks.Shares():
                return self._shares(block)
            case blocks.SheetQuestions():
                return self.block(block.table)
            case _:
                assert_never(block)

    def _heading(self, block: blocks.Heading) -> list[str]:
        level = "subsection" if block.chapter else "section"
        lines = [
            # The number is the block's own, so that it is the same in every format.
            rf"\setcounter{{{level}}}{{{block.number - 1}}}"
            "\n"
            rf"\{level}{{{text(block.title)}}}"
        ]
        return [*lines, rf"\emph{{{text(block.detail)}}}"] if block.detail else lines

    def _formula(self, block: blocks.Formula) -> list[str]:
        if block.again:
            return []
        paragraphs = [_displayed(block.left, block.expression)]
        return [*paragraphs, rf"\emph{{{text(block.remark)}}}"] if block.remark else paragraphs

    # --- arithmetic ---

    def _lines(self, block: blocks.Lines) -> list[str]:
        if block.quiet:
            best = block.example
            shown = [line for line in block.lines if not line.agrees]
            if best is not None:
                shown = [best, *(line for line in shown if line is not best)]
            alone = self.typeset.numbers.alone
            pairs = [(line, alone(line, block.places, block.leaves)) for line in shown]
            lines = [self._line(block, *pair) for pair in pairs]
            return ["For example,\\nopagebreak", _arithmetic(lines)] if lines else []
        numbers = self.typeset.numbers.lines(block.lines, block.result_places, block.leaves)
        lines = [
            self._line(block, line, written, position)
            for position, (line, written) in enumerate(zip(block.lines, numbers, strict=True))
        ]
        paragraphs = [_displayed(block.after.name, block.after.expression)] if block.after else []
        paragraphs += [_arithmetic(lines)] if lines else []
        if block.omitted:
            paragraphs.append(rf"\emph{{{text(left_out(block.omitted))}}}")
        if block.total is not None:
            total = self._number(block.total.shown, block.places)
            words = rf"\quad\text{{the sum of {len(block.lines) + block.omitted:,}}}"
            failed = self._failed(block.total)
            name = name_pieces(latex_name(block.name), block.name)
            result = UnbrokenPart(rf"\mathbf{{{total}}}{words}", " = ")
            paragraphs.append(_arithmetic([filled([*name, result, *failed])]))
        return paragraphs

    def _line(
        self, block: blocks.Lines, line: Worked, written: LineNumbers, position: int | None = None
    ) -> list[str]:
        """Write `name_0 = numbers = result`, and what an activation made of it."""
        result = scientific(written.result)
        numbers = self._in_numbers(line.expression, written.leaf)
        pieces = [*self._label(block, line), *(numbers if _differs(numbers, result) else [])]
        behind = [*_remark(written), *self._failed(line)]
        after = block.after
        if after is None or position is None:
            return _set([*pieces, UnbrokenPart(rf"\mathbf{{{result}}}", " = "), *behind])
        made = after.lines[position]
        word = rf"\quad\text{{{text(after.word)}}}" if after.closed[position] else ""
        _, index = split_index(line.label)
        *start, end = name_pieces(latex_name(after.name, index), after.name, index, r",\quad ")
        # What an activation made is one statement, and stays on one line.
        made_of = f"{end.text} = \\mathbf{{{self._number(made.shown, block.places)}}}{word}"
        pieces += [UnbrokenPart(result, " = "), *behind]
        pieces += [*start, end._replace(text=made_of), *self._failed(made)]
        return _set(pieces)

    def _label(self, block: blocks.Lines, line: Worked) -> list[UnbrokenPart]:
        """Write what a line makes: an element of a tensor, a summand, or a name of its own."""
        if block.total is not None:
            return [UnbrokenPart(rf"\text{{summand {text(line.label.strip('[]'))}}}")]
        if block.name:
            _, index = split_index(line.label)
            return name_pieces(inline(block.name, index), block.name, index)
        return name_pieces(inline(line.label), line.label)

    def _in_numbers(
        self, expression: Expression, leaf: Write, room: float = LINE
    ) -> list[UnbrokenPart]:
        return Cutter(lambda node: scientific(leaf(node)), room).equation(expression)

    def _number(self, value: float, places: blocks.Places) -> str:
        return scientific(self.typeset.numbers.one(value, places))

    def _failed(self, line: Worked) -> list[UnbrokenPart]:
        failure = self.typeset.failure(line)
        return [UnbrokenPart(rf"\textbf{{{text(failure.strip())}}}", r"\quad ")] if failure else []

    def _node(self, node: blocks.TreeNode) -> list[str]:
        indent = rf"\hspace*{{{node.depth}em}}"
        room = max(LINE - INDENT * node.depth, LINE / 2)
        pieces = [UnbrokenPart(marked_name(node.name))]
        if node.line is None:
            result = self._number(node.value, node.places)
            word = UnbrokenPart(rf"\text{{{text(node.word)}}}", r"\quad ")
            return filled([*pieces, UnbrokenPart(result, " = "), word], indent, room)
        pieces += Cutter(room=room).equation(elided(node.line.expression))
        written = self.typeset.numbers.alone(node.line, node.places)
        pieces += self._in_numbers(node.line.expression, written.leaf, room)
        pieces += [UnbrokenPart(scientific(written.result), " = "), *_remark(written)]
        return _set([*pieces, *self._failed(node.line)], indent, room)

    # --- tensors and tables ---

    def _matrix(self, block: blocks.Matrix) -> list[str]:
        name = latex_name(block.name)
        if block.array.ndim == 0:
            number = UnbrokenPart(self._number(float(block.array), block.places), " = ")
            return [_arithmetic([filled([*name_pieces(name, block.name), number])])]
        paragraphs = []
        head = rf"${letters(name)}$ {text(shape_text(block))}"
        for shelf in self.typeset.shelves(block):
            part = rf"${letters(name)}${text(shelf[0].where)}" if shelf[0].part else ""
            body = "\n\\quad\n".join(_bmatrix(block.name, grid) for grid in shelf)
            # No page ends between a name and its matrix.
            above = "\\\\\n".join(filter(None, (head, part)))
            above = f"{above}\\nopagebreak\n" if above else ""
            paragraphs.append(f"{above}{{\\small\\[{body}\\]}}")
            head = ""
        return paragraphs

    def _summary(self, block: blocks.Summary) -> list[str]:
        words = text(", ".join(self.typeset.summary(block)))
        paragraphs = [f"${letters(latex_name(block.name))}$ {text(shape_text(block))}: {words}."]
        largest = self.typeset.largest(block)
        if largest:
            header = ["largest", *(text(label) for label, _ in largest)]
            paragraphs += _tabular(header, [["", *(number_text(number) for _, number in largest)]])
        return paragraphs

    def _table(self, block: blocks.Table) -> list[str]:
        def written(cell: str, number: bool) -> str:
            return number_text(cell) if number else text(cell)

        columns = result_columns(block)
        body = self.typeset.table(block, written, lambda cell: rf"\textbf{{{cell}}}")
        header = [text(column.header) for column in columns]
        return _tabular(header, body, [column.left for column in columns])

    def _diagram(self, block: pictured.Diagram) -> list[str]:
        stages = text(" → ".join(f"{name} {size}" for name, size in block.stages))
        paragraphs = [rf"\begin{{center}}{stages}\end{{center}}"]
        if block.network is not None:
            paragraphs.insert(0, picture(block.network))
            paragraphs.append(rf"{{\small {text(description(block.network))}}}")
        return paragraphs

    def _curve(self, block: pictured.Curve) -> list[str]:
        header, body = self.typeset.curve(block)
        return _tabular(
            [text(cell) for cell in header], [list(map(number_text, row)) for row in body]
        )

    def _shares(self, block: blocks.Shares) -> list[str]:
        body = [
            [
                number_text(self.typeset.one(share.amount, "gradient")),
                rf"{100 * share.share:.1f}\,\%",
                rf"\parbox[t]{{11cm}}{{\raggedright {text(f'{share.text} {share.remark}')}}}",
            ]
            for share in block.shares
        ]
        return _tabular(["amount", "share", "way"], body, [False, False, True])


def _bmatrix(name: str, grid: Grid) -> str:
    """Write a grid, with its index where it is one matrix of several."""
    label = f"{letters(inline(name, grid.at))} = " if grid.at and not grid.part else ""
    cells = [[scientific(cell.replace(MINUS, "-")) for cell in row] for row in grid.rows]
    rows = " \\\\\n".join(" & ".join(row) for row in cells)
    return f"{label}\\begin{{bmatrix}}\n{rows}\n\\end{{bmatrix}}"


def _displayed(left: str, right: Expression) -> str:
    pieces = [*name_pieces(latex_name(left), left), *Cutter().equation(elided(right))]
    return _arithmetic([filled(pieces, r"\displaystyle ")])


def _set(pieces: Sequence[UnbrokenPart], indent: str = "", room: float = LINE) -> list[str]:
    r"""Fill lines with arithmetic, fractions in `\displaystyle`: otherwise they are too small."""
    tall = any(r"\frac{" in piece.text for piece in pieces)
    return filled(pieces, indent + r"\displaystyle " if tall else indent, room)


def _remark(written: LineNumbers) -> list[UnbrokenPart]:
    """Write what stands behind a result; mostly nothing."""
    remark = rf"\text{{computed: }}{scientific(written.computed)}"
    return [UnbrokenPart(remark, r"\quad ")] if written.computed else []


def _differs(numbers: Sequence[UnbrokenPart], result: str) -> bool:
    """Whether arithmetic says more than its result does."""
    return [piece.text for piece in numbers] != [result]


def _arithmetic(items: Iterable[Sequence[str]]) -> str:
    r"""Write items of several lines each, which a `\\` ends."""
    written = "\n".join(
        r"\item " + " \\\\\n  ".join(f"${letters(line)}$" for line in item) for item in items
    )
    return f"\\begin{{arithmetic}}\n{written}\n\\end{{arithmetic}}"


def _tabular(
    header: Sequence[str], body: Sequence[Sequence[str]], left: Sequence[bool] | None = None
) -> list[str]:
    """Return cells that are LaTeX already as tables that fit a page each."""
    aligned = "".join("l" if is_left else "r" for is_left in left or [False] * len(header))
    head = " & ".join(header)
    tables = []
    for start in range(0, len(body), MOST_TABLE_ROWS):
        rows = " \\\\\n".join(" & ".join(row) for row in body[start : start + MOST_TABLE_ROWS])
        tables.append(
            f"{{\\small\n\\begin{{tabular}}{{{aligned}}}\n{head} \\\\\n\\hline\n"
            f"{rows} \\\\\n\\end{{tabular}}}}"
        )
    return tables
