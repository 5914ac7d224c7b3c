"""The largest or smallest of many: `max`, `min`, `amax`, `amin`.

With an axis, `max` gives the numbers and where they stand, as two outputs; with a second
tensor it is `maximum`. Of several equal numbers `max` along an axis passes its gradient to
the one that it found, and the others share it alike, both as PyTorch does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...symbolic.expression import ONE, Expression, Index, Number, Opaque
from ...trace import Array, Slot
from ..elementwise.where import MAXIMUM, MINIMUM
from ..rule import (
    Bound,
    Call,
    NotExplained,
    Options,
    Partial,
    Rule,
    normalized_axes,
)
from .argmax import place
from .sum_mean import reduced, sources, spread, spread_formula, target

POSITIONS = 1  # the second output: where the numbers stand


def bind(input: Any, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Bound:
    """Bind `max()`, `max(dim)` and `max(other)`."""
    other = kwargs.pop("other", dim if isinstance(dim, Slot) else None)
    axis = kwargs.pop("axis", None if isinstance(dim, Slot) else dim)
    if kwargs:
        raise NotExplained(" and ".join(kwargs))
    if other is not None:
        return (input, other), {"dim": None, "keepdim": False}
    return (input,), {"dim": axis, "keepdim": keepdim}


def bind_along(input: Any, dim: Any = (), keepdim: bool = False, *, axis: Any = None) -> Bound:
    chosen = dim if axis is None else axis
    axes = None if chosen in ((), []) else chosen
    return (input,), {"dim": axes, "keepdim": keepdim}


def found_at(x: Array, pick: Callable[..., Any], dim: int, keepdim: bool) -> Array:
    """Return where along an axis the first of the wanted numbers stands."""
    positions = np.asarray(pick(x, axis=dim))
    return np.expand_dims(positions, dim) if keepdim else positions


def shares(x: Array, y: Array, dim: Any, keepdim: bool) -> Array:
    """Return how much of an output's gradient each number gets: equal ones alike."""
    axes = normalized_axes(dim, x.ndim)
    same = (x == spread(np.asarray(y), x.shape, dim, keepdim)).astype(x.dtype)
    return np.asarray(same / same.sum(axis=axes, keepdims=True))


def extreme(name: str, top: bool, along: bool) -> Rule:
    """Make one of the four rules.

    Parameters
    ----------
    top
        Whether the largest is wanted, or the smallest.
    along
        Whether it is `amax` or `amin`, which take several axes and give no positions.
    """
    choose, pick = (np.max, np.argmax) if top else (np.min, np.argmin)
    of_two = MAXIMUM if top else MINIMUM

    def forward(x: Array, *other: Array, dim: Any, keepdim: bool, output: int = 0) -> Array:
        if other:
            return of_two.forward(x, *other)
        if output == POSITIONS:
            return found_at(x, pick, dim, keepdim)
        axes = normalized_axes(dim, x.ndim)
        return np.asarray(choose(x, axis=axes, keepdims=keepdim))

    def weights(x: Array, y: Array, dim: Any, keepdim: bool) -> Array:
        if along or dim is None:
            return shares(x, y, dim, keepdim)
        chosen = np.zeros_like(x)
        np.put_along_axis(chosen, found_at(x, pick, dim, True), 1, dim)
        return chosen

    def vjp(
        g: Array, y: Array, x: Array, *other: Array, dim: Any, keepdim: bool, output: int = 0
    ) -> tuple[Array | None, ...]:
        if other:
            return of_two.vjp(g, y, x, *other)
        arriving = spread(np.asarray(g), x.shape, dim, keepdim)
        return (arriving * weights(x, y, dim, keepdim),)

    def plain(call: Call) -> Call:
        return replace(call, attributes={})

    def element(call: Call, index: Index) -> Expression:
        if len(call.operands) == 2:
            return of_two.element(plain(call), index)
        if call.attributes.get("output") == POSITIONS:
            return place(call, index, f"arg{name}")
        x = call.operands[0]
        best = call.output.array[index]
        return next(x.at(at) for at in sources(call, index) if x.array[at] == best)

    def partials(call: Call, position: int, index: Index) -> list[Partial]:
        if len(call.operands) == 2:
            return of_two.partials(plain(call), position, index)
        if call.attributes.get("output") == POSITIONS:
            return []
        weight = float(weights_of(call)[index])
        if not weight:
            return []
        return [(target(call, index), ONE if weight == 1 else Number(weight))]

    def weights_of(call: Call) -> Array:
        dim, keepdim = call.attributes["dim"], call.attributes["keepdim"]
        return weights(call.operands[0].array, call.output.array, dim, keepdim)

    def told(call: Call) -> Options:
        axes = reduced(call)
        if call.attributes["dim"] is None:
            return ()
        return (("dim", axes[0] if len(axes) == 1 else axes),)

    def formula(call: Call) -> Expression:
        if len(call.operands) == 2:
            return of_two.formula(plain(call))
        attributes, written = call.attributes, told(call)
        if attributes["keepdim"] and written:
            written = (*written, ("keepdim", True))
        word = f"arg{name}" if attributes.get("output") == POSITIONS else name
        whole = call.operands[0].whole()
        return Opaque(word, (whole,), written, lambda x: forward(x, **attributes))

    def gradient(call: Call, position: int, upstream: Expression) -> Expression:
        if len(call.operands) == 2:
            return of_two.gradient(plain(call), position, upstream)
        chosen = weights_of(call)
        local = Opaque(f"{name}'", (call.operands[0].whole(),), told(call), lambda _: chosen)
        return spread_formula(call, upstream) * local

    return Rule(
        name=name,
        bind=bind_along if along else bind,
        forward=forward,
        vjp=vjp,
        element=element,
        partials=partials,
        formula=formula,
        gradient=gradient,
        kind="reduction",
        words="the largest" if top else "the smallest",
        torch=f"torch.{name}",
        several=not along,
        broadcasts=True,
    )


MAX = extreme("max", top=True, along=False)
MIN = extreme("min", top=False, along=False)
AMAX = extreme("amax", top=True, along=True)
AMIN = extreme("amin", top=False, along=True)
