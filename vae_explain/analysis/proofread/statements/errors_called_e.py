"""What e is: the base of powers, or a quantity of the document, as an error is called.

`e = ŷ − y` makes it a quantity, and `e^2` its square; `e^{-z}` is a power of the base still.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ..grammar.syntax import FunctionCall, Literal, Power, Symbol, Tree, mapped
from .chains import Chain

E = Symbol("e")
ERROR = "𝑒"  # as it is written in formulas, so that it is not taken for the base
NEAR = 0.02  # of the base of powers: what is said to be about it


def with_errors(chains: Sequence[Chain]) -> list[Chain]:
    """Return the equations of a document, e in them as what it is."""
    stated = [chain for chain in chains if chain.sides[0].tree == E]
    if not stated or any(map(_says_base, stated)):
        return list(chains)
    return [_changed(chain) for chain in chains]


def _says_base(chain: Chain) -> bool:
    trees = (side.tree for side in chain.sides)
    return any(isinstance(t, Literal) and abs(t.value - math.e) < NEAR for t in trees)


def _changed(chain: Chain) -> Chain:
    trees = [None if side.tree is None else mapped(side.tree, _error) for side in chain.sides]
    sides = (side._replace(tree=tree) for side, tree in zip(chain.sides, trees, strict=True))
    return replace(chain, sides=tuple(sides))


def _error(part: Tree) -> Tree:
    match part:
        case Symbol("e" | "de" | "∂e" as base):
            return replace(part, base=f"{base[:-1]}{ERROR}")
        case FunctionCall("exp", (Literal(text="2") as two,)):
            return Power(Symbol(ERROR), two)
    return part
