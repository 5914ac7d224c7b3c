"""What batch, instance, layer, group and RMS norm share: they bring numbers to a common scale.

Each takes from its numbers their mean and divides by the root of their mean square, then
multiplies by a weight and adds a bias. They differ in which numbers share a mean: a sample's
features, a feature's samples, the places of one channel of a sample, or a group of its channels.

One element is written with the mean and the variance as numbers of their own, `mean(h[0,:])`,
which say themselves how they are made, and not with sums over everything they are taken
from. A batch norm that is not training takes the means and variances that it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import numpy as np

from ...quick_classes import NamedTuple, dataclass
from ...symbolic.build import TWO, root
from ...symbolic.expression import ONE, Add, Div, Expression, Index, Number, Opaque, Reshape
from ...symbolic.shapes import shaped
from ...trace import Array
from ..at_once import grid, is_many, shape_of_many, some_of
from ..binding import Bound
from ..broadcasting import each_of, sum_to
from ..reduction.parts import Where, mean_of, members, root_mean_square_of, variance_of
from ..rule import Call, Family, Operand, Rule, Ways


class Axes(NamedTuple):
    """The axes that a mean is taken over, and those that weight and bias have.

    Where the channels come in `groups`, the mean is over the last axis of `view`.
    """

    over: tuple[int, ...]
    spanned: tuple[int, ...]
    groups: int = 0

    def view(self, x: Array) -> Array:
        """Return a tensor with the axes that `over` speaks of."""
        return x.reshape(len(x), self.groups, -1) if self.groups else x

    def beside(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of weight and bias, for broadcasting."""
        return tuple(size if axis in self.spanned else 1 for axis, size in enumerate(shape))

    def free(self, rank: int) -> tuple[int, ...]:
        """Return the axes that weight and bias do not have."""
        return tuple(axis for axis in range(rank) if axis not in self.spanned)

    def part(self, index: Index, shape: tuple[int, ...]) -> Where:
        """Return the part of a tensor that shares an element's mean."""
        if self.groups:
            size = shape[1] // self.groups
            first = index[1] // size * size
            return index[0], slice(first, first + size)
        return tuple(slice(None) if axis in self.over else at for axis, at in enumerate(index))

    def users(self, index: Index, shape: tuple[int, ...]) -> Index:
        """Return the index of all that an element of weight or bias goes to."""
        own: dict[int, Any] = dict(zip(self.spanned, index, strict=True))
        outs = grid([own.get(axis, np.arange(size)) for axis, size in enumerate(shape)])
        # One of a weight with all of the axes goes to one element.
        return some_of(outs, slice(None)) if is_many(outs) else outs

    def sharing(self, outs: Index, shape: tuple[int, ...]) -> list[Index]:
        """Divide the indices of many, which have only arrays, into those that share a mean."""
        if not is_many(outs):
            return [outs]
        # In groups it is that of some channels of a sample, and these are all of one channel.
        apart = [0] if self.groups else [n for n in range(len(shape)) if n not in self.over]
        keys: Any = 0
        for axis in apart:
            keys = keys * shape[axis] + outs[axis]
        order = np.argsort(np.broadcast_to(keys, shape_of_many(outs)), kind="stable")
        ends = np.flatnonzero(np.diff(np.broadcast_to(keys, order.shape)[order])) + 1
        return [some_of(outs, places) for places in np.split(order, ends)]


def axes_of(rank: int, attributes: Any) -> Axes:
    if "features" in attributes:  # a layer norm says over how many of the last axes
        last = tuple(range(rank - attributes["features"], rank))
        return Axes(last, last)
    if "num_groups" in attributes:
        return Axes((2,), (1,), attributes["num_groups"])
    first = 2 if attributes.get("by_sample") else 0
    return Axes(tuple(axis for axis in range(first, rank) if axis != 1), (1,))


def is_given(attributes: Any) -> bool:
    """Whether mean and variance are operands, as in a batch norm that is not training."""
    return not attributes.get("training", True)


def affine_of(after: tuple[Any, ...], attributes: Any) -> tuple[Any, ...]:
    """Return weight and bias, as far as they are there, of what follows the first operand."""
    return after[2:] if is_given(attributes) else after


def eps_of(x: Array, attributes: Any) -> float:
    """Return eps; where none is given, the spacing of the numbers beside 1, as PyTorch does.

    Half precision takes that of float32, which PyTorch computes it in.
    """
    if (eps := attributes["eps"]) is not None:
        return float(eps)
    # As short as its precision writes it: 1.1920929e-07.
    return float(str(np.finfo(np.result_type(x, np.float32)).eps))


class _Scale(NamedTuple):
    """What brings an element, or a whole tensor, to scale; `square` is that of the divisor."""

    mean: Expression | None
    square: Expression
    divisor: Expression

    def apart(self, number: Expression) -> Expression:
        return number if self.mean is None else number - self.mean

    def normalized(self, number: Expression) -> Expression:
        return self.apart(number) / self.divisor


