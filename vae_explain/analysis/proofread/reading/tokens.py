"""Text cut into tokens: numbers as they are printed, words, operators, brackets, relations.

Prose, code and formulas become the same tokens, so that one grammar reads them all;
`tex.py` does it for LaTeX.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Literal, NamedTuple, get_args

# `end` is that of a sentence or clause.
Kind = Literal[
    "number", "word", "operator", "open", "close", "comma", "relation", "end", "line", "other"
]
# By the groups of `PATTERN` below: `2D` and `50%` are words.
KINDS: Mapping[str, Kind] = {kind: kind for kind in get_args(Kind)}
KINDS = {**KINDS, "version": "word", "power": "operator"}


class Lexeme(NamedTuple):
    """A token: what it is, its text and line, if a space is before it, if it is no prose."""

    kind: Kind
    text: str
    line: int
    spaced: bool = True
    code: bool = False


class Printed(NamedTuple):
    """A number as printed.

    Attributes
    ----------
    printed
        Its sign, digits and exponent as in the document, a minus as a hyphen.
    decimals
        How many digits stand behind the point, less the exponent.
    line
        Where, counted from 1.
    tolerance
        What follows a `±`; 0 when nothing does.
    """

    printed: str
    value: float
    decimals: int
    line: int
    tolerance: float = 0.0

    @property
    def unit(self) -> float:
        """One in the last printed place."""
        return float(Decimal(1).scaleb(-self.decimals))

    @property
    def whole(self) -> bool:
        """Whether it is written without decimals, such as `4`, `0.` or `1e3`, not `1.07e9`."""
        mantissa = self.printed.lower().partition("e")[0]
        return self.decimals <= 0 and not mantissa.partition(".")[2]


def literal(printed: str, line: int, tolerance: float = 0.0) -> Printed:
    """Read one number.

    Examples
    --------
    >>> literal("-0.0751", 1).decimals, literal("6.1e-07", 1).decimals, literal("0.", 1).decimals
    (4, 8, 0)
    """
    mantissa, _, exponent = printed.lower().partition("e")
    decimals = len(mantissa.partition(".")[2]) - int(exponent or "0")
    return Printed(printed, float(printed), decimals, line, tolerance)


MINUS = str.maketrans({"−": "-", "–": "-", "﹣": "-", "－": "-", "\t": " ", "\u00a0": " "})
OPERATORS = {"·": "*", "×": "*", "⋅": "*", "∗": "*", "⊙": "*", "÷": "/", "**": "^"}

PATTERN = re.compile(
    r"""
    (?P<space>[ \t]+|`)
  | (?P<line>\n)
  | (?P<version>\d+(?:\.\d+){2,}\w*                    # 2.13.0
      | (?!\d+(?:\.\d*)?[eE][+-]?\d+(?![\w%]))
        \d+(?:\.\d+)?(?:(?![²³½¼])[^\W\d]|[%‰°])[\w%]*)  # 2D, 50%, 4th
  | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<word>[^\W\d_][\w.'’\u0300-\u036f]*[\w\u0300-\u036f]|[^\W\d]|_\w+|["'“”])
  | (?P<power>\*\*)
  | (?P<arrow>->|=>|→|⟶|↦|<=|>=|!=|\.\.\.|…)
  | (?P<relation>:=|==|~=|≈|≃|≅|≐|=|(?<!\d):|\#+)
  | (?P<open>[\[({⟨])
  | (?P<close>[\])}⟩])
  | (?P<comma>,)
  | (?P<end>[.;!?](?=\s|$|["')])|;)
  | (?P<operator>[*·×⋅∗/÷+\-^²³@±⊙])
  | (?P<other>.)
    """,
    re.VERBOSE,
)


def lex(text: str, line: int, code: bool = False) -> Iterator[Lexeme]:
    """Cut prose or code into tokens.

    A colon is a relation, as in `loss: 31.5`; so is the sign that opens a comment in code,
    since what a line gives is often written there.
    """
    spaced = True
    for match in PATTERN.finditer(text.translate(MINUS)):
        kind, part = match.lastgroup or "other", match[0]
        if kind == "space":
            spaced = True
            continue
        if kind == "line":
            yield Lexeme("line", "\n", line, spaced, code)
            line += 1
            spaced = True
            continue
        ahead = match.string[match.end() :].lstrip()[:1]
        if kind == "number" and part.endswith(".") and not code and ahead not in (",", "]", ")"):
            # A full stop; within an array, and in code, `0.` is NumPy's exact zero.
            yield Lexeme("number", part[:-1], line, spaced, code)
            yield Lexeme("end", ".", line, False, code)
        else:
            sign = kind == "relation" and part.startswith("#") and not code
            of_kind: Kind = "other" if sign else KINDS.get(kind, "other")
            yield Lexeme(of_kind, OPERATORS.get(part, part), line, spaced, code)
        spaced = False
