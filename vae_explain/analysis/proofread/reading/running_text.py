"""Statements in a run of tokens: a label, a relation, the values behind it.

One scan serves prose, code and formulas. It knows where a clause ends, that an array may
stand without an equals sign, and that `0.5` in `0.5·logvar` is a part of a formula.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal

from ..grammar.syntax import Literal as Number
from ..grammar.syntax import Row, Tree
from ..grammar.tokens import MathToken
from ..passage import Fragment
from .statement import DIFFERENCE, Context, DocumentStatement, Found, Remnant
from .values import line_of, numbers_of, read_value, text_of

Surface = Literal["prose", "code", "math"]
# Words that say in prose what an equals sign says in a formula.
VERBS = {
    "is", "are", "was", "were", "be", "being", "equals", "equal", "of", "becomes", "gives",
    "to", "yields", "about", "approximately", "roughly", "around", "at", "by",
}  # fmt: skip
SHAPES = {"shape", "shapes", "size", "dims", "dimensions", "in", "range", "interval", "from"}
EXAMPLES = {"e.g", "eg", "like", "example", "instance", "say", "as"}
CASES = {"for", "if", "when", "unless", "only", "would", "could"}
WORDS = ("name", "vector", "function", "words")
ENDS = (".", ";", "!", "?")


class Scan:
    """Reads the statements of one run of tokens."""

    def __init__(self, tokens: Sequence[MathToken], context: Context, surface: Surface) -> None:
        self.tokens = tokens
        self.context = context
        self.surface = surface
        self.position = 0
        self.used = [False] * len(tokens)
        self.calls: list[bool] = []  # for each open bracket, whether it belongs to a name
        self.pending = ""  # a line of words alone, which names the line after it
        self.is_case = False
        self._begin(0)

    def statements(self) -> Iterator[Found]:
        """Yield what is stated, then what numbers are left."""
        while self.position < len(self.tokens):
            statement = self._step()
            if statement is not None:
                yield statement
        last = self._flush(len(self.tokens))
        if last is not None:
            yield last
        yield from self._remnants()

    def _begin(self, position: int) -> None:
        self.start = position
        self.label_end: int | None = None
        self.colon: int | None = None  # a colon that ends the label so far
        self.sides: list[Tree] = []
        self.stated = False
        self.heading = ""  # words before a colon, which may name what follows it

    def _step(self) -> Found | None:
        token = self.tokens[self.position]
        if self._is_boundary(token):
            flushed = self._flush(self.position)
            self.position += 1
            self._begin(self.position)
            self.calls = self.calls if token.kind == "comma" else []
            self.is_case = self.is_case and token.text == "and"
            return flushed
        if self._relates(token) or self._is_verb(token):
            self._relation(token)
            return None
        if self._may_open(token):
            return self._opened(token)
        if token.kind == "open":
            before = self.tokens[self.position - 1] if self.position else None
            adjacent = before is not None and before.kind in WORDS and not token.spaced
            begins = self.position == self.start and token.text == "["
            self.calls.append(adjacent or begins or token.text == "group")
        elif token.kind == "close" and self.calls:
            self.calls.pop()
        self.position += 1
        return None

    # --- clauses ---

    def _is_boundary(self, token: MathToken) -> bool:
        if token.kind == "gap" or _ends(token) or token.text in ("{", "}"):
            return True
        if token.text == "*" and self._parts_words(token):
            return True
        if token.text == "and" and self.surface == "prose":
            return bool(self.sides)  # `μ = 0 and σ = 1`
        if token.kind == "comma":
            return not (self.calls and self.calls[-1])
        if token.kind != "line" or self.surface == "prose":
            return False
        ahead = self.tokens[self.position + 1 :]
        after = next((t for t in ahead if t.kind != "line"), None)
        return after is None or not self._relates(after) or after.text == "#"

    def _relates(self, token: MathToken) -> bool:
        """Whether a token says that two things are equal: so does what opens a comment in code."""
        if token.kind != "stop" or token.text[:1] not in ":#":
            return token.kind == "relation"
        counted = self.tokens[self.position - 1 : self.position] if self.position else ()
        after_number = token.text == ":" and bool(counted) and counted[0].kind == "number"
        return not after_number and (token.text == ":" or token.mode == "code")

    def _parts_words(self, token: MathToken) -> bool:
        """Whether a dot stands between words, as in `seed 42 · x = [1, 2]`."""
        after = self.tokens[self.position + 1 : self.position + 2]
        in_prose = self.surface == "prose" and token.mode == "text" and token.spaced
        return in_prose and bool(after) and after[0].kind in WORDS and after[0].spaced

    def _is_verb(self, token: MathToken) -> bool:
        return self.surface == "prose" and token.kind in WORDS and token.text.lower() in VERBS

    def _flush(self, end: int) -> DocumentStatement | None:
        label_end = end if self.label_end is None else self.label_end
        label = text_of([t for t in self.tokens[self.start : label_end] if t.text != ">"])
        words = {token.text.lower() for token in self.tokens[self.start : label_end]}
        self.is_case = self.is_case or (self.surface == "prose" and not CASES.isdisjoint(words))
        if not self.sides:
            if self.surface == "code":
                self.pending = label or self.pending
            return None
        if not label and self.surface == "code":
            label = self.pending
        self.pending = ""
        line = line_of(self.sides[0], self.tokens[self.start].line)
        context = self.context
        if self.heading:
            context = ((Fragment("text", self.heading, line),), *context)
        sides = tuple(self.sides)
        if len(sides) > 1 and _is_shape_of(sides[0], sides[1]):
            sides = sides[1:]
        return DocumentStatement(label, sides, context, line, self.stated, is_case=self.is_case)

    # --- values ---

    def _relation(self, token: MathToken) -> None:
        verb = not self._relates(token)
        if self.calls and self.calls[-1] and not self.sides:
            self.start, self.label_end = self.position - 1, None  # `VAE(dims=(4, 8, 2, 8, 4))`
        if self.colon is not None and not verb and not self.sides:
            self.heading = text_of(self.tokens[self.start : self.colon])
            self.start, self.label_end, self.colon = self.colon + 1, None, None
        if self.label_end is None and not verb:
            self.label_end = self.position
            self.colon = self.position if token.text == ":" else None
        behind = self.position + 1
        while behind < len(self.tokens) and self.tokens[behind].kind == "line":
            behind += 1
        read = self._value(behind)
        if read is not None:
            value, end = read
            if not verb or not isinstance(value, Number) or "." in value.text:
                if self.label_end is None:
                    # In `…, at 0.5` a number has no name, and none from what stands around.
                    self.label_end = self.position + (verb and self.position == self.start)
                self.stated = self.stated or not verb
                self._accept(value, behind, end)
                return
        self.position += 1

    def _value(self, start: int, announced: bool = True) -> tuple[Tree, int] | None:
        """Read a value that ends where something may end: no operator, no unit, no arrow.

        A list without brackets is one where a sign of equality announces it.
        """
        read = read_value(self.tokens, start)
        if read is None or not self._stops(read[1]):
            return None
        value, end = read
        if isinstance(value, Row) or not announced:
            return read
        entries: list[Tree] = [value]
        while end + 1 < len(self.tokens) and self._parts(end):
            further = read_value(self.tokens, end + 1)
            if further is None or isinstance(further[0], Row) or not self._ends(further[1]):
                break
            entries.append(further[0])
            end = further[1]
        if len(entries) > 1:
            return Row(tuple(entries)), end
        return read

    def _parts(self, position: int) -> bool:
        token = self.tokens[position]
        return token.kind == "comma" or (self.surface == "prose" and token.text == "and")

    def _stops(self, position: int) -> bool:
        if position >= len(self.tokens):
            return True
        token = self.tokens[position]
        if token.kind in ("gap", "comma", "close", "line", "relation") or _ends(token):
            return True
        if token.kind == "stop":
            return token.text == ":" or (token.text[0] == "#" and token.mode == "code")
        if token.kind == "open":
            return token.spaced  # a remark in parentheses
        return self.surface == "prose" and token.kind in WORDS and token.mode == "text"

    def _ends(self, position: int) -> bool:
        """Whether a list of numbers may end or go on here: `1, 2, 3` but not `1, 2 layers`."""
        if position >= len(self.tokens):
            return True
        token = self.tokens[position]
        return (
            token.kind in ("gap", "comma", "close", "line") or _ends(token) or token.text == "and"
        )

    def _accept(self, value: Tree, start: int, end: int) -> None:
        self.sides.append(value)
        self.used[start:end] = [True] * (end - start)
        self.position = end

    def _may_open(self, token: MathToken) -> bool:
        """Whether a value may begin here that no relation announces."""
        if self.position == self.start:
            return True
        before = self.tokens[self.position - 1]
        if token.text in ("[", "[[", "⟨") or token.text == "array":
            return token.spaced and before.kind != "operator"
        return token.text == "(" and token.spaced and before.kind in WORDS

    def _opened(self, token: MathToken) -> Remnant | None:
        read = self._value(self.position, announced=False)
        before = [t.text.lower() for t in self.tokens[max(0, self.position - 2) : self.position]]
        if read is not None and self._stands_alone(*read):
            value, end = read
            why = _set_aside(value, before)
            if why:
                self.used[self.position : end] = [True] * (end - self.position)
                remnant = Remnant(
                    text_of(self.tokens[self.position : end]), token.line, why, figure=False
                )
                self.position = end
                return remnant
            if self.label_end is None:
                self.label_end = self.position
            self._accept(value, self.position, end)
            return None
        if token.kind == "open":
            self.calls.append(False)
        self.position += 1
        return None

    def _stands_alone(self, value: Tree, end: int) -> bool:
        """Whether a value without a relation before it is one: an array, or a whole line."""
        follows = self.tokens[end] if end < len(self.tokens) else None
        if follows is not None and self._relates(follows) and follows.text != ":":
            return self.position == self.start and not _counts(value)
        if isinstance(value, Row):
            return True
        whole_line = follows is None or follows.kind == "line"
        return self.surface != "prose" and self.position == self.start and whole_line

    # --- what is left ---

    def _remnants(self) -> Iterator[Remnant]:
        for position, token in enumerate(self.tokens):
            if token.kind != "number" or self.used[position]:
                continue
            decimal = "." in token.text.rstrip(".") or "e" in token.text.lower()
            if decimal and not self._in_a_formula(position):
                words = text_of(self.tokens[max(0, position - 6) : position + 1])
                if DIFFERENCE.search(words):
                    yield Remnant(words, token.line, "a difference", figure=False)
                else:
                    yield Remnant(words, token.line, "no label that says what it is")

    def _in_a_formula(self, position: int) -> bool:
        """Whether a number is a factor or summand among names, as in `0.5·(exp(logvar) - 1)`."""
        left, right = position - 1, position + 1
        while left >= 0 and self.tokens[left].kind in ("open", "close"):
            left -= 1
        while right < len(self.tokens) and self.tokens[right].kind in ("open", "close"):
            right += 1
        beside = [self.tokens[i] for i in (left, right) if 0 <= i < len(self.tokens)]
        if any(token.kind == "operator" or token.text in "<>≤≥~" for token in beside):
            return True
        return self.surface != "prose" and any(token.kind in WORDS for token in beside)


def _is_shape_of(value: Tree, further: Tree) -> bool:
    """Whether a list says what shape the array behind it has: `W [2, 3] [[…], […]]`."""
    entries = value.entries if isinstance(value, Row) else ()
    sizes = [int(n.value) for n in entries if isinstance(n, Number) and n.whole]
    return 0 < len(sizes) == len(entries) and math.prod(sizes) == len(numbers_of(further))


def _counts(value: Tree) -> bool:
    """Whether a value is the number of an element in brackets: `[2] = 1.09`."""
    if not isinstance(value, Row):
        return False
    return all(isinstance(entry, Number) and entry.whole for entry in value.entries)


def _ends(token: MathToken) -> bool:
    """Whether a token ends a sentence or clause."""
    return token.kind == "stop" and token.text in ENDS


def _set_aside(value: Tree, before: Sequence[str]) -> str:
    """Return why an array is no figure; empty when it may be one."""
    numbers = numbers_of(value)
    whole = all(isinstance(n, Number) and "." not in n.text for n in numbers)
    if whole and SHAPES & set(before):
        return "a shape or an interval"
    if EXAMPLES & set(before):
        return "an example"
    return ""
