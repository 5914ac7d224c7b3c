"""What authors write beside their arithmetic: units, cases, what is given, and what is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .syntax import Literal, Tree, mapped
from .tokens import MathToken

CASES = {"for", "if", "when", "unless", "only", "suppose", "were"}
GIVEN = {"given", "given:", "let", "suppose", "assume", "say"}
SMALL = {"The", "A", "An", "Let", "With", "If", "For", "So", "Then", "And", "Now", "Where"}
# Words that multiply a sign behind them, as in `std ε`; others, as in `and ε`, are prose.
QUANTITIES = {"std", "sigma", "lr", "eta", "alpha", "beta", "gamma", "lambda"}
ELLIPSES = ("...", "…", "\\cdots", "\\ldots", "\\dots")
BESIDE = 40  # characters beside an equation in which it may be said to be wrong
# A unit with a prefix, as behind `1/8000 = 0.125`: what marks it up, and what it is a multiple of.
MARKUP = r"(?:\\[,;:! ]|\\(?:text|mathrm|rm)\b|[~{$\s*])*"
PREFIXED = re.compile(
    rf"{MARKUP}(?:(?P<prefix>[nuµμmkMGT])(?:s|sec|Hz|m|g|V|A|W|b|J|F|H|Ω|eV|mol|L|bps)\b"
    r"|(?P<counted>[kKMGT])(?P<binary>i?)(?:B|bit|bytes?)(?:/s)?\b)"
)
PREFIXES = {"n": -9, "u": -6, "µ": -6, "μ": -6, "m": -3, "k": 3, "K": 3, "M": 6, "G": 9, "T": 12}
# What stands behind a quotient that is left whole: `10 ÷ 3 = 3 remainder 1`.
REMAINDER = re.compile(rf"{MARKUP}(?:remainder|rem\.?|[Rr]\.?|Rest|reste|余)\}}?\s*(?:of\s+)?\d")
SAID_WRONG = re.compile(r"\b(?:[Ii]n-?correct|[Ww]rong|ERROR|WRONG)\b|[❌✗✘]")


def is_said_wrong(source: str, start: int, end: int) -> bool:
    """Whether its author says on the line of an equation that it is wrong: an example of one."""
    before = source[max(0, start - BESIDE) : start].rpartition("\n")[2]
    after = source[end : end + BESIDE].partition("\n")[0]
    return SAID_WRONG.search(f"{before} {after}") is not None


def multiples_of_unit(after: str) -> tuple[float, ...]:
    """Return of how many the unit may be that text begins with: 0.001 of `ms`.

    A kilobyte is 1000 bytes or 1024, a kibibyte (`KiB`) is 1024.
    """
    found = PREFIXED.match(after)
    if found is None:
        return ()
    power = PREFIXES[found["prefix"] or found["counted"]]
    decimal, binary = 10.0**power, 1024.0 ** (power // 3)
    if found["prefix"]:
        return (decimal,)
    return (binary,) if found["binary"] else (decimal, binary)


def leaves_remainder(after: str) -> bool:
    """Whether text begins with what a division leaves, so that the quotient is a whole number."""
    return REMAINDER.match(after) is not None


def about(tree: Tree) -> Tree:
    """Return numbers as what was rounded to them; a whole number in a list is one as it stands."""
    if isinstance(tree, Literal):
        digits = tree.text.partition("e")[0]
        zeros = len(digits) - len(digits.rstrip("0")) if tree.value and "." not in digits else 0
        return replace(tree, tolerance=max(tree.tolerance, tree.unit * 10**zeros / 2))

    def rounded(part: Tree) -> Tree:
        return about(part) if isinstance(part, Literal) and not part.whole else part

    return mapped(tree, rounded)


def without_units(tokens: Sequence[MathToken]) -> Sequence[MathToken]:
    """Return a product of numbers without what they count: `5 rows × 6 columns`."""
    if not any(token.text == "*" for token in tokens) or tokens[0].kind != "number":
        return tokens
    plain = [t for t, before in zip(tokens[1:], tokens, strict=False) if not _is_unit(t, before)]
    kinds = [tokens[0].kind, *(token.kind for token in plain)]
    numbers = kinds[::2] == ["number"] * len(kinds[::2]) and kinds[1::2] == ["operator"] * len(
        kinds[1::2]
    )
    return [tokens[0], *plain] if numbers and len(kinds) > 2 else tokens


def _is_unit(token: MathToken, before: MathToken) -> bool:
    return is_word(token) and token.spaced and token.text.islower() and before.kind != "operator"


def is_word(token: MathToken) -> bool:
    """Whether a token is a word of prose and no sign of a quantity."""
    plain = token.text.isalpha() and len(token.text) > 1 and token.text.isascii()
    return token.kind == "name" and token.mode == "text" and plain
