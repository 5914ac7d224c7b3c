"""Losses taken element by element and then summed, averaged or left as they are.

A loss here is an elementwise rule with a reduction around it: `pointwise_loss` makes the
one into the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...symbolic.build import absolute, scaled, sign, square, summed
from ...symbolic.expression import Add, Div, Expression, Index, Number, SumOver
from ...symbolic.shapes import expanded
from ...trace import Array
from ..at_once import NotAtOnce, is_many, shape_of_many
from ..binding import Bound, NotExplained, Read, Refused, binder
from ..delegate import Intermediate, deferring
from ..pointwise import choose, elementwise, number
from ..reduction.long_sums import total
from ..rule import Call, Family, OfMany, Rule, Ways, families_of

# What PyTorch has kept from older versions, and no rule covers.
OLD: dict[str, Any] = {"size_average": Refused(), "reduce": Refused()}


def pointwise_loss(each: Rule, folded: bool = False) -> Rule:
    """Put the reduction around a rule for each element, whose `bind` has it as `reduction`.

    Parameters
    ----------
    folded
        Whether the number that a mean divides by is folded into the constants of a slope.
    """

    def taken_apart(call: Call) -> Intermediate:
        """Return the loss of each element, before it is summed."""
        attributes = {k: v for k, v in call.attributes.items() if k != "reduction"}
        return Intermediate(each, call.operands, attributes, call.as_computed)

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
        if call.attributes["reduction"] == "none":
            return losses.at(index)
        return shared(total(losses), call)

    def shared(summed: Expression, call: Call, folded: bool = False) -> Expression:
        """Divide by what a mean is taken over."""
        reduction = call.attributes["reduction"]
        if reduction in ("sum", "none"):
            return summed
        count = float(divisor(taken_apart(call).shape, reduction))
        return Number(1 / count) * summed if folded else Div(summed, Number(count))

    def families(call: Call, position: int, index: Index) -> list[Family]:
        losses = families_of(each, taken_apart(call).call, position, index)
        if call.attributes["reduction"] == "none" or not losses:
            return losses
        if is_many(index):
            if any(shape_of_many(family.out) != shape_of_many(index) for family in losses):
                raise NotAtOnce  # each of them stands for several losses
            slopes = [family.at_once()[1] for family in losses]
        else:
            slopes = [local for family in losses for _, local in family.one_by_one()]
        if not call.as_computed:
            return [Family.constant((), shared(summed(slopes), call, folded))]
        # What arrives is divided first, and each summand takes it by itself.
        parts = [
            part
            for local in slopes
            for part in (local.terms if isinstance(local, Add) else [local])
        ]
        return [Family.constant((), summed([shared(part, call, folded=True) for part in parts]))]

    def formula(call: Call) -> Expression:
        losses = taken_apart(call)
        if call.attributes["reduction"] == "none":
            return losses.whole()
        each_loss = expanded(losses.whole(), losses.shape)
        return shared(SumOver(each_loss, tuple(range(len(losses.shape))), ()), call)

    def gradient(call: Call, position: int, upstream: Expression) -> Expression:
        arriving = shared(upstream, call, folded)
        return each.gradient(taken_apart(call).call, position, arriving)

    return replace(
        each,
        forward=forward,
        vjp=vjp,
        vjp_computed=None,
        element=OfMany(element) if each.many_elements else element,
        partials=Ways(families, of_many=each.ways_of_many),
        formula=formula,
        gradient=gradient,
        kind="loss",
        functional=True,
    )


def by_what_is_given(rules: Mapping[tuple[str, ...], Rule]) -> Rule:
    """Make one rule for each element out of those for a loss with and without its weights.

    Parameters
    ----------
    rules
        By the names of the operands that follow input and target, in order; the attribute
        `tensors` says which they are, and without it there are none.
    """

    def rule_of(attributes: Mapping[str, Any]) -> tuple[Rule, dict[str, Any]]:
        rest = {key: value for key, value in attributes.items() if key != "tensors"}
        return rules[attributes.get("tensors", ())], rest

    return deferring([rules[()], *rules.values()], rule_of)


# --- absolute differences, and squares near zero ----------------------------------------

L1_LOSS = pointwise_loss(
    elementwise(
        "l1_loss",
        lambda a, b: absolute(a - b),
        bind=binder("input", "target", **OLD, reduction="mean", weight=Refused()),
        words="absolute differences",
        adds_up="positive",
    )
)


def _not_zero(beta: float) -> float:
    if beta == 0:
        raise NotExplained("beta=0")
    return beta


def _bent(
    name: str, edge: str, scale: Callable[[float], float], bind: Callable[..., Bound]
) -> Rule:
    """Make the rule of a loss that is a square up to an edge, and straight from there on.

    `scale(edge)` is the slope of its straight part.
    """

    def forward(a: Array, b: Array, **limits: float) -> Array:
        limit = limits[edge]
        far = np.abs(a - b)
        near = scale(limit) / limit * 0.5 * far * far
        return np.asarray(np.where(far < limit, near, scale(limit) * (far - 0.5 * limit)))

    def vjp(g: Array, y: Array, a: Array, b: Array, **limits: float) -> tuple[Array, Array]:
        limit = limits[edge]
        to_a = g * (scale(limit) * np.clip((a - b) / limit, -1, 1))
        return to_a, -to_a

    def is_near(a: Expression, b: Expression, limit: float) -> Any:
        return abs(number(a - b)) < limit

    def expression(a: Expression, b: Expression, **limits: float) -> Expression:
        limit = limits[edge]
        near = Number(0.5 * scale(limit) / limit) * square(a - b)
        far = scaled(scale(limit), absolute(a - b) - Number(0.5 * limit))
        return choose(is_near(a, b, limit), near, far)

    def slope(a: Expression, b: Expression, limit: float) -> Expression:
        far = Number(scale(limit)) * sign(a - b)
        return choose(is_near(a, b, limit), Number(scale(limit) / limit) * (a - b), far)

    return pointwise_loss(
        elementwise(
            name,
            expression,
            bind=bind,
            forward=forward,
            vjp=vjp,
            derivatives=(
                lambda y, a, b, **limits: slope(a, b, limits[edge]),
                lambda y, a, b, **limits: slope(b, a, limits[edge]),
            ),
            piecewise=True,
            words="squared differences where they are small, absolute ones where not",
        )
    )


SMOOTH_L1_LOSS = _bent(
    "smooth_l1_loss",
    "beta",
    lambda beta: 1.0,
    binder("input", "target", **OLD, reduction="mean", beta=Read(_not_zero, 1.0)),
)
HUBER_LOSS = _bent(
    "huber_loss",
    "delta",
    lambda delta: delta,
    binder("input", "target", reduction="mean", delta=1.0, weight=Refused()),
)
