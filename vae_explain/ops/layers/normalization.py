"""What layer, batch and instance norm have in common: mean 0 and variance 1, then an own scale.

They differ only in what a mean is taken over: a sample's features, a feature's samples, or
the places of one channel of a sample.
One element is told with the mean and the variance as numbers of their own, `mean(h[0,:])`,
which say themselves how they are made, and not with sums over everything they are taken
from. A batch norm that is not training takes the means and variances that it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...symbolic.build import root
from ...symbolic.expression import (
    ONE,
    Add,
    Div,
    Expression,
    Index,
    Number,
    Opaque,
    Reshape,
)
from ...trace import Array
from ..reduction.parts import mean_of, variance_of
from ..rule import Bound, Call, NotExplained, Partial, Rule, indices, sum_to


class Norm(NamedTuple):
    """The axes that a mean is taken over, and those that weight and bias have."""

    over: tuple[int, ...]
    spanned: tuple[int, ...]

    def kept(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the means, for broadcasting."""
        return tuple(1 if axis in self.over else size for axis, size in enumerate(shape))

    def beside(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of weight and bias, for broadcasting."""
        return tuple(size if axis in self.spanned else 1 for axis, size in enumerate(shape))

    def count(self, shape: tuple[int, ...]) -> int:
        return int(np.prod([shape[axis] for axis in self.over]))

    def members(self, index: Index, shape: tuple[int, ...]) -> list[Index]:
        """The indices that share an element's mean."""
        return _varied(index, shape, self.over)

    def users(self, index: Index, shape: tuple[int, ...]) -> list[Index]:
        """The indices that an element of weight or bias goes to."""
        full = [0] * len(shape)
        for axis, at in zip(self.spanned, index, strict=True):
            full[axis] = at
        free = tuple(axis for axis in range(len(shape)) if axis not in self.spanned)
        return _varied(tuple(full), shape, free)


def _varied(index: Index, shape: tuple[int, ...], axes: tuple[int, ...]) -> list[Index]:
    found = []
    for inner in indices(shape[axis] for axis in axes):
        full = list(index)
        for axis, at in zip(axes, inner, strict=True):
            full[axis] = at
        found.append(tuple(full))
    return found


def norm_of(rank: int, attributes: Any) -> Norm:
    if "features" in attributes:  # a layer norm says over how many of the last axes
        last = tuple(range(rank - attributes["features"], rank))
        return Norm(last, last)
    first = 2 if attributes.get("by_sample") else 0
    return Norm(tuple(axis for axis in range(first, rank) if axis != 1), (1,))


def is_given(attributes: Any) -> bool:
    """Whether mean and variance are operands, as in a batch norm that is not training."""
    return not attributes.get("training", True)


# --- by numbers -------------------------------------------------------------------------


def _parts(x: Array, after: tuple[Array, ...], attributes: Any) -> tuple[Array, Array]:
    """Return x with its mean and scale taken out, and that scale."""
    norm = norm_of(x.ndim, attributes)
    if is_given(attributes):
        mean, variance = (array.reshape(norm.beside(x.shape)) for array in after[:2])
        deviation = np.sqrt(variance + attributes["eps"])
        return (x - mean) / deviation, deviation
    apart = x - x.mean(axis=norm.over, keepdims=True)
    deviation = np.sqrt((apart * apart).mean(axis=norm.over, keepdims=True) + attributes["eps"])
    return apart / deviation, deviation


def _affine(after: tuple[Any, ...], attributes: Any) -> tuple[Any, ...]:
    return after[2:] if is_given(attributes) else after


def forward(x: Array, *after: Array, **attributes: Any) -> Array:
    found, _ = _parts(x, after, attributes)
    shape = norm_of(x.ndim, attributes).beside(x.shape)
    for move, array in zip((np.multiply, np.add), _affine(after, attributes), strict=False):
        found = move(found, array.reshape(shape))
    return found


def vjp(
    upstream: Array, output: Array, x: Array, *after: Array, **attributes: Any
) -> tuple[Array | None, ...]:
    normalized, deviation = _parts(x, after, attributes)
    norm = norm_of(x.ndim, attributes)
    affine = _affine(after, attributes)
    arriving = upstream
    if affine:
        arriving = upstream * affine[0].reshape(norm.beside(x.shape))
    if is_given(attributes):
        to_x = arriving / deviation
    else:
        # What moves all numbers alike, or stretches them, is taken out again by the norm.
        shift = arriving.mean(axis=norm.over, keepdims=True)
        stretch = (arriving * normalized).mean(axis=norm.over, keepdims=True)
        to_x = (arriving - shift - normalized * stretch) / deviation
    free = tuple(axis for axis in range(x.ndim) if axis not in norm.spanned)
    to_affine = [(upstream * normalized).sum(axis=free), upstream.sum(axis=free)]
    given = (None, None) if is_given(attributes) else ()
    return (to_x, *given, *to_affine[: len(affine)])


# --- one element ------------------------------------------------------------------------


class _Told(NamedTuple):
    """What an element is told with: its group's mean, and its variance plus eps."""

    mean: Expression
    spread: Expression

    @property
    def deviation(self) -> Expression:
        return root(self.spread)

    def normalized(self, number: Expression) -> Expression:
        return (number - self.mean) / self.deviation


def _told(call: Call, index: Index) -> _Told:
    x, *after = call.operands
    norm = norm_of(len(x.shape), call.attributes)
    eps = Number(call.attributes["eps"])
    if is_given(call.attributes):
        at = tuple(index[axis] for axis in norm.spanned)
        return _Told(after[0].at(at), after[1].at(at) + eps)
    where = tuple(slice(None) if axis in norm.over else at for axis, at in enumerate(index))
    numbers = x.array[where]

    def members() -> list[Index]:
        return norm.members(index, x.shape)

    mean = mean_of(x, numbers, members, where)
    return _Told(mean, variance_of(x, numbers, members, where, mean) + eps)


def element(call: Call, index: Index) -> Expression:
    x, *after = call.operands
    norm = norm_of(len(x.shape), call.attributes)
    found = _told(call, index).normalized(x.at(index))
    at = tuple(index[axis] for axis in norm.spanned)
    affine = _affine(tuple(after), call.attributes)
    if affine:
        found = affine[0].at(at) * found
    return found + affine[1].at(at) if len(affine) > 1 else found


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    x, *after = call.operands
    norm = norm_of(len(x.shape), call.attributes)
    affine = _affine(tuple(after), call.attributes)
    if position > 0:
        place = position - (len(after) - len(affine)) - 1
        if place < 0:
            return []  # the means and variances that were given
        outputs = norm.users(index, x.shape)
        if place == 1:
            return [(out, ONE) for out in outputs]
        tellings: dict[Index, _Told] = {}  # once for a group, which may be a whole channel
        normalized = []
        for out in outputs:
            group = tuple(0 if axis in norm.over else at for axis, at in enumerate(out))
            if group not in tellings:
                tellings[group] = _told(call, out)
            normalized.append((out, tellings[group].normalized(x.at(out))))
        return normalized
    told = _told(call, index)
    found: list[Partial] = []
    if is_given(call.attributes):
        found.append((index, ONE / told.deviation))
    else:
        count = norm.count(x.shape)
        scale = Number(float(count)) * told.deviation
        own = x.at(index) - told.mean
        for out in norm.members(index, x.shape):
            # By the element itself, by the mean, and by the variance: n·[own] - 1 - …, over n·σ.
            both = (x.at(out) - told.mean) * own
            direct = Number(float(count - 1 if out == index else -1))
            found.append((out, (direct - both / told.spread) / scale))
    if not affine:
        return found
    return [
        (out, affine[0].at(tuple(out[axis] for axis in norm.spanned)) * tie) for out, tie in found
    ]


# --- whole tensors ----------------------------------------------------------------------


def _beside(call: Call, norm: Norm, body: Expression, shape: tuple[int, ...]) -> Expression:
    """Shape a weight so that it goes with x; the last axes do so by themselves."""
    full = norm.beside(call.output.shape)
    own = full[len(full) - len(shape) :]
    return body if own == shape else Reshape(body, full)


def _average(norm: Norm, body: Expression, name: str = "mean") -> Expression:
    axes = norm.over[0] if len(norm.over) == 1 else norm.over

    def compute(array: Array) -> Array:
        average: Array = (np.mean if name == "mean" else np.var)(
            array, axis=norm.over, keepdims=True
        )
        return average

    return Opaque(name, (body,), (("dim", axes),), compute)


def _whole_told(call: Call, norm: Norm) -> _Told:
    x, *after = call.operands
    eps = Number(call.attributes["eps"])
    if is_given(call.attributes):
        mean, variance = (_beside(call, norm, o.whole(), o.shape) for o in after[:2])
        return _Told(mean, variance + eps)
    whole = x.whole()
    return _Told(_average(norm, whole), _average(norm, whole, "var") + eps)


def formula(call: Call) -> Expression:
    x, *after = call.operands
    norm = norm_of(len(x.shape), call.attributes)
    found = _whole_told(call, norm).normalized(x.whole())
    affine = _affine(tuple(after), call.attributes)
    placed = [_beside(call, norm, operand.whole(), operand.shape) for operand in affine]
    if placed:
        found = placed[0] * found
    return found + placed[1] if len(placed) > 1 else found


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    x, *after = call.operands
    norm = norm_of(len(x.shape), call.attributes)
    affine = _affine(tuple(after), call.attributes)
    told = _whole_told(call, norm)
    normalized = told.normalized(x.whole())
    if position > 0:
        operand = call.operands[position]
        body = upstream * normalized if operand is affine[0] else upstream
        full = norm.beside(x.shape)
        return _dropped(sum_to(body, x.shape, full), full, operand.shape)
    arriving = upstream
    if affine:
        arriving = upstream * _beside(call, norm, affine[0].whole(), affine[0].shape)
    if is_given(call.attributes):
        return arriving / told.deviation
    shift, stretch = _average(norm, arriving), _average(norm, arriving * normalized)
    return Div(Add((arriving, -shift, -(normalized * stretch))), told.deviation)


def _dropped(body: Expression, full: tuple[int, ...], shape: tuple[int, ...]) -> Expression:
    return body if full == shape else Reshape(body, shape)


# --- the rule ---------------------------------------------------------------------------


def with_affine(input: Any, given: tuple[Any, ...], weight: Any, bias: Any) -> tuple[Any, ...]:
    if weight is None and bias is not None:
        raise NotExplained("a bias without a weight")
    return tuple(operand for operand in (input, *given, weight, bias) if operand is not None)


def normalizing(name: str, bind: Callable[..., Bound], words: str) -> Rule:
    return Rule(
        name=name,
        bind=bind,
        forward=forward,
        vjp=vjp,
        element=element,
        partials=partials,
        formula=formula,
        gradient=gradient,
        kind="normalization",
        title=name.replace("_", " "),
        words=words,
        functional=True,
    )
