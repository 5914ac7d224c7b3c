"""The loss taken apart as far as it is a sum: what it adds up, and what each enters with.

A sum or mean of a sum is a sum too, and so is one times a constant. So the loss is followed
back through sums, means, constants and changes of shape to what is none of these, however
it was written: in one line or in ten, one number a term or one a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from ....engine.graph import BoundOperation
from ....ops.broadcasting import normalized_axes
from ....quick_classes import NamedTuple
from ....trace import Array
from .lineage import BY_CLASS, Lineage, is_elementwise
from .linearity import weighted_sum


class Summand(NamedTuple):
    """One summand: the sum of a value's elements, times a factor.

    Attributes
    ----------
    value
        The number of the value.
    factor
        What the sum of its elements enters the loss with.
    weight
        What one element enters with: other than `factor` where the value is a loss that
        averages its elements itself.
    elements
        How many elements there are.
    averaged
        The sizes of the axes that were averaged over.
    constants
        The plain factors on the way, except 1 and -1.
    switched_off
        Whether one of the factors was 0, which `factor` leaves out.
    detached
        Whether one of the factors is taken from what is learned, without its gradient.
    path
        The values from the loss down to it.
    """

    value: int
    factor: float
    weight: float
    elements: int
    averaged: tuple[int, ...]
    constants: tuple[float, ...]
    switched_off: bool
    detached: bool
    path: tuple[int, ...]


class _Way(NamedTuple):
    factor: float = 1.0
    averaged: tuple[int, ...] = ()
    constants: tuple[float, ...] = ()
    off: bool = False
    detached: bool = False
    path: tuple[int, ...] = ()


def summands(lineage: Lineage) -> tuple[Summand, ...]:
    """Return what a run's loss adds up; what nothing is learned from is left out."""
    return tuple(_split(lineage, lineage.trace.output, _Way()))


def within(lineage: Lineage, value_id: int, around: Summand) -> tuple[Summand, ...]:
    """Return what a value inside of a summand adds up, as if nothing stood around it."""
    way = _Way(
        around.factor, around.averaged, around.constants, around.switched_off, around.detached,
        around.path,
    )  # fmt: skip
    return tuple(_split(lineage, value_id, way))


def _split(lineage: Lineage, value_id: int, way: _Way) -> list[Summand]:
    if not lineage.learned(value_id):
        return []
    way = way._replace(path=(*way.path, value_id))
    bound = lineage.graph.producer(value_id)
    parts = None if bound is None else _parts(lineage, bound, way)
    if parts is None:
        return [_leaf(lineage, value_id, way)]
    return [leaf for operand, on in parts for leaf in _split(lineage, operand, on)]


def _parts(lineage: Lineage, bound: BoundOperation, way: _Way) -> list[tuple[int, _Way]] | None:
    """Return what an operation adds up, and the way to each; None when it is no sum."""
    if is_elementwise(bound):
        return _weighted(lineage, bound, way)
    name, sources = bound.rule_name, bound.sources
    if name in ("stack", "cat"):
        return [(source, way) for source in sources.values()]
    if 0 not in sources:
        return None
    first = sources[0]
    if name == "sum" or (lineage.copied(bound) == "once" and name != "detach"):
        return [(first, way)]
    if name == "mean":
        shape = lineage.values[first].shape
        axes = normalized_axes(bound.attributes["dim"], len(shape))
        sizes = tuple(shape[axis] for axis in axes)
        averaged = (*way.averaged, *sizes)
        return [(first, way._replace(factor=way.factor / max(prod(sizes), 1), averaged=averaged))]
    return None


def _weighted(lineage: Lineage, bound: BoundOperation, way: _Way) -> list[tuple[int, _Way]] | None:
    """Take an elementwise operation apart where it gives each operand one plain weight.

    What nothing is learned from may be added, but only a constant may be a weight, or one number
    that is detached: of what it stands beside it is the weight in this run.
    """
    sources = bound.sources
    learned = {at: source for at, source in sources.items() if lineage.learned(source)}
    detached = {
        at
        for at, source in learned.items()
        if lineage.values[source].size == 1 and source not in lineage.trace.gradients
    }
    parts = _parts_with(lineage, bound, way, learned)
    if parts is None and detached and len(detached) < len(learned):
        moving = {at: source for at, source in learned.items() if at not in detached}
        return _parts_with(lineage, bound, way._replace(detached=True), moving)
    return parts


def _parts_with(
    lineage: Lineage, bound: BoundOperation, way: _Way, learned: Mapping[int, int]
) -> list[tuple[int, _Way]] | None:
    sources = bound.sources

    def weights(stand_in: float) -> list[float | None]:
        operands = [
            (
                lineage.values[sources[at]]
                if lineage.fixed(sources[at]) or lineage.learned(sources[at])
                else stand_in
            )
            if at in sources
            else float(operand)
            for at, operand in enumerate(bound.operands)
        ]
        total = weighted_sum(bound, operands, learned)
        return [None if total is None else uniform(total.weights[at]) for at in learned]

    size = lineage.values[bound.output].size
    parts = []
    for source, weight, other in zip(learned.values(), weights(0.0), weights(1.375), strict=True):
        if weight is None or weight != other:
            return None
        times = size / max(lineage.values[source].size, 1)  # as it was broadcast
        if weight == 0:
            on = way._replace(factor=way.factor * times, off=True)
        else:
            constants = way.constants if abs(weight) == 1 else (*way.constants, abs(weight))
            on = way._replace(factor=way.factor * times * weight, constants=constants)
        parts.append((source, on))
    return parts


def uniform(array: Array) -> float | None:
    """Return the number that all elements of an array are; None when they differ."""
    first = array.flat[0] if array.size else np.nan
    return float(first) if np.isfinite(first) and np.all(array == first) else None


def _leaf(lineage: Lineage, value_id: int, way: _Way) -> Summand:
    bound = lineage.graph.producer(value_id)
    elements, weight, averaged = lineage.values[value_id].size, way.factor, way.averaged
    reduction = bound.attributes.get("reduction") if bound else None
    if bound and bound.kind == "loss" and reduction in ("sum", "mean"):
        shapes = [lineage.values[i].shape for i in lineage.operands(bound)]
        shape = max(shapes, key=prod)
        if bound.rule_name in BY_CLASS:
            shape = (shape[0], *shape[2:]) if len(shape) > 1 else ()
        elements = max(prod(shape), 1)
        if reduction == "mean":
            weight, averaged = weight / elements, (*averaged, *shape)
    return Summand(
        value_id, way.factor, weight, elements, averaged, way.constants, way.off, way.detached,
        way.path,
    )  # fmt: skip
