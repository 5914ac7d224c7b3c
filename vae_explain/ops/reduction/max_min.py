"""The largest or smallest of many: `max`, `min`, `amax`, `amin`.

With an axis, `max` gives the numbers and where they stand, as two outputs; with a second
tensor it is `maximum`. Of several equal numbers `max` along an axis passes its gradient to
the one that it found, and the others share it alike, both as PyTorch does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...symbolic.expression import ONE, Expression, Index, Number, Opaque
from ...trace import Array, Slot
from ..delegate import deferring
from ..elementwise.where import MAXIMUM, MINIMUM
from ..rule import Bound, Call, Partial, Rule, binder, normalized_axes
from .argmax import place
from .axes import axis_options, sources, spread, spread_formula, target

POSITIONS = 1  # the second output: where the numbers stand

_bind_one, _bind_two = binder("input", dim=None, keepdim=False), binder("input", "other")


def bind(*args: Any, **kwargs: Any) -> Bound:
    """Bind `max()`, `max(dim)` and `max(other)`."""
    of_two = "other" in kwargs or (len(args) > 1 and isinstance(args[1], Slot))
    return (_bind_two if of_two else _bind_one)(*args, **kwargs)


_bind_axes = binder("input", dim=(), keepdim=False)


def bind_along(*args: Any, **kwargs: Any) -> Bound:
    operands, attributes = _bind_axes(*args, **kwargs)
    return operands, {**attributes, "dim": attributes["dim"] if attributes["dim"] != () else None}


def found_at(x: Array, pick: Callable[..., Any], dim: int, keepdim: bool) -> Array:
    """Return where along an axis the first of the wanted numbers stands."""
    positions = np.asarray(pick(x, axis=dim))
    return np.expand_dims(positions, dim) if keepdim else positions


def shares(x: Array, y: Array, dim: Any, keepdim: bool, shared: bool = True) -> Array:
    """Return how much of an output's gradient each number gets: equal ones alike.

    Each of several gets a share, or, where they do not share, all of it.
    """
    same: Array = (x == spread(y, x.shape, dim, keepdim)).astype(x.dtype)
    if not shared:
        return same
    return np.asarray(same / same.sum(axis=normalized_axes(dim, x.ndim), keepdims=True))


def shared_partial(share: float, out: Index) -> list[Partial]:
    """Return what goes from one output to a number that has this share of it."""
    return [(out, ONE if share == 1 else Number(share))] if share else []


def extreme(
    name: str, choose: Callable[..., Any], words: str, pick: Callable[..., Any] | None = None
) -> Rule:
    """Make the rule of an op that takes one of many numbers, over some or all axes.

    Parameters
    ----------
    choose
        `choose(x, axis=axes, keepdims=keepdim)`, the numbers.
    pick
        For an op of two outputs, `pick(x, axis=dim)`, where the first of them stand.
    """

    def forward(x: Array, dim: Any, keepdim: bool, output: int = 0) -> Array:
        if output == POSITIONS and pick is not None:
            return found_at(x, pick, dim, keepdim)
        return np.asarray(choose(x, axis=normalized_axes(dim, x.ndim), keepdims=keepdim))

    def weights(x: Array, y: Array, dim: Any, keepdim: bool, output: int = 0) -> Array:
        if pick is None or dim is None:
            return shares(x, y, dim, keepdim)
        chosen = np.zeros_like(x)
        np.put_along_axis(chosen, found_at(x, pick, dim, True), 1, dim)
        return chosen

    def vjp(g: Array, y: Array, x: Array, dim: Any, keepdim: bool, output: int = 0) -> tuple[Array]:
        return (spread(g, x.shape, dim, keepdim) * weights(x, y, dim, keepdim),)

    def weights_of(call: Call) -> Array:
        return weights(call.operands[0].array, call.output.array, **call.attributes)

    def element(call: Call, index: Index) -> Expression:
        if call.attributes.get("output") == POSITIONS:
            return place(call, index, f"arg{name}")
        x = call.operands[0]
        best = call.output.array[index]
        return next(x.at(at) for at in sources(call, index) if x.array[at] == best)

    def partials(call: Call, position: int, index: Index) -> list[Partial]:
        if call.attributes.get("output") == POSITIONS:
            return []
        return shared_partial(float(weights_of(call)[index]), target(call, index))

    def formula(call: Call) -> Expression:
        attributes, options = call.attributes, axis_options(call, keepdim=True)
        word = f"arg{name}" if attributes.get("output") == POSITIONS else name
        return Opaque(word, call.wholes, options, lambda x: forward(x, **attributes))

    def gradient(call: Call, position: int, upstream: Expression) -> Expression:
        chosen = weights_of(call)
        local = Opaque(f"{name}'", call.wholes, axis_options(call), lambda _: chosen)
        return spread_formula(call, upstream) * local

    return Rule(
        name=name,
        bind=bind_along if pick is None else bind,
        forward=forward,
        vjp=vjp,
        element=element,
        partials=partials,
        formula=formula,
        gradient=gradient,
        kind="reduction",
        words=words,
        several=pick is not None,
        broadcasts=True,
    )


def or_of_two(of_one: Rule, of_two: Rule) -> Rule:
    """Make the rule of an op that is another's with two tensors."""

    def chosen(attributes: Mapping[str, Any]) -> tuple[Rule, dict[str, Any]]:
        return (of_one, dict(attributes)) if "dim" in attributes else (of_two, {})

    return deferring(of_one, chosen)


MAX = or_of_two(extreme("max", np.max, "the largest", np.argmax), MAXIMUM)
MIN = or_of_two(extreme("min", np.min, "the smallest", np.argmin), MINIMUM)
AMAX = extreme("amax", np.max, "the largest")
AMIN = extreme("amin", np.min, "the smallest")
