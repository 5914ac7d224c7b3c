"""Formulas read from tokens: a grammar of arithmetic, as far as it goes.

A formula is read, never run. How deep brackets may lie in each other is bounded, so that the
recursion is too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .syntax import (
    Call,
    Literal,
    Name,
    Negative,
    Power,
    Product,
    Row,
    Sum,
    Total,
    Transposed,
    Tree,
    key_of,
)
from .tokens import Token

DEEPEST = 40  # brackets in brackets; a page of mathematics has a tenth of it
CLOSES = {"(": ")", "[": "]", "{": "}", "⟨": "⟩", "group": "group", "[[": "]]"}
NORMAL = ("Φ", "φ")  # the normal distribution, and its density
MULTIPLY = {"*", "⊙", "@", "/"}


class Unreadable(Exception):
    """Tokens that are no formula."""


class TooDeep(Unreadable):
    """Brackets in brackets, further than a formula has them."""


def literal(text: str, line: int = 0) -> Literal:
    """Read one number.

    Examples
    --------
    >>> literal("-0.40").decimals, literal("6.1e-07").decimals, literal("0.0630").significant
    (2, 8, 3)
    """
    mantissa, _, exponent = text.lower().partition("e")
    if len(exponent) > 4:
        raise Unreadable
    value = float(text.replace(",", ""))
    if value in (float("inf"), float("-inf")):
        raise Unreadable
    return Literal(text, value, len(mantissa.partition(".")[2]) - int(exponent or "0"), line)


def parse(tokens: Sequence[Token], start: int = 0) -> tuple[Tree, int]:
    """Read the longest formula that begins at a token, and say where it ends.

    Raises
    ------
    Unreadable
        If none does.
    """
    parser = _Parser(tokens, start)
    return parser.sum(), parser.position


class _Parser:
    def __init__(self, tokens: Sequence[Token], start: int) -> None:
        self.tokens, self.position = tokens, start
        self.depth = 0
        self.in_row = False  # whether spaces part entries, as NumPy prints an array

    def peek(self, ahead: int = 0) -> Token | None:
        position = self.position + ahead
        return self.tokens[position] if position < len(self.tokens) else None

    def at(self, kind: str, *texts: str) -> bool:
        token = self.peek()
        return token is not None and token.kind == kind and (not texts or token.text in texts)

    def take(self) -> Token:
        token = self.peek()
        if token is None:
            raise Unreadable
        self.position += 1
        return token

    def skip(self, *kinds: str) -> None:
        while (token := self.peek()) is not None and token.kind in kinds:
            self.position += 1

    def require(self, kind: str, *texts: str) -> None:
        if not self.at(kind, *texts):
            raise Unreadable
        self.position += 1

    # --- arithmetic ---

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
                joined = _scientific(factors[-1], token.text, factor)
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

    def _implicit(self, token: Token) -> bool:
        """Whether a factor follows without a sign: `2(…)`, `½ exp(…)`, `\\mu x`."""
        before = self.tokens[self.position - 1]
        if token.mode == "code":
            return False
        if token.kind == "open":
            remark = token.mode == "text" and token.spaced and not self._is_factor(before)
            return not remark and not (self.in_row and token.spaced)
        if token.kind in ("fraction", "root", "hat", "sum", "vector"):
            return not self.in_row
        if token.kind == "function":
            if token.mode == "text" and token.spaced:  # `0.5 exp(…)`, but `0.5 mean`
                after = self.peek(1)
                return after is not None and after.kind == "open" and not after.spaced
            return not token.text.startswith(".")
        if token.kind == "number":
            # `\\frac12 0.5` multiplies, `0.5 0.5` does not.
            return before.kind == "close" and token.mode == "math" and not self.in_row
        if token.kind == "name":
            prose = token.mode == "text" and token.spaced and token.text[0].isascii()
            return not prose and not self.in_row
        return False

    def _is_factor(self, token: Token) -> bool:
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
                text, decimals = f"{tree.text}%", tree.decimals + 2
                tree = replace(tree, text=text, value=tree.value / 100, decimals=decimals)
            elif token.text == "±" and isinstance(tree, Literal):
                self.position += 1
                tree = replace(tree, tolerance=literal(self.take().text).value)
            elif token.kind == "function" and token.text.startswith("."):
                tree = self._method(tree)
            else:
                return tree

    def _raised(self, tree: Tree) -> Tree:
        """Read an exponent; of a name it may be a mark: `w^+`, `z^{(1)}`, `W^T`, `x^*`."""
        start = self.position
        mark = self._mark()
        if mark == "T":
            return Transposed(tree)
        if mark and isinstance(tree, Name) and tree.base != "e":
            return Name(tree.base, f"{tree.index}{mark}", tree.bold)
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
        if tree == Name("e"):
            return Call("exp", (exponent,))
        return self._indexed_whole(Power(tree, exponent))

    def _indexed_whole(self, tree: Tree) -> Tree:
        """Read the index of a quantity that is no single sign, as of `\\sigma^2[0]`."""
        if key_of(tree) is None:
            return tree
        if self.at("operator", "_"):
            self.position += 1
            return _with_index(tree, self._subscript())
        token = self.peek()
        if token is not None and token.kind == "open" and token.text == "[" and not token.spaced:
            return _with_index(tree, self._counted())
        return tree

    def exponent(self) -> Tree:
        """Read the exponent of `e^-0.5` or `2^3`: one number, name or bracket."""
        tree = self.atom()
        if self.at("operator", "^"):
            self.position += 1
            return Power(tree, self.atom())
        return tree

    def _mark(self) -> str:
        """Return what a superscript adds to a name; empty when it is an exponent."""
        if not self.at("open", "group"):
            token = self.take()
            after = self.peek()
            ends = after is None or after.kind in ("relation", "comma", "close", "stop", "gap")
            marks = token.text in ("T", "⊤", "'") or (token.text in ("+", "-", "*") and ends)
            return token.text.replace("⊤", "T") if marks else ""
        self.position += 1
        shown = ""
        while not self.at("close", "group"):
            token = self.take()
            if token.kind in ("stop", "relation", "line", "gap", "open") and token.text != "(":
                return ""
            shown += token.text
        self.position += 1
        whole = re.fullmatch(r"T|⊤|['+*-]+|\(\w+\)", shown)
        return shown.replace("⊤", "T") if whole else ""

    def _method(self, tree: Tree) -> Tree:
        """Read `.exp()`, `.pow(2)`, `.sum()`."""
        name = self.take().text[1:]
        arguments = self.arguments()
        if name in ("pow", "square"):
            return Power(tree, arguments[0] if arguments else Literal("2", 2.0, 0))
        if name in ("item", "detach", "float", "numpy", "tolist"):
            return tree
        if name in ("exp", "log", "sqrt", "sum", "mean", "sigmoid", "tanh", "relu", "abs", "max"):
            return Call(name, (tree,))
        if name in ("mm", "matmul", "dot") and arguments:
            return Product((tree, arguments[0]), ("", "@"))
        raise Unreadable

    # --- what is not arithmetic ---

    def atom(self) -> Tree:
        token = self.take()
        match token.kind:
            case "number":
                return literal(token.text, token.line)
            case "name" | "vector":
                return self.named(token)
            case "function":
                return self.function(token)
            case "open":
                self.position -= 1
                return self.bracket()
            case "fraction":
                above, below = self.group(), self.group()
                return Product((above, below), ("", "/"))
            case "root":
                return self.root()
            case "hat":
                name = self.group()
                if not isinstance(name, Name):
                    return name  # `\\overline{0.5}`, a mark only
                return self._indexed(Name(f"{name.base}^", name.index, name.bold))
            case "sum":
                return self.total(token.text)
            case "bar":
                return self.norm(token)
            case "operator" if token.text in "+-":
                self.position -= 1
                return self.factor()
        raise Unreadable

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
        if token.kind == "number" and len(token.text) > 1 and token.text.isdigit():
            return self._digit(token)
        return self.atom()

    def _digit(self, token: Token) -> Tree:
        """Take one digit of several: `\\frac12` takes its arguments one by one."""
        rest = token._replace(text=token.text[1:], start=token.start + 1)
        self.tokens = [*self.tokens[: self.position], rest, *self.tokens[self.position + 1 :]]
        return literal(token.text[0])

    def root(self) -> Tree:
        if self.at("open", "["):
            self.position += 1
            degree = self.sum()
            self.require("close", "]")
            return Power(self.group(), Product((Literal("1", 1.0, 0), degree), ("", "/")))
        return Call("sqrt", (self.group(),))

    def named(self, token: Token) -> Tree:
        if token.text in NORMAL and self.at("open", "("):
            return Call(token.text, self.arguments())
        return self._indexed(Name(*_parted(token.text), token.kind == "vector"))

    def _indexed(self, name: Name) -> Tree:
        """Read the subscripts, marks and indices of a name."""
        while True:
            token = self.peek()
            if token is None:
                return name
            if token.kind == "operator" and token.text == "_":
                self.position += 1
                name = Name(name.base, f"{name.index}{self._subscript()}", name.bold)
            elif token.kind == "name" and token.text == "'":
                self.position += 1
                name = Name(name.base, f"{name.index}'", name.bold)
            elif token.text == "[" and token.kind == "open" and not token.spaced:
                index = self._counted()
                if not index:
                    return name
                name = Name(name.base, f"{name.index}{index}", name.bold)
            elif token.text == "(" and not token.spaced and self._is_argument():
                self.position += 3  # `μ(x)` is μ
            else:
                return name

    def _is_argument(self) -> bool:
        inside, behind = self.peek(1), self.peek(2)
        if inside is None or behind is None:
            return False
        return inside.kind in ("name", "vector") and inside.text in "xz" and behind.text == ")"

    def _subscript(self) -> str:
        if not self.at("open", "group"):
            return self.take().text
        depth, shown = 0, ""
        while True:
            token = self.take()
            if token.text == "group":
                depth += 1 if token.kind == "open" else -1
                if not depth:
                    return shown.replace("_", "").replace(" ", "")
            else:
                shown += token.text

    def _counted(self) -> str:
        """Read `[0]`, `[0, 1]` or `[0][1]` behind a name; empty when it is something else."""
        start = self.position
        self.position += 1
        shown: list[str] = []
        while (token := self.peek()) is not None and token.kind in ("number", "comma"):
            shown.append(token.text)
            self.position += 1
        if shown and self.at("close", "]") and all(s.isdigit() or s == "," for s in shown):
            self.position += 1
            return f"[{''.join(shown)}]"
        self.position = start
        return ""

    def function(self, token: Token) -> Tree:
        name = token.text
        if name == "array":
            self.require("open", "(")
            self.skip("line")
            inside = self.bracket()
            while not self.at("close", ")"):
                self.take()
            self.position += 1
            return inside
        power: Tree | None = None
        if self.at("operator", "_"):  # `\\log_2`, `\\max_i`
            self.position += 1
            base = self._subscript()
            name = {"log2": "log2", "log10": "log10"}.get(f"{name}{base}", name)
        if self.at("operator", "^"):
            self.position += 1
            power = self.group()
        if self.at("open", "(", "[", "{"):
            tree: Tree = Call(name, self.arguments())
        elif self.at("open", "group"):
            tree = Call(name, (self.group(),))
        else:
            tree = Call(name, (self._argument(),))
        return tree if power is None else Power(tree, power)

    def _argument(self) -> Tree:
        """Read what a function without brackets is of: `\\log 2x`, `\\log \\sigma^2`."""
        factors = [self.factor()]
        while (token := self.peek()) is not None and token.kind == "name":
            if not self._implicit(token):
                break
            factors.append(self.power())
        signs = ("",) * len(factors)
        return factors[0] if len(factors) == 1 else Product(tuple(factors), signs)

    def arguments(self) -> tuple[Tree, ...]:
        """Read the arguments of a call, those with a keyword passed over."""
        opening = self.take()
        closing = CLOSES.get(opening.text, ")")
        found: list[Tree] = []
        while not self.at("close", closing):
            after = self.peek(1)
            if self.at("name") and after is not None and after.kind == "relation":
                self.position += 2
                self.sum()
            else:
                found.append(self.sum())
            if not self.at("close", closing):
                self.require("comma")
        self.position += 1
        return tuple(found)

    def total(self, function: str) -> Tree:
        """Read `\\sum_{i=1}^{d} …`: the terms are summed over every index they have."""
        for sign in ("_", "^"):
            if self.at("operator", sign):
                self.position += 1
                self._subscript()
        return Total(function, self.product())

    def norm(self, opening: Token) -> Tree:
        """Read `|x|`, or `\\|x\\|` with the `_2` or `_1` behind it."""
        while self.at("bar"):
            self.position += 1
        body = self.sum()
        count = 0
        while self.at("bar"):
            self.position += 1
            count += 1
        if not count:
            raise Unreadable
        degree = "2"
        if self.at("operator", "_"):
            self.position += 1
            degree = self._subscript()
        if degree not in ("1", "2"):
            raise Unreadable
        return Call("norm" if degree == "2" else "norm1", (body,))

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
            return self._indexed(tree) if isinstance(tree, Name) else tree
        return tree

    def row(self, opening: Token) -> Tree:
        closing = CLOSES[opening.text]
        before, self.in_row = self.in_row, self._parted_by_spaces(opening)
        entries: list[Tree] = []
        listed = opening.text in ("[", "⟨") and self.in_row
        self.skip("line", "gap")
        while not self.at("close", closing):
            entries.append(self.sum())
            self.skip("line", "gap", "words")
            if self.at("stop", ">") and opening.text == "[" and len(entries) == 1:
                self.position += 1  # `[0.3 > 0]`, which is 1 or 0
                gate = Call("gate", (Sum((entries[0], Negative(self.sum()))),))
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
        if not entries:
            raise Unreadable
        single = len(entries) == 1 and not listed
        if single and (opening.text != "[" or not isinstance(entries[0], Literal | Row)):
            return self._indexed_whole(entries[0]) if opening.text == "(" else entries[0]
        return Row(tuple(entries))

    def _parted_by_spaces(self, opening: Token) -> bool:
        """Whether an array has numbers and no commas: `[0.1 -0.2  0.3]`."""
        if opening.text not in ("[", "⟨"):
            return False
        first = self.position
        while (token := self.peek(first - self.position)) is not None and (
            token.kind in ("open", "line", "gap") or token.text in ("-", "+")
        ):
            first += 1
        position = first + 1
        while position < len(self.tokens) and self.tokens[position].kind == "line":
            position += 1
        if position >= len(self.tokens) or self.tokens[first].kind != "number":
            return False
        token = self.tokens[position]
        after = self.tokens[position + 1] if position + 1 < len(self.tokens) else None
        minus = token.text in "-+" and token.spaced and after is not None and not after.spaced
        return token.kind == "number" or (bool(token.text) and minus)

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


def _scientific(mantissa: Tree, sign: str, factor: Tree) -> Literal | None:
    """Read `6.1·10^-7` as the one number that it is."""
    match mantissa, sign, factor:
        case Literal(), "*", Power(Literal(text="10"), exponent):
            power = exponent.body if isinstance(exponent, Negative) else exponent
            if isinstance(power, Literal) and power.whole and "e" not in mantissa.text.lower():
                minus = "-" if isinstance(exponent, Negative) else ""
                return literal(f"{mantissa.text}e{minus}{power.text}", mantissa.line)
    return None


def _with_index(tree: Tree, index: str) -> Tree:
    """Return a quantity's element: of the logarithm of a variance, that of the deviation."""
    match tree:
        case Name(base, before):
            return Name(base, f"{before}{index}", tree.bold)
        case Power(base, exponent):
            return Power(_with_index(base, index), exponent)
        case Call(function, (body,)):
            return Call(function, (_with_index(body, index),))
    return tree


