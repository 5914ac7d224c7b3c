"""Whether two sides of an equation agree, at every digit that is printed.

A result follows if a pocket calculator comes to it from the numbers as they are printed. It
also does if it comes from what they were before they were rounded, as far as the document
has shown that: `0.6449` that stood behind `sigmoid(0.597)` may be anything from 0.6449 to
0.64497. What nothing is known of may be anything that is printed so, unless it is exact.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

import numpy as np

from ....quick_classes import NamedTuple
from ..grammar.parser import NORMAL
from ..grammar.syntax import (
    FunctionCall,
    Literal,
    Negative,
    Row,
    Symbol,
    Tree,
    flattened,
    inside,
    is_bare,
    is_numeric,
    key_of,
    literals,
)
from .alike import align, count, element_of, readings
from .damages import explains, has_moved_point, one_digit_apart
from .evaluation import CannotEvaluate, Lookup, as_printed, as_rounded, evaluate, half
from .intervals import Range, all_meet, exactly, hull
from .known import Known, cut_or_rounded, rounded_for
from .sides import MANY, SLIP, TELLING, ComparedSides, EquationMistake, Results, numbers_of

UPDATED = ("new", "next", "updated", "after", "'", "+")  # in the index of what has changed


class Use(NamedTuple):
    """A number that a formula was made with, for a quantity that the document states."""

    name: Tree
    number: Literal
    right: bool


def has_activation(tree: Tree) -> bool:
    """Whether φ stands in a formula: it may be the normal density, or any activation."""
    return any(isinstance(t, FunctionCall) and t.function in NORMAL for t in inside(tree))


class EquationJudge:
    """Holds sides of equations against each other, in a document of which something is known."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.uses: list[Use] = []  # of the last pair that was held together
        self.reading: Tree | None = None  # of its left side, with logarithms to the base that fits

    def mistakes(self, pair: ComparedSides, earlier: Sequence[Tree]) -> list[EquationMistake]:
        """Return what is wrong in a pair of sides.

        Raises
        ------
        Unknown
            If they cannot be compared.
        """
        self.uses = []
        if has_activation(pair.left):
            raise CannotEvaluate("φ may be any activation")
        best: tuple[list[EquationMistake], list[Use], Tree] | None = None
        for left in readings(pair.left, count(pair.right) > 1, pair.natural):
            self.uses = []
            try:
                differences = list(self._compared(pair._replace(left=left), earlier))
            except CannotEvaluate:
                continue
            if best is None or len(differences) < len(best[0]):
                best = differences, self.uses, left
            if not differences:
                break
        if best is None:
            raise CannotEvaluate("no reading can be evaluated")
        mistakes, self.uses, self.reading = best
        return mistakes

    def _compared(self, pair: ComparedSides, earlier: Sequence[Tree]) -> Iterator[EquationMistake]:
        left, right = flattened(pair.left), flattened(pair.right)
        if isinstance(right, Literal):
            yield from self._result(pair._replace(left=left), [right], earlier)
        elif isinstance(right, Row) and isinstance(left, Row):
            if len(left.entries) != len(right.entries):
                raise CannotEvaluate("lists of different lengths")
            for i, entries in enumerate(zip(left.entries, right.entries, strict=True)):
                before = [_entry(tree, i, len(right.entries)) for tree in earlier]
                inner = [tree for tree in before if tree is not None]
                yield from self._compared(ComparedSides(*entries, pair.lookup), inner)
        elif isinstance(right, Row) and not is_bare(right) and count(right) > 1:
            yield from self._elements(pair._replace(left=left), right)
        elif is_bare(right):
            yield from self._result(pair._replace(left=left), literals(right), earlier)
        else:
            yield from self._arithmetic(pair._replace(left=left, right=right))

    def _elements(self, pair: ComparedSides, right: Row) -> Iterator[EquationMistake]:
        """Hold a formula of lists against what is written out for each element.

        An element is made of those of its names, or of all of a list, as those of `v/‖v‖` are.
        """
        found: list[tuple[list[EquationMistake], list[Use]]] = []
        before = self.uses
        for by_name in (True, False):
            self.uses = list(before)
            differences: list[EquationMistake] = []
            try:
                for i, entry in enumerate(right.entries):
                    left = element_of(pair.left, i) if by_name else pair.left
                    one = ComparedSides(left, entry, pair.lookup, None if by_name else i)
                    differences += self._compared(one, [])
            except CannotEvaluate:
                continue
            found.append((differences, self.uses))
            if not differences:
                break
        if found:
            differences, self.uses = min(found, key=lambda reading: len(reading[0]))
            yield from differences
        else:
            self.uses = before
            yield from self._arithmetic(pair)

    # --- a printed result ---

    def _result(
        self, pair: ComparedSides, printed: Sequence[Literal], earlier: Sequence[Tree]
    ) -> Iterator[EquationMistake]:
        """Hold numbers against what should come to them."""
        plain = numbers_of(pair.found(as_printed), len(printed))
        known = numbers_of(pair.found(self.known.as_known), len(printed))
        results = Results(pair, len(printed))
        for i, number in enumerate(printed):
            allowed = self._allowed(number)
            follows = all_meet(plain[i], allowed) or all_meet(known[i], allowed)
            if not follows and not self._may_be(results, number, i, plain[i], allowed, earlier):
                made_of = pair.left if pair.place is None and len(printed) == 1 else None
                yield EquationMistake.of(number, float(plain[i].middle), made_of)
            if number.unit < abs(number.value) or not number.value:
                self.known.computed(number, hull([plain[i], known[i]]))

    def _allowed(self, number: Literal) -> Range:
        """Return what is printed as a result; a small whole number is meant as it stands."""
        small = abs(number.value) < 10
        if number.whole and not number.text.endswith("%") and small and not number.tolerance:
            return exactly(number.value)
        return half(number)

    def _may_be(
        self,
        results: Results,
        number: Literal,
        place: int,
        plain: Range,
        allowed: Range,
        earlier: Sequence[Tree],
    ) -> bool:
        """Whether a result may follow from operands that were rounded before."""
        left = results.pair.left
        off = abs(float(plain.middle) - number.value) / number.unit
        if off <= SLIP:
            before = self.known.as_rounded_before(number)
            bounds = results.at(place, left, before, number.significant)
            if bounds is not None and all_meet(bounds, allowed):
                return True
        if self.known.rounded and not is_numeric(left):
            rounded = _all_rounded(results.pair.lookup)
            bounds = results.at(place, left, as_printed, "rounded", rounded)
            if bounds is not None and all_meet(bounds, allowed):
                return True
        if results.pair.unread or _is_log_of_share(left, number):
            bounds = results.at(place, left, as_rounded)
            return bounds is not None and all_meet(bounds, allowed)
        bounds = results.at(place, left, _cut_unless_whole)
        if bounds is None or not all_meet(bounds, allowed):
            return False
        entries = (results.at(place, tree, as_printed) for tree in earlier)
        return any(entry is not None and all_meet(entry, allowed) for entry in entries)

    # --- arithmetic on both sides ---

    def _arithmetic(self, pair: ComparedSides) -> Iterator[EquationMistake]:
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
        if value.size != printed.size:
            raise CannotEvaluate("sides of different sizes")
        shown = [f"{number:.8g}" for number in value.ravel()]
        text = f"[{', '.join(shown)}]" if value.ndim else shown[0]
        yield EquationMistake("", text, float(np.abs(value.ravel() - printed.ravel()).max()))

    def _note(self, aligned: Sequence[tuple[Tree, Literal]], wrong: Container[str] = ()) -> None:
        """Remember which numbers stand for which quantities."""
        for part, number in aligned:
            if not isinstance(part, Literal) and key_of(part) is not None:
                self.uses.append(Use(part, number, number.text not in wrong))

    def put_in(self, pair: ComparedSides) -> list[EquationMistake]:
        """Return a number of a formula that cannot be computed that is not its quantity's.

        The others that are known must be, or it is like its own: else it is of other quantities.
        """
        self.uses = []
        wrong = []
        for part, number in align(pair.left, pair.right) or ():
            if isinstance(part, Literal) or key_of(part) is None:
                continue
            known = pair.lookup(part, as_printed)
            if known is not None and not known.shape:
                mistake = self._part(part, number, pair)
                wrong += [] if mistake is None else [mistake]
                self._note([(part, number)], {m.printed for m in wrong})
        others = len(self.uses) > 1 or any(map(_is_like, wrong))
        return wrong if len(wrong) == 1 and others else []

    def _part(self, left: Tree, number: Literal, pair: ComparedSides) -> EquationMistake | None:
        """Hold one number of a formula against the part of the other that it stands for."""
        try:
            plain, known = (pair.part(left, leaf) for leaf in (as_printed, self.known.as_known))
        except CannotEvaluate:
            return None
        if plain.shape:
            return None
        if isinstance(left, Literal) and left.decimals == number.decimals:
            same = left.value == number.value
            return None if same else EquationMistake.of(number, left.value, left)
        # A quantity is put in as it is printed, or with fewer digits; what was computed may be cut.
        name = left.body if isinstance(left, Negative) else left  # as in `L - (-0.25)`
        put_in = not isinstance(name, Literal) and key_of(name) is not None
        as_operand = half if put_in else cut_or_rounded
        allowed = exactly(number.value) if number.whole else as_operand(number)
        bounds = hull([plain, known])
        self.known.computed(number, bounds)
        if put_in:  # where it is stated, it may be rounded to fewer digits than here
            bounds = hull([bounds, pair.part(left, rounded_for(number))])
        if all_meet(bounds, allowed) or (put_in and is_updated(name, allowed, pair.lookup)):
            return None
        mistake = EquationMistake.of(number, float(plain.middle), left)
        if mistake.off <= SLIP and not put_in:
            rounded = pair.part(left, self.known.as_rounded_before(number))
            return None if all_meet(rounded, allowed) else mistake
        return mistake


