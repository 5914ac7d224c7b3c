"""Numbers, arrays and printed arithmetic, read from tokens.

Arithmetic becomes the package's own expression tree, its leaves the printed numbers, so
that it is evaluated by the same code as every line that the package prints itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ....symbolic.expression import (
    Add,
    Apply,
    Div,
    Expression,
    Mul,
    Neg,
    Number,
    Pow,
    Ref,
    evaluate,
)
from ....symbolic.functions import FUNCTIONS
from .tokens import Lexeme, Printed, literal

WRAPPERS = {"tensor", "torch.tensor", "array", "np.array", "numpy.array", "jnp.array", "Parameter"}
NAMED = {name: name for name in FUNCTIONS} | {
    f"{module}.{name}": name
    for module in ("np", "math", "torch")
    for name in ("exp", "log", "sqrt")
}
NAMED |= {"ln": "log", "ReLU": "relu", "ReLu": "relu", "RELU": "relu", "σ": "sigmoid"}
FRACTIONS = {"½": 0.5, "¼": 0.25, "⅓": 1 / 3, "¾": 0.75}
DEEPEST = 24  # brackets in brackets
OPENED = {"(": ")", "[": "]", "{": "}", "⟨": "⟩"}


class Sum(NamedTuple):
    """Printed arithmetic: its tree over the printed numbers, which are its leaves in order."""

    expression: Expression
    literals: tuple[Printed, ...]
    text: str
    line: int

    @property
    def value(self) -> float:
        """What it gives, from the printed digits."""
        return evaluate(self.expression)


class Row(NamedTuple):
    """An array: its entries, each a number, arithmetic, or an array again."""

    entries: tuple[Value, ...]
    line: int
    bracket: str = "["

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Its shape; None when its rows differ."""
        inner = {entry.shape if isinstance(entry, Row) else () for entry in self.entries}
        if len(inner) != 1:
            return None if inner else (0,)
        (one,) = inner
        return None if one is None else (len(self.entries), *one)

    def flat(self) -> list[Printed | Sum]:
        """Return its numbers and sums, row by row."""
        numbers: list[Printed | Sum] = []
        for entry in self.entries:
            if isinstance(entry, Row):
                numbers += entry.flat()
            else:
                numbers.append(entry)
        return numbers


Value = Printed | Sum | Row


def numbers_of(value: Value) -> list[Printed | Sum]:
    """Return the numbers and sums of a value, in order."""
    return value.flat() if isinstance(value, Row) else [value]


class Unreadable(Exception):
    """Tokens that are no number, array or arithmetic."""


def read_value(tokens: Sequence[Lexeme], start: int) -> tuple[Value, int] | None:
    """Read the longest value that begins at a token, and say where it ends; None if none does."""
    try:
        reader = _Grammar(tokens, start)
        value = reader.value()
    except (Unreadable, RecursionError):
        return None
    return value, reader.position