# What the field calls one quantity in several ways.
SAME: dict[str, str] = {
    "mu": "μ", "zmean": "μ", "eps": "ε", "epsilon": "ε", "noise": "ε", "sigma": "σ", "std": "σ",
    "stddev": "σ", "logvar": "logσ²", "zlogvar": "logσ²", "logvariance": "logσ²", "var": "σ²",
    "variance": "σ²", "xhat": "x^", "x̂": "x^", "recon": "x^", "xrecon": "x^", "reconx": "x^",
    "xreconstructed": "x^", "kl": "KL", "kld": "KL", "kldiv": "KL", "klloss": "KL", "lr": "η",
    "eta": "η", "beta": "β",
}  # fmt: skip


def _parted(text: str) -> tuple[str, str]:
    """Return the sign and the index of a name in one piece: `mu_1`, `w5`, `σ₁`."""
    marks = text[len(text.rstrip("'′")) :].replace("′", "'")
    plain = text.rstrip("'′")
    whole = plain.replace("_", "")
    if whole.lower() in SAME:
        return SAME[whole.lower()], marks
    base, _, index = plain.partition("_")
    if not index and not base[:1].isdigit():
        stem = base.rstrip("0123456789")
        base, index = (stem, base[len(stem) :]) if stem else (base, "")
    return SAME.get(base.lower(), base), f"{index.replace('_', '')}{marks}"
