"""Formulas, worked lines, derivations and shares of a document."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ....engine.worked_lines import Worked
from ....symbolic.expression import Expression, Number, Ref
from ....symbolic.latex import to_latex
from ....symbolic.text import elided, to_text
from ...blocks import After, Formula, Lines, Places, Shares, Statement, Tree, TreeNode
from ..numbers import LineNumbers, plain
from ..typeset import left_out
from . import breaking, inline, mathml
from .breaking import PAGE, PHONE, Breaker
from .escaping import breakable, escape
from .keys import Key, key_of
from .links import Links, remarked, typeset
from .mathml import math, name, symbol

# The formula above names the value, so that an index is enough where the name is long.
LONGEST_LABEL = 14
_INDEX = re.compile(r"\[([^\[\]]*)\]")
WIDEST_ROWS = 90  # characters; rows of more are sentences, which can be broken
EQUALS = '<span class="equals">=</span>'


class HtmlArithmetic:
    """Writes arithmetic for one document."""

    def __init__(self, links: Links) -> None:
        self.links = links
        self.numbers = links.numbers

    def formula(self, block: Formula) -> str:
        """Write `left = expression` displayed, its name in the model's own words beside it."""
        here = self.links.tensor(block.left)
        style = ' class="accent"' if block.accent else ""
        equation = _equation(block.left, block.expression, style)
        remark = f'<p class="remark">{escape(block.remark)}</p>' if block.remark else ""
        return f'<div class="formula"{here}>{equation}{self._name(block.left)}{remark}</div>'

    def _name(self, text: str) -> str:
        """Link to a formula by its name in the model's code, where a sign stands for that."""
        href = self.links.href(text)
        if f">{escape(text)}<" in symbol(text).body:
            return f'<a class="name same" href="{href}" aria-label="{escape(text)}">#</a>'
        return f'<a class="name" href="{href}">{breakable(text)}</a>'

    # --- worked lines ---

    def lines(self, block: Lines) -> str:
        """Write worked lines: as rows if they share their columns, else one after another."""
        role = "gradient" if block.places == "gradient" else "value"
        for line in block.lines if block.total is None else ():
            self.links.derive(self._key(block, line), line, role, block.leaves)
        if block.total:
            self.links.derive(Key(block.name, ()), block.total, role, block.leaves)
        if block.after:
            after = block.after.name
            for line, closed in zip(block.after.lines, block.after.closed, strict=True):
                key = Key.labelled(after, line.label)
                self.links.derive(key, line, role)
                if closed:
                    self.links.entry(key, line.shown, role).reason = block.after.word
        if block.quiet:
            return self._example(block, role) + self._failed(block, role)
        shown = self._rows(block, role) if self._fit(block) else self._sentences(block, role)
        if block.after:
            shown = self.after_formula(block.after) + shown
        if block.omitted and not block.total:
            shown += f'<p class="omitted">{left_out(block.omitted)}</p>'
        return shown + (self._latex(block.lines) if block.latex else "")

    def after_formula(self, after: After) -> str:
        """Write what an activation does, as a formula."""
        equation = _equation(after.name, after.expression)
        return f'<div class="formula">{equation}{self._name(after.name)}</div>'

    def _key(self, block: Lines, line: Worked) -> Key:
        """Return what a line makes; lines of no common name have their own."""
        if not block.name:
            return Key.parse(line.label)
        return Key.labelled(block.name, line.label)

    def _fit(self, block: Lines) -> bool:
        if not (block.lines and block.share_columns):
            return False
        pairs = zip(block.lines, self._numbers(block), strict=True)
        texts = (to_text(line.expression, written.leaf) for line, written in pairs)
        return max(map(len, texts)) <= WIDEST_ROWS

    def _numbers(self, block: Lines) -> list[LineNumbers]:
        return self.numbers.lines(block.lines, block.result_places, block.leaves)

    def _rows(self, block: Lines, role: str) -> str:
        """Write a table with a row for each line and a column for each summand."""
        numbers = self._numbers(block)
        heads = [f'<th scope="col">{named(header)}</th>' for header in block.columns]
        heads.insert(0, f'<th scope="col">{escape(block.head)}</th>')
        heads.append(f'<th scope="col" class="made">{named(block.name)}</th>')
        after: list[str] = []
        if block.after:
            here = self.links.tensor(block.after.name)
            heads.append(f'<th scope="col" class="made"{here}>{named(block.after.name)}</th>')
            heads.append('<td class="reason"></td>')
            shown = [line.shown for line in block.after.lines]
            after = self.numbers.column(shown, block.places)
        rows = []
        for position, (line, written) in enumerate(zip(block.lines, numbers, strict=True)):
            parts = inline.summands(self.links.in_numbers(line.expression, written.leaf))
            cells = "".join(f"<td>{part}</td>" for part in parts)
            key = self._key(block, line)
            made = self._made(key, line, written, role, accent=not block.after)
            row = f'<th scope="row">{escape(line.label.strip("[]"))}</th>{cells}'
            row += f'<td class="made">{EQUALS} {made}</td>'
            if block.after:
                line, closed = block.after.lines[position], block.after.closed[position]
                key = Key.labelled(block.after.name, line.label)
                made = self._made(key, line, plain(after[position]), role)
                row += f'<td class="made"><span class="equals">→</span> {made}</td>'
                row += f'<td class="reason">{escape(block.after.word) if closed else ""}</td>'
            rows.append(f"<tr>{row}</tr>")
        caption = f"How each {escape(block.head)} of {named(block.name)} is made"
        return (
            f'<div class="scroll"><table class="rows"><caption>{caption}</caption>'
            f"<thead><tr>{''.join(heads)}</tr></thead>"
            f"<tbody>{''.join(rows)}</tbody></table></div>"
        )

    def _sentences(self, block: Lines, role: str) -> str:
        """Write each line as an equation that may be broken between its summands."""
        items = []
        for line, written in zip(block.lines, self._numbers(block), strict=True):
            key = None if block.total else self._key(block, line)
            items.append(self._equation(block, line, key, written, role))
        shown = f'<ol class="worked">{"".join(f"<li>{item}</li>" for item in items)}</ol>'
        if block.after:
            shown += self._after(block.after, block.places, role)
        if block.total:
            if block.omitted:
                shown += f'<p class="omitted">{left_out(block.omitted)}</p>'
            text = self.numbers.one(block.total.shown, block.places)
            count = f"sum of {len(block.lines) + block.omitted:,}"
            made = self._made(Key(block.name, ()), block.total, plain(text), role)
            shown += f'<p class="total">{name(block.name)} {EQUALS} {made} '
            shown += f'<span class="reason">{count}</span></p>'
        return shown

    def _equation(
        self,
        block: Lines,
        line: Worked,
        key: Key | None,
        written: LineNumbers,
        role: str,
        alone: bool = False,
    ) -> str:
        if key is None or (not alone and key.index and len(key.name) > LONGEST_LABEL):
            left = escape(line.label)
        else:
            left = breaking.name(key.name, key.index)
        made = self._made(key, line, written, role, accent=not block.after)
        start = f'<span class="left">{left} {EQUALS}</span> '
        passed_on = isinstance(line.expression, Number | Ref)
        if passed_on and to_text(line.expression, written.leaf) == written.result:
            return f"{start}{made}"
        numbers = inline.line(self.links.in_numbers(line.expression, written.leaf))
        return f'{start}{numbers} <span class="result">{EQUALS}&nbsp;{made}</span>'

    def _after(self, after: After, places: Places, role: str) -> str:
        """Write what an activation made of the lines above, one equation each."""
        numbers = self.numbers.lines(after.lines, places)
        here = self.links.tensor(after.name)
        rows = ""
        for line, closed, written in zip(after.lines, after.closed, numbers, strict=True):
            key = Key.labelled(after.name, line.label)
            made = self._made(key, line, written, role)
            arithmetic = inline.line(self.links.in_numbers(line.expression, written.leaf))
            word = f'<span class="reason">{escape(after.word)}</span>' if closed else ""
            left = f'<span class="left">{name(after.name, key.index)} {EQUALS}</span>'
            rows += f"<li>{left} {arithmetic} {EQUALS} {made} {word}</li>"
        return f'<ol class="worked short"{here}>{rows}</ol>'

    def _made(
        self, key: Key | None, line: Worked, written: LineNumbers, role: str, accent: bool = True
    ) -> str:
        made = self.links.number(key, line.shown, written.result, role, makes=True, accent=accent)
        made += remarked(written.remark)
        if line.agrees:
            return made
        held = typeset(self.numbers.one(float(line.reference or 0.0), "exact"))
        return f'{made} <strong class="failure">✗ PyTorch has {held}</strong>'

    def _example(self, block: Lines, role: str) -> str:
        """Show one line for all, of a tensor whose numbers stand above."""
        if block.example is None:
            return ""
        equation = self._alone(block, block.example, role)
        return f'<p class="worked"><span class="reason">for example</span> {equation}</p>'

    def _failed(self, block: Lines, role: str) -> str:
        """Show the lines that failed, of those whose numbers stand elsewhere."""
        failed = (line for line in block.lines if not line.agrees)
        return "".join(f'<p class="worked">{self._alone(block, line, role)}</p>' for line in failed)

    def _alone(self, block: Lines, line: Worked, role: str) -> str:
        written = self.numbers.alone(line, block.places, block.leaves)
        return self._equation(block, line, self._key(block, line), written, role, alone=True)

    def _latex(self, lines: Sequence[Worked]) -> str:
        written = "\n".join(to_latex(line.expression) for line in lines)
        return (
            f'<details class="latex"><summary>LaTeX</summary><pre tabindex="0">{escape(written)}'
            "</pre></details>"
        )

    def statement(self, block: Statement) -> str:
        """Write sentences, each of their numbers that is one of the run's a link."""
        written = ""
        for text, part in self.numbers.statement(block):
            if part is None:
                written += escape(text)
                continue
            ref, key = part.number, key_of(part.number)
            value = float(ref.value)
            written += self.links.number(key, value, text, ref.role)
        return written

    # --- derivations ---

    def tree(self, block: Tree) -> str:
        """Write a derivation as nested lists, each number above what it was made from."""
        written = ""
        depth = -1
        for node in block.nodes:
            if node.depth > depth:
                written += '<ul class="tree"><li>' * (node.depth - depth)
            else:
                written += "</li></ul>" * (depth - node.depth) + "</li><li>"
            depth = node.depth
            written += self._node(node)
        return written + "</li></ul>" * (depth + 1)

    def _node(self, node: TreeNode) -> str:
        text = self.numbers.one(node.value, node.places)
        if node.line is None and not node.word.startswith("not explained"):
            return f'<span class="reason">{named(node.name)}: {escape(node.word)}</span>'
        key = Key.parse(node.name)
        role = "gradient" if node.places == "gradient" else "value"
        left = name(key.name, key.index)
        if node.line is None:
            made = self.links.number(key, node.value, text, role, makes=True)
            return f'{left} {EQUALS} {made} <span class="warning">{escape(node.word)}</span>'
        self.links.derive(key, node.line, role)
        written = self.numbers.of(node.line, text)
        made = self._made(key, node.line, written, role, accent=node.depth == 0)
        expression = node.line.expression
        if isinstance(expression, Number):
            return f"{left} {EQUALS} {made}"
        signs = "".join(map(math, mathml.summands(mathml.laid_out(elided(expression)))))
        if isinstance(expression, Ref):
            return f"{left} {EQUALS} {signs} {EQUALS} {made}"
        numbers = inline.line(self.links.in_numbers(expression, written.leaf))
        return f"{left} {EQUALS} {signs}<br>{EQUALS} {numbers} {EQUALS} {made}"

    def shares(self, block: Shares) -> str:
        """Write the parts of a number as a table: amount, share, what it is."""
        amounts = self.numbers.column([share.amount for share in block.shares], "gradient")
        rows = []
        for share, amount in zip(block.shares, amounts, strict=True):
            number = self.links.number(None, share.amount, amount, "accent")
            remark = f'<br><span class="reason">{escape(share.remark)}</span>'
            rows.append(
                f"<tr><td>{number}</td><td>{100 * share.share:.1f} %</td>"
                f'<td class="words">{escape(share.text)}{remark if share.remark else ""}</td></tr>'
            )
        heads = "".join(f'<th scope="col">{head}</th>' for head in ("amount", "share", "by way of"))
        return (
            f'<div class="scroll"><table class="shares"><thead><tr>{heads}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>"
        )


def _equation(left: str, right: Expression, style: str = "") -> str:
    """Write `left = right`, displayed, in pieces between which a line may end.

    Where a phone needs smaller pieces than a page, both are written, and the style decides.
    """
    wide, narrow = (_pieces(left, right, style, room) for room in (PAGE, PHONE))
    if wide == narrow:
        return f'<div class="equation">{wide}</div>'
    return f'<div class="equation wide">{wide}</div><div class="equation narrow">{narrow}</div>'


def _pieces(left: str, right: Expression, style: str, room: float) -> str:
    made = [f"<mrow{style}>{piece.text}</mrow>" for piece in breaking.symbol(left, room)]
    first, *others = Breaker(room).equation(right)
    written = [*made, f'<mo form="infix">=</mo>{first.text}']
    written += [piece.before + piece.text for piece in others]
    return "".join(f'<math displaystyle="true">{piece}</math>' for piece in written)


def named(text: str) -> str:
    """Write a name with its index lowered, and what stands around it: `W[i,0]·x[0]`."""
    return _INDEX.sub(r"<sub>\1</sub>", breakable(text))