class _Grammar:
    """A reader by recursive descent."""

    def __init__(self, tokens: Sequence[Lexeme], start: int) -> None:
        self.tokens = tokens
        self.position = start
        self.literals: list[Printed] = []
        self.depth = 0

    # --- looking ---

    def peek(self, ahead: int = 0) -> Lexeme | None:
        position = self.position + ahead
        return self.tokens[position] if position < len(self.tokens) else None

    def at(self, *texts: str) -> bool:
        token = self.peek()
        return token is not None and token.text in texts

    def take(self) -> Lexeme:
        token = self.peek()
        if token is None:
            raise Unreadable
        self.position += 1
        return token

    def skip_lines(self) -> None:
        while self.at("\n"):
            self.position += 1

    def require(self, text: str) -> None:
        self.skip_lines()
        if not self.at(text):
            raise Unreadable
        self.position += 1

    # --- values ---

    def value(self) -> Value:
        token = self.peek()
        if token is None:
            raise Unreadable
        if token.kind == "word" and token.text in WRAPPERS:
            return self.wrapped()
        if token.text in ("[", "(", "{", "⟨"):
            row = self.attempt_row()
            if row is not None:
                return row
        return self.sum_value()

    def wrapped(self) -> Value:
        """Read `tensor([…], grad_fn=<…>)`: the array in it, and past what describes it."""
        self.take()
        self.require("(")
        self.skip_lines()
        value = self.value()
        depth = 1
        while depth:
            token = self.take()
            depth += (token.kind == "open") - (token.kind == "close")
        return value

    def attempt_row(self) -> Row | None:
        """Read an array if brackets hold one; a sum in parentheses is left to be read again."""
        start, depth = self.position, self.depth
        try:
            return self.row()
        except Unreadable:
            self.position, self.depth = start, depth
            return None

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unreadable

    def row(self) -> Row:
        self._deeper()
        opening = self.take()
        closing = OPENED[opening.text]
        separated = self._has_commas()
        entries: list[Value] = []
        self.skip_lines()
        while not self.at(closing):
            entries.append(self.value() if separated else self.bare_entry())
            self.skip_lines()
            if self.at(",", ";"):
                self.position += 1
                self.skip_lines()
            elif separated and not self.at(closing):
                raise Unreadable
        self.position += 1
        alone = len(entries) == 1 and not isinstance(entries[0], Row)
        if not entries or (opening.text == "(" and alone) or self.at("²", "³", "^"):
            raise Unreadable
        after = self.peek()
        if after is not None and after.text == "ᵀ":
            self.position += 1
        self.depth -= 1
        return Row(tuple(entries), opening.line, opening.text)

    def _has_commas(self) -> bool:
        """Whether the array just opened parts its entries by commas, not by blanks alone."""
        depth = 0
        for token in self.tokens[self.position :]:
            if token.kind == "open":
                depth += 1
            elif token.kind == "close":
                depth -= 1
                if depth < 0:
                    return False
            elif depth == 0 and token.text in (",", ";"):
                return True
        return False

    def bare_entry(self) -> Value:
        """Read an entry of an array as NumPy prints it, `[0.1 -0.2]`: no arithmetic."""
        token = self.peek()
        if token is None:
            raise Unreadable
        if token.kind == "open":
            return self.row()
        if token.kind == "word" and token.text in WRAPPERS:
            return self.wrapped()
        minus = self.at("-")
        if minus:
            self.take()
        number = self.take()
        after = self.peek()
        attached = after is not None and after.kind == "operator" and after.text != "-"
        if number.kind != "number" or attached:
            raise Unreadable
        if after is not None and after.text == "-":
            follows = self.peek(1)
            if not after.spaced or follows is None or follows.spaced:
                raise Unreadable  # `[a - b]` or `[a-b]` subtracts
        return literal("-" * minus + number.text, number.line)

    # --- arithmetic ---

    def sum_value(self) -> Printed | Sum:
        start, line = self.position, self.tokens[self.position].line
        self.literals = []
        tree = self.sum()
        literals = tuple(self.literals)
        if not literals:
            raise Unreadable
        if isinstance(tree, Ref):
            return self._with_tolerance(literals[0])
        return Sum(tree, literals, text_of(self.tokens[start : self.position]), line)

    def _with_tolerance(self, number: Printed) -> Printed:
        if not self.at("±"):
            return number
        self.take()
        token = self.take()
        if token.kind != "number":
            raise Unreadable
        return number._replace(tolerance=float(token.text))

    def sum(self) -> Expression:
        self._deeper()
        self._over_line("+", "-")
        terms = [self.product()]
        while self._over_line("+", "-"):
            minus = self.take().text == "-"
            self.skip_lines()
            term = self.product()
            terms.append(Neg(term) if minus else term)
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Add(tuple(terms))

    def _over_line(self, *texts: str) -> bool:
        """Whether an operator comes next, on this line or at the start of one that goes on."""
        ahead = 0
        while (token := self.peek(ahead)) is not None and token.text == "\n":
            ahead += 1
        if token is None or token.text not in texts:
            return False
        follows = self.peek(ahead + 1)
        if ahead and follows is not None and not follows.spaced:
            return False  # `-0.5` on a line of its own is a number
        self.position += ahead
        return True

    def product(self) -> Expression:
        result = self.power()
        while True:
            if self._over_line("*"):
                self.take()
                self.skip_lines()
                result = _times(result, self.power())
            elif self.at("/"):
                self.take()
                result = Div(result, self.power())
            elif self._implicit():
                result = _times(result, self.power())
            else:
                return self._scientific(result)

    def _implicit(self) -> bool:
        """Whether a factor follows without a sign: `2(…)`, `½(…)`, `0.5 exp(…)`."""
        token = self.peek()
        if token is None:
            return False
        follows = self.peek(1)
        bracket = token.text == "(" and not token.spaced
        opened = follows is not None and follows.kind == "open"
        return bracket or (token.kind == "word" and token.text in NAMED and opened)

    def _scientific(self, result: Expression) -> Expression:
        """Read `6.1 * 10^-7` as the one number that it is."""
        match result:
            case Mul((Ref(index=(mantissa,)), Pow(Ref(index=(base,)), exponent))):
                power = evaluate(exponent)
                if self.literals[base].printed == "10" and power == int(power):
                    number = self.literals[mantissa]
                    joined = literal(f"{number.printed}e{int(power)}", number.line)
                    self.literals[mantissa] = joined
                    del self.literals[mantissa + 1 :]
                    return Ref("", (mantissa,), "constant", joined.value)
        return result

    def power(self) -> Expression:
        if self.at("-", "+"):
            minus = self.take().text == "-"
            token = self.peek()
            plain = token is not None and token.kind == "number"
            body = self.power()
            if minus and plain and isinstance(body, Ref):
                (position,) = body.index or (0,)
                number = self.literals[position]
                negative = literal("-" + number.printed, number.line)
                self.literals[position] = negative
                return Ref("", (position,), "constant", negative.value)
            return Neg(body) if minus else body
        base = self.atom()
        while self.at("²", "³", "^"):
            sign = self.take().text
            exponent = Number(2.0 if sign == "²" else 3.0) if sign != "^" else self.power()
            base = Pow(base, exponent)
        return base

    def atom(self) -> Expression:
        token = self.take()
        if token.kind == "number":
            self.literals.append(literal(token.text, token.line))
            position = len(self.literals) - 1
            return Ref("", (position,), "constant", self.literals[position].value)
        if token.text in FRACTIONS:
            return Number(FRACTIONS[token.text])
        if token.text in NAMED:
            return Apply(NAMED[token.text], (self.argument(),))
        if token.text == "max" and self.at("("):
            return self.maximum()
        if token.text in ("(", "[", "{"):
            self.skip_lines()
            inside = self.sum()
            self.skip_lines()
            if token.text == "[" and self.at(">"):
                self.take()
                inside = Apply("gate", (Add((inside, Neg(self.sum()))),))
            self.require(OPENED[token.text])
            return inside
        raise Unreadable

    def argument(self) -> Expression:
        if self.at("(", "["):
            return self.atom()
        return self.power()

    def maximum(self) -> Expression:
        self.require("(")
        arguments = [self.sum()]
        while self.at(","):
            self.take()
            arguments.append(self.sum())
        self.require(")")
        return Apply("max", tuple(arguments))


def _times(left: Expression, right: Expression) -> Expression:
    factors = left.factors if isinstance(left, Mul) else (left,)
    return Mul((*factors, right))


def text_of(tokens: Sequence[Lexeme]) -> str:
    """Return tokens as they stand in the document, on one line."""
    parts: list[str] = []
    for token in tokens:
        parts += [" " if token.spaced and parts else "", " " if token.text == "\n" else token.text]
    return " ".join("".join(parts).split())
