"""Rules that leave each call to another rule, which its attributes tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..symbolic.expression import Expression, Index
from ..trace import Array
from .rule import Call, Partial, Rule

# From a call's attributes: the rule that it is left to, and the attributes which that takes.
Told = Callable[[Mapping[str, Any]], tuple[Rule, dict[str, Any]]]


def deferring(base: Rule, told: Told) -> Rule:
    """Return a rule that is `base` in all but what it computes, which others do."""

    def of(call: Call) -> tuple[Rule, Call]:
        rule, attributes = told(call.attributes)
        return rule, replace(call, attributes=attributes)

    def forward(*arrays: Array, **attributes: Any) -> Array:
        rule, rest = told(attributes)
        return rule.forward(*arrays, **rest)

    def vjp(
        upstream: Array, y: Array, /, *arrays: Array, **attributes: Any
    ) -> tuple[Array | None, ...]:
        rule, rest = told(attributes)
        return rule.vjp(upstream, y, *arrays, **rest)

    def element(call: Call, index: Index) -> Expression:
        rule, inner = of(call)
        return rule.element(inner, index)

    def partials(call: Call, position: int, index: Index) -> list[Partial]:
        rule, inner = of(call)
        return rule.partials(inner, position, index)

    def formula(call: Call) -> Expression:
        rule, inner = of(call)
        return rule.formula(inner)

    def gradient(call: Call, position: int, upstream: Expression) -> Expression:
        rule, inner = of(call)
        return rule.gradient(inner, position, upstream)

    def chosen_by(call: Call, index: Index) -> list[tuple[int, Index]]:
        rule, inner = of(call)
        return [] if rule.chosen_by is None else rule.chosen_by(inner, index)

    return replace(
        base,
        forward=forward,
        vjp=vjp,
        element=element,
        partials=partials,
        formula=formula,
        gradient=gradient,
        chosen_by=chosen_by,
    )
