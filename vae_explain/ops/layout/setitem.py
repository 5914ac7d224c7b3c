"""Numbers written into a part of a tensor: `h[:, 0] = z`.

To the record that is a new tensor: what stood there before, but for the part that the key
takes, which holds the new numbers.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from ...symbolic.expression import ONE, Expression, Index, Opaque
from ...symbolic.shapes import shaped
from ...trace import Array
from ..binding import Bound, NotExplained
from ..broadcasting import broadcast_targets, unbroadcast
from ..copying import copying, unraveled
from ..rule import Call, Partial
from .select import Key, OperandIndex, bind_getitem, getitem_key, taken, written

VALUE = 1


def bind_setitem(input: Any, key: Any, value: Any, accumulate: bool = False) -> Bound:
    """Bind `h[key] = value`, and `index_put` with its indices as the key."""
    if accumulate:
        raise NotExplained("numbers that are added to what stood there")
    (_, *tensors), attributes = bind_getitem(input, key)
    moved = tuple(
        OperandIndex(part + 1) if isinstance(part, OperandIndex) else part
        for part in attributes["key"]
    )
    return (input, value, *tensors), {"key": moved}


def fitted(value: Array, shape: tuple[int, ...]) -> Array:
    """Return the new numbers in the shape of their part, leading axes of one dropped."""
    array = np.asarray(value)
    extra = max(0, array.ndim - len(shape))
    return np.broadcast_to(array.reshape(array.shape[extra:]), shape)


def forward(x: Array, value: Array, *tensors: Array, key: Key) -> Array:
    where = getitem_key(x, value, *tensors, key=key)
    result = np.array(x)
    result[where] = fitted(value, result[where].shape)
    return result


def _to_value(upstream: Array, where: Key, shape: tuple[int, ...]) -> Array:
    part = np.asarray(upstream[where])
    extra = max(0, len(shape) - part.ndim)
    return unbroadcast(part, shape[extra:]).reshape(shape)


def _key(call: Call) -> Key:
    return getitem_key(*call.arrays, key=call.attributes["key"])


def _part(call: Call) -> Array:
    """Return the positions that the key takes."""
    shape = call.output.shape
    return np.asarray(np.arange(prod(shape)).reshape(shape)[_key(call)])


def _dropped(call: Call) -> int:
    """Return how many leading axes of one the new numbers have before those of their part."""
    return max(0, len(call.operands[VALUE].shape) - _part(call).ndim)


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    if position != VALUE:
        return _PUT.partials(call, position, index)
    # As PyTorch has it, also of what was written over later by the same call.
    part, shape, extra = _part(call), call.operands[VALUE].shape, _dropped(call)
    targets = broadcast_targets(index[extra:], shape[extra:], part.shape)
    return [(unraveled(int(part[target]), call.output.shape), ONE) for target in targets]


def formula(call: Call) -> Expression:
    key = call.attributes["key"]
    options = (("at", written(_key(call))),)
    wholes = tuple(operand.whole() for operand in call.operands[: VALUE + 1])
    tensors = call.arrays[VALUE + 1 :]
    return Opaque("put", wholes, options, lambda x, v: forward(x, v, *tensors, key=key))


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    where, shape = _key(call), call.output.shape
    options = (("at", written(where)),)

    def zeroed(g: Any) -> Array:
        rest = np.array(np.broadcast_to(g, shape))
        rest[where] = 0
        return rest

    if position == 0:
        return Opaque("put_zero", (upstream,), options, zeroed)
    own, part, extra = call.operands[VALUE].shape, _part(call).shape, _dropped(call)
    core = own[extra:]
    arriving = taken(upstream, where)
    if core != part:  # one number was written to several places
        summed = (*options, ("shape", core))
        arriving = Opaque("sum_to", (upstream,), summed, lambda g: _to_value(g, where, core))
    return shaped(arriving, core, own)


_PUT = copying(
    "index_put",
    bind=bind_setitem,
    forward=forward,
    copied=slice(VALUE + 1),
    formula=formula,
    gradient=gradient,
    words="the same numbers but for a part that is written over",
    # Which is what PyTorch does where the key is made of tensors, and out of place.
)
INDEX_PUT = replace(_PUT, partials=partials)
