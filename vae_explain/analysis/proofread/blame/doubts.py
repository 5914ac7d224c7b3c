"""The stated values that may be wrong where something does not follow from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial

from ....trace import Array
from ..arithmetic.alike import count, readings
from ..arithmetic.comparison import EquationJudge
from ..arithmetic.damages import damages
from ..arithmetic.demands import Demand, demands
from ..arithmetic.evaluation import CannotEvaluate, as_printed, evaluate, half
from ..arithmetic.findings import FORMULA, Doubt
from ..arithmetic.intervals import Range
from ..arithmetic.known import Known
from ..arithmetic.sides import ComparedSides, EquationMistake
from ..grammar.syntax import Literal, Tree, is_bare, literals, quantities
from ..statements.scope import Scope

MOST_DOUBTS = 60  # of which it is looked for what would explain them


class Doubts:
    """Gathers what `hypotheses.py` tries other values for.

    Attributes
    ----------
    doubts
        The quantities whose values may be wrong, as numbers or results do not follow from them.
    supposes
        Whether a value is taken for another already, so that no more are looked for.
    given_up
        Formulas and numbers that do not go together at all.
    """

    def __init__(self, scope: Scope, known: Known, supposes: bool) -> None:
        self.scope, self.known, self.supposes = scope, known, supposes
        self.judge = EquationJudge(known)
        self.doubts: list[Doubt] = []
        self.given_up = 0

    def doubt(self, pair: ComparedSides, mistakes: Sequence[EquationMistake]) -> None:
        """Remember which stated values go into what does not come out right."""
        used = {use.name: use for use in self.judge.uses if not use.right}
        for name in dict.fromkeys((*used, *quantities(pair.left))):
            stated = self.scope.where(name)
            if stated is not None and not _is_one_hot(stated[2]):
                _, key, value, _ = stated
                use = used.get(name)
                number = use.number if use else None
                all_demands = self._demands(pair, value, partial(self.scope.supposing, key))
                self.doubts.append(Doubt(*stated, number, tuple(mistakes), all_demands))
        for key in self.scope.keys_of(pair.left) if literals(pair.left) else ():
            said = self.scope.formulas[key]
            all_demands = self._demands(pair, said.tree, None)
            place = (said.line, f"{FORMULA}{key}", said.tree, None)
            self.doubts.append(Doubt(*place, None, (), all_demands))

    def give_up(self, pair: ComparedSides) -> None:
        """Blame neither of two sides that do not go together, but doubt what is stated.

        Another number altogether is that of another example.
        """
        try:
            mistakes = self.judge.mistakes(pair, [])
        except CannotEvaluate:
            return
        if mistakes:
            self.given_up += 1
            first = len(self.doubts)
            self.doubt(pair, mistakes)
            self.doubts[first:] = [
                doubt._replace(demands=tuple(d for d in doubt.demands if _is_small(d)))
                for doubt in self.doubts[first:]
            ]

    def _demands(
        self,
        pair: ComparedSides,
        value: Tree,
        supposing: Callable[[Tree], AbstractContextManager[None]] | None,
    ) -> tuple[Demand, ...]:
        """Return what a value, or a formula itself, would have to be for two sides to agree."""
        if self.supposes or len(self.doubts) > MOST_DOUBTS:
            return ()
        try:
            printed = evaluate(pair.right, half, pair.lookup)
            if not is_bare(pair.right):  # as it stands: what is put in was not rounded for it
                by = min(number.unit for number in literals(pair.right)) / 2
                middle = evaluate(pair.right, as_printed, pair.lookup).middle
                printed = Range(middle - by, middle + by)
        except (CannotEvaluate, ValueError):
            return ()
        for left in readings(pair.left, count(pair.right) > 1, pair.natural):

            def given(tree: Tree, left: Tree = left) -> Array | None:
                try:
                    if supposing is None:
                        return pair._replace(left=tree).found(as_printed).middle
                    with supposing(tree):
                        return pair._replace(left=left).found(as_printed).middle
                except CannotEvaluate:
                    return None

            bounds = given(value)
            if bounds is not None and bounds.size == printed.low.size:
                return tuple(demands(value, given, printed))
        return ()


def _is_small(demand: Demand) -> bool:
    """Whether one small thing, or a change of places, makes what is stated what it should be."""
    old, new = demand.old, demand.new
    if not (isinstance(old, Literal) and isinstance(new, Literal)):
        return True
    return any(math.isclose(one.value, new.value) for one in damages(old))


def _is_one_hot(value: Tree) -> bool:
    """Whether a value says which class is meant: a list of zeros with a single 1."""
    numbers = literals(value)
    return len(numbers) > 1 and sorted(n.value for n in numbers) == [0.0] * (len(numbers) - 1) + [1]
