"""Numbers held between limits: `clamp`, `clamp_min`, `clamp_max`.

A limit is a plain number, which is an attribute, or a tensor, which is an operand behind the
input and has a gradient of its own; `tensors` then says which of the limits they are. An
element's line is the number that was chosen, so the page shows which one it was.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ...symbolic.expression import ONE, ZERO, Expression, Number, evaluate
from ...trace import Array, Slot
from ..rule import (
    Bound,
    NotExplained,
    Options,
    Rule,
    elementwise,
    unusual,
)


def bind_clamp(input: Any, min: Any = None, max: Any = None) -> Bound:
    given = {"min": min, "max": max}
    tensors = tuple(name for name, limit in given.items() if isinstance(limit, Slot))
    for limit in given.values():
        if limit is not None and not isinstance(limit, int | float | Slot):
            raise NotExplained("a limit that is neither a number nor a tensor")
    if not tensors:
        return (input,), given
    if any(limit is not None for name, limit in given.items() if name not in tensors):
        raise NotExplained("a limit that is a number beside one that is a tensor")
    return (input, *(given[name] for name in tensors)), {"tensors": tensors}


def _limits(
    given: tuple[Any, ...], min: float | None, max: float | None, tensors: tuple[str, ...]
) -> tuple[Any, Any]:
    """Return the lower and the upper limit, wherever they come from; None for one that is not."""
    named = {"min": min, "max": max, **dict(zip(tensors, given, strict=True))}
    return named["min"], named["max"]


def _inside(a: Any, low: Any, high: Any) -> Any:
    # Both edges belong to the inside: there PyTorch lets the gradient pass to the input.
    inside = a == a  # not where it is a NaN
    if low is not None:
        inside = inside & (a >= low)
    if high is not None:
        inside = inside & (a <= high)
    return inside


def _below(a: Any, low: Any, high: Any) -> Any:
    """Where the lower limit is what was chosen; of limits that have crossed it never is."""
    return a < low if high is None else (a < low) & (low < high)


def _above(a: Any, low: Any, high: Any) -> Any:
    return a > high if low is None else (a > high) | (high < low)


def clamp(
    a: Array,
    *given: Array,
    min: float | None = None,
    max: float | None = None,
    tensors: tuple[str, ...] = (),
) -> Array:
    low, high = _limits(given, min, max, tensors)
    held = np.asarray(a)
    if low is not None:
        low = np.asarray(low, None if tensors else held.dtype)
        held = np.where((held < low) | np.isnan(low), low, held)
    if high is not None:
        high = np.asarray(high, None if tensors else held.dtype)
        held = np.where((held > high) | np.isnan(high), high, held)
    return held


def clamp_vjp(
    g: Array,
    y: Array,
    a: Array,
    *given: Array,
    min: float | None = None,
    max: float | None = None,
    tensors: tuple[str, ...] = (),
) -> tuple[Array | None, ...]:
    low, high = _limits(given, min, max, tensors)
    chosen = {"min": _below, "max": _above}
    found: list[Array | None] = [np.where(_inside(a, low, high), g, np.zeros_like(g))]
    for name, limit in zip(tensors, given, strict=True):
        whole = not np.issubdtype(np.asarray(limit).dtype, np.inexact)  # has no gradient
        mask = chosen[name](a, low, high)
        found.append(None if whole else np.where(mask, g, np.zeros_like(g)))
    return tuple(found)


def _clamp_piece(
    a: Expression,
    *given: Expression,
    min: float | None = None,
    max: float | None = None,
    tensors: tuple[str, ...] = (),
) -> Expression:
    """Return the number that was chosen: the input's, or a limit."""
    low, high = _limits(given, min, max, tensors)
    chosen, found = a, evaluate(a)
    for limit, holds in ((low, operator.lt), (high, operator.gt)):
        if limit is None:
            continue
        piece = limit if isinstance(limit, Expression) else Number(float(limit))
        at = evaluate(piece)
        if holds(found, at) or np.isnan(at):
            chosen, found = piece, at
    return chosen


def _clamp_slope(position: int) -> Callable[..., Expression]:
    def slope(
        y: Expression,
        a: Expression,
        *given: Expression,
        min: float | None = None,
        max: float | None = None,
        tensors: tuple[str, ...] = (),
    ) -> Expression:
        numbers = tuple(evaluate(limit) for limit in given)
        limits = _limits(numbers, min, max, tensors)
        chosen = _inside
        if position:
            chosen = _below if tensors[position - 1] == "min" else _above
        return ONE if chosen(evaluate(a), *limits) else ZERO

    return slope


def _written(name: str) -> Callable[..., tuple[str, Options]]:
    def written(tensors: tuple[str, ...] = (), **numbers: Any) -> Any:
        # One tensor alone says by the op's name which limit it is.
        shown = f"clamp_{tensors[0]}" if len(tensors) == 1 else name
        return shown, unusual(numbers)

    return written


def clamping(name: str, bind: Callable[..., Bound], words: str) -> Rule:
    return elementwise(
        name,
        bind=bind,
        forward=clamp,
        vjp=clamp_vjp,
        expression=_clamp_piece,
        derivatives=tuple(map(_clamp_slope, range(3))),
        words=words,
        torch=f"torch.{name}",
        piecewise=True,
        written=_written(name),
    )


def _bind_min(input: Any, min: Any) -> Bound:
    operands, attributes = bind_clamp(input, min=min)
    attributes.pop("max", None)
    return operands, attributes


def _bind_max(input: Any, max: Any) -> Bound:
    operands, attributes = bind_clamp(input, max=max)
    attributes.pop("min", None)
    return operands, attributes


CLAMP = clamping("clamp", bind_clamp, "held between limits")
CLAMP_MIN = clamping("clamp_min", _bind_min, "held from below")
CLAMP_MAX = clamping("clamp_max", _bind_max, "held from above")
