"""`cumsum` and `cumprod`, what there is up to each place along an axis, and `prod`, of all."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any

import numpy as np

from ...symbolic.expression import ONE, Add, Apply, Expression, Index, Opaque
from ...trace import Array
from ..elementwise.exponentials import log_total
from ..rule import Bound, Call, Partial, Rule, normalized_axes
from .sum_mean import reduced, sources, spread, spread_formula, target


def bind_cumsum(input: Any, dim: int, *, dtype: Any = None) -> Bound:
    return (input,), {"dim": dim}


def _along(call: Call, index: Index, places: range) -> Iterator[Index]:
    if not index:  # a single number
        yield ()
        return
    axis = call.attributes["dim"] % len(index)
    for place in places:
        yield (*index[:axis], place, *index[axis + 1 :])


def _place(call: Call, index: Index) -> int:
    return index[call.attributes["dim"]] if index else 0


def _size(call: Call) -> int:
    shape = call.output.shape
    return shape[call.attributes["dim"]] if shape else 1


def cumsum_element(call: Call, index: Index) -> Expression:
    x = call.operands[0]
    terms = tuple(x.at(at) for at in _along(call, index, range(_place(call, index) + 1)))
    return Add(terms) if len(terms) > 1 else terms[0]


def cumsum_partials(call: Call, position: int, index: Index) -> list[Partial]:
    places = range(_place(call, index), _size(call))
    return [(out, ONE) for out in _along(call, index, places)]


def cumsum(x: Array, dim: int) -> Array:
    return np.cumsum(x, dim).reshape(x.shape)  # a single number stays one


def from_behind(g: Array, dim: int) -> Array:
    return np.flip(np.flip(g, dim).cumsum(dim), dim) if g.ndim else g


CUMSUM = Rule(
    name="cumsum",
    bind=bind_cumsum,
    forward=cumsum,
    vjp=lambda g, y, x, dim: (from_behind(g, dim),),
    element=cumsum_element,
    partials=cumsum_partials,
    formula=lambda call: Opaque(
        "cumsum",
        (call.operands[0].whole(),),
        tuple(call.attributes.items()),
        lambda x: cumsum(x, call.attributes["dim"]),
    ),
    gradient=lambda call, position, upstream: Opaque(
        "cumsum_from_behind",
        (upstream,),
        tuple(call.attributes.items()),
        lambda g: from_behind(np.broadcast_to(g, call.output.shape), call.attributes["dim"]),
    ),
    words="the sums up to each place",
    torch="torch.cumsum",
)


def cumprod(x: Array, dim: int) -> Array:
    return np.cumprod(x, dim).reshape(x.shape)


def cumprod_vjp(g: Array, x: Array, dim: int) -> Array:
    """Add up, for each factor, the products behind it without it: right also for a 0."""
    lines = np.moveaxis(np.atleast_1d(x), dim, -1)
    arriving = np.moveaxis(np.broadcast_to(np.atleast_1d(g), np.atleast_1d(x).shape), dim, -1)
    found = np.empty_like(lines)
    for place in range(lines.shape[-1]):
        without = lines.copy()
        without[..., place] = 1
        products = np.cumprod(without, -1)
        found[..., place] = (arriving * products)[..., place:].sum(axis=-1)
    return np.moveaxis(found, -1, dim).reshape(x.shape)


def cumprod_element(call: Call, index: Index) -> Expression:
    places = range(_place(call, index) + 1)
    factors = (call.operands[0].at(at) for at in _along(call, index, places))
    return reduce(lambda a, b: a * b, factors)


def cumprod_partials(call: Call, position: int, index: Index) -> list[Partial]:
    x = call.operands[0]
    own, size = _place(call, index), _size(call)
    line = list(_along(call, index, range(size)))
    found: list[Partial] = []
    for last in range(own, size):
        others = [x.at(line[place]) for place in range(last + 1) if place != own]
        found.append((line[last], reduce(lambda a, b: a * b, others) if others else ONE))
    return found


CUMPROD = Rule(
    name="cumprod",
    bind=bind_cumsum,
    forward=cumprod,
    vjp=lambda g, y, x, dim: (cumprod_vjp(g, x, dim),),
    element=cumprod_element,
    partials=cumprod_partials,
    formula=lambda call: Opaque(
        "cumprod",
        (call.operands[0].whole(),),
        tuple(call.attributes.items()),
        lambda x: cumprod(x, call.attributes["dim"]),
    ),
    gradient=lambda call, position, upstream: Opaque(
        "cumprod_backward",
        (upstream, call.operands[0].whole()),
        tuple(call.attributes.items()),
        lambda g, x: cumprod_vjp(g, x, call.attributes["dim"]),
    ),
    words="the products up to each place",
    torch="torch.cumprod",
)


# --- products ---------------------------------------------------------------------------


def bind_prod(
    input: Any, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None
) -> Bound:
    return (input,), {"dim": dim, "keepdim": keepdim}


def product(x: Array, dim: int | None, keepdim: bool) -> Array:
    return np.asarray(x.prod(axis=normalized_axes(dim, x.ndim), keepdims=keepdim))


def others(x: Array, axes: tuple[int, ...]) -> Array:
    """Return for each number the product of all others, also where one of them is 0."""
    found = np.ones_like(x)
    moved = np.moveaxis(x, axes, range(len(axes)))
    view = np.moveaxis(found, axes, range(len(axes)))
    shape = moved.shape[: len(axes)]
    for at in np.ndindex(*shape):
        left = moved.copy()
        left[at] = 1
        view[at] = left.prod(axis=tuple(range(len(axes))))
    return found


def prod_element(call: Call, index: Index) -> Expression:
    return reduce(lambda a, b: a * b, (call.operands[0].at(at) for at in sources(call, index)))


def prod_partials(call: Call, position: int, index: Index) -> list[Partial]:
    out = target(call, index)
    rest = [call.operands[0].at(at) for at in sources(call, out) if at != index]
    return [(out, reduce(lambda a, b: a * b, rest) if rest else ONE)]


def _dim(call: Call) -> tuple[tuple[str, Any], ...]:
    dim = call.attributes["dim"]
    return () if dim is None else (("dim", dim),)


def prod_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    axes = reduced(call)
    local = Opaque(
        "prod_of_others", (call.operands[0].whole(),), _dim(call), lambda x: others(x, axes)
    )
    return spread_formula(call, upstream) * local


PROD = Rule(
    name="prod",
    bind=bind_prod,
    forward=product,
    vjp=lambda g, y, x, dim, keepdim: (
        spread(np.asarray(g), x.shape, dim, keepdim) * others(x, normalized_axes(dim, x.ndim)),
    ),
    element=prod_element,
    partials=prod_partials,
    formula=lambda call: Opaque(
        "prod",
        (call.operands[0].whole(),),
        (*_dim(call), *((("keepdim", True),) if call.attributes["keepdim"] else ())),
        lambda x: product(x, **call.attributes),
    ),
    gradient=prod_gradient,
    kind="reduction",
    words="product of all",
    torch="torch.prod",
    broadcasts=True,
)

# --- logarithms of sums -----------------------------------------------------------------


def logcumsumexp(x: Array, dim: int) -> Array:
    """Add up exponentials from the first place on, each time moved by what there is so far."""
    rows = np.moveaxis(np.atleast_1d(x), dim, 0).copy()
    for at in range(1, len(rows)):
        so_far, new = rows[at - 1], rows[at]
        top = np.where(np.real(so_far) > np.real(new), so_far, new)
        low = np.where(np.real(so_far) > np.real(new), new, so_far)
        rows[at] = top + np.log1p(np.exp(low - top))
    return np.moveaxis(rows, 0, dim).reshape(x.shape)


def logcumsumexp_vjp(g: Array, y: Array, x: Array, dim: int) -> Array:
    """Each number gets its share of every sum that it is in."""
    rows, sums, arriving = (np.moveaxis(np.atleast_1d(a), dim, 0) for a in (x, y, g))
    found = np.zeros_like(rows)
    for at in range(len(rows)):
        found[: at + 1] += arriving[at] * np.exp(rows[: at + 1] - sums[at])
    return np.moveaxis(found, 0, dim).reshape(x.shape)


def logcumsumexp_element(call: Call, index: Index) -> Expression:
    places = range(_place(call, index) + 1)
    terms = [call.operands[0].at(at) for at in _along(call, index, places)]
    return log_total(terms) if len(terms) > 1 else terms[0]


def logcumsumexp_partials(call: Call, position: int, index: Index) -> list[Partial]:
    x = call.operands[0].at(index)
    places = range(_place(call, index), _size(call))
    return [(out, Apply("exp", (x - call.output.at(out),))) for out in _along(call, index, places)]


def logcumsumexp_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    dim = call.attributes["dim"]
    return Opaque(
        "logcumsumexp_backward",
        (upstream, call.operands[0].whole()),
        (("dim", dim),),
        lambda g, x: logcumsumexp_vjp(np.broadcast_to(g, x.shape), logcumsumexp(x, dim), x, dim),
    )


LOGCUMSUMEXP = Rule(
    name="logcumsumexp",
    bind=lambda input, dim: ((input,), {"dim": dim}),
    forward=logcumsumexp,
    vjp=lambda g, y, x, dim: (logcumsumexp_vjp(np.asarray(g), y, x, dim),),
    element=logcumsumexp_element,
    partials=logcumsumexp_partials,
    formula=lambda call: Opaque(
        "logcumsumexp",
        (call.operands[0].whole(),),
        tuple(call.attributes.items()),
        lambda x: logcumsumexp(x, call.attributes["dim"]),
    ),
    gradient=logcumsumexp_gradient,
    words="the logarithms of the sums of exponentials up to each place",
    torch="torch.logcumsumexp",
)
