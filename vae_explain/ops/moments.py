"""Two at once: `var_mean` and `std_mean`, the spread of numbers and their mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..expression import Expression, Index
from ..trace import Array, Slot
from .reductions import MEAN
from .rule import Bound, Call, Partial, Rule, called
from .variance import STD, VAR
from .variance import bind as bind_spread

MEAN_OUTPUT = 1


def with_mean(name: str, spread: Rule) -> Rule:
    """Make the rule of an op whose first output is a spread and whose second the mean."""

    def told(attributes: Any) -> tuple[Rule, dict[str, Any]]:
        rest = {key: value for key, value in attributes.items() if key != "output"}
        if attributes["output"] != MEAN_OUTPUT:
            return spread, rest
        return MEAN, {key: rest[key] for key in ("dim", "keepdim")}

    def of(call: Call) -> tuple[Rule, Call]:
        rule, attributes = told(call.attributes)
        return rule, replace(call, attributes=attributes)

    def forward(x: Array, **attributes: Any) -> Array:
        rule, rest = told(attributes)
        return rule.forward(x, **rest)

    def vjp(g: Array, y: Array, x: Array, **attributes: Any) -> tuple[Array | None, ...]:
        rule, rest = told(attributes)
        return rule.vjp(g, y, x, **rest)

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

    def bind(*args: Any, **kwargs: Any) -> Bound:
        return bind_spread(*args, **kwargs)

    x = spread.examples[0].operands[0]
    return replace(
        spread,
        name=name,
        forward=forward,
        vjp=vjp,
        element=element,
        partials=partials,
        formula=formula,
        gradient=gradient,
        words=f"{spread.words}, and mean",
        torch=f"torch.{name}",
        examples=tuple(
            called(bind, (x,), Slot(0), dim=dim, correction=correction, output=output)
            for dim, correction in ((1, 0), (0, 1))
            for output in (0, MEAN_OUTPUT)
        ),
        several=True,
    )


VAR_MEAN = with_mean("var_mean", VAR)
STD_MEAN = with_mean("std_mean", STD)
