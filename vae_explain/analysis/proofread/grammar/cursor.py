"""The tokens of a formula, taken one after another, and its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .syntax import Literal, Negative, Power, Tree
from .tokens import CUT, MathToken

FARTHEST = 120  # tokens before the first number of an array: brackets, and ends of lines


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
    >>> literal("84.0%").value
    0.84
    """
    if text.endswith("%"):
        share = literal(text[:-1], line)
        return replace(share, text=text, value=share.value / 100, decimals=share.decimals + 2)
    text, goes_on, _ = text.partition(CUT)
    mantissa, _, exponent = text.lower().partition("e")
    if len(exponent) > 4:
        raise Unreadable
    value = float(text.replace(",", ""))
    if value in (float("inf"), float("-inf")):
        raise Unreadable
    decimals = len(mantissa.partition(".")[2]) - int(exponent or "0")
    return Literal(text, value, decimals, line, float(f"1e{-decimals}") if goes_on else 0.0)


def scientific(mantissa: Tree, sign: str, factor: Tree) -> Literal | None:
    """Read `6.1·10^-7` as the one number that it is."""
    match mantissa, sign, factor:
        case Literal(), "*", Power(Literal(text="10"), exponent):
            power = exponent.body if isinstance(exponent, Negative) else exponent
            if isinstance(power, Literal) and power.whole and "e" not in mantissa.text.lower():
                minus = "-" if isinstance(exponent, Negative) else ""
                try:
                    return literal(f"{mantissa.text}e{minus}{power.text}", mantissa.line)
                except Unreadable:  # beyond what a float holds
                    return None
    return None


class Cursor:
    """Tokens, and the place that is read."""

    def __init__(self, tokens: Sequence[MathToken], start: int) -> None:
        self.tokens, self.position = tokens, start

    def peek(self, ahead: int = 0) -> MathToken | None:
        position = self.position + ahead
        return self.tokens[position] if position < len(self.tokens) else None

    def at(self, kind: str, *texts: str) -> bool:
        token = self.peek()
        return token is not None and token.kind == kind and (not texts or token.text in texts)

    def take(self) -> MathToken:
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

    def parted_by_spaces(self, opening: MathToken) -> bool:
        """Whether an array has numbers and no commas: `[0.1 -0.2  0.3]`."""
        if opening.text not in ("[", "⟨"):
            return False
        first = self.position
        while (token := self.peek(first - self.position)) is not None and (
            token.kind in ("open", "line", "gap") or token.text in ("-", "+")
        ):
            first += 1
            if first - self.position > FARTHEST:
                return False
        position = first + 1
        while position < len(self.tokens) and self.tokens[position].kind == "line":
            position += 1
        if position >= len(self.tokens) or self.tokens[first].kind != "number":
            return False
        token = self.tokens[position]
        after = self.tokens[position + 1] if position + 1 < len(self.tokens) else None
        minus = token.text in "-+" and token.spaced and after is not None and not after.spaced
        return token.kind == "number" or (bool(token.text) and minus)
