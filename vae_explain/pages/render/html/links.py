"""Where each number of a document is made, what it is made from, and how it is linked.

A number is a named value and an index. The place where it is made carries its anchor,
every other place links there, and all of them carry the same `data-n`. Behind that number
the data at the end of the page has the line that made it, in symbols and in numbers, with
a gap for each number that it used. So a script needs to know nothing but how to fill gaps.

A document is written twice: the first time finds out which numbers are made in it and
where, so that the second can link to places further down.

The data says once what many numbers or lines have in common: the name of a value, and the
markup between two gaps. The script puts them together when the page has loaded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ....engine.worked_lines import Worked
from ....symbolic.boxes import Box, LeafBox
from ....symbolic.expression import Expression, Number, Ref
from ....symbolic.text import Write
from ...blocks import Places
from ..numbers import Numbers
from ..typeset import minus
from . import inline, mathml
from .escaping import escape
from .keys import Key, anchor_of, key_of
from .mathml import in_signs, indices_in_signs, symbol

_EXPONENT = re.compile(r"(?<=\d)e([+−])(\d+)")
_GAP = "\x00"  # never in a text, since what cannot be printed is written by its code


@dataclass
class LinkedNumber:
    """What the page knows of a number."""

    position: int
    key: Key
    again: str  # what its anchor ends in where the name was used before
    anchor: str
    text: str
    role: str
    line: Worked | None = None
    leaves: Places | None = None
    reason: str = ""
    parts: tuple[tuple[str, str], ...] = ()  # what it is the sum of: each number with its words


@dataclass
class Links:
    """The numbers of one document; `known` is what was found when it was written before."""

    numbers: Numbers
    known: Links | None = None
    entries: list[LinkedNumber] = field(default_factory=list)
    current: dict[Key, dict[str, LinkedNumber]] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    anchors: set[str] = field(default_factory=set)

    # --- anchors ---

    def anchor(self, anchor: str) -> str:
        """Return the attribute that makes a place an anchor; nothing when there is one."""
        if anchor in self.anchors:
            return ""
        self.anchors.add(anchor)
        return f' id="{anchor}"'

    def tensor(self, name: str) -> str:
        """Return the attribute that makes a place the anchor of a whole value."""
        return self.anchor(anchor_of(Key(name, ())))

    def href(self, name: str) -> str:
        """Return a link's target: the anchor of a whole value."""
        return "#" + anchor_of(Key(name, ()))

    # --- numbers ---

    def number(
        self,
        key: Key | None,
        value: float,
        text: str,
        role: str,
        *,
        makes: bool = False,
        accent: bool = False,
    ) -> str:
        """Write a number; as a link when it is one of the run's.

        Parameters
        ----------
        text
            The number as it is written, sign and all.
        makes
            Whether it is made here, or given here, and so has its anchor here.
        """
        classes = "dim" if value == 0 else "accent" if accent else role
        digits = typeset(text)
        if key is None:
            return f'<span class="{classes}">{digits}</span>'
        entry = self.entry(key, value, role)
        here = ""
        if makes:
            self.made.add(entry.anchor)
        if makes or not (self.known and entry.anchor in self.known.made):
            here = self.anchor(entry.anchor)
        where = f'{here} href="#{entry.anchor}" data-n="{entry.position}"'
        return f'<a class="{classes}"{where}>{digits}</a>'

    def entry(self, key: Key, value: float, role: str) -> LinkedNumber:
        """Return what is known of a number, from its first mention on.

        A name may be used again for something else, as an optimizer's are at every
        parameter: with another value it is another number, and has an anchor of its own.
        """
        meant = self.current.setdefault(key, {})
        entry = meant.get(repr(value))
        if entry is None:
            again = f":{len(meant) + 1}" if meant else ""
            text = self.numbers.leaf(Ref(key.name, key.index, _role(role), value))
            anchor = anchor_of(key) + again
            entry = LinkedNumber(len(self.entries), key, again, anchor, text, role)
            self.entries.append(entry)
            meant[repr(value)] = entry
        return entry

    def derive(self, key: Key, line: Worked, role: str, leaves: Places | None = None) -> None:
        """Remember the line that makes a number."""
        entry = self.entry(key, line.shown, role)
        if entry.line is None and not isinstance(line.expression, Number):
            entry.line, entry.leaves = line, leaves

    # --- leaves of expressions ---

    def in_numbers(self, expression: Expression, write: Write) -> Box:
        """Lay out an expression in numbers as `write` writes them, each a link."""

        def written(node: Ref, digits: str) -> str:
            return self.number(key_of(node), float(node.value), digits, node.role)

        return _in_numbers(expression, write, written)

    def _gaps_for_symbols(self, node: Number | Ref) -> LeafBox:
        leaf = in_signs(node)
        key = None if isinstance(node, Number) else key_of(node)
        if isinstance(node, Number) or key is None:
            return leaf
        return leaf._replace(text=_gap(self.entry(key, float(node.value), node.role).position))

    def _gap_for_number(self, node: Ref, digits: str) -> str:
        key = key_of(node)
        if key is None:
            return typeset(digits)
        entry = self.entry(key, float(node.value), node.role)
        usual = self.numbers.leaf(node).removeprefix("-")
        other = "" if digits == usual else f"={typeset(digits)}"
        return _gap(f"{entry.position}{other}")

    def _on_page(self, refs: Iterable[Ref]) -> list[int]:
        """Return the positions of those numbers that have a place on the page to lead to."""
        keys = ((key_of(ref), repr(float(ref.value))) for ref in refs)
        entries = (self.current.get(key, {}).get(value) for key, value in keys if key is not None)
        return [entry.position for entry in entries if entry and entry.anchor in self.anchors]

    # --- the data of the page ---

    def data(self) -> str:
        """Return the numbers and the lines that made them, as JSON that can stand in HTML."""
        texts: dict[str, int] = {}

        def packed(markup: str) -> list[Any]:
            """Return markup cut at its gaps, of each text its place among all."""
            parts = _cut(markup)
            parts[::2] = [texts.setdefault(text, len(texts)) for text in parts[::2]]
            return parts

        lines: dict[int, list[Any]] = {}
        results: dict[int, str] = {}  # of lines that give other digits than their number has
        for entry in list(self.entries):
            if entry.line is not None:
                expression = entry.line.expression
                symbols = mathml.laid_out(expression, self._gaps_for_symbols)
                written = self.numbers.of(entry.line, entry.text, entry.leaves)
                digits = _in_numbers(expression, written.leaf, self._gap_for_number)
                lines[entry.position] = [
                    [packed(markup) for markup in mathml.summands(symbols)],
                    packed(inline.markup(digits)),
                ]
                chosen_by = self._on_page(entry.line.chosen_by)
                lines[entry.position] += [chosen_by] if chosen_by else []
                if written.result != entry.text:
                    results[entry.position] = typeset(written.result) + remarked(written.remark)
        values: dict[tuple[str, ...], int] = {}
        numbers = []
        for entry in self.entries:
            value = values.setdefault(_value(entry), len(values))
            index = ",".join(map(str, entry.key.index))
            number = [value, index, typeset(entry.text), escape(entry.reason), entry.again]
            while not number[-1]:
                number.pop()
            numbers.append(number)
        page = {"values": list(values), "numbers": numbers, "texts": list(texts), "lines": lines}
        page["results"] = results
        page["parts"] = {
            entry.position: [[typeset(text), escape(words)] for text, words in entry.parts]
            for entry in self.entries
            if entry.parts
        }
        data = json.dumps(page, ensure_ascii=False, separators=(",", ":"))
        # Nothing in it may close the element that it stands in, or open a comment.
        return data.replace("<", "\\u003c")


