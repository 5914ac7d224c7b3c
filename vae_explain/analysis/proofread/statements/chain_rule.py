"""The factors of a chain rule put in one by one, `∂L/∂μ = 4.0 × 1 = 4.0`, beside what is stated.

Where one factor is the stated ∂z/∂μ, the other is ∂L/∂z, and the value that is stated for that is
held against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..arithmetic.damages import explains
from ..arithmetic.findings import DocumentFinding
from ..grammar.syntax import Literal, Product, key_of
from .chains import Chain

PARTIAL = re.compile(r"∂(.+)/∂(.+)")
MOST_INNER = 20  # quantities that are differentiated by one


def wrong_factors(chains: Sequence[Chain]) -> Iterator[DocumentFinding]:
    """Yield the stated derivatives that are others in the products that they are factors of."""
    stated: dict[tuple[str, str], list[Literal]] = {}
    products: list[tuple[tuple[str, str], list[Literal]]] = []
    for chain in chains:
        first, last = chain.sides[0].tree, chain.sides[-1].tree
        partial = PARTIAL.fullmatch("" if first is None else key_of(first) or "")
        if partial is None or not isinstance(last, Literal):
            continue
        key = partial[1], partial[2]
        stated.setdefault(key, []).append(last)
        for side in chain.sides[1:-1]:
            match side.tree:
                case Product((Literal() as one, Literal() as other), ("", "" | "*")):
                    products.append((key, [one, other]))
    inner: dict[str, list[str]] = {}
    for middle, below in stated:
        inner.setdefault(below, []).append(middle)
    used: dict[tuple[str, str], list[Literal]] = {}
    for (top, below), factors in products:
        for middle in inner[below][:MOST_INNER]:
            values = stated[middle, below]
            if middle != top and len(values) == 1 and (top, middle) in stated:
                left = [factor for factor in factors if factor.value != values[0].value]
                used.setdefault((top, middle), []).extend(left if len(left) == 1 else ())
    for key, factors in used.items():
        (value, *others), meant = stated[key], {factor.value for factor in factors}
        if others or len(meant) != 1 or value.value in meant:
            continue  # of several passes, or as it is put in
        expected = factors[0]
        if explains(value, expected.value):
            why = f"∂{key[0]}/∂{key[1]} is {expected.text} where it is put in, "
            why += f"but {value.text} is printed"
            yield DocumentFinding(value.line, value.text, expected.text, why, "B")
