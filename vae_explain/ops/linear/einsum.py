"""`einsum`: products summed over the letters that its output leaves out; `bilinear` by it."""

from __future__ import annotations

from dataclasses import replace
from string import ascii_lowercase
from typing import Any

import numpy as np

from ...symbolic.expression import Expression, Opaque
from ...trace import Array
from ..bias import biased
from ..binding import OPTIONAL, Bound, NotExplained, binder
from ..delegate import delegated
from ..rule import Call, Rule, Ways
from .products import Products


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
    summed = np.einsum(f"{','.join(inputs)}->{''.join(there)}", g, *(array for _, array in others))
    # A letter that only this operand has was summed by itself: each place gets the same.
    missing = tuple(axis for axis, letter in enumerate(own) if letter not in there)
    spread = np.expand_dims(summed, missing)
    return np.broadcast_to(spread, arrays[position].shape).astype(arrays[position].dtype)


def products(call: Call) -> Products:
    parts, right = taken_apart(call.attributes["equation"])
    return call.once("products", lambda: Products(call.operands, parts, right))


def formula(call: Call) -> Expression:
    equation = call.attributes["equation"]
    return Opaque(f"einsum[{equation}]", call.wholes, (), lambda *a: forward(*a, equation=equation))


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    equation = call.attributes["equation"]
    parts, right = taken_apart(equation)
    others = [whole for i, whole in enumerate(call.wholes) if i != position]
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
    element=lambda call, index: products(call).element(index),
    partials=Ways(
        lambda call, position, index: products(call).families(position, index), of_many=True
    ),
    formula=formula,
    gradient=gradient,
    kind="contraction",
    words="products, summed over the letters that are left out",
)

# --- every product of an element of one with one of the other, weighed ------------------

BIAS = 3


def equation(rank: int) -> str:
    """Return the letters of inputs of a rank: all axes but the last are alike."""
    rows = ascii_lowercase[: rank - 1]
    return f"{rows}x,zxy,{rows}y->{rows}z"


def _of_arrays(*arrays: Array) -> dict[str, str]:
    return {"equation": equation(arrays[0].ndim)}


def _products(call: Call) -> Call:
    return call.once("einsum", lambda: replace(call, attributes=_of_arrays(*call.arrays)))


_PRODUCTS = replace(
    EINSUM,
    name="bilinear",
    bind=binder("input1", "input2", "weight", bias=OPTIONAL, order=("input1", "weight")),
    forward=lambda *arrays: EINSUM.forward(*arrays, **_of_arrays(*arrays)),
    **delegated(lambda call: (EINSUM, _products(call))),
    title="a bilinear layer",
    words="products of each element of one with each of the other, weighed and summed",
    functional=True,
)
BILINEAR = biased(_PRODUCTS, BIAS)
