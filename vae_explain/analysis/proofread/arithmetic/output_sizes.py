"""Sizes of what a convolution gives: whole numbers, rounded down, and written as `13 × 13`."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..grammar.cursor import literal
from ..grammar.syntax import FunctionCall, Literal, Product, Tree, inside, literals, mapped
from .evaluation import CannotEvaluate, as_printed, evaluate
from .intervals import all_meet
from .sides import ComparedSides


def rounds_down(trees: Iterable[Tree]) -> bool:
    """Whether a document has a formula that is rounded down, as those of such sizes are."""
    parts = (part for tree in trees for part in inside(tree))
    return any(isinstance(part, FunctionCall) and part.function == "floor" for part in parts)


def as_sizes(pair: ComparedSides, rounded: bool) -> ComparedSides:
    """Return a pair as it holds where its right side is a size, as it stands where it is none.

    Parameters
    ----------
    rounded
        Whether the document says elsewhere that such a size is rounded down.
    """
    numbers = literals(pair.left)
    square = _of_square(pair.right)
    if not numbers or not all(number.whole for number in numbers) or _agree(pair):
        return pair
    lefts = [pair.left] if square is not None else []
    if square is not None or rounded:
        lefts.append(_rounded_down(pair.left))
    sizes = (pair._replace(left=left, right=square or pair.right) for left in lefts)
    return next((size for size in sizes if _agree(size)), pair)


def _agree(pair: ComparedSides) -> bool:
    """Whether two sides are the same as they are printed."""
    try:
        return all_meet(pair.found(as_printed), evaluate(pair.right))
    except (CannotEvaluate, ValueError):  # lists of different lengths
        return False


def _of_square(tree: Tree) -> Literal | None:
    """Return how long a square is that is written as `28 × 28`."""
    match tree:
        case Product((Literal(whole=True) as length, Literal() as other), signs):
            return length if length == other and "/" not in signs else None
    return None


def _rounded_down(tree: Tree) -> Tree:
    """Return arithmetic with whole numbers for its quotients."""

    def whole(part: Tree) -> Tree:
        if not isinstance(part, Product) or "/" not in part.signs:
            return part
        try:
            value = float(evaluate(part).middle)
        except (CannotEvaluate, TypeError):
            return part
        is_whole = math.isclose(value, round(value)) or not math.isfinite(value)
        return part if is_whole else literal(str(math.floor(value)))

    return mapped(tree, whole)
