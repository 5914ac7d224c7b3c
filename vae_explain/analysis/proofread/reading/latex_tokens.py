"""LaTeX cut into the same tokens as prose: groups, fractions and matrices as brackets.

Only what a number, a name or printed arithmetic can be written with is read; any other
command is a word, and makes what it stands in symbolic.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from .tokens import MINUS, Kind, Lexeme, lex

PIECE = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}&^_~]|\n|[^\\{}&^_~\n]+", re.DOTALL)
NAMES = {
    "mu": "μ",
    "sigma": "σ",
    "epsilon": "ε",
    "varepsilon": "ε",
    "partial": "∂",
    "nabla": "∇",
    "beta": "β",
    "eta": "η",
    "odot": "*",
    "cdot": "*",
    "times": "*",
    "ast": "*",
    "div": "/",
    "pm": "±",
    "approx": "≈",
    "simeq": "≈",
    "cong": "≈",
    "doteq": "≈",
    "to": "→",
    "rightarrow": "→",
    "mid": "|",
    "top": "T",
    "dots": "…",
    "ldots": "…",
    "cdots": "…",
    "vdots": "…",
    "lbrack": "[",
    "rbrack": "]",
}
NOTHING = {
    "left", "right", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "biggl",
    "biggr", "displaystyle", "textstyle", "limits", "nonumber", "quad", "qquad", "hline",
    "notag", "phantom", "mathstrut", "strut",
}  # fmt: skip
WRAPPERS = {
    "text", "mathrm", "mathbf", "mathit", "mathsf", "mathtt", "operatorname", "boldsymbol",
    "texttt", "textbf", "textit", "textrm", "bm", "mathbb", "mathcal", "boxed", "underline",
    "overline", "bar", "vec", "tilde", "color",
}  # fmt: skip
DEEPEST = 40  # groups in groups
MATRICES = re.compile(r"[bpvBV]?matrix|smallmatrix|array|bsmallmatrix|psmallmatrix")
Part = TypeVar("Part")
SPACES = {"\\,", "\\;", "\\:", "\\!", "\\ ", "\\>"}


def lex_latex(text: str, line: int) -> list[Lexeme]:
    """Cut a formula into tokens."""
    return _Formula(text, line).tokens()


class _Formula:
    def __init__(self, text: str, line: int) -> None:
        self.pieces: list[str] = PIECE.findall(text.translate(MINUS))
        self.position = 0
        self.line = line
        self.matrices = 0
        self.depth = 0

    def tokens(self) -> list[Lexeme]:
        tokens: list[Lexeme] = []
        while self.position < len(self.pieces):
            tokens += self._next()
        return tokens

    def _take(self) -> str:
        piece = self.pieces[self.position]
        self.position += 1
        if piece == "\n":
            self.line += 1
        return piece

    def _group(self) -> list[Lexeme]:
        """Return the tokens of `{…}`, or of the single sign that stands for it."""
        while self.position < len(self.pieces) and not self.pieces[self.position].strip():
            self._take()
        if self.position >= len(self.pieces):
            return []
        if self.pieces[self.position] == "{":
            return self._inside(self._next)
        piece = self.pieces[self.position]
        if not piece.startswith("\\") and len(piece) > 1:
            self.pieces[self.position] = piece[1:]  # `\frac12` takes one sign at a time
            return list(lex(piece[0], self.line))
        return self._next()

    def _raw(self) -> str:
        """Return the text of `{…}` as it stands."""
        opens = self.pieces[self.position : self.position + 1] == ["{"]
        return "".join(self._inside(lambda: [self._take()])) if opens else ""

    def _inside(self, take: Callable[[], list[Part]]) -> list[Part]:
        """Return what is taken one by one up to the brace that closes."""
        self._take()
        taken: list[Part] = []
        while self.position < len(self.pieces) and self.pieces[self.position] != "}":
            taken += take()
        if self.position < len(self.pieces):
            self._take()
        return taken

    def _sign(self, kind: Kind, text: str) -> Lexeme:
        return Lexeme(kind, text, self.line, False)

    def _next(self) -> list[Lexeme]:
        """Read the next piece; of what is nested too deep, no more than that it is there."""
        if self.depth > DEEPEST:
            return [self._sign("other", self._take())]
        self.depth += 1
        found = self._read()
        self.depth -= 1
        return found

    def _read(self) -> list[Lexeme]:
        piece = self._take()
        if piece == "\n" or piece in SPACES or piece == "~":
            return []
        if piece.startswith("\\"):
            return self._command(piece[1:])
        if piece in "{}":
            return []  # a group without a command says nothing
        if piece == "&":
            return [self._sign("comma", ",")] if self.matrices else []
        if piece == "^":
            return self._power()
        if piece == "_":
            return self._subscript()
        return list(lex(piece, self.line))

    def _command(self, name: str) -> list[Lexeme]:
        name = name.rstrip("*")
        if name in WRAPPERS:
            return self._wrapped()
        if name in ("hat", "widehat"):
            inside = "".join(token.text for token in self._group())
            return [self._sign("word", f"{inside}_hat")]
        if name in ("frac", "dfrac", "tfrac"):
            above, below = self._group(), self._group()
            return [*self._bracketed(above), self._sign("operator", "/"), *self._bracketed(below)]
        if name == "sqrt":
            return [self._sign("word", "sqrt"), *self._bracketed(self._group())]
        if name == "begin":
            return self._begin(self._raw())
        if name == "end":
            return self._end(self._raw())
        if name == "\\":
            if self.matrices:
                return [self._sign("close", "]"), self._sign("comma", ","), self._sign("open", "[")]
            return [self._sign("line", "\n")]
        if name == "tag":
            self._raw()
            return []
        if name in ("{", "}"):
            return [self._sign("open" if name == "{" else "close", name)]
        if name in ("_", "%", "&", "#"):
            return [self._sign("word", name)]
        if name in NOTHING:
            return []
        return list(lex(NAMES[name], self.line)) if name in NAMES else [self._sign("word", name)]

    def _wrapped(self) -> list[Lexeme]:
        """Return the inside of `\\text{…}`, a name with underscores in one piece."""
        raw = self._raw()
        if raw:
            plain = raw.replace("\\_", "_").replace("{", "").replace("}", "")
            is_formula = "\\" in plain
            return lex_latex(plain, self.line) if is_formula else list(lex(plain, self.line))
        return self._group()

    def _bracketed(self, inside: list[Lexeme]) -> list[Lexeme]:
        return [self._sign("open", "("), *inside, self._sign("close", ")")]

    def _begin(self, name: str) -> list[Lexeme]:
        if not MATRICES.fullmatch(name):
            return []
        if name == "array":
            self._raw()
        self.matrices += 1
        return [self._sign("open", "["), self._sign("open", "[")]

    def _end(self, name: str) -> list[Lexeme]:
        if not MATRICES.fullmatch(name):
            return []
        self.matrices -= 1
        return [self._sign("close", "]"), self._sign("close", "]")]

    def _power(self) -> list[Lexeme]:
        inside = self._group()
        if len(inside) == 1 and inside[0].text in ("T", "top"):
            return [self._sign("word", "ᵀ")]
        exponent = inside if len(inside) == 1 else self._bracketed(inside)
        return [self._sign("operator", "^"), *exponent]

    def _subscript(self) -> list[Lexeme]:
        """Return a subscript as an index when it is one, else as a part of the name."""
        inside = self._group()
        if inside and all(token.kind in ("number", "comma") for token in inside):
            return [self._sign("open", "["), *inside, self._sign("close", "]")]
        return [self._sign("word", "_" + "".join(token.text for token in inside))]
