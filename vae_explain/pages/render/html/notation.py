"""Expressions as markup: the walk over the tree that MathML and running text share.

The same trees as `latex.to_latex` writes, and like there the writing of a leaf is asked
of the caller: as a symbol, as a number, or as a gap to put either in. What differs between
the two kinds of markup, such as a fraction, is a method that each fills in.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from html import escape as _escape
from itertools import pairwise
from typing import NamedTuple

from ....symbolic.expression import (
    Add,
    Apply,
    Div,
    Expression,
    MatMul,
    Mul,
    Neg,
    Number,
    Opaque,
    Pow,
    Ref,
    Reshape,
    SumOver,
    Transpose,
    unshaped,
)
from ....symbolic.text import access
from ..columns import joints
from ..symbols import printable

LONGEST_WORD = 16  # signs of a word in a narrow column that need no place to break at


def escape(text: str) -> str:
    """Write text that may hold anything, such as a user's own name, as HTML text.

    Examples
    --------
    >>> escape('<b a="1">'), escape("a\\x00b")
    ('&lt;b a=&quot;1&quot;&gt;', 'a\\\\x00b')
    """
    return _escape(printable(text))


def breakable(text: str) -> str:
    """Escape what stands in a narrow column, and let long names break at their joints."""
    if not any(len(word) > LONGEST_WORD for word in text.split()):
        return escape(text)
    ends = [0, *joints(text), len(text)]
    return "<wbr>".join(escape(text[at:end]) for at, end in pairwise(ends))


class Mark(NamedTuple):
    """Some markup, whether a minus stands before it, and how it holds together.

    The minus is kept apart, since a sum takes it for its own sign. `compound` marks what
    needs parentheses before an exponent is hung on it.
    """

    body: str
    minus: bool = False
    compound: bool = False


Leaf = Callable[[Number | Ref], Mark]


class Notation(ABC):
    """A way of writing expressions as markup, their leaves by `leaf`."""

    def __init__(self, leaf: Leaf) -> None:
        self.leaf = leaf

    # --- what each kind of markup does in its own way ---

    @abstractmethod
    def signed(self, mark: Mark) -> str:
        """Write a piece with its minus, if it has one."""

    @abstractmethod
    def continued(self, mark: Mark) -> str:
        """Write a summand that is not the first, with the sign before it."""

    @abstractmethod
    def fenced(self, inside: str, before: str = "(", after: str = ")") -> str:
        """Write something between parentheses or other fences."""

    @abstractmethod
    def row(self, markup: str) -> str:
        """Hold several pieces together where one is expected."""

    @abstractmethod
    def sign(self, text: str) -> str:
        """Write an operator between two pieces."""

    @abstractmethod
    def word(self, text: str, code: bool = False) -> str:
        """Write a name of a function, or a piece of the model's own code."""

    @abstractmethod
    def call(self, name: str, arguments: Sequence[str]) -> str:
        """Write a function of some arguments."""

    @abstractmethod
    def product(self, left: str, right: str) -> str:
        """Write a product of two matrices."""

    def times(self, factors: Sequence[str]) -> str:
        """Write the factors of a product."""
        return self.sign("·").join(factors)

    @abstractmethod
    def fraction(self, numerator: Expression, denominator: Expression) -> Mark:
        """Write a quotient."""

    @abstractmethod
    def power(self, base: str, exponent: str) -> str:
        """Write a superscript."""

    @abstractmethod
    def root(self, inside: str) -> str:
        """Write a square root."""

    @abstractmethod
    def total(self, over: str) -> str:
        """Write the sign of a sum with the axes that it goes over, if they need a mention."""

    # --- the walk ---

    def whole(self, expression: Expression) -> str:
        """Write a tree with its sign."""
        return self.signed(self.write(expression))

    def summands(self, expression: Expression) -> list[str]:
        """Write a tree as one piece for each summand, each with the sign before it."""
        terms = expression.terms if isinstance(expression, Add) else (expression,)
        first, *others = map(self.write, terms)
        return [self.signed(first), *map(self.continued, others)]

    def write(self, expression: Expression) -> Mark:
        """Write a tree, its minus apart."""
        match expression:
            case Number() | Ref():
                return self.leaf(expression)
            case Add():
                return Mark("".join(self.summands(expression)))
            case Mul(factors):
                return self._product(factors)
            case Neg(body):
                return Mark(self.inside(body, (Add, Neg)), minus=True)
            case Div(numerator, denominator):
                return self.fraction(numerator, denominator)
            case Pow(base, exponent):
                return Mark(self.power(self._base(base), self.whole(exponent)), compound=True)
            case Apply("sqrt", (argument,)):
                return Mark(self.root(self.whole(argument)))
            case Apply("abs", (argument,)):
                return Mark(self.fenced(self.whole(argument), "|", "|"))
            case Apply("gate", (argument,)):
                positive = f"{self.whole(argument)}{self.sign('&gt;')}{self.digits('0')}"
                return Mark(self.fenced(positive, "[", "]"))
            case Apply("relu", (argument,)):
                return Mark(self.call("max", [self.digits("0"), self.whole(argument)]))
            case Apply(function, arguments):
                return Mark(self.call(function, list(map(self.whole, arguments))))
            case MatMul(left, right):
                loose = (Add, Mul, Neg)
                return Mark(self.product(self.inside(left, loose), self.inside(right, loose)))
            case Transpose(body):
                return Mark(self.power(self._base(body), self.sign("⊤")), compound=True)
            case Reshape(body):
                return self.write(body)
            case SumOver(body):
                return Mark(f"{self.total(expression.over)}{self.inside(body, (Add,))}")
            case Opaque(name, (body,)) if name.startswith((".", "[")):
                return Mark(f"{self._base(body)}{self.word(access(name, body), code=True)}")
            case Opaque(name, arguments, options):
                listed = list(map(self.whole, arguments))
                listed += [self.word(f"{key}={value}", code=True) for key, value in options]
                return Mark(self.call(name, listed))
            case _:
                raise TypeError(f"no markup for {type(expression).__name__}")

    def digits(self, text: str) -> str:
        """Write a number that belongs to the notation, such as the 0 of a gate."""
        return self.leaf(Number(float(text))).body

    def inside(self, expression: Expression, loose: tuple[type[Expression], ...]) -> str:
        """Write a part, in parentheses when it binds more loosely than what is around it."""
        mark = self.write(expression)
        open_ended = isinstance(unshaped(expression), loose) or mark.minus
        return self.fenced(self.signed(mark)) if open_ended else mark.body

    def _base(self, expression: Expression) -> str:
        """Write what a superscript is hung on."""
        mark = self.write(expression)
        loose = (Add, Mul, Neg, MatMul, SumOver)
        if mark.compound or mark.minus or isinstance(unshaped(expression), loose):
            return self.fenced(self.signed(mark))
        return self.row(mark.body)

    def _product(self, factors: Sequence[Expression]) -> Mark:
        minus = False
        written: list[str] = []
        for position, factor in enumerate(factors):
            if position == 0 and factor == Number(-1.0) and len(factors) > 1:
                minus = True
                continue
            last = position == len(factors) - 1
            loose = (Add, MatMul) if last else (Add, MatMul, SumOver)
            mark = self.write(factor)
            if isinstance(unshaped(factor), loose) or (mark.minus and (written or minus)):
                written.append(self.fenced(self.signed(mark)))
                continue
            minus = minus or mark.minus
            written.append(mark.body)
        return Mark(self.times(written), minus)
