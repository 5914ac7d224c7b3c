"""`adaptive_max_pool1d`, `2d` and `3d`: the largest of each window, as many as are asked for.

The windows are those of the adaptive means. Of equals the first is chosen, and a NaN beats
every number, as in PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from ...symbolic.expression import ONE, Apply, Expression, Index
from ...trace import Array
from ..rule import Bound, Call, NotExplained, Partial, Rule
from .adaptive_avg_pool import Sizes, Spans, bind_sizes, reached, spans
from .windows import call_options


def _bind(axes: int) -> Callable[..., Bound]:
    sizes = bind_sizes(axes)

    def bind(input: Any, output_size: Any, return_indices: bool = False) -> Bound:
        if return_indices:
            raise NotExplained("return_indices=True")
        return sizes(input, output_size)

    return bind


def chosen(x: Array, found: Spans) -> Array:
    """Return for each window the place of its largest, counted through all sliding axes."""
    lead, grid = x.shape[: -len(found)], x.shape[-len(found) :]
    flat = x.reshape(*lead, -1)
    places = np.arange(flat.shape[-1]).reshape(grid)
    choices = []
    for window in product(*found):
        covered = places[tuple(slice(*span) for span in window)].ravel()
        met = np.real(flat[..., covered])
        undefined = np.isnan(met)
        last = met.shape[-1] - 1 - undefined[..., ::-1].argmax(axis=-1)
        best = np.where(undefined.any(axis=-1), last, met.argmax(axis=-1))
        choices.append(covered[best])
    return np.stack(choices, axis=-1)


def forward(x: Array, output_size: Sizes) -> Array:
    found = spans(x.shape, output_size)
    lead = x.shape[: -len(found)]
    largest = np.take_along_axis(x.reshape(*lead, -1), chosen(x, found), -1)
    return largest.reshape(*lead, *map(len, found))


def vjp(upstream: Array, output: Array, x: Array, output_size: Sizes) -> tuple[Array]:
    found = spans(x.shape, output_size)
    lead = x.shape[: -len(found)]
    choices = chosen(x, found)
    arriving = upstream.reshape(choices.shape)
    back = np.zeros((*lead, int(np.prod(x.shape[len(lead) :]))), upstream.dtype)
    for window in range(choices.shape[-1]):  # several windows may have chosen one place
        at = choices[..., window : window + 1]
        met = np.take_along_axis(back, at, -1) + arriving[..., window : window + 1]
        np.put_along_axis(back, at, met, -1)
    return (back.reshape(x.shape),)


def _covered(found: Spans, at: Index) -> list[Index]:
    return list(product(*(range(*axis[i]) for axis, i in zip(found, at, strict=True))))


def element(call: Call, index: Index) -> Expression:
    (x,) = call.operands
    found = spans(x.shape, **call.attributes)
    lead, at = index[: -len(found)], index[-len(found) :]
    candidates = tuple(x.at((*lead, *place)) for place in _covered(found, at))
    return Apply("max", candidates) if len(candidates) > 1 else candidates[0]


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    """Name the windows that an element is the largest of; no other depends on it."""
    (x,) = call.operands
    found = spans(x.shape, **call.attributes)
    lead, place = index[: -len(found)], index[-len(found) :]
    outputs = tuple(map(len, found))
    choices = chosen(x.array[lead], found).reshape(outputs)
    own = np.ravel_multi_index(place, x.shape[len(lead) :])
    return [((*lead, *out), ONE) for out in reached(found, place) if choices[out] == own]


def _pooling(name: str, axes: int) -> Rule:
    bind = _bind(axes)
    return Rule(
        name=name,
        bind=bind,
        forward=forward,
        vjp=vjp,
        element=element,
        partials=partials,
        options=call_options,
        words="the largest of each of so many windows; where several are, the first",
        functional=True,
    )


ADAPTIVE_MAX_POOL1D = _pooling("adaptive_max_pool1d", 1)
ADAPTIVE_MAX_POOL2D = _pooling("adaptive_max_pool2d", 2)
ADAPTIVE_MAX_POOL3D = _pooling("adaptive_max_pool3d", 3)
