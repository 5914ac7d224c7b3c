"""`einsum`: products summed over the letters that its output leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

import numpy as np

from ...symbolic.expression import ONE, Add, Expression, Index, Opaque
from ...trace import Array
from ..rule import Bound, Call, NotExplained, Partial, Rule, indices


def bind(equation: Any, *operands: Any) -> Bound:
    if not isinstance(equation, str):
        raise NotExplained("axes that are no letters")
    if len(operands) == 1 and isinstance(operands[0], tuple):
        operands = operands[0]
    plain = equation.replace(" ", "")
    left, arrow, right = plain.partition("->")
    if "." in plain:
        raise NotExplained("an ellipsis")
    parts = left.split(",")
    if any(len(set(part)) < len(part) for part in parts):
        raise NotExplained("a diagonal")
    if not arrow:
        letters = sorted(set(left) - {","})
        right = "".join(letter for letter in letters if left.count(letter) == 1)
    return operands, {"equation": f"{','.join(parts)}->{right}"}


def taken_apart(equation: str) -> tuple[list[str], str]:
    left, _, right = equation.partition("->")
    return left.split(","), right


def forward(*arrays: Array, equation: str) -> Array:
    return np.asarray(np.einsum(equation, *arrays))


def back(g: Array, arrays: tuple[Array, ...], position: int, equation: str) -> Array:
    """Return the gradient at one operand: the product of all others with what arrives."""
    parts, right = taken_apart(equation)
    own = parts[position]
    others = [
        (part, a) for i, (part, a) in enumerate(zip(parts, arrays, strict=True)) if i != position
    ]
    inputs = [right, *(part for part, _ in others)]
    there = [letter for letter in own if letter in "".join(inputs)]
    found = np.einsum(f"{','.join(inputs)}->{''.join(there)}", g, *(array for _, array in others))
    # A letter that only this operand has was summed by itself: each place gets the same.
    missing = tuple(axis for axis, letter in enumerate(own) if letter not in there)
    spread = np.expand_dims(found, missing)
    return np.broadcast_to(spread, arrays[position].shape).astype(arrays[position].dtype)


def vjp(g: Array, y: Array, *arrays: Array, equation: str) -> tuple[Array, ...]:
    return tuple(back(g, arrays, position, equation) for position in range(len(arrays)))


def sizes(call: Call) -> dict[str, int]:
    parts, _ = taken_apart(call.attributes["equation"])
    found: dict[str, int] = {}
    for part, operand in zip(parts, call.operands, strict=True):
        found |= dict(zip(part, operand.shape, strict=True))
    return found


def walk(call: Call, fixed: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """Yield every way to number the letters that goes with those that are fixed."""
    found = sizes(call)
    free = [letter for letter in found if letter not in fixed]
    for chosen in indices(found[letter] for letter in free):
        yield {**fixed, **dict(zip(free, chosen, strict=True))}


def product(call: Call, at: Mapping[str, int], without: int = -1) -> Expression:
    parts, _ = taken_apart(call.attributes["equation"])
    factors = [
        operand.at(tuple(at[letter] for letter in part))
        for position, (part, operand) in enumerate(zip(parts, call.operands, strict=True))
        if position != without
    ]
    return reduce(lambda a, b: a * b, factors) if factors else ONE


def element(call: Call, index: Index) -> Expression:
    _, right = taken_apart(call.attributes["equation"])
    terms = [product(call, at) for at in walk(call, dict(zip(right, index, strict=True)))]
    return Add(tuple(terms)) if len(terms) > 1 else terms[0]


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    parts, right = taken_apart(call.attributes["equation"])
    found: dict[Index, list[Expression]] = {}
    for at in walk(call, dict(zip(parts[position], index, strict=True))):
        out = tuple(at[letter] for letter in right)
        found.setdefault(out, []).append(product(call, at, position))
    return [(out, Add(tuple(ways)) if len(ways) > 1 else ways[0]) for out, ways in found.items()]


def formula(call: Call) -> Expression:
    equation = call.attributes["equation"]
    wholes = tuple(operand.whole() for operand in call.operands)
    return Opaque(f"einsum[{equation}]", wholes, (), lambda *a: forward(*a, equation=equation))


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    equation = call.attributes["equation"]
    parts, right = taken_apart(equation)
    wholes = [operand.whole() for operand in call.operands]
    others = [whole for i, whole in enumerate(wholes) if i != position]
    written = ",".join([right, *(part for i, part in enumerate(parts) if i != position)])
    own = call.operands[position].array

    def compute(g: Array, *rest: Array) -> Array:
        arrays = (*rest[:position], own, *rest[position:])
        return back(np.asarray(g), arrays, position, equation)

    return Opaque(f"einsum[{written}->{parts[position]}]", (upstream, *others), (), compute)


EINSUM = Rule(
    name="einsum",
    bind=bind,
    forward=forward,
    vjp=vjp,
    element=element,
    partials=partials,
    formula=formula,
    gradient=gradient,
    kind="contraction",
    words="products, summed over the letters that are left out",
)
