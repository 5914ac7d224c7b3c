"""`sigmoid` and `tanh`: squashing functions, whose derivatives are written by their output."""

from __future__ import annotations

from ...symbolic.build import sigmoid, square, tanh
from ...symbolic.expression import ONE
from ..pointwise import elementwise

SIGMOID = elementwise(
    "sigmoid",
    sigmoid,
    derivatives=(lambda y, a: y * (ONE - y),),
    title="sigmoid",
    words="squashes to between 0 and 1",
)

TANH = elementwise(
    "tanh",
    tanh,
    derivatives=(lambda y, a: ONE - square(y),),
    title="tanh",
    words="squashes to between -1 and 1",
)
