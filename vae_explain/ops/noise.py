"""Drawing noise: `randn_like`, `randn`. A source: its numbers come from the generator.

Nothing can be derived about a draw, so the rule says only that. A replay keeps the
recorded numbers, or takes the ones that it is given.
"""

from __future__ import annotations

from typing import Any

from ..expression import Expression, Index
from ..trace import Array
from .rule import Bound, Call, NotExplained, Partial, Rule


def _no_arithmetic(*_: Any, **__: Any) -> Any:
    raise NotExplained("a draw has no arithmetic")


def _no_partials(call: Call, position: int, index: Index) -> list[Partial]:
    return []


def _itself(call: Call, index: Index) -> Expression:
    return call.output.at(index)


def _no_vjp(upstream: Array, output: Array, *arrays: Array, **_: Any) -> tuple[None, ...]:
    return tuple(None for _ in arrays)


def _bind(*args: Any, **kwargs: Any) -> Bound:
    return (), {}


def drawing(name: str, torch: str) -> Rule:
    """Make the rule of an op that draws from the standard normal distribution."""
    return Rule(
        name=name,
        bind=_bind,
        forward=_no_arithmetic,
        vjp=_no_vjp,
        element=_itself,
        partials=_no_partials,
        formula=lambda call: call.output.whole(),
        gradient=_no_arithmetic,
        words="drawn from N(0, 1)",
        torch=torch,
        source=True,
    )


RANDN_LIKE = drawing("randn_like", "torch.randn_like")
RANDN = drawing("randn", "torch.randn")
