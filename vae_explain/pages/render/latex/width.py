r"""How wide a formula in LaTeX will be, in points: an estimate that needs no TeX.

It reads only what `text` and the LaTeX document write. Letters and signs have the widths
of Computer Modern at ten points, as TeX measures them.
"""

from __future__ import annotations

import re
from functools import lru_cache

_LETTERS = {
    2.8: "il!,.:;[]|",
    3.2: "jI'",
    3.9: "frst()",
    4.4: "cez",
    5.0: "0123456789ao*/gJ",
    5.5: "kqxvybdhnpuS?",
    6.2: "ZL",
    6.8: "FEPB",
    7.5: "AHNUXDVCTwR",
    7.8: "GKOQY+-<=>@",
    8.4: "m",
    10.3: "MW",
}
LETTERS = {letter: width for width, letters in _LETTERS.items() for letter in letters}
OTHER_LETTER = 32.0  # one that its code point stands for; Greek ones are narrower
# A sign that is none of these is taken to be as wide as its name, which is true of `\exp`.
_SIGNS = {
    1.7: r"\,",
    3.6: r"\_",
    4.7: r"\varepsilon",
    5.0: r"\backslash \$ \| \{ \}",
    5.9: r"\partial",
    6.0: r"\mu",
    6.1: r"\sigma",
    6.2: r"\beta",
    7.2: r"\cdot",  # with the space on both sides, as a factor has it
    7.8: r"\top \times \sim \&",
    8.3: r"\% \#",
    8.4: r"\surd",
    10.0: r"\to \quad",
    12.2: r"\sum",
    13.4: r"\dots",
}
SIGNS = {sign: width for width, signs in _SIGNS.items() for sign in signs.split()}
SIGNS |= dict.fromkeys((r"\displaystyle", r"\right", r"\bigl", r"\bigr"), 0.0)
LETTERS |= {" ": 1.0, "$": 0.0, "{": 0.0, "}": 0.0}
LETTERS |= {" + ": 12.3, " - ": 12.3, " = ": 13.4, " < ": 13.4, " > ": 13.4}
SCRIPT, FRACTION, ROOT, THIN = 0.75, 2.4, 10.0, 1.7
# The styles that TeX sets a formula in, and how much smaller than in the one before letters are.
DISPLAY, TEXT, SMALL, SMALLEST = range(4)
SHRUNK = {TEXT: 1.0, SMALL: 0.8, SMALLEST: 0.87}
# Signs that have no space around them in small letters.
TIGHT = {" + ": 7.8, " - ": 7.8, " = ": 7.8, " < ": 7.8, " > ": 7.8, r"\cdot": 2.8}
TALL_FENCE = 3.5  # what a parenthesis around a fraction takes more than a small one
BOLD = 1.15
TYPEWRITER = 5.25
TOKEN = re.compile(r" [-+=<>] |\\[A-Za-z]+\*? ?|\\.|[A-Za-z\d.,]+|.", re.DOTALL)


@lru_cache(maxsize=4096)
def width(latex: str, inline: bool = False) -> float:
    r"""Estimate how many points a formula takes in letters of ten points.

    A fraction counts at its full size, as in a displayed formula, or at the small one that
    TeX gives it in running text; one inside of another is smaller still.

    Examples
    --------
    >>> width("1.25"), width(r"\frac{1.25}{2}"), width(r"\frac{1.25}{2}", inline=True)
    (17.8, 20.2, 16.6)
    """
    return round(_Reader(latex, TEXT if inline else DISPLAY).row(), 1)


class _Reader:
    """Reads a formula from left to right, token by token."""

    def __init__(self, latex: str, style: int) -> None:
        self.tokens = TOKEN.findall(latex)
        self.at = 0
        self.style = style

    def row(self) -> float:
        """Measure all up to the end or to the brace that closes this group."""
        total = 0.0
        while self.at < len(self.tokens) and self.tokens[self.at] != "}":
            total += self.one()
        return total

    def group(self) -> float:
        """Measure what a command takes: a group in braces, or a single token."""
        if self.at < len(self.tokens) and self.tokens[self.at] == "{":
            self.at += 1
            inside = self.row()
            self.at += 1
            return inside
        return self.one() if self.at < len(self.tokens) else 0.0

    def one(self) -> float:
        """Measure one token with what belongs to it."""
        token = self.tokens[self.at]
        if token == "{":
            return self.group()
        self.at += 1
        if self.style >= SMALL:
            known = TIGHT.get(token, TIGHT.get(token.rstrip()))
            if known is not None:
                return known
        if not token.startswith(("\\", "_", "^")):
            return _signs(token)
        match token.rstrip():
            case "_" | "^":
                return SCRIPT * self.group()
            case r"\frac":
                style, self.style = self.style, min(self.style + 1, SMALLEST)
                widest = max(self.group(), self.group())
                size = 1.0 if style == SMALLEST else SHRUNK[self.style]
                self.style = style
                return size * widest + FRACTION
            case r"\tfrac":
                return SCRIPT * max(self.group(), self.group()) + FRACTION
            case r"\sqrt":
                return ROOT + self.group()
            case r"\mathbf" | r"\textbf":
                return BOLD * self.group()
            case r"\mathtt" | r"\texttt":
                start = self.at
                self.group()
                inside = "".join(self.tokens[start : self.at])
                commas = THIN * inside.count(",")  # TeX keeps a space behind one of a formula
                return TYPEWRITER * len(re.sub(r"[\\{} ]", "", inside)) + commas
            case r"\mathrm" | r"\mathcal" | r"\text" | r"\hat":
                return self.group()
            case r"\operatorname":
                return self.group() + THIN
            case r"\hspace*":
                self.group()  # of the whole line, which counts it itself
                return 0.0
            case r"\left":
                return 2 * TALL_FENCE if r"\frac" in self._fenced() else 0.0
            case command:
                return SIGNS.get(command, LETTERS["n"] * (len(command) - 1) + THIN)

    def _fenced(self) -> list[str]:
        r"""Return the tokens from here to the `\right` that belongs to this `\left`."""
        depth = 1
        for end in range(self.at, len(self.tokens)):
            depth += {r"\left": 1, r"\right": -1}.get(self.tokens[end].strip(), 0)
            if not depth:
                return self.tokens[self.at : end]
        return self.tokens[self.at :]


def _signs(token: str) -> float:
    if token in LETTERS:
        return LETTERS[token]
    return sum(LETTERS.get(letter, OTHER_LETTER) for letter in token)