def _value(entry: LinkedNumber) -> tuple[str, ...]:
    """Return what the elements of a value share: name, anchor, markup around an index, role."""
    name, rank = entry.key.name, len(entry.key.index)
    # No element has this index, so that nothing else in the markup reads like it.
    sign = symbol(name, (-1,) * rank, fraction=False).body
    before, _, after = sign.partition(indices_in_signs((-1,) * rank)) if rank else (sign, "", "")
    return escape(name), anchor_of(Key(name, ())), before, after, entry.role


def _in_numbers(expression: Expression, write: Write, written: Callable[[Ref, str], str]) -> Box:
    """Lay out an expression in numbers, whose digits are put into markup by `written`."""

    def leaf(node: Number | Ref) -> LeafBox:
        text = write(node)
        digits = text.removeprefix("-")
        if isinstance(node, Number):
            return LeafBox(node, typeset(digits), minus=digits != text)
        # A number with an exponent is a product.
        return LeafBox(node, written(node, digits), digits != text, compound="e" in digits)

    return inline.laid_out(expression, leaf)


def remarked(remark: str) -> str:
    """Write what stands behind a result; mostly nothing."""
    return f' <span class="reason">{typeset(remark)}</span>' if remark else ""


def _gap(name: object) -> str:
    return f"{_GAP}{name}{_GAP}"


def _cut(markup: str) -> list[Any]:
    """Cut markup at its gaps: text, then number, then text; a number may bring its digits."""
    parts: list[Any] = []
    for position, part in enumerate(markup.split(_GAP)):
        if position % 2 == 0:
            parts.append(part)
            continue
        number, other, digits = part.partition("=")
        parts.append([int(number), digits] if other else int(number))
    return parts


def _role(role: str) -> Any:
    return role if role in ("input", "parameter", "noise", "gradient") else "value"


def raised(text: str) -> str:
    """Write words with numbers in them, powers of ten as powers.

    Examples
    --------
    >>> raised("mean −6.7e−06, norm 2e+09")
    'mean −6.7·10<sup>−6</sup>, norm 2·10<sup>9</sup>'
    """
    return _EXPONENT.sub(
        lambda match: f"·10<sup>{match[1].removeprefix('+')}{int(match[2])}</sup>", escape(text)
    )


def typeset(text: str) -> str:
    """Write a number with a real minus and its power of ten as one.

    Examples
    --------
    >>> typeset("-0.2387"), typeset("6.1e-07"), typeset("-inf")
    ('−0.2387', '6.1·10<sup>−7</sup>', '−∞')
    """
    return raised(minus(text).replace("inf", "∞"))
