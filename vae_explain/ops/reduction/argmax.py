"""Where numbers stand by their size: `argmax`, `argmin`, `argsort`.

Whole numbers come out, counted from 0, and nothing goes back: a small change of what is
compared leaves the places as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...symbolic.expression import ZERO, Apply, Expression, Index, Number, Opaque
from ...trace import Array
from ..layout.sort import order
from ..rule import Bound, Call, Options, Partial, Rule, unusual
from .sum_mean import sources


def bind(input: Any, dim: int | None = None, keepdim: bool = False, **kwargs: Any) -> Bound:
    """Bind `argmin()` and `argmin(dim)`, which may be called `axis`."""
    return (input,), {"dim": kwargs.pop("axis", dim), "keepdim": keepdim, **kwargs}


def place(call: Call, index: Index, name: str) -> Expression:
    """Write one place as that of the extreme among the numbers that were compared."""
    x = call.operands[0]
    return Apply(name, tuple(x.at(at) for at in sources(call, index)))


def along(call: Call) -> Options:
    """Return the axis and whether it stays, as far as a formula has to mention them."""
    dim, keepdim = call.attributes["dim"], call.attributes["keepdim"]
    if dim is None:
        return ()
    axis = (("dim", dim % max(len(call.operands[0].shape), 1)),)
    return (*axis, ("keepdim", True)) if keepdim else axis


def position(name: str, words: str) -> Rule:
    """Make one of the two rules."""
    pick: Callable[..., Any] = np.argmax if name == "argmax" else np.argmin

    def forward(x: Array, dim: int | None, keepdim: bool) -> Array:
        # Of several equal ones it is the first, and a NaN is found first of all, as in PyTorch.
        return np.asarray(pick(x, axis=dim, keepdims=keepdim) if np.ndim(x) else 0)

    def formula(call: Call) -> Expression:
        attributes = call.attributes
        whole = call.operands[0].whole()
        return Opaque(name, (whole,), along(call), lambda x: forward(x, **attributes))

    return Rule(
        name=name,
        bind=bind,
        forward=forward,
        vjp=lambda g, y, x, dim, keepdim: (None,),
        element=lambda call, index: place(call, index, name),
        partials=no_partials,
        formula=formula,
        gradient=lambda call, position, upstream: ZERO,
        words=words,
        torch=f"torch.{name}",
        broadcasts=True,
    )


def no_partials(call: Call, position: int, index: Index) -> list[Partial]:
    return []


ARGMAX = position("argmax", "the place of the largest, counted from 0")
ARGMIN = position("argmin", "the place of the smallest, counted from 0")

# --- of all in a row --------------------------------------------------------------------


def bind_argsort(
    input: Any, dim: int = -1, descending: bool = False, stable: bool | None = None
) -> Bound:
    return (input,), {"dim": dim, "descending": bool(descending)}


def stood_at(call: Call, index: Index) -> list[tuple[int, Index]]:
    """Return the number whose place it is, which has it by its size."""
    if not index:
        return [(0, ())]
    dim = call.attributes["dim"] % len(index)
    return [(0, (*index[:dim], int(call.output.array[index]), *index[dim + 1 :]))]


def argsort_formula(call: Call) -> Expression:
    attributes = call.attributes
    options = unusual(attributes, {"dim": -1, "descending": False})
    return Opaque("argsort", (call.operands[0].whole(),), options, lambda x: order(x, **attributes))


ARGSORT = Rule(
    name="argsort",
    bind=bind_argsort,
    forward=order,
    vjp=lambda g, y, x, dim, descending: (None,),
    element=lambda call, index: Number(float(call.output.array[index])),
    partials=no_partials,
    formula=argsort_formula,
    gradient=lambda call, position, upstream: ZERO,
    words="the places of the numbers in order, counted from 0",
    torch="torch.argsort",
    broadcasts=True,
    chosen_by=stood_at,
)
