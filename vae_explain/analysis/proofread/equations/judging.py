"""Whether two sides of an equation agree, at every digit that is printed.

A result follows if a pocket calculator comes to it from the numbers as they are printed. It
also does if it comes from what they were before they were rounded, as far as the document
has shown that: `0.6449` that stood behind `sigmoid(0.597)` may be anything from 0.6449 to
0.64497. What nothing is known of may be anything that is printed so, unless it is exact.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from .evaluation import Leaf, Lookup, Unknown, as_printed, evaluate, half, nothing
from .intervals import Range, all_meet, exactly, hull, outward
from .parser import NORMAL
from .syntax import (
    Call,
    Literal,
    Name,
    Negative,
    Power,
    Product,
    Row,
    Sum,
    Transposed,
    Tree,
    flattened,
    inside,
    is_bare,
    key_of,
    literals,
    mapped,
    parts,
)

EXACT_BY = 2  # a result with so many digits more than an operand takes that operand as exact
SLIP = 2  # units in the last place that operands of which nothing is known may explain
SHOWN = 3  # digits of what a number should be, at least
FAR = 1e-3  # of a number: a slip in late digits, and no other number
KNOWN_BY = 3  # digits by which a number is told from another that happens to be printed alike


class Known:
    """What a document has shown of the numbers that it prints.

    Attributes
    ----------
    unrounded
        For a number's digits, what they were rounded from.
    stated
        The digits of numbers that it gives and does not compute.
    """

    def __init__(self) -> None:
        self.unrounded: dict[str, Range] = {}
        self.stated: set[str] = set()

    def computed(self, number: Literal, found: Range) -> None:
        """Remember what a printed number was rounded from; one that is far off, from nothing."""
        if abs(float(found.middle) - number.value) > FAR * abs(number.value):
            return
        digits, found = number.text.lstrip("+-"), _positive(found)
        before = self.unrounded.get(digits)
        self.unrounded[digits] = found if before is None else hull([before, found])
        rest = _complement(number)
        if rest is not None:
            self.unrounded.setdefault(rest, Range(1 - found.high, 1 - found.low))

    def as_known(self, number: Literal) -> Range:
        """Return what a number may be by what is known of it."""
        found = self.unrounded.get(number.text.lstrip("+-"))
        if found is None or number.whole:
            return exactly(number.value)
        far = np.max(np.abs(_range_sign(number, found).middle - number.value)) > number.unit
        if far and number.significant < KNOWN_BY:
            return exactly(number.value)
        return hull([exactly(number.value), _range_sign(number, found)])

    def is_exact(self, number: Literal, result: Literal) -> bool:
        """Whether a number is what its digits say, beside a result that follows from it."""
        digits = number.text.lstrip("+-")
        chosen = number.significant < KNOWN_BY  # as an author writes a number of their own
        if number.whole or chosen or digits in self.stated or digits in self.unrounded:
            return True
        return result.significant - number.significant >= EXACT_BY


def _rounded_for(number: Literal) -> Leaf:
    """Return a reading of numbers: those with fewer decimals than one are rounded."""

    def leaf(other: Literal) -> Range:
        return half(other) if other.decimals < number.decimals else exactly(other.value)

    return leaf


def _positive(found: Range) -> Range:
    return Range(-found.high, -found.low) if found.high <= 0 else found


def _range_sign(number: Literal, found: Range) -> Range:
    return Range(-found.high, -found.low) if number.text.startswith("-") else found


def _complement(number: Literal) -> str | None:
    """Return the digits of 1 less a share, as it stands beside it in a cross-entropy."""
    if not 0 < number.value < 1 or "e" in number.text.lower() or number.text.endswith("%"):
        return None
    return f"{1 - number.value:.{number.decimals}f}"


class Mistake(NamedTuple):
    """What is wrong in an equation.

    Attributes
    ----------
    printed
        What is printed, of a list the one number that is wrong.
    expected
        What it should be.
    off
        How far it is off, in units of its last place.
    """

    printed: str
    expected: str
    off: float

    def is_for(self, number: Literal) -> bool:
        """Whether a number should have been printed."""
        digits = number.text.lstrip("-+")
        return bool(self.printed) and self.expected.lstrip("-+").rstrip("0") == digits.rstrip("0")


class Use(NamedTuple):
    """A number that a formula was made with, for a quantity that the document states."""

    name: Tree
    number: Literal
    right: bool


class Pair(NamedTuple):
    """Two sides that are held against each other, and what their names are.

    Attributes
    ----------
    place
        Which element of the left side the right one is said to be; None for all of it.
    """

    left: Tree
    right: Tree
    lookup: Lookup = nothing
    place: int | None = None

    def found(self, leaf: Leaf) -> Range:
        """Return what the left side may be."""
        found = evaluate(self.left, leaf, self.lookup)
        if self.place is None:
            return found
        listed = found.low.ndim == 1 or (found.low.ndim == 2 and 1 in found.shape)
        if not listed or not 0 <= self.place < found.low.size:
            raise Unknown("it has no such element")
        return found.flat()[self.place]

    def part(self, part: Tree, leaf: Leaf) -> Range:
        """Return what a part of the left side may be, of a list the element that is meant."""
        found = evaluate(part, leaf, self.lookup)
        listed = self.place is not None and found.low.ndim == 1 and self.place < found.low.size
        return found.flat()[self.place or 0] if listed else found


def cut_or_rounded(number: Literal) -> Range:
    """Return all that an operand may stand for: a calculator's display may be cut."""
    size, unit = abs(number.value), number.unit
    found = outward(*np.asarray((size - unit / 2, size + unit)))
    return Range(-found.high, -found.low) if number.text.startswith("-") else found


