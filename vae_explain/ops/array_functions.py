"""The functions of `symbolic/functions.py` over whole arrays.

Where NumPy has a function it is taken; the others are applied to one number after the other.
Each keeps an array's precision and gives a plain number for a plain number, so that float32
stays float32. Undefined results show as the NaN or infinity that they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..symbolic.expression import Expression
from ..symbolic.functions import FUNCTIONS
from ..symbolic.whole import evaluate_whole
from ..trace import IN_A_PIECE, Array

OnArray = Callable[[Array], Array]


def sigmoid(a: Array) -> Array:
    """1 / (1 + exp(-a)), written so that no large argument overflows."""
    small = np.exp(np.where(a >= 0, -a, a))
    return np.where(a >= 0, 1 / (1 + small), small / (1 + small))


def softplus(a: Array) -> Array:
    """log(1 + exp(a)), written so that no large argument overflows."""
    small = np.exp(np.where(a > 0, -a, a))
    return np.where(a > 0, a, np.zeros_like(a)) + np.log1p(small)


def sign(a: Array) -> Array:
    """-1, 0 or 1; of a NaN it is 0, as in PyTorch."""
    return np.where(np.isnan(a), np.zeros_like(a), np.sign(a))


def relu(a: Array) -> Array:
    """What is positive, else 0; not `np.maximum`: a NaN and -0.0 stay, as in PyTorch."""
    return np.where(a < 0, np.zeros_like(a), a)


def gate(a: Array) -> Array:
    """1 where a ReLU passes a number, else 0."""
    return np.where(a <= 0, np.zeros_like(a), np.ones_like(a))


def each(function: Callable[[float], float]) -> OnArray:
    """Apply a function of one number to each of an array, in the array's precision."""
    one_by_one = np.vectorize(function, otypes=[float])
    return lambda a: np.asarray(one_by_one(a)).astype(a.dtype) if np.size(a) else np.zeros_like(a)


def _plain_too(function: OnArray) -> Callable[[Any], Any]:
    return lambda a: float(function(np.asarray(a))) if isinstance(a, float) else function(a)


# Those that NumPy has otherwise than they are here, or not at all.
OVER_ARRAYS: dict[str, OnArray] = {
    "relu": relu,
    "gate": gate,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "sign": sign,
}
ON_ARRAYS: dict[str, Callable[[Any], Any]] = {
    name: _plain_too(OVER_ARRAYS.get(name) or getattr(np, name, None) or each(function.value))
    for name, function in FUNCTIONS.items()
}


def on_arrays(
    formula: Expression,
    leaf: Callable[[Any], Any] = lambda value: value,
    adjust: Callable[[Any], Any] = lambda value: value,
) -> Any:
    """Return the numbers of a formula over whole tensors."""
    with np.errstate(all="ignore"):
        return evaluate_whole(formula, ON_ARRAYS, leaf, adjust)


def in_pieces(
    compute: Callable[..., tuple[Array | None, ...]], arrays: Sequence[Array]
) -> tuple[Array | None, ...]:
    """Compute element by element, a part of large arrays at a time.

    What is made on the way to the results takes little memory then.

    Parameters
    ----------
    compute
        Returns one array for each result, of the shape of its arguments; None for one that
        there is not.
    """
    shape, *others = {np.shape(array) for array in arrays if np.ndim(array)} or [()]
    size = math.prod(shape)
    if others or size <= IN_A_PIECE:
        return compute(*arrays)
    flat = [array.reshape(-1) if np.ndim(array) else array for array in arrays]
    wholes: list[Array | None] = []
    for start in range(0, size, IN_A_PIECE):
        part = slice(start, start + IN_A_PIECE)
        made = compute(*(array[part] if np.ndim(array) else array for array in flat))
        if not wholes:
            wholes = [None if each is None else np.empty(size, each.dtype) for each in made]
        for at, (whole, each) in enumerate(zip(wholes, made, strict=True)):
            if whole is None or each is None:
                continue
            if whole.dtype != each.dtype:  # as where one piece of a function is a whole number
                whole = wholes[at] = whole.astype(np.promote_types(whole.dtype, each.dtype))
            whole[part] = each
    return tuple(None if whole is None else whole.reshape(shape) for whole in wholes)
