"""`cumsum` and its kin, what there is up to each place along an axis, and `prod`, of all."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...symbolic.build import exp, multiplied, summed
from ...symbolic.expression import ONE, Expression, Index, Opaque
from ...trace import Array
from ..binding import REQUIRED, Ignored, binder
from ..broadcasting import normalized_axes
from ..elementwise.logarithms import log_total
from ..rule import Call, Partial, Rule, unusual
from .axes import along, reduced, reduction, sources, spread_formula, target

bind = binder("input", dim=REQUIRED, dtype=Ignored())


def _line(call: Call, index: Index) -> tuple[list[Index], int]:
    """Return the indices along the axis through one of them, and the place of this one."""
    if not index:  # a single number
        return [()], 0
    axis = call.attributes["dim"] % len(index)
    return along(index, axis, call.output.shape[axis]), index[axis]


def _so_far(call: Call, index: Index) -> list[Expression]:
    """Write the numbers up to a place."""
    line, own = _line(call, index)
    return [call.operands[0].at(at) for at in line[: own + 1]]


def _from_here(call: Call, index: Index) -> list[Index]:
    line, own = _line(call, index)
    return line[own:]


# --- sums -------------------------------------------------------------------------------


def cumsum(x: Array, dim: int) -> Array:
    return np.cumsum(x, dim).reshape(x.shape)  # a single number stays one


def from_behind(g: Array, dim: int) -> Array:
    return np.flip(np.flip(g, dim).cumsum(dim), dim) if g.ndim else g


CUMSUM = Rule(
    name="cumsum",
    bind=bind,
    forward=cumsum,
    element=lambda call, index: summed(_so_far(call, index)),
    partials=lambda call, position, index: [(out, ONE) for out in _from_here(call, index)],
    gradient=lambda call, position, upstream: Opaque(
        "cumsum_from_behind",
        (upstream,),
        tuple(call.attributes.items()),
        lambda g: from_behind(np.broadcast_to(g, call.output.shape), call.attributes["dim"]),
    ),
    words="the sums up to each place",
)

# --- products ---------------------------------------------------------------------------


def cumprod(x: Array, dim: int) -> Array:
    return np.cumprod(x, dim).reshape(x.shape)


def cumprod_vjp(g: Array, y: Array, x: Array, dim: int) -> tuple[Array]:
    """Add up, for each factor, the products behind it without it: right also for a 0."""
    lines, arriving = (np.moveaxis(np.atleast_1d(a), dim, -1) for a in (x, g))
    gradients = np.empty_like(lines)
    for place in range(lines.shape[-1]):
        without = lines.copy()
        without[..., place] = 1
        products = np.cumprod(without, -1)
        gradients[..., place] = (arriving * products)[..., place:].sum(axis=-1)
    return (np.moveaxis(gradients, -1, dim).reshape(x.shape),)


def _without(call: Call, index: Index, out: Index, factors: Iterable[Index]) -> Expression:
    """Write a product without one of its factors."""
    x = call.operands[0]
    if call.as_computed and x.array.all():  # PyTorch divides, unless there is a 0
        return call.output.at(out) / x.at(index)
    return multiplied(x.at(at) for at in factors if at != index)


def cumprod_partials(call: Call, position: int, index: Index) -> list[Partial]:
    line, own = _line(call, index)
    return [
        (line[last], _without(call, index, line[last], line[: last + 1]))
        for last in range(own, len(line))
    ]


CUMPROD = Rule(
    name="cumprod",
    bind=bind,
    forward=cumprod,
    vjp=cumprod_vjp,
    element=lambda call, index: multiplied(_so_far(call, index)),
    partials=cumprod_partials,
    words="the products up to each place",
)


def product(x: Array, dim: int | None, keepdim: bool) -> Array:
    return np.asarray(x.prod(axis=normalized_axes(dim, x.ndim), keepdims=keepdim))


def others(x: Array, axes: tuple[int, ...]) -> Array:
    """Return for each number the product of all others, also where one of them is 0."""
    products = np.ones_like(x)
    moved = np.moveaxis(x, axes, range(len(axes)))
    view = np.moveaxis(products, axes, range(len(axes)))
    for at in np.ndindex(*moved.shape[: len(axes)]):
        left = moved.copy()
        left[at] = 1
        view[at] = left.prod(axis=tuple(range(len(axes))))
    return products


def prod_partials(call: Call, position: int, index: Index) -> list[Partial]:
    out = target(call, index)
    return [(out, _without(call, index, out, sources(call, out)))]


def prod_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    axes, options = reduced(call), unusual({"dim": call.attributes["dim"]})
    local = Opaque("prod_of_others", call.wholes, options, lambda x: others(x, axes))
    return spread_formula(call, upstream) * local


PROD = reduction(
    name="prod",
    bind=binder("input", dim=None, keepdim=False, dtype=Ignored()),
    forward=product,
    element=lambda call, index: multiplied(map(call.operands[0].at, sources(call, index))),
    partials=prod_partials,
    gradient=prod_gradient,
    words="product of all",
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


def logcumsumexp_vjp(g: Array, y: Array, x: Array, dim: int) -> tuple[Array]:
    """Each number gets its share of every sum that it is in."""
    rows, sums, arriving = (np.moveaxis(np.atleast_1d(a), dim, 0) for a in (x, y, g))
    gradients = np.zeros_like(rows)
    for at in range(len(rows)):
        gradients[: at + 1] += arriving[at] * np.exp(rows[: at + 1] - sums[at])
    return (np.moveaxis(gradients, 0, dim).reshape(x.shape),)


def logcumsumexp_element(call: Call, index: Index) -> Expression:
    terms = _so_far(call, index)
    return log_total(terms) if len(terms) > 1 else terms[0]


def logcumsumexp_partials(call: Call, position: int, index: Index) -> list[Partial]:
    x = call.operands[0].at(index)
    return [(out, exp(x - call.output.at(out))) for out in _from_here(call, index)]


LOGCUMSUMEXP = Rule(
    name="logcumsumexp",
    bind=binder("input", dim=REQUIRED),
    forward=logcumsumexp,
    vjp=logcumsumexp_vjp,
    element=logcumsumexp_element,
    partials=logcumsumexp_partials,
    words="the logarithms of the sums of exponentials up to each place",
)
