"""Quantities read from tokens: a sign with its subscripts, marks and indices."""

from __future__ import annotations

import re
import unicodedata

from .cursor import Cursor
from .syntax import FunctionCall, Power, Symbol, Tree, derivative, derivative_of, key_of

# What the field calls one quantity in several ways.
SAME: dict[str, str] = {
    "mu": "μ", "zmean": "μ", "eps": "ε", "epsilon": "ε", "noise": "ε", "sigma": "σ", "std": "σ",
    "stddev": "σ", "logvar": "logσ²", "zlogvar": "logσ²", "logvariance": "logσ²", "var": "σ²",
    "variance": "σ²", "xhat": "x^", "recon": "x^", "xrecon": "x^", "reconx": "x^",
    "xreconstructed": "x^", "kl": "KL", "kld": "KL", "kldiv": "KL", "klloss": "KL", "lr": "η",
    "eta": "η", "beta": "β",
}  # fmt: skip

HATS = re.compile("[\u0302\u0303\u0304]")  # a bar or a tilde too, as TeX's are read


def parted(text: str) -> tuple[str, str]:
    """Return the sign and the index of a name in one piece: `mu_1`, `w5`, `σ₁`."""
    text = HATS.sub("^", unicodedata.normalize("NFD", text))
    marks = text[len(text.rstrip("'′")) :].replace("′", "'")
    plain = text.rstrip("'′")
    whole = plain.replace("_", "")
    if whole.lower() in SAME:
        return SAME[whole.lower()], marks
    base, _, index = plain.partition("_")
    if not index and not base[:1].isdecimal():
        stem = base.rstrip("0123456789")
        base, index = (stem, base[len(stem) :]) if stem else (base, "")
    return SAME.get(base.lower(), base), f"{index.replace('_', '')}{marks}"


class Quantities(Cursor):
    """Reads what a quantity is called."""

    def indexed_whole(self, tree: Tree) -> Tree:
        """Read the index of a quantity that is no single sign, as of `\\sigma^2[0]`."""
        if key_of(tree) is None:
            return tree
        if self.at("operator", "_"):
            self.position += 1
            return with_index(tree, self.subscript())
        token = self.peek()
        if token is not None and token.kind == "open" and token.text == "[" and not token.spaced:
            return with_index(tree, self._counted())
        return tree

    def mark(self) -> str:
        """Return what a superscript adds to a name; empty when it is an exponent."""
        if not self.at("open", "group", "("):
            token = self.take()
            after = self.peek()
            ends = after is None or after.kind in ("relation", "comma", "close", "stop", "gap")
            marks = token.text in ("T", "⊤", "'") or (token.text in ("+", "-", "*") and ends)
            return token.text.replace("⊤", "T") if marks else ""
        closing = "group" if self.take().text == "group" else ")"
        shown = ""
        while not self.at("close", closing):
            token = self.take()
            opens = token.kind == "open" and token.text not in ("(", "[")
            if opens or token.kind in ("stop", "relation", "line", "gap"):
                return ""
            shown += token.text
        self.position += 1
        whole = re.fullmatch(r"T|⊤|['+*-]+|\(\w+\)|\[\w+\]", shown)
        return shown.replace("⊤", "T") if whole else ""

    def indexed(self, name: Symbol) -> Tree:
        """Read the subscripts, marks and indices of a name."""
        while True:
            token = self.peek()
            if token is None:
                return name
            if token.kind == "operator" and token.text == "_":
                self.position += 1
                name = Symbol(name.base, f"{name.index}{self.subscript()}", name.bold)
            elif token.kind == "name" and token.text == "'":
                self.position += 1
                name = Symbol(name.base, f"{name.index}'", name.bold)
            elif token.text == "[" and token.kind == "open" and not token.spaced:
                index = self._counted()
                if not index:
                    return name
                name = Symbol(name.base, f"{name.index}{index}", name.bold)
            elif token.text == "(" and not token.spaced and self._is_argument():
                self.position += 3  # `μ(x)` is μ
            else:
                return name

    def _is_argument(self) -> bool:
        inside, behind = self.peek(1), self.peek(2)
        if inside is None or behind is None:
            return False
        return inside.kind in ("name", "vector") and inside.text in "xz" and behind.text == ")"

    def subscript(self) -> str:
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
        if shown and self.at("close", "]") and all(s.isdecimal() or s == "," for s in shown):
            self.position += 1
            return f"[{''.join(shown)}]"
        self.position = start
        return ""


def with_index(tree: Tree, index: str) -> Tree:
    """Return a quantity's element: of the logarithm of a variance, that of the deviation."""
    names = derivative(tree)
    if names is not None:
        return derivative_of(names[0], with_index(names[1], index))
    match tree:
        case Symbol(base, before):
            return Symbol(base, f"{before}{index}", tree.bold)
        case Power(base, exponent):
            return Power(with_index(base, index), exponent)
        case FunctionCall(function, (body,)):
            return FunctionCall(function, (with_index(body, index),))
    return tree


def without_index(tree: Tree) -> tuple[Tree | None, str]:
    """Return a quantity without its index, and the index."""
    names = derivative(tree)
    if names is not None:
        inner, index = without_index(names[1])
        return (derivative_of(names[0], inner) if inner is not None else None), index
    match tree:
        case Symbol(base, index):
            return Symbol(base), index
        case Power(Symbol(base, index), exponent):
            return Power(Symbol(base), exponent), index
        case FunctionCall(function, (body,)):
            inner, index = without_index(body)
            return (FunctionCall(function, (inner,)) if inner is not None else None), index
    return None, ""
