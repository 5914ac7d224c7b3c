"""Adam's moments, by their usual names, where a document states β₁, β₂ and gradients.

Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), algorithm 1. The step itself
is left to the document's own formula: some add weight decay, and some change the rate.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Collection

from .evaluation import CannotEvaluate, Leaf, as_printed, evaluate
from .intervals import Range, all_meet, exactly
from .syntax import Literal, Negative, Power, Product, Sum, Symbol, Tree, key_of
from .variants import ONE, TWO

# A moment, corrected or not, at a step: m1, v̂_2, m_hat_1.
MOMENT = re.compile(r"(?P<name>(?P<moment>[mv])_?(?P<hat>\^|\u0302|hat)?_?)(?P<step>\d+)")
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


def _formula(moment: str, hat: str | None, step: str, before: str) -> Tree:
    rate = Symbol("β", RATES[moment])
    if hat:
        times: Tree = Literal(step, float(step), 0) if step.isdigit() else Symbol(step)
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
