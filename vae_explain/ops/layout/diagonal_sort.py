"""Elements taken to other places, with zeros between: `diagonal`, `diag`, `diag_embed`, `sort`.

An op of this kind is told by where each element of its output came from: a position in the
operand, or -1 for a zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...symbolic.expression import ONE, ZERO, Add, Expression, Index, Number, Opaque
from ...trace import Array
from ..rule import Bound, Call, Options, Partial, Rule, unusual

POSITIONS = 1  # the second output of `sort`: where the numbers stood
# From the operand and the call's attributes: the positions, and -1 where there is a zero.
SourcesOf = Callable[..., Array]


def arranging(
    name: str,
    *,
    bind: Callable[..., Bound],
    sources: SourcesOf,
    words: str,
    usual: dict[str, Any],
    positions: SourcesOf | None = None,
    unwritten: tuple[str, ...] = (),
) -> Rule:
    """Make the rule of such an op.

    Parameters
    ----------
    usual
        What the attributes are when a formula need not mention them.
    positions
        Gives the second output of an op that also says where its elements stood.
    unwritten
        Attributes that are no options of the call, which a formula has nothing of.
    """

    def told(attributes: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
        rest = {key: value for key, value in attributes.items() if key != "output"}
        return attributes.get("output") == POSITIONS, rest

    def forward(x: Array, /, **attributes: Any) -> Array:
        where, rest = told(attributes)
        if where:
            assert positions is not None, "only an op of two outputs has a second"
            return positions(x, **rest)
        source = sources(x, **rest)
        taken = np.asarray(x).reshape(-1)[np.maximum(source, 0)]
        return np.where(source < 0, np.zeros_like(taken), taken)

    def vjp(upstream: Array, y: Array, x: Array, /, **attributes: Any) -> tuple[Array]:
        where, rest = told(attributes)
        found = np.zeros(x.size, dtype=np.asarray(upstream).dtype)
        if not where:
            source = sources(x, **rest)
            np.add.at(found, source[source >= 0], np.asarray(upstream)[source >= 0])
        return (found.reshape(x.shape),)

    def options_of(call: Call) -> Options:
        rest = told(dict(call.attributes))[1]
        return unusual({k: v for k, v in rest.items() if k not in unwritten}, usual)

    def source_of(call: Call) -> Array:
        return sources(call.operands[0].array, **told(dict(call.attributes))[1])

    def element(call: Call, index: Index) -> Expression:
        if call.attributes.get("output") == POSITIONS:
            return Number(float(call.output.array[index]))
        place = int(source_of(call)[index])
        x = call.operands[0]
        if place < 0:
            return ZERO
        return x.at(tuple(int(at) for at in np.unravel_index(place, x.shape)))

    def chosen_by(call: Call, index: Index) -> list[tuple[int, Index]]:
        """Return the number that stood at a place, which has it by its size."""
        if call.attributes.get("output") != POSITIONS:
            return []
        place = int(source_of(call)[index])
        return [(0, tuple(int(at) for at in np.unravel_index(place, call.operands[0].shape)))]

    def partials(call: Call, position: int, index: Index) -> list[Partial]:
        if call.attributes.get("output") == POSITIONS:
            return []
        own = np.ravel_multi_index(index, call.operands[0].shape)
        found = np.argwhere(source_of(call) == own)
        return [(tuple(int(at) for at in out), ONE) for out in found]

    def formula(call: Call) -> Expression:
        where = call.attributes.get("output") == POSITIONS
        word = f"arg{name}" if where else name
        whole = (call.operands[0].whole(),)
        return Opaque(word, whole, options_of(call), lambda x: forward(x, **call.attributes))

    def gradient(call: Call, position: int, upstream: Expression) -> Expression:
        x = call.operands[0]
        options = options_of(call)

        def back(g: Any, _: Any) -> Array:
            arriving = np.broadcast_to(g, call.output.shape)
            return vjp(arriving, call.output.array, x.array, **call.attributes)[0]

        return Opaque(f"{name}_backward", (upstream, x.whole()), options, back)

    return Rule(
        name=name,
        bind=bind,
        forward=forward,
        vjp=vjp,
        element=element,
        partials=partials,
        formula=formula,
        gradient=gradient,
        words=words,
        torch=f"torch.{name}",
        several=positions is not None,
        chosen_by=None if positions is None else chosen_by,
    )


def _numbered(shape: tuple[int, ...]) -> Array:
    return np.arange(int(np.prod(shape, dtype=int))).reshape(shape)


# --- diagonals --------------------------------------------------------------------------


def bind_diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Bound:
    return (input,), {"offset": offset, "dim1": dim1, "dim2": dim2}


def diagonal_sources(x: Array, offset: int, dim1: int, dim2: int) -> Array:
    return np.asarray(np.diagonal(_numbered(x.shape), offset, dim1, dim2))


DIAGONAL = arranging(
    "diagonal",
    bind=bind_diagonal,
    sources=diagonal_sources,
    words="the diagonal",
    usual={"offset": 0, "dim1": 0, "dim2": 1},
)


def trace(x: Array) -> Array:
    return np.asarray(np.trace(x))


def trace_back(g: Array, shape: tuple[int, ...]) -> Array:
    return np.asarray(np.asarray(g) * np.eye(*shape, dtype=np.asarray(g).dtype))


TRACE = Rule(
    name="trace",
    bind=lambda input: ((input,), {}),
    forward=trace,
    vjp=lambda g, y, x: (trace_back(g, x.shape),),
    element=lambda call, index: Add(
        tuple(call.operands[0].at((i, i)) for i in range(min(call.operands[0].shape)))
    ),
    partials=lambda call, position, index: [((), ONE)] if index[0] == index[1] else [],
    formula=lambda call: Opaque("trace", (call.operands[0].whole(),), (), trace),
    gradient=lambda call, position, upstream: Opaque(
        "trace_backward",
        (upstream, call.operands[0].whole()),
        (),
        lambda g, x: trace_back(g, np.shape(x)),
    ),
    words="the sum of the diagonal",
    torch="torch.trace",
)


def bind_diag(input: Any, diagonal: int = 0) -> Bound:
    return (input,), {"diagonal": diagonal}


def diag_sources(x: Array, diagonal: int) -> Array:
    # Of a vector a matrix with it on a diagonal, of a matrix its diagonal.
    return np.asarray(np.diag(_numbered(x.shape) + 1, diagonal) - 1)


DIAG = arranging(
    "diag",
    bind=bind_diag,
    sources=diag_sources,
    words="the diagonal, or what has it",
    usual={"diagonal": 0},
)


def bind_diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Bound:
    return (input,), {"offset": offset, "dim1": dim1, "dim2": dim2}


def diag_embed_sources(x: Array, offset: int, dim1: int, dim2: int) -> Array:
    rows = np.arange(x.shape[-1]) + max(-offset, 0)
    columns = np.arange(x.shape[-1]) + max(offset, 0)
    size = x.shape[-1] + abs(offset)
    found = np.full((*x.shape[:-1], size, size), -1)
    found[..., rows, columns] = _numbered(x.shape)
    return np.moveaxis(found, (-2, -1), (dim1, dim2))


DIAG_EMBED = arranging(
    "diag_embed",
    bind=bind_diag_embed,
    sources=diag_embed_sources,
    words="matrices with it on their diagonals",
    usual={"offset": 0, "dim1": -2, "dim2": -1},
)

# --- in order ---------------------------------------------------------------------------


def bind_sort(
    input: Any, dim: int = -1, descending: bool = False, stable: bool | None = None
) -> Bound:
    return (input,), {"dim": dim, "descending": bool(descending)}


def order(x: Array, dim: int, descending: bool) -> Array:
    """Return where along an axis each number stood; equal ones keep their order."""
    if x.ndim == 0:
        return np.zeros((), dtype=int)
    # Backwards by the negative, since turning an ascending order round turns ties round too.
    return np.argsort(-x if descending else x, axis=dim, kind="stable")


def sort_sources(x: Array, dim: int, descending: bool) -> Array:
    if x.ndim == 0:
        return np.zeros((), dtype=int)
    return np.take_along_axis(_numbered(x.shape), order(x, dim, descending), dim)


SORT = arranging(
    "sort",
    bind=bind_sort,
    sources=sort_sources,
    positions=order,
    words="the same numbers in order",
    usual={"dim": -1, "descending": False},
)
