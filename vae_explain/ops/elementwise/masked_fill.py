"""Putting one number where a mask says so: `masked_fill`, `tril`, `triu`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...symbolic.expression import ONE, ZERO, Expression, Index, Opaque
from ...trace import Array
from ..rule import Bound, Call, Partial, Rule
from .where import WHERE


def bind_masked_fill(input: Any, mask: Any, value: Any) -> Bound:
    return (mask, value, input), {}


MASKED_FILL = replace(
    WHERE,
    name="masked_fill",
    bind=bind_masked_fill,
    words="a number put where a mask holds",
    torch="torch.masked_fill",
)


def bind_triangle(input: Any, diagonal: int = 0) -> Bound:
    return (input,), {"diagonal": diagonal}


def triangle(name: str, cut: Callable[..., Array], words: str) -> Rule:
    """Make the rule of an op that keeps one side of a diagonal."""

    def kept(call: Call, index: Index) -> bool:
        shape = call.output.shape[-2:]
        return bool(cut(np.ones(shape), call.attributes["diagonal"])[index[-2:]])

    def partials(call: Call, position: int, index: Index) -> list[Partial]:
        return [(index, ONE)] if kept(call, index) else []

    def element(call: Call, index: Index) -> Expression:
        return call.operands[0].at(index) if kept(call, index) else ZERO

    def whole(call: Call, body: Expression) -> Expression:
        diagonal = call.attributes["diagonal"]
        options = (("diagonal", diagonal),) if diagonal else ()
        shape = call.output.shape
        return Opaque(name, (body,), options, lambda x: cut(np.broadcast_to(x, shape), diagonal))

    return Rule(
        name=name,
        bind=bind_triangle,
        forward=lambda x, diagonal: cut(x, diagonal),
        vjp=lambda g, y, x, diagonal: (cut(g, diagonal),),
        element=element,
        partials=partials,
        formula=lambda call: whole(call, call.operands[0].whole()),
        gradient=lambda call, position, upstream: whole(call, upstream),
        words=words,
        torch=f"torch.{name}",
    )


TRIL = triangle("tril", np.tril, "what is on the diagonal and below")
TRIU = triangle("triu", np.triu, "what is on the diagonal and above")
