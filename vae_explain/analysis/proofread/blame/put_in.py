"""The numbers that are put into a formula for quantities that nothing else is said of.

`E = ½(t − y)² = ½(0.01 − 0.75)²` says what t is, where the document has it in no other place. So
a formula beside its numbers can be held against them, though not a number against the formula.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, islice

from ....quick_classes import NamedTuple
from ..arithmetic.alike import align
from ..arithmetic.evaluation import CannotEvaluate, Leaf, Lookup, as_printed, evaluate, half
from ..arithmetic.intervals import Range, all_meet
from ..arithmetic.seen import Seen
from ..grammar.syntax import Literal, Negative, Tree, inside, key_of, literals, negated, quantities
from ..grammar.variants import further_variants, variants
from .other_operands import TELLING

MOST_EDITS = 200  # of one formula that are tried


class Bound(NamedTuple):
    """Numbers that stand for quantities, and how many others are those that are stated."""

    numbers: dict[str, Literal]
    stated: int


class PutIn:
    """Remembers what was put in for which quantity, and finds formulas that do not fit it."""

    def __init__(self, seen: Seen, lookup: Lookup, known: dict[str, Literal | None]) -> None:
        self.seen, self.stated, self.known = seen, lookup, known

    def misfits(self, formula: Tree, written: Tree) -> list[Tree]:
        """Return the edits of a formula that fit what is written out, where it does not itself.

        Parameters
        ----------
        written
            What it is in numbers, as arithmetic.
        """
        if _has_other_constants(formula, written):
            return []
        bound = self._bound(formula, written)
        digits = max(number.significant for number in literals(written))
        further = further_variants(formula) if digits > TELLING else ()
        edits: Iterable[Tree] = islice(chain(variants(formula), further), MOST_EDITS)
        if align(formula, written) is not None:  # of its factors, none is too few
            count = len(literals(formula))
            edits = (edit for edit in edits if len(literals(edit)) <= count)
        if bound is not None:
            for key, number in bound.numbers.items():
                before = self.known.setdefault(key, number)
                if before is not None and before.value != number.value:
                    self.known[key] = None  # another in another place
        elsewhere = bound is not None or self._is_known(formula)
        numbers = bound.numbers if bound is not None else {}
        if elsewhere:
            if self._gives(formula, written, numbers):
                return []
            return [edit for edit in edits if self._gives(edit, written, numbers)]
        formulas = []
        for edit in edits:
            bound = self._bound(edit, written)
            if bound is None or not bound.stated or self._is_subtracted(edit, bound):
                continue  # what is put in may be negative itself
            if self._gives(edit, written, bound.numbers):
                formulas.append(edit)
        return formulas

    def _is_subtracted(self, formula: Tree, bound: Bound) -> bool:
        """Whether a formula subtracts what is known from this one place alone."""
        taken = {
            key_of(n) for p in inside(formula) if isinstance(p, Negative) for n in quantities(p)
        }
        return any(key in taken and self.known.get(key) is None for key in bound.numbers)

    def _bound(self, formula: Tree, written: Tree) -> Bound | None:
        """Return what stands for what in a formula that is built like what is written out."""
        numbers: dict[str, Literal] = {}
        stated = 0
        aligned = align(formula, written)
        if aligned is None:
            return None
        for part, number in aligned:
            if isinstance(part, Negative):
                part, number = part.body, negated(number)
            if isinstance(part, Literal):
                continue
            key = key_of(part)
            before = self.stated(part, half) if key is not None else None
            if key is None or (before is not None and before.shape):
                return None
            number = self._as_seen(number)
            if before is not None:
                if not all_meet(before, half(number)):
                    return None
                stated += 1
            elif numbers.setdefault(key, number).value != number.value:
                return None
        return Bound(numbers, stated)

    def _as_seen(self, number: Literal) -> Literal:
        """Return a number with the sign that it has wherever else it stands."""
        size = self.seen.counts[-number.value]
        only = number.value < 0 and not self.seen.counts[number.value] and size > 1
        return negated(number) if only and number.significant >= TELLING else number

    def _is_known(self, formula: Tree) -> bool:
        names = list(quantities(formula))
        return all(
            self.stated(name, as_printed) is not None or self.known.get(key_of(name) or "")
            for name in names
        )

    def _gives(self, formula: Tree, written: Tree, numbers: dict[str, Literal]) -> bool:
        def lookup(tree: Tree, leaf: Leaf) -> Range | None:
            bounds = self.stated(tree, leaf)
            key = key_of(tree) or ""
            number = numbers.get(key) or self.known.get(key)
            return leaf(number) if bounds is None and number is not None else bounds

        ours = {number.text.lstrip("+-") for number in literals(written)}

        def leaf(number: Literal) -> Range:
            exact = number.whole or number.text.lstrip("+-") in ours
            return as_printed(number) if exact else half(number)

        try:
            both = evaluate(formula, leaf, lookup), evaluate(written)
        except CannotEvaluate:
            return False
        return both[0].shape == both[1].shape and all_meet(*both)


def _has_other_constants(formula: Tree, written: Tree) -> bool:
    """Whether a number of a formula stands beside another one: that is of another formula."""
    return any(
        isinstance(part, Literal) and abs(part.value) != abs(number.value)
        for part, number in align(formula, written) or ()
    )


def is_written_out(tree: Tree) -> bool:
    """Whether a side is arithmetic on so many numbers that it shows how a formula is built."""
    return len(literals(tree)) > 1
