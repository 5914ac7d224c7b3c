"""The sides of an equation: where each begins and ends, and what may follow one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ....quick_classes import NamedTuple
from ..arithmetic.evaluation import CannotEvaluate, as_rounded, evaluate
from ..arithmetic.intervals import all_meet
from ..grammar.cursor import TooDeep, Unreadable, literal, scientific
from ..grammar.habits import (
    ELLIPSES,
    SMALL,
    about,
    is_word,
    without_units,
)
from ..grammar.parser import SCALES, parse
from ..grammar.syntax import Literal, Power, Row, Symbol, Tree, is_bare, is_numeric
from ..grammar.tokens import MathToken

LONGEST = 12_000  # tokens of one side: an array of thousands of numbers, no more
SIZES = 6  # from which power of ten on one is a size
JOINING = ("%", "/", "^", "@")  # however they are spaced: `a % b = 4`
DIGITS = "0123456789"
IDEOGRAPHS = re.compile("[\u2e80-\uffef]")
WIDE = 3  # spaces by which two equations stand side by side
NEAR = 64  # tokens before a sign of equality in which its left side is looked for, in prose


class Side(NamedTuple):
    """One side of an equation; its tree is None where it is no formula that can be read."""

    tree: Tree | None
    text: str
    line: int


class SideReader:
    """Reads the sides of equations, each as far as it is a formula.

    Attributes
    ----------
    too_deep
        Whether a side that was read has more brackets in brackets than are read.
    """

    def __init__(self, tokens: Sequence[MathToken], source: str) -> None:
        self.tokens, self.source = tokens, source
        self.too_deep = False

    def text(self, start: int, end: int) -> str:
        """Return what is printed from one token to another."""
        if start >= end:
            return ""
        text = self.source[self.tokens[start].start : self.tokens[end - 1].end]
        return " ".join(text.split())

    def after(self, end: int) -> str:
        """Return the beginning of what stands behind a token's place."""
        behind = self.tokens[end - 1].end
        return self.source[behind : behind + NEAR]

    def _side(self, tree: Tree | None, start: int, end: int) -> Side:
        at = min(start, len(self.tokens) - 1)
        return Side(tree, self.text(start, end), self.tokens[at].line)

    def _parse(
        self, start: int, end: int, remarks: bool = True, products: bool = False
    ) -> tuple[Tree | None, int]:
        if start >= end or end - start > LONGEST:
            return None, start
        tokens = without_units(self.tokens[start:end])
        try:
            products = products or self._multiplies_names(start, end)
            tree, used = parse(tokens, calls=True, remarks=remarks, products=products)
            used += (end - start - len(tokens)) * (used == len(tokens))
        except TooDeep:
            self.too_deep = True
            return None, start
        except (Unreadable, RecursionError):
            return None, start
        return tree, start + used

    def _multiplies_names(self, start: int, end: int) -> bool:
        """Whether names side by side are a product of matrices: `Q = X W_Q + b` in plain text."""
        ends = end == len(self.tokens) or self.tokens[end].kind in ("relation", "line", "gap")
        if not (ends and start and self.tokens[start - 1].kind == "relation" and end - start < 8):
            return False
        tokens = [token for token in self.tokens[start:end] if token.kind not in ("line", "gap")]
        if not tokens or any(token.kind not in ("name", "operator") for token in tokens):
            return False
        names = [token.text for token in tokens if token.kind == "name"]
        signs = all(map(_is_sign, names))
        return signs and tokens[0].kind == "name" and names[0][0].isupper()

    def right(self, start: int, end: int) -> tuple[Side, int]:
        """Read what stands behind a sign of equality, as far as it goes."""
        rounded = self.tokens[start - 1].text == "≈"
        while start < end and self.tokens[start].kind in ("gap", "line"):
            start += 1
        tree, stopped = self._parse(start, end)
        if tree is None:
            return self._side(None, start, end), start
        scaled = self.tokens[stopped - 1].text in SCALES
        if rounded or scaled or _is_power_of_ten(tree):
            power = scientific(literal("1", self.tokens[start].line), "*", tree)  # `≈ 10^-6`
            tree = about(power or tree) if power or is_bare(tree) else tree
        while stopped < end and self.tokens[stopped].kind in ("gap", "line"):
            stopped += 1
        side = self._side(tree, start, stopped)
        if stopped < end and self.tokens[stopped].text in ("+", "-", "/"):
            return self._side(None, start, end), end  # a sum that goes on: `1 + 2 + … + 9`
        cut = stopped < end and not is_numeric(tree) and not _is_prose(self.tokens[stopped])
        parted = stopped < end and self._is_apart(stopped)
        if stopped < end and not parted and (cut or not self._may_follow(self.tokens[stopped])):
            return self._side(None, start, end), end
        return side, stopped

    def with_factor(
        self, side: Side, start: int, stopped: int, end: int, after: tuple[int, int]
    ) -> tuple[Side, int]:
        """Read on through what multiplies: `1/2 (0.9 - 0.5)^2` and `w x + b`, between two signs.

        A bracket says how the number before it is made where it comes to the same, as in
        `0.4 (0.9 - 0.5)`, and what stands behind is not what both of them give.
        """
        is_name = self._is_letter(stopped - 1) and self._is_letter(stopped)
        if side.tree is None or not (is_name or self.tokens[stopped].text == "("):
            return side, stopped
        tree, whole = self._parse(start, end, remarks=False, products=is_name)
        behind, _ = self._parse(stopped, end)
        if tree is None or whole < end or behind is None or is_bare(behind):
            return side, stopped
        if is_numeric(behind) and is_numeric(side.tree) and _are_equal(behind, side.tree):
            result, _ = self._parse(*after)
            if result is None or not is_numeric(result) or not _are_equal(tree, result):
                return side, stopped
        return self._side(tree, start, end), end

    def _is_letter(self, i: int) -> bool:
        """Whether a token is a name of one letter and its index, as `w` and `x_1` are."""
        return self.tokens[i].kind == "name" and _is_sign(self.tokens[i].text)

    def _is_apart(self, i: int) -> bool:
        """Whether a wide gap parts a token in code from what stands before it on its line."""
        token = self.tokens[i]
        between = self.source[self.tokens[i - 1].end : token.start]
        return token.mode == "code" and len(between) >= WIDE and not between.strip(" ")

    def _may_follow(self, token: MathToken) -> bool:
        """Whether a formula may end before a token: before words, or a remark."""
        if token.kind == "words" or (token.kind == "open" and token.spaced):
            return True
        return token.spaced and (token.kind == "name" or token.mode == "text")

    def left(self, start: int, end: int) -> Side:
        """Read what stands before the first sign of equality: all of it, or what no word is."""
        counted = False
        while end > start and self.tokens[end - 1].kind in ("gap", "line", "words"):
            end -= 1
            counted = counted or IDEOGRAPHS.match(self.tokens[end].text) is not None
        # Nothing parts a number from what it counts in Chinese: `5 分，总价值 = 90`.
        if start == end or (counted and self.tokens[end - 1].kind == "number"):
            return self._side(None, start, end)
        if self.tokens[start].text in ("+", "-", "/"):
            if start and self.tokens[start - 1].text in ELLIPSES:
                return self._side(None, start, end)  # the end of a sum: `1 + … + 9`
            start += self._is_bullet(start)
        first = max(start, end - NEAR) if self.tokens[end - 1].mode == "text" else start
        tree, stopped = self._parse(first, end) if first == start else (None, first)
        if tree is not None and stopped == end:
            return self._side(tree, start, end)
        for begin in self._beginnings(first, end):
            tree, stopped = self._parse(begin, end)
            if tree is not None and stopped == end:
                other = isinstance(tree, Symbol) and self._is_end_of_name(begin, start)
                return self._side(None if other else tree, begin, end)
        return self._side(None, start, end)

    def _is_end_of_name(self, i: int, start: int) -> bool:
        """Whether a word is the last of a name of several: `SS Error`, beside `MS Error`."""
        if i <= start or not all(map(is_word, self.tokens[i - 1 : i + 1])):
            return False
        before, last = self.tokens[i - 1].text, self.tokens[i].text
        return (
            last[0].isupper() and before not in SMALL and not before.islower()
        ) or before == "df"

    def _is_bullet(self, i: int) -> bool:
        """Whether a dash begins an entry of a list, and no number."""
        first = not i or self.tokens[i - 1].kind in ("line", "gap", "stop")
        after = self.tokens[i + 1 : i + 2]
        return first and self.tokens[i].text == "-" and all(token.spaced for token in after)

    def _beginnings(self, start: int, end: int) -> Iterator[int]:
        """Yield where a formula may begin behind words, the longest first."""
        depth = 0
        last = end - 1
        named = self.tokens[last].kind in ("name", "vector") and not self._is_joined(last, start)
        beginnings = [last] if named else []
        for i in range(end - 1, start - 1, -1):
            token = self.tokens[i]
            depth += (token.kind == "close") - (token.kind == "open")
            if depth or self._is_joined(i, start):
                continue
            if is_word(token) or token.kind in ("words", "gap", "column"):
                attached = i + 1 < end and not self.tokens[i + 1].spaced
                if i + 1 < end and not (attached and self.tokens[i + 1].kind == "open"):
                    beginnings.append(i + 1)
                break
        yield from reversed(beginnings)

    def _is_joined(self, i: int, start: int) -> bool:
        """Whether a sign joins a token to what stands before it: `2·KL`."""
        if i <= start or self.tokens[i - 1].kind != "operator":
            return False
        return not self.tokens[i].spaced or self.tokens[i - 1].text in JOINING

    def with_further(self, side: Side, further: Sequence[tuple[int, int]]) -> Side:
        """Return a side with the further entries of its list, as far as they are clear."""
        if side.tree is None or not is_bare(side.tree) or isinstance(side.tree, Row):
            return side
        entries: list[Tree] = [side.tree]
        for start, end in further:
            tree, stopped = self._parse(start, end)
            if tree is None or not is_bare(tree) or isinstance(tree, Row):
                break
            if stopped < end and not self._may_follow(self.tokens[stopped]):
                break
            entries.append(tree)
        if len(entries) == 1:
            return side
        return side._replace(tree=Row(tuple(entries)))


def _is_power_of_ten(tree: Tree) -> bool:
    """Whether a number says its size alone: `2 · 10^9 · 512 = 10^12`."""
    match tree:
        case Power(Literal(text="10"), Literal(value=exponent)):
            return exponent >= SIZES
    return False


def _is_sign(name: str) -> bool:
    """Whether a name is one letter and an index."""
    return len(name.partition("_")[0].rstrip(DIGITS)) == 1


def _are_equal(made: Tree, printed: Tree) -> bool:
    try:
        return all_meet(evaluate(made, as_rounded), evaluate(printed, as_rounded))
    except CannotEvaluate:
        return False


def _is_prose(token: MathToken) -> bool:
    """Whether a token may follow a formula with names, and is no name that goes on with it."""
    return token.kind != "name" or token.text.isalpha()
