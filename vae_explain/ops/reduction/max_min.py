"""The largest or smallest of many, `max`, `min`, `amax`, `amin`, and where: `argmax`, `argmin`.

With an axis, `max` gives the numbers and where they stand, as two outputs; with a second
tensor it is `maximum`. Of several equal numbers `max` along an axis passes its gradient to
the one that it found, and the others share it alike, both as PyTorch does. Through places, counted
from 0, nothing goes back: a small change of what is compared leaves them as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from ...symbolic.expression import ONE, Apply, Expression, Index, Number, Opaque
from ...trace import Array, Slot
from ..binding import Bound, Read, binder
from ..broadcasting import normalized_axes
from ..delegate import deferring, each_output
from ..elementwise.choices import MAXIMUM, MINIMUM
from ..rule import NOTHING_BACK, Call, Partial, Rule
from .axes import axis_options, reduction, sources, spread, spread_formula, target


def position(name: str, words: str) -> Rule:
    """Make one of the two rules."""
    pick: Callable[..., Any] = np.argmax if name == "argmax" else np.argmin

    def forward(x: Array, dim: int | None, keepdim: bool) -> Array:
        # Of several equal ones it is the first, and a NaN comes first of all, as in PyTorch.
        return np.asarray(pick(x, axis=dim, keepdims=keepdim) if np.ndim(x) else 0)

    def element(call: Call, index: Index) -> Expression:
        """Write one place as that of the extreme among the numbers that were compared."""
        x = call.operands[0]
        return Apply(name, tuple(x.at(at) for at in sources(call, index)))

    return Rule(
        name=name,
        bind=binder("input", dim=None, keepdim=False),
        forward=forward,
        element=element,
        options=partial(axis_options, keepdim=True),
        words=words,
        **NOTHING_BACK,
    )


ARGMAX = position("argmax", "the place of the largest, counted from 0")
ARGMIN = position("argmin", "the place of the smallest, counted from 0")

# --- the numbers ------------------------------------------------------------------------

_bind_one, _bind_two = binder("input", dim=None, keepdim=False), binder("input", "other")


def bind(*args: Any, **kwargs: Any) -> Bound:
    """Bind `max()`, `max(dim)` and `max(other)`."""
    of_two = "other" in kwargs or (len(args) > 1 and isinstance(args[1], Slot))
    return (_bind_two if of_two else _bind_one)(*args, **kwargs)


bind_along = binder("input", dim=Read(lambda dim: None if dim == () else dim, ()), keepdim=False)


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
        `pick(x, axis=dim, keepdims=True)`, where along one axis the first of them stand, for an
        op that passes its gradient to these alone.
    """

    def forward(x: Array, dim: Any, keepdim: bool) -> Array:
        return np.asarray(choose(x, axis=normalized_axes(dim, x.ndim), keepdims=keepdim))

    def weights(x: Array, y: Array, dim: Any, keepdim: bool) -> Array:
        if pick is None or dim is None:
            return shares(x, y, dim, keepdim)
        chosen = np.zeros_like(x)
        np.put_along_axis(chosen, pick(x, axis=dim, keepdims=True), 1, dim)
        return chosen

    def weights_of(call: Call) -> Array:
        x, y = call.operands[0].array, call.output.array
        return call.once("weights", lambda: weights(x, y, **call.attributes))

    def element(call: Call, index: Index) -> Expression:
        x = call.operands[0]
        best = call.output.array[index]
        return next(x.at(at) for at in sources(call, index) if x.array[at] == best)

    def partials(call: Call, position: int, index: Index) -> list[Partial]:
        return shared_partial(float(weights_of(call)[index]), target(call, index))

    def gradient(call: Call, position: int, upstream: Expression) -> Expression:
        chosen = weights_of(call)
        local = Opaque(f"{name}'", call.wholes, axis_options(call), lambda _: chosen)
        return spread_formula(call, upstream) * local

    return reduction(
        name=name,
        bind=bind_along,
        forward=forward,
        element=element,
        partials=partials,
        options=partial(axis_options, keepdim=True),
        gradient=gradient,
        words=words,
    )


def of_one_or_two(of_one: Rule, places: Rule, of_two: Rule) -> Rule:
    """Make the rule of an op that also says places, and with two tensors is another's."""
    along = each_output(of_one, places)

    def chosen(attributes: Mapping[str, Any]) -> tuple[Rule, dict[str, Any]]:
        return (along, dict(attributes)) if "dim" in attributes else (of_two, {})

    return deferring((along, of_two), chosen, bind=bind)


MAX = of_one_or_two(extreme("max", np.max, "the largest", np.argmax), ARGMAX, MAXIMUM)
MIN = of_one_or_two(extreme("min", np.min, "the smallest", np.argmin), ARGMIN, MINIMUM)
AMAX = extreme("amax", np.max, "the largest")
AMIN = extreme("amin", np.min, "the smallest")