@dataclass(frozen=True)
class Normalization:
    """The functions of a rule; one that is not `centred` leaves the mean in."""

    centred: bool = True

    # --- by numbers ---

    def parts(self, x: Array, after: tuple[Array, ...], attributes: Any) -> tuple[Array, Array]:
        """Return x brought to scale, and the divisor, both in the shape of the view."""
        axes, eps = axes_of(x.ndim, attributes), eps_of(x, attributes)
        if is_given(attributes):
            mean, variance = (array.reshape(axes.beside(x.shape)) for array in after[:2])
            divisor = np.sqrt(variance + eps)
            return (x - mean) / divisor, divisor
        apart = axes.view(x)
        if self.centred:
            apart = apart - apart.mean(axis=axes.over, keepdims=True)
        # Not np.var, which would take the absolute value of a complex step.
        divisor = np.sqrt((apart * apart).mean(axis=axes.over, keepdims=True) + eps)
        return apart / divisor, divisor

    def forward(self, x: Array, *after: Array, **attributes: Any) -> Array:
        y = self.parts(x, after, attributes)[0].reshape(x.shape)
        shape = axes_of(x.ndim, attributes).beside(x.shape)
        for move, array in zip((np.multiply, np.add), affine_of(after, attributes), strict=False):
            y = move(y, array.reshape(shape))
        return y

    def vjp(
        self, upstream: Array, output: Array, x: Array, *after: Array, **attributes: Any
    ) -> tuple[Array | None, ...]:
        normalized, divisor = self.parts(x, after, attributes)
        axes, affine = axes_of(x.ndim, attributes), affine_of(after, attributes)
        arriving = upstream
        if affine:
            arriving = upstream * affine[0].reshape(axes.beside(x.shape))
        arriving = arriving.reshape(normalized.shape)
        if not is_given(attributes):
            # What moves all numbers alike, or stretches them, is taken out again by the norm.
            stretch = (arriving * normalized).mean(axis=axes.over, keepdims=True)
            if self.centred:
                arriving = arriving - arriving.mean(axis=axes.over, keepdims=True)
            arriving = arriving - normalized * stretch
        to_x = (arriving / divisor).reshape(x.shape)
        free = axes.free(x.ndim)
        to_affine = [
            (upstream * normalized.reshape(x.shape)).sum(axis=free),
            upstream.sum(axis=free),
        ]
        buffers = (None, None) if is_given(attributes) else ()
        return (to_x, *buffers, *to_affine[: len(affine)])

    # --- one element ---

    def scale_at(self, call: Call, index: Index) -> _Scale:
        """Write what an element is brought to scale by."""
        x, *after = call.operands
        axes, eps = axes_of(len(x.shape), call.attributes), eps_of(x.array, call.attributes)
        if is_given(call.attributes):
            at = tuple(index[axis] for axis in axes.spanned)
            return _by_variance(after[0].at(at), after[1].at(at), eps)
        part = axes.part(index, x.shape)
        if not self.centred:
            size = root_mean_square_of(x, part, eps)
            return _Scale(None, size**TWO, size)
        mean = mean_of(x, part)
        return _by_variance(mean, variance_of(x, part, mean), eps)

    def element(self, call: Call, index: Index) -> Expression:
        x, *after = call.operands
        scale, number = self.scale_at(call, index), x.at(index)
        at = tuple(index[axis] for axis in axes_of(len(x.shape), call.attributes).spanned)
        affine = [operand.at(at) for operand in affine_of(tuple(after), call.attributes)]
        if call.as_computed and scale.mean is not None:
            # PyTorch first makes a factor and a shift of each channel: x·f + (bias - mean·f).
            factor = _scaled_and_shifted(ONE / scale.divisor, affine[:1])
            return Add((number * factor, *affine[1:], -(scale.mean * factor)))
        return _scaled_and_shifted(scale.normalized(number), affine)

    def families(self, call: Call, position: int, index: Index) -> list[Family]:
        """Return the ways of a number to itself and to all that share its scale, in order."""
        x, *after = call.operands
        axes = axes_of(len(x.shape), call.attributes)
        affine = affine_of(tuple(after), call.attributes)
        if position > 0:
            place = position - len(call.operands) + len(affine)
            if place < 0:
                return []  # the means and variances that were given
            outs = axes.users(index, x.shape)
            if place > 0:
                return [Family.constant(outs, ONE)]
            return [self._of_weight(call, out) for out in axes.sharing(outs, x.shape)]
        scale = self.scale_at(call, index)
        if is_given(call.attributes):
            ways = [Family.constant(index, ONE / scale.divisor)]
        else:
            places, own = members(axes.part(index, x.shape), x.shape), scale.apart(x.at(index))
            size = prod(shape_of_many(places))
            same = np.logical_and.reduce(np.broadcast_arrays(*map(np.equal, places, index)))
            here = int(np.flatnonzero(same)[0])

            def slope(itself: bool, out: Index) -> Expression:
                return self.slope(scale, size, itself, scale.apart(x.at(out)) * own, axes)

            ways = [
                Family(some_of(places, slice(0, here)), partial(slope, False)),
                Family(index, partial(slope, True)),
                Family(some_of(places, slice(here + 1, size)), partial(slope, False)),
            ]

        def weighed(slope: Callable[[Index], Expression], out: Index) -> Expression:
            weight: Expression = affine[0].at(tuple(out[axis] for axis in axes.spanned))
            return weight * slope(out)

        there = [way for way in ways if prod(shape_of_many(way.out))]
        if not affine:
            return there
        return [way._replace(slope=partial(weighed, way.slope)) for way in there]

    def _of_weight(self, call: Call, outs: Index) -> Family:
        """Return the ways of a weight to those that share a scale."""
        x, first = call.operands[0], next(each_of(outs))
        scale = self.scale_at(call, first)  # once for all of them
        return Family(outs, lambda out: scale.normalized(x.at(out)))

    def slope(
        self, scale: _Scale, size: int, itself: bool, both: Expression, axes: Axes
    ) -> Expression:
        """Write how a normalized number moves with one that shares its scale.

        It does by the element itself, by the mean, and by the variance.
        """
        count = Number(float(size))
        if axes.groups:
            ways = [ONE] if itself else []
            return Add((*ways, -(ONE / count), -(both / (count * scale.square)))) / scale.divisor
        by_square = both / scale.square
        if not self.centred:
            return (count - by_square if itself else -by_square) / (count * scale.divisor)
        return (Number(float(size - 1 if itself else -1)) - by_square) / (count * scale.divisor)

    # --- whole tensors ---

    def average(self, axes: Axes, body: Expression, name: str = "mean") -> Expression:
        over = axes.over[0] if len(axes.over) == 1 else axes.over
        function: Callable[..., Array] = np.mean if name == "mean" else np.var
        compute = partial(function, axis=axes.over, keepdims=True)
        return Opaque(name, (body,), (("dim", over),), compute)

    def scale_of(self, call: Call, axes: Axes) -> _Scale:
        """Write what the whole tensor is brought to scale by."""
        x, *after = call.operands
        eps = eps_of(x.array, call.attributes)
        if is_given(call.attributes):
            mean, variance = (_beside(call, axes, operand) for operand in after[:2])
            return _by_variance(mean, variance, eps)
        whole = x.whole()
        if self.centred:
            return _by_variance(self.average(axes, whole), self.average(axes, whole, "var"), eps)
        return _by_variance(None, self.average(axes, whole**TWO), eps)

    def formula(self, call: Call) -> Expression:
        x, *after = call.operands
        axes = axes_of(len(x.shape), call.attributes)
        return _scaled_and_shifted(
            self.scale_of(call, axes).normalized(x.whole()),
            [_beside(call, axes, each) for each in affine_of(tuple(after), call.attributes)],
        )

    def gradient(self, call: Call, position: int, upstream: Expression) -> Expression:
        x, *after = call.operands
        axes = axes_of(len(x.shape), call.attributes)
        affine = affine_of(tuple(after), call.attributes)
        scale = self.scale_of(call, axes)
        normalized = scale.normalized(x.whole())
        if position > 0:
            operand = call.operands[position]
            body = upstream * normalized if operand is affine[0] else upstream
            full = axes.beside(x.shape) if self.centred else operand.shape
            return shaped(sum_to(body, x.shape, full), full, operand.shape)
        arriving = upstream
        if affine:
            arriving = upstream * _beside(call, axes, affine[0])
        if is_given(call.attributes):
            return arriving / scale.divisor
        stretch = self.average(axes, arriving * normalized)
        shift = [-self.average(axes, arriving)] if self.centred else []
        return Div(Add((arriving, *shift, -(normalized * stretch))), scale.divisor)

    def rule(self, name: str, bind: Callable[..., Bound], words: str, **fields: Any) -> Rule:
        derived = {"formula": self.formula, "gradient": self.gradient}
        return Rule(
            name=name,
            bind=bind,
            forward=self.forward,
            vjp=self.vjp,
            element=self.element,
            partials=Ways(self.families),
            kind="normalization",
            words=words,
            functional=True,
            **{"title": name.replace("_", " "), **derived, **fields},
        )


def _by_variance(mean: Expression | None, variance: Expression, eps: float) -> _Scale:
    square = variance + Number(eps)
    return _Scale(mean, square, root(square))


def _scaled_and_shifted(body: Expression, affine: list[Expression]) -> Expression:
    if affine:
        body = affine[0] * body
    return body + affine[1] if len(affine) > 1 else body


def _beside(call: Call, axes: Axes, operand: Operand) -> Expression:
    """Shape a weight so that it goes with x; the last axes do so by themselves."""
    full, shape = axes.beside(call.output.shape), operand.shape
    own = full[len(full) - len(shape) :]
    return operand.whole() if own == shape else Reshape(operand.whole(), full)
