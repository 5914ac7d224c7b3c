"""What the normal distributions of a document say of its quantities: `q = N((1, 0), diag(1, 4))`.

The first list is a mean, and the diagonal has variances, of μ and σ with the index of `q_φ`.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence

from ..grammar.quantities import with_index
from ..grammar.syntax import Literal, Power, Product, Row, Symbol, Tree, key_of
from ..grammar.tokens import GREEK
from .chains import Chain
from .sides import Side

INDEX = re.compile(r"[qp]_\{?\\?(?P<index>\w+)")
MEAN: Tree = Symbol("μ")
VARIANCE: Tree = Power(Symbol("σ"), Literal("2", 2.0, 0))


def with_distributions(chains: Sequence[Chain]) -> Iterator[Chain]:
    """Yield equations, behind that of a distribution what it says of its mean and variance."""
    stated = {key_of(c.sides[0].tree) for c in chains if c.sides[0].tree is not None}
    for chain in chains:
        yield chain
        for before, side in zip(chain.sides, chain.sides[1:], strict=False):
            index = _index(before.text, stated)
            if side.tree is None or index is None:
                continue
            for name, numbers in zip((MEAN, VARIANCE), _lists(side.tree), strict=False):
                named = side._replace(tree=with_index(name, index))
                yield Chain((named, Side(numbers, side.text, side.line)))


def _index(text: str, stated: Container[str | None]) -> str | None:
    """Return the index of a distribution's quantities, if the document states them."""
    found = INDEX.match(text)
    index = GREEK.get(found["index"], found["index"]) if found is not None else ""
    return next((one for one in (index, "") if f"μ{one}" in stated), None)


def _lists(tree: Tree) -> Sequence[Row]:
    """Return the mean of a normal distribution, and its variances, if both are lists."""
    match tree:
        case Product(
            (Symbol("N"), Row((Row() as mean, Product((Symbol("diag"), Row() as variance)))))
        ):
            return mean, variance
    return ()
