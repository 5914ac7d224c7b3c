"""Formulas read from tokens: a grammar of arithmetic, as far as it goes.

A formula is read, never run. How deep brackets may lie in each other is bounded, so that the
recursion is too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .brackets import DEEPEST, Brackets
from .cursor import TooDeep, Unreadable, literal, scientific
from .habits import QUANTITIES, is_word
from .quantities import parted
from .syntax import (
    FunctionCall,
    Literal,
    Negative,
    Power,
    Product,
    Row,
    Sum,
    Symbol,
    Total,
    Transposed,
    Tree,
    is_numeric,
    mapped,
    shown,
)
from .tokens import MathToken

SCALES = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12}
# In Chinese and Japanese, where no space parts them from what they count.
IDEOGRAPHIC_SCALES = {"万": 4, "萬": 4, "百万": 6, "百萬": 6, "千万": 7, "亿": 8, "億": 8}
COUNTS = re.compile("|".join(IDEOGRAPHIC_SCALES))
NORMAL = ("Φ", "φ")  # the normal distribution, and its density
ALSO_NAMES = {"mean"}  # of functions, what a quantity may be called too: `mean + ε·std`
ALONG = re.compile(r"(?:dim|axis)=(-?\d)")
IN_FORMULAS = {"sum", "norm", "abs", "square", "dot", "round"}  # likewise, not in prose
AFTER_NAMES = {"operator", "relation", "close", "comma", "row", "column", "stop", "gap", "line"}
OF_SEVERAL = {"mean", "sum", "max", "min"}  # functions, of which `mean 1` is no value but a name
MULTIPLY = {"*", "⊙", "@", "/"}
SLOPES = [Symbol(sign, "'") for sign in "σfgφ"]  # of activations, behind which a bracket stands
PART = re.compile(r"\[|\.[a-z]")  # how code begins that takes a part of an array


def parse(
    tokens: Sequence[MathToken],
    start: int = 0,
    calls: bool = False,
    remarks: bool = True,
    products: bool = False,
) -> tuple[Tree, int]:
    """Read the longest formula that begins at a token, and say where it ends.

    Parameters
    ----------
    calls
        Whether `σ(0.4)` is kept as a call, for the document to say what it is one of.
    remarks
        Whether a bracket behind a space may be a remark in prose, and no factor.
    products
        Whether names side by side in prose are a product, and no words.

    Raises
    ------
    Unreadable
        If none does.
    """
    parser = _Parser(tokens, start, remarks, products)
    tree = parser.sum()
    match tree:
        case Transposed(Row(entries) as column) if not any(isinstance(e, Row) for e in entries):
            tree = column  # `(0.3, 0.7)^T`, which has no other column beside it
    return (tree if calls or not parser.called else uncalled(tree)), parser.position


def uncalled(tree: Tree) -> Tree:
    """Return a formula in which `σ(0.4)` is a product, and `σ(x)` the σ that belongs to x."""

    def change(part: Tree) -> Tree:
        match part:
            case FunctionCall("σ", (Symbol("x" | "z", ""),)):
                return Symbol("σ")
            case FunctionCall("σ", (body,)):
                return Product((Symbol("σ"), body), ("", ""))
        return part

    return mapped(tree, change)


class _Parser(Brackets):
    def __init__(
        self, tokens: Sequence[MathToken], start: int, remarks: bool, products: bool
    ) -> None:
        super().__init__(tokens, start)
        self.remarks, self.products = remarks, products
        self.called = False  # whether σ stands before a bracket

    def sum(self) -> Tree:
        self.depth += 1
        if self.depth > DEEPEST:
            raise TooDeep
        terms = [self.product()]
        while self.at("operator", "+", "-") and not self._parts_entries():
            minus = self.take().text == "-"
            if self.peek() is None:
                self.position -= 1
                break
            term = self.product()
            terms.append(Negative(term) if minus else term)
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Sum(tuple(terms))

    def _parts_entries(self) -> bool:
        """Whether a minus begins the next entry of an array without commas: `[0.1 -0.2]`."""
        sign, after = self.peek(), self.peek(1)
        spaced = self.in_row and sign is not None and sign.spaced
        return spaced and after is not None and not after.spaced

    def product(self) -> Tree:
        factors, signs = [self.factor()], [""]
        while True:
            token = self.peek()
            if token is None:
                break
            if token.kind == "operator" and token.text in MULTIPLY:
                self.position += 1
                factor = self.factor()
                joined = scientific(factors[-1], token.text, factor)
                if joined is not None:
                    factors[-1] = joined
                    continue
                signs.append(token.text)
                factors.append(factor)
            elif self._implicit(token):
                signs.append("")
                factors.append(self.power())
            else:
                break
        return factors[0] if len(factors) == 1 else Product(tuple(factors), tuple(signs))

    def _implicit(self, token: MathToken) -> bool:
        """Whether a factor follows without a sign: `2(…)`, `½ exp(…)`, `\\mu x`."""
        before = self.tokens[self.position - 1]
        if token.mode == "code":
            # A number is no function, so that `0.8(-1.0)` multiplies; `f(-1.0)` calls.
            multiplies = before.kind in ("number", "close") and token.text in ("(", "[")
            parted = self.in_row or (token.spaced and self.remarks)
            names = self.products and before.kind == token.kind == "name"
            return names or (multiplies and token.kind == "open" and not parted)
        if token.kind == "open":
            prose = self.remarks and token.mode == "text" and token.spaced
            return not (prose and not self._is_factor(before)) and not (
                self.in_row and token.spaced
            )
        if token.kind in ("fraction", "root", "hat", "sum", "vector"):
            return not self.in_row
        if token.kind == "function":
            if token.mode == "text" and token.spaced:  # `0.5 exp(…)`, but `0.5 mean`
                after = self.peek(1)
                word = before.kind == "name" and before.text.isalpha() and before.text.isascii()
                called = after is not None and after.kind == "open" and not after.spaced
                if token.text == "log" and before.kind == "number":  # `0.7 ln 0.7`
                    called = called or (after is not None and after.kind == "number")
                return called and not (word and len(before.text) > 1)
            return not token.text.startswith(".")
        if token.kind == "number":
            # `\\frac12 0.5` multiplies, `0.5 0.5` does not.
            return before.kind == "close" and token.mode == "math" and not self.in_row
        if token.kind == "name":
            prose = token.text[0].isascii() or (is_word(before) and before.text not in QUANTITIES)
            prose = prose and not (self.products and before.kind == "name")
            return not (prose and token.mode == "text" and token.spaced) and not self.in_row
        return False

    def _is_factor(self, token: MathToken) -> bool:
        """Whether a bracket behind a space multiplies in prose, and is no remark."""
        return token.kind in ("close", "sum") or token.end - token.start < len(token.text)

    def factor(self) -> Tree:
        minus = False
        while self.at("operator", "+", "-"):
            minus ^= self.take().text == "-"
        tree = self.power()
        if not minus:
            return tree
        if isinstance(tree, Literal):
            return replace(tree, text=f"-{tree.text}", value=-tree.value)
        return Negative(tree)

    def power(self) -> Tree:
        tree = self.atom()
        while True:
            token = self.peek()
            if token is None:
                return tree
            if token.kind == "operator" and token.text == "^":
                self.position += 1
                tree = self._raised(tree)
            elif token.kind == "operator" and token.text == "ᵀ":
                self.position += 1
                tree = Transposed(tree)
            elif token.kind == "operator" and token.text == "%":
                if not isinstance(tree, Literal):
                    return tree
                self.position += 1
                share = literal(f"{tree.text}%", tree.line)
                tree = replace(share, tolerance=tree.tolerance / 100)
            elif token.text == "±" and isinstance(tree, Literal) and self._number_follows():
                self.position += 1
                tree = replace(tree, tolerance=literal(self.take().text).value)
            elif token.kind == "function" and token.text.startswith("."):
                tree = self._method(tree)
            elif token.kind == "words" and PART.match(token.text) and not token.spaced:
                raise Unreadable  # which part of it stands in code: `x\mathtt{[:, 0:4]}`
            else:
                return tree

    def _number_follows(self) -> bool:
        after = self.peek(1)
        return after is not None and after.kind == "number"

    def _raised(self, tree: Tree) -> Tree:
        """Read an exponent; of a name it may be a mark: `w^+`, `z^{(1)}`, `W^T`, `x^*`."""
        start = self.position
        mark = self.mark()
        if mark == "T":
            return Transposed(tree)
        if mark and isinstance(tree, Symbol) and tree.base != "e":
            return Symbol(tree.base, f"{tree.index}{mark}", tree.bold)
        self.position = start
        negative = self.at("operator", "-")
        if self.at("open", "group"):
            exponent = self.group()
        elif negative or self.at("operator", "+"):
            self.position += 1
            exponent = self.exponent()
        else:
            exponent = self.exponent()
        exponent = Negative(exponent) if negative else exponent
        if tree == Symbol("e"):
            return FunctionCall("exp", (exponent,))
        return self.indexed_whole(Power(tree, exponent))

    def exponent(self) -> Tree:
        """Read the exponent of `e^-0.5` or `2^3`: one number, name or bracket."""
        tree = self.atom()
        if self.at("operator", "^"):
            self.position += 1
            return Power(tree, self.atom())
        return tree

    def _method(self, tree: Tree) -> Tree:
        """Read `.exp()`, `.pow(2)`, `.sum()`."""
        name = self.take().text[1:]
        arguments = self.arguments()
        if name in ("pow", "square"):
            return Power(tree, arguments[0] if arguments else Literal("2", 2.0, 0))
        if name in ("item", "detach", "float", "numpy", "tolist"):
            return tree
        if name in ("exp", "log", "sqrt", "sum", "mean", "sigmoid", "tanh", "relu", "abs", "max"):
            return FunctionCall(name, (tree,))
        if name in ("mm", "matmul", "dot") and arguments:
            return Product((tree, arguments[0]), ("", "@"))
        raise Unreadable

    def atom(self) -> Tree:
        token = self.take()
        match token.kind:
            case "number":
                number = literal(token.text, token.line)
                after = self.peek(1)
                if self.at("gap") and after is not None and after.text in SCALES:
                    self.position += 1  # `$19.7$ **million**`
                if self.at("name", *SCALES) and "e" not in number.text:
                    number = literal(f"{number.text}e{SCALES[self.take().text]}", token.line)
                words = self.peek()
                if words is not None and words.kind == "words" and "e" not in number.text:
                    scale = COUNTS.match(words.text)
                    power = 0 if scale is None else IDEOGRAPHIC_SCALES[scale[0]]
                    number = literal(f"{number.text}e{power}", token.line) if power else number
                return number
            case "name" | "vector":
                return self.named(token)
            case "function":
                return self.function(token)
            case "open":
                self.position -= 1
                return self.bracket()
            case "fraction":
                above, below = self.group(), self.group()
                if token.text:
                    return FunctionCall(token.text, (above, below))
                return Product((above, below), ("", "/"))
            case "root":
                return self.root(token.text)
            case "hat":
                name = self.group()
                if not isinstance(name, Symbol):
                    return name  # `\\overline{0.5}`, a mark only
                return self.indexed(Symbol(f"{name.base}^", name.index, name.bold))
            case "sum":
                return self.total(token.text)
            case "bar":
                return self.norm(token)
            case "operator" if token.text in "+-":
                self.position -= 1
                return self.factor()
        raise Unreadable

    def named(self, token: MathToken) -> Tree:
        if token.text in NORMAL and self.at("open", "("):
            return FunctionCall(token.text, self.arguments())
        after = self.peek()
        if token.text == "σ" and after is not None and after.text == "(" and not after.spaced:
            start = self.position
            arguments = self.arguments()
            if len(arguments) == 1:
                self.called = True
                return FunctionCall("σ", arguments)
            self.position = start
        name = self.indexed(Symbol(*parted(token.text), token.kind == "vector"))
        return self._slope(name) if name in SLOPES and self.at("open", "(") else name

    def _slope(self, name: Tree) -> Tree:
        """Read what the slope of a function is of: `σ'(z_1)` is a quantity with that index."""
        arguments = self.arguments()
        if shown(name) == "σ'" and all(map(is_numeric, arguments)):
            self.called = True
            return FunctionCall(shown(name), arguments)
        return Symbol(shown(name), f"({', '.join(map(shown, arguments))})")

    def function(self, token: MathToken) -> Tree:
        name = token.text
        named = name in ALSO_NAMES or (name in IN_FORMULAS and token.mode != "text")
        if named and self._stands_alone():
            return self.indexed(Symbol(name))
        if name == "array":
            self.require("open", "(")
            self.skip("line")
            inside = self.bracket() if self.at("open") else self.sum()
            while not self.at("close", ")"):
                self.take()
            self.position += 1
            return inside
        power: Tree | None = None
        if self.at("operator", "_"):  # `\\log_2`, `\\max_i`
            self.position += 1
            base = self.subscript()
            name = {"log2": "log2", "log10": "log10"}.get(f"{name}{base}", name)
        if self.at("operator", "^"):
            self.position += 1
            power = self.group()
        if self.at("open", "(", "[", "{"):
            tree: Tree = FunctionCall(name, self.arguments())
        elif self.at("open", "group"):
            # `\\ln{x}^2` looks as `\\ln x^2` does, and `\\ln{(x)}^2` as `\\ln(x)^2`.
            after = self.peek(1)
            fenced = after is not None and after.kind == "open" and after.text != "group"
            tree = FunctionCall(name, (self.group() if fenced else self.power(),))
        elif name in OF_SEVERAL and self.at("number"):
            raise Unreadable
        else:
            tree = FunctionCall(name, (self._argument(),))
        return tree if power is None else Power(tree, power)

    def _stands_alone(self) -> bool:
        """Whether no argument follows the name of a function."""
        after = self.peek()
        return after is None or (after.kind in AFTER_NAMES and after.text != "_")

    def _argument(self) -> Tree:
        """Read what a function without brackets is of: `\\log 2x`, `\\log \\sigma^2`."""
        factors = [self.factor()]
        while (token := self.peek()) is not None and token.kind == "name":
            if not self._implicit(token):
                break
            factors.append(self.power())
        signs = ("",) * len(factors)
        return factors[0] if len(factors) == 1 else Product(tuple(factors), signs)

    def total(self, function: str) -> Tree:
        """Read `\\sum_{i=1}^{d} …`: the terms are summed over every index they have.

        `\\sum_{dim=1} …` is over one axis.
        """
        axis = None
        for sign in ("_", "^"):
            if self.at("operator", sign):
                self.position += 1
                along = ALONG.fullmatch(self.subscript())
                axis = int(along[1]) if along else axis
        before, self.in_total = self.in_total, function == "sum"
        tree = Total(function, self.product(), axis)
        self.in_total = before
        return tree
