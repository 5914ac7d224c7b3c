"""Losses taken element by element and then summed, averaged or left as they are.

A loss here is an elementwise rule with a reduction around it: `pointwise_loss` makes the
one into the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...symbolic.expression import (
    Add,
    Apply,
    Div,
    Expression,
    Index,
    Number,
    SumOver,
    evaluate,
)
from ...symbolic.shapes import expanded
from ...trace import Array
from ..delegate import deferring
from ..reduction.long_sums import total
from ..rule import Bound, Call, NotExplained, Partial, Rule, elementwise

HALF, ONE, TWO = Number(0.5), Number(1.0), Number(2.0)


@dataclass(frozen=True)
class _Each:
    """The loss of each element, before it is summed: an output that has no name of its own."""

    rule: Rule
    operands: tuple[Any, ...]
    attributes: Mapping[str, Any]

    @property
    def shape(self) -> tuple[int, ...]:
        return np.broadcast_shapes(*(operand.shape for operand in self.operands))

    @property
    def array(self) -> Array:
        arrays = (operand.array for operand in self.operands)
        return self.rule.forward(*arrays, **self.attributes)

    @property
    def call(self) -> Call:
        return Call(self.operands, self, self.attributes)

    def at(self, index: Index) -> Expression:
        return self.rule.element(self.call, index)

    def whole(self) -> Expression:
        return self.rule.formula(self.call)


def pointwise_loss(each: Rule, bind: Callable[..., Bound]) -> Rule:
    """Put the reduction around a rule for each element; `bind` adds the attribute `reduction`."""

    def taken_apart(call: Call) -> _Each:
        attributes = {k: v for k, v in call.attributes.items() if k != "reduction"}
        return _Each(each, call.operands, attributes)

    def divisor(shape: tuple[int, ...], reduction: str) -> int:
        if reduction == "batchmean":
            return shape[0] if shape else 1
        return int(np.prod(shape)) if reduction == "mean" else 1

    def forward(*arrays: Array, reduction: str, **attributes: Any) -> Array:
        losses = each.forward(*arrays, **attributes)
        if reduction == "none":
            return losses
        if reduction == "mean":
            return np.asarray(losses.mean())
        return np.asarray(losses.sum() / divisor(losses.shape, reduction))

    def vjp(
        upstream: Array, output: Array, *arrays: Array, reduction: str, **attributes: Any
    ) -> tuple[Array | None, ...]:
        losses = each.forward(*arrays, **attributes)
        arriving = np.broadcast_to(upstream / divisor(losses.shape, reduction), losses.shape)
        return each.vjp(arriving, losses, *arrays, **attributes)

    def element(call: Call, index: Index) -> Expression:
        losses = taken_apart(call)
        reduction = call.attributes["reduction"]
        if reduction == "none":
            return losses.at(index)
        return shared(total(losses), losses, reduction)

    def shared(summed: Expression, losses: _Each, reduction: str) -> Expression:
        if reduction == "sum":
            return summed
        return Div(summed, Number(float(divisor(losses.shape, reduction))))

    def partials(call: Call, position: int, index: Index) -> list[Partial]:
        losses = taken_apart(call)
        reduction = call.attributes["reduction"]
        found = each.partials(losses.call, position, index)
        if reduction == "none" or not found:
            return found
        local = Add(tuple(expression for _, expression in found))
        return [((), shared(local if len(found) > 1 else found[0][1], losses, reduction))]

    def formula(call: Call) -> Expression:
        losses = taken_apart(call)
        reduction = call.attributes["reduction"]
        if reduction == "none":
            return losses.whole()
        each_loss = expanded(losses.whole(), losses.shape)
        summed = SumOver(each_loss, tuple(range(len(losses.shape))), ())
        return shared(summed, losses, reduction)

    def gradient(call: Call, position: int, upstream: Expression) -> Expression:
        losses = taken_apart(call)
        reduction = call.attributes["reduction"]
        arriving = upstream if reduction == "none" else shared(upstream, losses, reduction)
        return each.gradient(losses.call, position, arriving)

    return Rule(
        name=each.name,
        bind=bind,
        forward=forward,
        vjp=vjp,
        element=element,
        partials=partials,
        formula=formula,
        gradient=gradient,
        words=each.words,
        torch=each.torch,
        broadcasts=each.broadcasts,
        spreads=each.spreads,
    )


GIVEN = "given"  # the attribute that says which further tensors a loss was given


def by_what_is_given(rules: Mapping[tuple[str, ...], Rule]) -> Rule:
    """Make one rule for each element out of those for a loss with and without its weights.

    Parameters
    ----------
    rules
        By the names of the operands that follow input and target, in order; the attribute
        `given` says which they are, and without it there are none.
    """

    def told(attributes: Mapping[str, Any]) -> tuple[Rule, dict[str, Any]]:
        rest = {key: value for key, value in attributes.items() if key != GIVEN}
        return rules[attributes.get(GIVEN, ())], rest

    rule = deferring(rules[()], told)

    def partials(call: Call, position: int, index: Index) -> list[Partial]:
        # PyTorch has no gradient at a weight.
        return [] if position > 1 else rule.partials(call, position, index)

    return replace(rule, partials=partials)


def plain(**refused: Any) -> None:
    """Refuse arguments of a loss that the rules do not cover."""
    found = [name for name, value in refused.items() if value is not None]
    if found:
        raise NotExplained(" and ".join(found))


def bind_nothing(*_: Any, **__: Any) -> Bound:
    raise NotExplained("a part of a loss, which is not called by itself")


# --- absolute differences, and squares near zero ----------------------------------------


def bind_l1(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Bound:
    plain(size_average=size_average, reduce=reduce, weight=weight)
    return (input, target), {"reduction": reduction}


def _sign(a: Expression, b: Expression) -> Expression:
    return Apply("sign", (a - b,))


L1_LOSS = pointwise_loss(
    elementwise(
        "l1_loss",
        bind=bind_nothing,
        forward=lambda a, b: np.abs(a - b),
        vjp=lambda g, y, a, b: (g * np.sign(a - b), -g * np.sign(a - b)),
        expression=lambda a, b: Apply("abs", (a - b,)),
        derivatives=(lambda y, a, b: _sign(a, b), lambda y, a, b: -_sign(a, b)),
        words="absolute differences",
        torch="torch.nn.functional.l1_loss",
    ),
    bind_l1,
)


def bind_smooth(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Bound:
    plain(size_average=size_average, reduce=reduce)
    if beta == 0:
        raise NotExplained("beta=0")
    return (input, target), {"reduction": reduction, "beta": beta}


def bind_huber(
    input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None
) -> Bound:
    plain(weight=weight)
    return (input, target), {"reduction": reduction, "delta": delta}


def _bent(name: str, edge: str, scale: Callable[[float], float]) -> Rule:
    """Make the rule of a loss that is a square up to an edge, and straight from there on.

    `scale(edge)` is the slope of its straight part.
    """

    def forward(a: Array, b: Array, **limits: float) -> Array:
        limit = limits[edge]
        far = np.abs(a - b)
        square = scale(limit) / limit * 0.5 * far * far
        return np.asarray(np.where(far < limit, square, scale(limit) * (far - 0.5 * limit)))

    def slope(a: Array, b: Array, limit: float) -> Array:
        return scale(limit) * np.clip((a - b) / limit, -1, 1)

    def vjp(g: Array, y: Array, a: Array, b: Array, **limits: float) -> tuple[Array, Array]:
        found = g * slope(a, b, limits[edge])
        return found, -found

    def expression(a: Expression, b: Expression, **limits: float) -> Expression:
        limit = limits[edge]
        if abs(evaluate(a - b)) < limit:
            return Number(0.5 * scale(limit) / limit) * (a - b) ** TWO
        straight = Apply("abs", (a - b,)) - Number(0.5 * limit)
        return straight if scale(limit) == 1 else Number(scale(limit)) * straight

    def derivative(a: Expression, b: Expression, limit: float) -> Expression:
        if abs(evaluate(a - b)) < limit:
            return Number(scale(limit) / limit) * (a - b)
        return Number(scale(limit)) * _sign(a, b)

    return elementwise(
        name,
        bind=bind_nothing,
        forward=forward,
        vjp=vjp,
        expression=expression,
        derivatives=(
            lambda y, a, b, **limits: derivative(a, b, limits[edge]),
            lambda y, a, b, **limits: derivative(b, a, limits[edge]),
        ),
        words="squared differences where they are small, absolute ones where not",
        torch=f"torch.nn.functional.{name}",
        piecewise=True,
        usual={edge: 1.0},
    )


SMOOTH_L1_LOSS = pointwise_loss(_bent("smooth_l1_loss", "beta", lambda beta: 1.0), bind_smooth)
HUBER_LOSS = pointwise_loss(_bent("huber_loss", "delta", lambda delta: delta), bind_huber)
