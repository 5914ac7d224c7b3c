"""Where numbers stand by their size: `argmax`, `argmin`, `argsort`.

Whole numbers come out, counted from 0, and nothing goes back: a small change of what is
compared leaves the places as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ...symbolic.expression import ZERO, Apply, Expression, Index, Number
from ...trace import Array
from ..layout.sort import order
from ..rule import Call, Ignored, Rule, binder
from .axes import axis_options, sources


def place(call: Call, index: Index, name: str) -> Expression:
    """Write one place as that of the extreme among the numbers that were compared."""
    x = call.operands[0]
    return Apply(name, tuple(x.at(at) for at in sources(call, index)))


def position(name: str, words: str) -> Rule:
    """Make one of the two rules."""
    pick: Callable[..., Any] = np.argmax if name == "argmax" else np.argmin

    def forward(x: Array, dim: int | None, keepdim: bool) -> Array:
        # Of several equal ones it is the first, and a NaN comes first of all, as in PyTorch.
        return np.asarray(pick(x, axis=dim, keepdims=keepdim) if np.ndim(x) else 0)

    return Rule(
        name=name,
        bind=binder("input", dim=None, keepdim=False),
        forward=forward,
        vjp=lambda g, y, x, **_: (None,),
        element=lambda call, index: place(call, index, name),
        partials=lambda call, position, index: [],
        options=partial(axis_options, keepdim=True),
        gradient=lambda call, position, upstream: ZERO,
        words=words,
        broadcasts=True,
    )


ARGMAX = position("argmax", "the place of the largest, counted from 0")
ARGMIN = position("argmin", "the place of the smallest, counted from 0")

# --- of all in a row --------------------------------------------------------------------


def stood_at(call: Call, index: Index) -> list[tuple[int, Index]]:
    """Return the number whose place it is, which has it by its size."""
    if not index:
        return [(0, ())]
    dim = call.attributes["dim"] % len(index)
    return [(0, (*index[:dim], int(call.output.array[index]), *index[dim + 1 :]))]


ARGSORT = Rule(
    name="argsort",
    bind=binder("input", dim=-1, descending=False, stable=Ignored()),
    forward=order,
    vjp=ARGMAX.vjp,
    element=lambda call, index: Number(float(call.output.array[index])),
    partials=ARGMAX.partials,
    usual={"dim": -1, "descending": False},
    gradient=ARGMAX.gradient,
    words="the places of the numbers in order, counted from 0",
    broadcasts=True,
    chosen_by=stood_at,
)
