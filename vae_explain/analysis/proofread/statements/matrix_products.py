"""What names without a sign between them are: `XW^Q` is X times W^Q where both are stated.

One of them is a matrix: of two points A and B, AB is what lies between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ..grammar.syntax import Power, Product, Row, Symbol, Transposed, Tree, shown, substituted
from .chains import Chain
from .sides import Side


def with_matrix_products(chains: Sequence[Chain]) -> Iterator[Chain]:
    """Yield equations, with the products of matrices and lists that a document states."""
    lists = dict(_lists(chains))
    for chain in chains:
        sides = (_with_products(side, lists) for side in chain.sides)
        yield replace(chain, sides=tuple(sides)) if any(lists.values()) else chain


def _lists(chains: Sequence[Chain]) -> Iterator[tuple[str, bool]]:
    """Yield the names of lists that are stated, and whether they are matrices."""
    for chain in chains:
        name, values = chain.sides[0].tree, chain.values
        if values and isinstance(values[-1], Row) and isinstance(name, Symbol | Power):
            yield shown(name), isinstance(values[-1].entries[0], Row)


def _with_products(side: Side, lists: Mapping[str, bool]) -> Side:
    def parted(tree: Tree) -> Tree | None:
        match tree:
            case Transposed(Symbol(base) as name) if f"({base})" not in side.text:
                product = _parted(name, lists)
                if product is None:
                    return None
                *others, last = product.factors
                return replace(product, factors=(*others, Transposed(last)))
            case Power(Symbol(base, index, bold), Symbol() as mark):
                marked = Symbol(base, f"{index}^{shown(mark)}", bold)
                return marked if shown(tree) in lists else _parted(marked, lists) or tree
            case Power(Symbol()):
                return tree
            case Symbol():
                return _parted(tree, lists)
        return None

    return side if side.tree is None else side._replace(tree=substituted(side.tree, parted))


def _parted(name: Symbol, lists: Mapping[str, bool]) -> Product | None:
    """Return the names of single letters that one is made of, if they are stated."""
    names = (*map(Symbol, name.base[:-1]), Symbol(name.base[-1:], name.index, name.bold))
    stated = [lists.get(one.key) for one in names]
    if len(names) < 2 or not name.base.isalpha() or None in stated or not any(stated):
        return None
    return Product(names, ("",) * len(names))