class Judge:
    """Holds sides of equations against each other, in a document of which something is known."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.uses: list[Use] = []  # of the last pair that was held together

    def mistakes(self, pair: Pair, earlier: Sequence[Tree]) -> list[Mistake]:
        """Return what is wrong in a pair of sides.

        Raises
        ------
        Unknown
            If they cannot be compared.
        """
        self.uses = []
        if any(isinstance(t, Call) and t.function in NORMAL for t in inside(pair.left)):
            raise Unknown("φ may be any activation")
        best: list[Mistake] | None = None
        for left in readings(pair.left, _count(pair.right) > 1):
            try:
                found = list(self._compared(pair._replace(left=left), earlier))
            except Unknown:
                continue
            if not found:
                return []
            best = found if best is None else best
        if best is None:
            raise Unknown("no reading can be evaluated")
        return best

    def _compared(self, pair: Pair, earlier: Sequence[Tree]) -> Iterator[Mistake]:
        left, right = flattened(pair.left), flattened(pair.right)
        if isinstance(right, Literal):
            yield from self._result(pair._replace(left=left), [right], earlier)
        elif isinstance(right, Row) and isinstance(left, Row):
            if len(left.entries) != len(right.entries):
                raise Unknown("lists of different lengths")
            for i, entries in enumerate(zip(left.entries, right.entries, strict=True)):
                before = [_entry(tree, i, len(right.entries)) for tree in earlier]
                inner = [tree for tree in before if tree is not None]
                yield from self._compared(Pair(*entries, pair.lookup), inner)
        elif isinstance(right, Row) and not is_bare(right) and _count(right) > 1:
            yield from self._elements(pair._replace(left=left), right)
        elif is_bare(right):
            yield from self._result(pair._replace(left=left), literals(right), earlier)
        else:
            yield from self._arithmetic(pair._replace(left=left, right=right))

    def _elements(self, pair: Pair, right: Row) -> Iterator[Mistake]:
        """Hold a formula of lists against what is written out for each element."""
        for by_name in (True, False):
            found: list[Mistake] = []
            try:
                for i, entry in enumerate(right.entries):
                    left = element_of(pair.left, i) if by_name else pair.left
                    one = Pair(left, entry, pair.lookup, None if by_name else i)
                    found += self._compared(one, [])
            except Unknown:
                continue
            yield from found
            return
        yield from self._arithmetic(pair)

    # --- a printed result ---

    def _result(
        self, pair: Pair, printed: Sequence[Literal], earlier: Sequence[Tree]
    ) -> Iterator[Mistake]:
        """Hold numbers against what should come to them."""
        plain = _numbers(pair.found(as_printed), len(printed))
        known = _numbers(pair.found(self.known.as_known), len(printed))
        for i, number in enumerate(printed):
            allowed = self._allowed(number)
            follows = all_meet(plain[i], allowed) or all_meet(known[i], allowed)
            if not follows and not self._may_be(pair, number, i, len(printed), allowed, earlier):
                yield self._mistake(number, plain[i])
            if number.unit < abs(number.value) or not number.value:
                self.known.computed(number, hull([plain[i], known[i]]))

    def _allowed(self, number: Literal) -> Range:
        """Return what is printed as a result; a small whole number is meant as it stands."""
        small = abs(number.value) < 10
        if number.whole and not number.text.endswith("%") and small:
            return exactly(number.value)
        return half(number)

    def _may_be(
        self,
        pair: Pair,
        number: Literal,
        place: int,
        count: int,
        allowed: Range,
        earlier: Sequence[Tree],
    ) -> bool:
        """Whether a result may follow from operands that were rounded before."""

        def open_leaf(operand: Literal) -> Range:
            return exactly(operand.value) if operand.whole else cut_or_rounded(operand)

        def lenient(operand: Literal) -> Range:
            if self.known.is_exact(operand, number):
                return self.known.as_known(operand)
            return half(operand)

        def at_place(tree: Tree, leaf: Leaf) -> Range | None:
            try:
                return _numbers(pair._replace(left=tree).found(leaf), count)[place]
            except Unknown:
                return None

        plain = at_place(pair.left, as_printed)
        if plain is None:
            return False
        off = abs(float(plain.middle) - number.value) / number.unit
        found = at_place(pair.left, lenient)
        if found is not None and all_meet(found, allowed) and off <= SLIP:
            return True
        found = at_place(pair.left, open_leaf)
        if found is None or not all_meet(found, allowed):
            return False
        before = (at_place(tree, as_printed) for tree in earlier)
        return any(entry is not None and all_meet(entry, allowed) for entry in before)

    def _mistake(self, number: Literal, found: Range) -> Mistake:
        value = float(found.middle)
        return Mistake(number.text, as_text(value, number), abs(value - number.value) / number.unit)

    # --- arithmetic on both sides ---

    def _arithmetic(self, pair: Pair) -> Iterator[Mistake]:
        """Hold two formulas against each other, part by part where they are built alike."""
        plain = [pair.found(as_printed), evaluate(pair.right, as_printed, pair.lookup)]
        aligned = align(pair.left, pair.right)
        if _agree(*plain):
            self._note(aligned or ())
            return
        if aligned is not None:
            wrong = [m for m in (self._part(*p, pair) for p in aligned) if m is not None]
            if len(wrong) <= max(1, len(aligned) // 2):
                self._note(aligned, {mistake.printed for mistake in wrong})
                yield from wrong
                return
        ours = [n.text.lstrip("+-") for n in literals(pair.left)]

        def right_leaf(number: Literal) -> Range:
            seen = number.text.lstrip("+-")
            if number.whole or seen in ours or seen in self.known.stated:
                return self.known.as_known(number)
            return hull([cut_or_rounded(number), self.known.as_known(number)])

        left = pair.found(self.known.as_known)
        right = evaluate(pair.right, right_leaf, pair.lookup)
        if _agree(left, right):
            return
        value, printed = plain[0].middle, plain[1].middle
        if value.ndim:
            raise Unknown("arrays of formulas that are not built alike")
        yield Mistake("", f"{float(value):.8g}", abs(float(value - printed)))

    def _note(self, aligned: Sequence[tuple[Tree, Literal]], wrong: Container[str] = ()) -> None:
        """Remember which numbers stand for which quantities."""
        for part, number in aligned:
            if not isinstance(part, Literal) and key_of(part) is not None:
                self.uses.append(Use(part, number, number.text not in wrong))

    def _part(self, left: Tree, number: Literal, pair: Pair) -> Mistake | None:
        """Hold one number of a formula against the part of the other that it stands for."""
        try:
            plain, known = (pair.part(left, leaf) for leaf in (as_printed, self.known.as_known))
        except Unknown:
            return None
        if plain.shape:
            return None
        # A quantity is put in as it is printed, or with fewer digits; what was computed may be cut.
        put_in = not isinstance(left, Literal) and key_of(left) is not None
        as_operand = half if put_in else cut_or_rounded
        allowed = exactly(number.value) if number.whole else as_operand(number)
        found = hull([plain, known])
        if put_in:  # where it is stated, it may be rounded to fewer digits than here
            found = hull([found, pair.part(left, _rounded_for(number))])
        self.known.computed(number, found)
        return None if all_meet(found, allowed) else self._mistake(number, plain)


def as_text(value: float, number: Literal) -> str:
    """Write a number as another is printed, with more digits where it would read the same."""
    if number.text.endswith("%"):
        return f"{100 * value:.{max(0, number.decimals - 2)}f}%"
    if "e" in number.text.lower() or (value and abs(value) < number.unit / 2):
        return f"{value:.{max(1, number.significant)}g}"
    if number.whole:
        return f"{value:.7g}"
    # A number of so few digits says too little of another.
    least = max(0, SHOWN - 1 - math.floor(math.log10(abs(value)))) if value else 0
    for more in range(max(0, least - max(0, number.decimals)), 8):
        text = f"{value:.{max(0, number.decimals) + more}f}"
        if float(text) != number.value:
            return text
    return repr(value)


def _entry(tree: Tree, place: int, count: int) -> Tree | None:
    tree = flattened(tree)
    return tree.entries[place] if isinstance(tree, Row) and len(tree.entries) == count else None


def _numbers(found: Range, count: int) -> list[Range]:
    numbers = found.flat()
    if len(numbers) != count:
        raise Unknown(f"{count} numbers where it has {len(numbers)}")
    return numbers


def _agree(one: Range, other: Range) -> bool:
    if one.low.size != other.low.size:
        raise Unknown("different shapes")
    if one.shape != other.shape:
        one, other = (Range(r.low.ravel(), r.high.ravel()) for r in (one, other))
    return all_meet(one, other)


# --- formulas that are built alike -------------------------------------------------------


def align(left: Tree, right: Tree) -> list[tuple[Tree, Literal]] | None:
    """Return the numbers of a formula, each with the part of another that it stands for.

    None where the two are not built alike.
    """
    found: list[tuple[Tree, Literal]] = []
    waiting = [(left, right)]
    while waiting:
        one, other = (flattened(tree) for tree in waiting.pop())
        if one == other:
            continue
        if isinstance(other, Literal):
            found.append((one, other))
            continue
        inner = _side_by_side(one, other)
        if inner is None:
            return None
        waiting += inner
    return found[::-1]


def _side_by_side(one: Tree, other: Tree) -> list[tuple[Tree, Tree]] | None:
    match one, other:
        case (Sum(), Sum()):
            a, b = _terms(one), _terms(other)
            return list(zip(a, b, strict=True)) if len(a) == len(b) else None
        case (Product(a, signs), Product(b, others)):
            alike = [s == "/" for s in signs] == [s == "/" for s in others]
            return list(zip(a, b, strict=True)) if len(a) == len(b) and alike else None
        case (Call(f, a), Call(g, b)):
            return list(zip(a, b, strict=True)) if f == g and len(a) == len(b) else None
        case (Power(), Power()) | (Negative(), Negative()) | (Transposed(), Transposed()):
            return list(zip(parts(one), parts(other), strict=True))
        case (Row(a), Row(b)) if len(a) == len(b):
            return list(zip(a, b, strict=True))
    return None


def _terms(tree: Sum) -> list[Tree]:
    """Return the terms of a sum that are not zero."""
    return [term for term in tree.terms if not _is_zero(term)]


def _is_zero(term: Tree) -> bool:
    body = term.body if isinstance(term, Negative) else term
    factors = body.factors if isinstance(body, Product) else (body,)
    signs = body.signs if isinstance(body, Product) else ("",)
    zero = (f == 0 or f == -0.0 for f in (getattr(g, "value", 1.0) for g in factors))
    return any(is_zero and sign != "/" for is_zero, sign in zip(zero, signs, strict=True))


# --- what may be read in several ways ----------------------------------------------------


def _count(tree: Tree) -> int:
    """Return how many numbers a side has that is a list; 1 for any other."""
    tree = flattened(tree)
    return len(tree.entries) if isinstance(tree, Row) else 1


def readings(tree: Tree, of_list: bool) -> Iterator[Tree]:
    """Yield a formula, then what else it may mean: `log` to another base, `x·y` of each two.

    Parameters
    ----------
    of_list
        Whether it should give a list, so that a product of two lists is one of their numbers.
    """
    found = list(inside(tree))
    multiplies = any(
        isinstance(t, Product) and not {"", "*"}.isdisjoint(t.signs[1:]) for t in found
    )
    if multiplies and of_list:
        yield mapped(tree, _elementwise)
    yield tree
    if any(isinstance(t, Call) and t.function == "log" for t in found):
        for base in ("log10", "log2"):
            yield mapped(tree, partial(_renamed, new=base))
    if multiplies and not of_list:
        yield mapped(tree, _elementwise)


def element_of(tree: Tree, place: int) -> Tree:
    """Return a formula of an element of each quantity; one that is an element already stays."""

    def change(part: Tree) -> Tree:
        plain = isinstance(part, Name) and not part.index
        return replace(part, index=f"[{place}]") if plain and isinstance(part, Name) else part

    return mapped(tree, change)


def _renamed(tree: Tree, new: str) -> Tree:
    is_log = isinstance(tree, Call) and tree.function == "log"
    return replace(tree, function=new) if is_log and isinstance(tree, Call) else tree


def _elementwise(tree: Tree) -> Tree:
    if not isinstance(tree, Product):
        return tree
    return replace(tree, signs=tuple("⊙" if sign in ("", "*") else sign for sign in tree.signs))
