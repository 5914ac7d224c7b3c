"""Names with a number in brackets, as `out(1)`: what an author counts, and no product.

A name that has a value of its own, `out = [0.5, 0.7]`, may be multiplied by a bracket. Where the
document says what `out(1)` is, beside what `out` is, it is a quantity by itself.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from ..grammar.syntax import Literal, Product, Symbol, Tree, mapped
from .chains import Chain


def with_numbered(chains: Sequence[Chain]) -> list[Chain]:
    """Return the equations of a document, its numbered names in them as names."""
    firsts = [chain.sides[0].tree for chain in chains]
    names = {name for tree in firsts if (name := _numbered(tree)) is not None} & {*firsts}
    return [_changed(chain, names) for chain in chains] if names else list(chains)


def _numbered(tree: Tree | None) -> Tree | None:
    """Return the name that a whole number in brackets follows, and nothing else does."""
    match tree:
        case Product((Symbol() as name, Literal(whole=True)), ("", "")) if name.base != "σ":
            return name
    return None


def _changed(chain: Chain, names: Container[Tree | None]) -> Chain:
    def change(part: Tree) -> Tree:
        return _joined(part, names) if isinstance(part, Product) else part

    trees = [None if side.tree is None else mapped(side.tree, change) for side in chain.sides]
    sides = (side._replace(tree=tree) for side, tree in zip(chain.sides, trees, strict=True))
    return replace(chain, sides=tuple(sides))


def _joined(product: Product, names: Container[Tree | None]) -> Tree:
    """Return a product in which each name and the number in brackets behind it are one factor."""
    factors: list[Tree] = []
    signs: list[str] = []
    for factor, sign in zip(product.factors, product.signs, strict=True):
        match factors[-1:], factor, sign:
            case [Symbol() as name], Literal(whole=True), "" if name in names:
                factors[-1] = replace(name, index=f"{name.index}({factor.text})")
            case _:
                factors.append(factor)
                signs.append(sign)
    return factors[0] if len(factors) == 1 else Product(tuple(factors), tuple(signs))
