"""What σ is where it stands before a bracket: the sigmoid's sign, or a factor.

`σ(0.39) = 0.5963` is the sigmoid where most such calls of the document come to its value, or where
the document speaks of sigmoids and states no σ. Else σ is a quantity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..arithmetic.evaluation import CannotEvaluate, evaluate
from ..arithmetic.intervals import all_meet
from ..arithmetic.known import cut_or_rounded
from ..grammar.cursor import literal
from ..grammar.parser import uncalled
from ..grammar.syntax import (
    FunctionCall,
    Literal,
    Negative,
    Product,
    Row,
    Sum,
    Tree,
    inside,
    is_numeric,
    key_of,
    mapped,
)
from .chains import Chain

SIGMA, SLOPE = "σ", "σ'"
WORDS = ("sigmoid", "Sigmoid", "logistic")


def with_sigmoids(chains: Sequence[Chain], texts: Iterable[str]) -> list[Chain]:
    """Return the equations of a document, with what each σ before a bracket is."""
    calling = [any(side.tree is not None and _calls(side.tree) for side in c.sides) for c in chains]
    if not any(calling):
        return list(chains)
    lists = {key_of(c.sides[0].tree): c.values[-1] for c in chains if c.values and c.sides[0].tree}
    results = [right for chain in chains for right in _results(chain, lists)]
    named = any(word in text for text in texts for word in WORDS)
    stated = any(_states_deviation(chain) for chain in chains)
    right = any(results) and 2 * sum(results) >= len(results)
    change = _called if right or (results and named and not stated) else uncalled
    return [
        _changed(chain, change) if calls else chain
        for chain, calls in zip(chains, calling, strict=True)
    ]


def _calls(tree: Tree) -> bool:
    return any(isinstance(t, FunctionCall) and t.function in (SIGMA, SLOPE) for t in inside(tree))


def _results(chain: Chain, lists: Mapping[str | None, Tree]) -> Iterator[bool]:
    """Yield for each `σ(0.39)` whether the number that its equation comes to is the sigmoid's.

    A `σ(a)` counts where most of a list are those of the list a.
    """
    trees = [side.tree for side in chain.sides]
    for position, one in enumerate(trees):
        if not (isinstance(one, FunctionCall) and one.function == SIGMA):
            continue
        (argument,) = one.arguments
        numbers = argument if is_numeric(argument) else lists.get(key_of(argument))
        kind = Literal if numbers is argument else Row
        other = next((tree for tree in trees[position:] if isinstance(tree, kind)), None)
        if numbers is None or other is None or (isinstance(other, Literal) and other.whole):
            continue
        try:
            found = evaluate(_called(FunctionCall(SIGMA, (numbers,))))
            printed = evaluate(other, cut_or_rounded)
        except CannotEvaluate:
            continue
        if kind is Literal:
            yield all_meet(found, printed)
        elif found.shape == printed.shape:
            met = (found.low <= printed.high) & (printed.low <= found.high)
            yield from [True] * (2 * int(met.sum()) > met.size)


def _states_deviation(chain: Chain) -> bool:
    trees = [side.tree for side in chain.sides if side.tree is not None]
    return any(key_of(tree) == SIGMA for tree in trees)


def _called(tree: Tree) -> Tree:
    def change(part: Tree) -> Tree:
        match part:
            case FunctionCall("σ", arguments):
                return FunctionCall("sigmoid", arguments)
            case FunctionCall("σ'", arguments):
                value = FunctionCall("sigmoid", arguments)
                return Product((value, Sum((literal("1"), Negative(value)))), ("", "*"))
        return part

    return mapped(tree, change)


def _changed(chain: Chain, change: Callable[[Tree], Tree]) -> Chain:
    sides = (s if s.tree is None else s._replace(tree=change(s.tree)) for s in chain.sides)
    return replace(chain, sides=tuple(sides))
