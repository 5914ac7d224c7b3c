"""`bilinear`: for each output, every product of an element of one with one of the other, weighed.

The products are those of an `einsum`; here a bias is added.
"""

from __future__ import annotations

from dataclasses import replace
from string import ascii_lowercase

from ...trace import Array
from ..bias import biased
from ..binding import OPTIONAL, binder
from ..delegate import delegated
from ..rule import Call
from .einsum import EINSUM

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
