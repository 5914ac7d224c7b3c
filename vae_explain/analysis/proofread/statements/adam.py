"""Adam's moments, by their usual names, where a document states β₁, β₂ and gradients.

Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), algorithm 1. The step itself
is left to the document's own formula: some add weight decay, and some change the rate.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence

from ..arithmetic.damages import explains
from ..arithmetic.evaluation import CannotEvaluate, Leaf, as_printed, evaluate
from ..arithmetic.findings import DocumentFinding
from ..arithmetic.intervals import Range, all_meet, exactly
from ..arithmetic.seen import Seen
from ..grammar.cursor import literal
from ..grammar.syntax import Literal, Negative, Power, Product, Sum, Symbol, Tree, key_of
from ..grammar.variants import ONE, TWO
from .chains import Chain

# A moment, corrected or not, at a step: m1, v̂_2, m_hat_1.
MOMENT = re.compile(r"(?P<name>(?P<moment>[mv])_?(?P<hat>\^|\u0302|hat)?_?)(?P<step>\d+)")
ZERO = Literal("0", 0.0, 0)
RATES = {"m": "1", "v": "2"}  # which β is whose


def moment_formula(
    key: str, stated: Collection[str], own_formula: Callable[[str], Tree | None]
) -> Tree | None:
    """Return what a moment is made of.

    None where its β or its gradient is not stated, or where the document has another formula
    for every step, as AMSGrad and NAdam do.
    """
    found = MOMENT.fullmatch(key)
    if found is None or f"β{RATES[found['moment']]}" not in stated:
        return None
    if not found["hat"] and f"g{found['step']}" not in stated:
        return None
    own = own_formula(f"{found['name']}t")
    if own is not None and not _are_alike(own, _formula(found["moment"], found["hat"], "t", "t-1")):
        return None
    step = int(found["step"])
    return _formula(found["moment"], found["hat"], str(step), str(step - 1)) if step else None


def wrong_weights(chains: Sequence[Chain], seen: Seen) -> Iterator[DocumentFinding]:
    """Yield the weights of a moment's zero, `0.999 · 0 + 0.001 · g²`, that do not leave the other.

    No result shows them wrong, but the two add up to 1, and what does stands elsewhere too.
    """
    for chain in chains:
        key = key_of(chain.sides[0].tree) if chain.sides[0].tree is not None else None
        found = MOMENT.fullmatch(key or "")
        for side in chain.sides[1:] if found is not None and not found["hat"] else ():
            match side.tree:
                case Sum(
                    (Product((Literal() as old, zero), _), Product((Literal() as new, *_), _))
                ):
                    meant = literal(f"{1 - new.value:.{max(old.decimals, new.decimals)}f}")
                    if zero == ZERO and _is_meant(meant, old, seen):
                        why = f"{meant.text} and {new.text} add up to 1, but {old.text} is printed"
                        yield DocumentFinding(side.line, old.text, meant.text, why, "B")


def _is_meant(meant: Literal, old: Literal, seen: Seen) -> bool:
    if meant.value == old.value or seen.counts[old.value] > 1 or not seen.counts[meant.value]:
        return False
    return explains(old, meant.value)


def _formula(moment: str, hat: str | None, step: str, before: str) -> Tree:
    rate = Symbol("β", RATES[moment])
    if hat:
        times: Tree = Literal(step, float(step), 0) if step.isdecimal() else Symbol(step)
        rest = Sum((ONE, Negative(Power(rate, times))))
        return Product((Symbol(moment, step), rest), ("", "/"))
    gradient: Tree = Symbol("g", step)
    if moment == "v":
        gradient = Power(gradient, TWO)
    kept = Product((rate, Symbol(moment, before)), ("", "*"))
    return Sum((kept, Product((Sum((ONE, Negative(rate))), gradient), ("", "*"))))


def _are_alike(one: Tree, other: Tree) -> bool:
    """Whether two formulas give the same for numbers that stand for their names."""
    try:
        return all_meet(evaluate(one, as_printed, _any), evaluate(other, as_printed, _any))
    except CannotEvaluate:
        return False


def _any(name: Tree, leaf: Leaf) -> Range | None:
    key = key_of(name)
    return None if key is None else exactly(0.25 + zlib.crc32(key.encode()) / 2**33)
