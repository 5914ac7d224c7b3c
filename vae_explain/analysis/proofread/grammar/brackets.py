"""What stands in brackets or bars: groups, arguments, lists, matrices and norms."""

from __future__ import annotations

from collections.abc import Sequence

from .cursor import TooDeep, Unreadable, literal
from .quantities import Quantities
from .syntax import (
    FunctionCall,
    Literal,
    Negative,
    Power,
    Product,
    Row,
    Sum,
    Symbol,
    Tree,
)
from .tokens import MathToken

DEEPEST = 40  # brackets in brackets; a page of mathematics has a tenth of it
CLOSES = {"(": ")", "[": "]", "{": "}", "⟨": "⟩", "group": "group", "[[": "]]", "⌊": "⌋", "⌈": "⌉"}
ROUNDED = {"⌊": "floor", "⌈": "ceil"}  # to a whole number, by what brackets it stands in


class Brackets(Quantities):
    """Reads brackets; what stands in them is read by the whole grammar, in `parser.py`."""

    def __init__(self, tokens: Sequence[MathToken], start: int) -> None:
        super().__init__(tokens, start)
        self.depth = 0
        self.in_row = False  # whether spaces part entries, as NumPy prints an array
        self.in_total = False  # whether what is read is summed over an index

    def sum(self) -> Tree:
        """Read a formula."""
        raise NotImplementedError

    def atom(self) -> Tree:
        """Read a number, a name, a call or a bracket."""
        raise NotImplementedError

    def group(self) -> Tree:
        """Read the argument of a command: `{…}`, or the one sign that stands for it."""
        token = self.peek()
        if token is None:
            raise Unreadable
        if token.kind == "open" and token.text in ("group", "("):
            self.position += 1
            tree = self.sum()
            self.skip("words", "gap")
            self.require("close", CLOSES[token.text])
            return tree
        if token.kind == "number" and len(token.text) > 1 and token.text.isdecimal():
            return self._digit(token)
        return self.atom()

    def _digit(self, token: MathToken) -> Tree:
        """Take one digit of several: `\\frac12` takes its arguments one by one."""
        rest = token._replace(text=token.text[1:], start=token.start + 1)
        self.tokens = [*self.tokens[: self.position], rest, *self.tokens[self.position + 1 :]]
        return literal(token.text[0])

    def root(self, sign: str) -> Tree:
        if sign == "√" and self.at("number"):
            return FunctionCall("sqrt", (self.atom(),))  # `√100` is of all digits
        if not sign and self.at("open", "["):
            self.position += 1
            degree = self.sum()
            self.require("close", "]")
            return Power(self.group(), Product((Literal("1", 1.0, 0), degree), ("", "/")))
        return FunctionCall("sqrt", (self.group(),))

    def arguments(self) -> tuple[Tree, ...]:
        """Read the arguments of a call, those with a keyword passed over."""
        opening = self.take()
        closing = CLOSES.get(opening.text, ")")
        trees: list[Tree] = []
        while not self.at("close", closing):
            after = self.peek(1)
            if self.at("name") and after is not None and after.kind == "relation":
                self.position += 2
                self.sum()
            else:
                trees.append(self.sum())
            if not self.at("close", closing):
                self.require("comma")
        self.position += 1
        return tuple(trees)

    def norm(self, opening: MathToken) -> Tree:
        """Read `|x|`, or `\\|x\\|` with the `_2` or `_1` behind it."""
        while self.at("bar"):
            self.position += 1
        body = self.sum()
        count = 0
        while self.at("bar"):
            self.position += 1
            count += 1
        rows = body.entries if isinstance(body, Row) else ()
        determinant = opening.text == "|" and count == 1 and any(isinstance(r, Row) for r in rows)
        if not count or determinant:
            raise Unreadable
        if opening.text == "|" and count == 1 and self.in_total and not self.at("operator", "_"):
            return FunctionCall("abs", (body,))  # of each term: `\sum |x - y|`
        degree = "2"
        if self.at("operator", "_"):
            self.position += 1
            degree = self.subscript()
        if degree not in ("1", "2"):
            raise Unreadable
        return FunctionCall("norm" if degree == "2" else "norm1", (body,))

    def bracket(self) -> Tree:
        """Read what stands in brackets: a formula, or a list."""
        opening = self.take()
        if opening.kind != "open":
            raise Unreadable
        self.depth += 1
        if self.depth > DEEPEST:
            raise TooDeep
        tree = self.matrix() if opening.text == "[[" else self.row(opening)
        self.depth -= 1
        if opening.text == "group":
            return self.indexed(tree) if isinstance(tree, Symbol) else tree
        return tree

    def row(self, opening: MathToken) -> Tree:
        closing = CLOSES[opening.text]
        before, self.in_row = self.in_row, self.parted_by_spaces(opening)
        entries: list[Tree] = []
        listed = opening.text in ("[", "⟨") and self.in_row
        self.skip("line", "gap")
        holds_matrix = self.at("open", "[[")  # drawn with its brackets beside it
        while not self.at("close", closing):
            entries.append(self.sum())
            self.skip("line", "gap", "words")
            if self.at("stop", ">") and opening.text == "[" and len(entries) == 1:
                self.position += 1  # `[0.3 > 0]`, which is 1 or 0
                gate = FunctionCall("gate", (Sum((entries[0], Negative(self.sum()))),))
                self.require("close", closing)
                self.in_row = before
                return gate
            if self.at("comma") or self.at("stop", ";"):
                listed = True
                self.position += 1
                self.skip("line", "gap")
            elif not self.in_row and not self.at("close", closing):
                raise Unreadable
        self.position += 1
        self.in_row = before
        if not entries or (opening.text == "{" and _is_set(entries)):
            raise Unreadable
        if opening.text in ROUNDED and len(entries) == 1:
            return FunctionCall(ROUNDED[opening.text], (entries[0],))
        single = len(entries) == 1 and not listed
        bare = isinstance(entries[0], Literal | Row) and not holds_matrix
        if single and (opening.text != "[" or not bare):
            return self.indexed_whole(entries[0]) if opening.text == "(" else entries[0]
        return Row(tuple(entries))

    def matrix(self) -> Tree:
        rows: list[list[Tree]] = [[]]
        while not self.at("close", "]]"):
            if self.at("line"):
                self.position += 1
                rows.append([])
            elif self.at("column") or self.at("words") or self.at("gap"):
                self.position += 1
            else:
                rows[-1].append(self.sum())
        self.position += 1
        kept = [row for row in rows if row]
        if not kept or len({len(row) for row in kept}) != 1:
            raise Unreadable
        if len(kept) == 1:
            return Row(tuple(kept[0]))
        return Row(tuple(Row(tuple(row)) for row in kept))


def _is_set(entries: Sequence[Tree]) -> bool:
    """Whether what stands in braces is a set, as that of the classes `{1, 2}` is, and no list."""
    return all(isinstance(entry, Literal) and entry.whole for entry in entries)
