"""The backward pass of what a document states: any chain of its own formulas.

A loss that has a formula over quantities that have formulas or values is a network, whatever it
is called and whatever its layers are. How it moves with one of them is the chain rule: each
formula between them moves with what it is made of, at the values that the document prints. That
is a quotient of small differences, so that each formula that can be evaluated has a slope.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ....quick_classes import NamedTuple
from ....trace import Array
from ..arithmetic.evaluation import CannotEvaluate, Leaf, Lookup, evaluate
from ..arithmetic.intervals import Range
from ..grammar.syntax import Tree, key_of, quantities
from .scope import Scope

MOST_STEPS = 200  # formulas between a loss and what it depends on
MOST_NUMBERS = 200  # of a quantity that a gradient is taken at
STEP = 2.0**-18  # by which a number is moved; the error of the quotient is its square
CORNER = 2.0**-9  # of two one-sided slopes, by which they differ only at a corner


class Slope(NamedTuple):
    """A gradient, and how far the roundings of the quotients may carry it."""

    value: Array
    off: float


def gradient(top: Tree, bottom: Tree, formulas: Scope, leaf: Leaf, lookup: Lookup) -> Slope:
    """Return the gradient of one quantity at another.

    Raises
    ------
    Unknown
        If no formulas lead from one to the other, one of them has a corner there that is no
        activation's, or what it starts from is no number.
    """
    wanted = key_of(bottom)
    order = list(_in_order(top, bottom, formulas))[::-1]
    start = evaluate(bottom, leaf, lookup).middle
    if wanted is None or wanted not in (key for key, _ in order) or len(order) < 2:
        raise CannotEvaluate("it does not depend on it")
    if start.size > MOST_NUMBERS:
        raise CannotEvaluate("it has too many numbers")
    slope, off = np.zeros(start.shape), 0.0
    for index in np.ndindex(*start.shape):
        moves = {wanted: np.zeros(start.shape)}
        moves[wanted][index] = 1.0
        for key, formula in order:
            if formula is not None and any(key_of(part) in moves for part in quantities(formula)):
                moves[key], lost = _slope(formula, moves, leaf, lookup)
                off = max(off, lost)
        if order[-1][0] not in moves:
            raise CannotEvaluate("it does not depend on it")
        slope[index] = moves[order[-1][0]].sum()
    return Slope(slope, off)


def _slope(
    formula: Tree, moves: dict[str, Array], leaf: Leaf, lookup: Lookup
) -> tuple[Array, float]:
    """Return how a formula moves while what it is made of does, and how exact that is."""

    def moved(by: float) -> Array:
        def shifted(tree: Tree, leaf: Leaf) -> Range | None:
            bounds = lookup(tree, leaf)
            move = moves.get(key_of(tree) or "")
            if bounds is None or move is None:
                return bounds
            if move.size != bounds.low.size:
                raise CannotEvaluate("shapes that do not fit")
            array = bounds.middle + by * move.reshape(bounds.shape)
            return Range(array, array)

        return evaluate(formula, leaf, shifted).middle

    below, still, above = (moved(by) for by in (-STEP, 0.0, STEP))
    left, right = (still - below) / STEP, (above - still) / STEP
    least = CORNER * (1 + np.abs(left) + np.abs(right))
    corner = np.abs(left - right) > least
    # At 0 a ReLU has slope 0 on one side, |a| opposite slopes: autograd's slope there is 0.
    known = (np.minimum(np.abs(left), np.abs(right)) <= least) | (np.abs(left + right) <= least)
    if np.any(corner & ~known):
        raise CannotEvaluate("it has a corner there")
    size = max(float(np.abs(still).max(initial=0.0)), 1.0)
    return np.where(corner, 0.0, (left + right) / 2), size * np.finfo(float).eps / STEP


def _in_order(top: Tree, bottom: Tree, formulas: Scope) -> Iterator[tuple[str, Tree | None]]:
    """Yield quantities and their formulas, each before all that it is made of."""
    in_order: dict[str, Tree | None] = {}
    stack: list[tuple[Tree, bool]] = [(top, False)]
    open_: set[str] = set()
    while stack:
        tree, done = stack.pop()
        key = key_of(tree)
        if key is None or len(in_order) > MOST_STEPS:
            raise CannotEvaluate("it is no quantity")
        said = None if key == key_of(bottom) else formulas.formula(tree)
        formula = said[0] if said is not None and said[1] is None else None
        if done:
            open_.discard(key)
            in_order[key] = formula
        elif key not in in_order and key not in open_:
            open_.add(key)
            stack.append((tree, True))
            if formula is not None:
                stack += [(part, False) for part in quantities(formula)]
    yield from reversed(in_order.items())