def is_updated(name: Tree, allowed: Range, lookup: Lookup) -> bool:
    """Whether a number is what a quantity became: `4.6·2` for `w·x` after `w_new = 4.6`."""
    if not isinstance(name, Symbol):
        return False
    after = (lookup(Symbol(name.base, f"{name.index}{mark}"), as_printed) for mark in UPDATED)
    return any(
        value is not None and not value.shape and all_meet(value, allowed) for value in after
    )


def _cut_unless_whole(operand: Literal) -> Range:
    return exactly(operand.value) if operand.whole else cut_or_rounded(operand)


def _is_like(mistake: EquationMistake) -> bool:
    """Whether a number is so like what it should be that it is no other quantity's by chance."""
    number = mistake.number
    if number is None:
        return False
    digit = len(number.text) > MANY
    if number.significant < TELLING:
        return digit and one_digit_apart(number.text, mistake.expected)
    near = mistake.off < SLIP or has_moved_point(number, mistake.value)
    return near or explains(number, mistake.value, digit)


def _all_rounded(lookup: Lookup) -> Lookup:
    """Return a look-up of quantities that are printed rounded."""
    return lambda name, _: lookup(name, as_rounded)


def _is_log_of_share(tree: Tree, result: Literal) -> bool:
    """Whether a result is `−ln 0.0123`: what a small share has lost in rounding is much of it."""
    match tree:
        case Negative(body):
            return _is_log_of_share(body, result)
        case FunctionCall("log", (Literal(value=value, decimals=decimals),)):
            return 0 < value < 1 and decimals >= result.decimals
    return False


def _entry(tree: Tree, place: int, count: int) -> Tree | None:
    tree = flattened(tree)
    return tree.entries[place] if isinstance(tree, Row) and len(tree.entries) == count else None


def _agree(one: Range, other: Range) -> bool:
    if one.low.size != other.low.size:
        raise CannotEvaluate("different shapes")
    if one.shape != other.shape:
        one, other = (Range(r.low.ravel(), r.high.ravel()) for r in (one, other))
    return all_meet(one, other)
