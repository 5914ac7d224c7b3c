"""The loss taken apart as far as it is a sum: what it adds up, and what each enters with.

A sum or mean of a sum is a sum too, and so is one times a constant. So the loss is followed
back through sums, means, constants and changes of shape to what is none of these, however
it was written: in one line or in ten, one number a term or one a row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from ...engine.graph import BoundOperation
from ...ops.rule import normalized_axes
from .facts import LOSSES, MOVING, Facts, uniform


@dataclass(frozen=True)
class Summand:
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
        The plain factors on the way, but for 1 and -1.
    switched_off
        Whether one of the factors was 0, which `factor` leaves out.
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
    path: tuple[int, ...]


@dataclass(frozen=True)
class _Way:
    factor: float = 1.0
    averaged: tuple[int, ...] = ()
    constants: tuple[float, ...] = ()
    off: bool = False
    path: tuple[int, ...] = ()


def summands(facts: Facts) -> tuple[Summand, ...]:
    """Return what a run's loss adds up; what nothing is learned from is left out."""
    return tuple(_split(facts, facts.trace.output, _Way()))


def within(facts: Facts, number: int, around: Summand) -> tuple[Summand, ...]:
    """Return what a value inside of a summand adds up, as if nothing stood around it."""
    way = _Way(around.factor, around.averaged, around.constants, around.switched_off, around.path)
    return tuple(_split(facts, number, way))


def _split(facts: Facts, number: int, way: _Way) -> list[Summand]:
    if not facts.learned(number):
        return []
    way = replace(way, path=(*way.path, number))
    bound = facts.graph.producer(number)
    if bound is None or bound.rule is None:
        return [_leaf(facts, number, way)]
    parts = _parts(facts, bound, way)
    if parts is None:
        return [_leaf(facts, number, way)]
    return [leaf for operand, on in parts for leaf in _split(facts, operand, on)]


def _parts(facts: Facts, bound: BoundOperation, way: _Way) -> list[tuple[int, _Way]] | None:
    """Return what an operation adds up, and the way to each; None when it is no sum."""
    assert bound.rule is not None, "asked of an operation with a rule"
    name = bound.rule.name
    if name in ("add", "sub"):
        alpha = float(bound.attributes.get("alpha", 1.0))
        return _added(facts, bound, way, -alpha if name == "sub" else alpha)
    if name in ("mul", "div"):
        return _scaled(facts, bound, way, name == "div")
    first = int(bound.operands[0]) if bound.operands and bound.slots[0] else None
    if first is None:
        return None
    if name == "neg":
        return [(first, replace(way, factor=-way.factor))]
    if name == "sum" or (name in MOVING and name != "detach"):
        return [(first, way)]
    if name == "mean":
        shape = facts.values[first].shape
        axes = normalized_axes(bound.attributes["dim"], len(shape))
        sizes = tuple(shape[axis] for axis in axes)
        averaged = (*way.averaged, *sizes)
        return [(first, replace(way, factor=way.factor / max(prod(sizes), 1), averaged=averaged))]
    if name in ("stack", "cat"):
        return [(int(o), way) for o, slot in zip(bound.operands, bound.slots, strict=True) if slot]
    return None


def _added(
    facts: Facts, bound: BoundOperation, way: _Way, second: float
) -> list[tuple[int, _Way]] | None:
    size = facts.values[bound.output].size
    found = []
    for position, (operand, slot) in enumerate(zip(bound.operands, bound.slots, strict=True)):
        if slot and facts.learned(int(operand)):
            times = size / max(facts.values[int(operand)].size, 1)
            factor = way.factor * times * (second if position else 1.0)
            found.append((int(operand), replace(way, factor=factor)))
    return found


def _scaled(
    facts: Facts, bound: BoundOperation, way: _Way, divides: bool
) -> list[tuple[int, _Way]] | None:
    (left, right), (left_slot, right_slot) = bound.operands, bound.slots
    learned = [bool(slot) and facts.learned(int(o)) for o, slot in zip(
        bound.operands, bound.slots, strict=True)]  # fmt: skip
    if learned == [True, False]:
        operand, other, slot = int(left), right, right_slot
    elif learned == [False, True] and not divides:
        operand, other, slot = int(right), left, left_slot
    else:
        return None
    if slot and not facts.fixed(int(other)):
        return None
    constant = uniform(facts.values[int(other)]) if slot else float(other)
    if constant is None or (divides and constant == 0):
        return None
    times = facts.values[bound.output].size / max(facts.values[operand].size, 1)
    if constant == 0:
        return [(operand, replace(way, factor=way.factor * times, off=True))]
    factor = 1 / constant if divides else constant
    constants = way.constants if abs(factor) == 1 else (*way.constants, abs(factor))
    on = replace(way, factor=way.factor * times * factor, constants=constants)
    return [(operand, on)]


def _leaf(facts: Facts, number: int, way: _Way) -> Summand:
    bound = facts.graph.producer(number)
    elements, weight, averaged = facts.values[number].size, way.factor, way.averaged
    reduction = bound.attributes.get("reduction") if bound and bound.rule else None
    if bound and bound.rule and bound.rule.name in LOSSES and reduction in ("sum", "mean"):
        shapes = [facts.values[i].shape for i in facts.inputs(bound)]
        shape = max(shapes, key=prod)
        if bound.rule.name in ("cross_entropy", "nll_loss"):
            shape = (shape[0], *shape[2:]) if len(shape) > 1 else ()
        elements = max(prod(shape), 1)
        if reduction == "mean":
            weight, averaged = weight / elements, (*averaged, *shape)
    return Summand(number, way.factor, weight, elements, averaged, way.constants, way.off, way.path)
