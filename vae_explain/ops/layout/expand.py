"""Repeating a tensor along axes: `expand`, `broadcast_tensors`, `repeat` and their kin.

Except for `repeat` it is the broadcasting that every elementwise op does of itself, so its
formula is the operand alone wherever the shape stays the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...symbolic.expression import ZERO, Expression, Opaque
from ...symbolic.shapes import expanded
from ...trace import Array
from ..binding import Bound, binder, whole_numbers
from ..broadcasting import sum_to
from ..copying import FIRST, copying
from ..rule import Call, Rule

# --- by broadcasting --------------------------------------------------------------------


def _which(call: Call) -> int:
    return int(call.attributes.get("output", 0))


def _formula(call: Call) -> Expression:
    x = call.operands[_which(call)]
    return expanded(x.whole(), call.output.shape)


def _gradient(call: Call, position: int, upstream: Expression) -> Expression:
    if position != _which(call):
        return ZERO
    return sum_to(upstream, call.output.shape, call.operands[position].shape)


def expanding(name: str, bind: Any, forward: Any, torch: str = "") -> Rule:
    """Make the rule of an op that broadcasts its first operand."""
    return copying(
        name,
        bind=bind,
        forward=forward,
        copied=FIRST,
        formula=_formula,
        gradient=_gradient,
        words="repeated along an axis",
        torch=torch,
        gradient_broadcasts=True,
    )


def bind_expand(input: Any, *positional: Any, size: Any = None, implicit: bool = False) -> Bound:
    return (input,), {"size": whole_numbers("sizes", positional, size)}


def expand(x: Array, size: tuple[int, ...]) -> Array:
    extra = len(size) - x.ndim
    own = (1,) * extra + x.shape
    # -1 keeps the size that the axis has.
    return np.broadcast_to(x, tuple(o if s == -1 else s for o, s in zip(own, size, strict=True)))


EXPAND = expanding("expand", bind_expand, expand, "torch.Tensor.expand")
BROADCAST_TO = expanding("broadcast_to", bind_expand, expand)


EXPAND_AS = expanding(
    "expand_as",
    binder("input", "other"),
    lambda x, other: np.broadcast_to(x, other.shape),
    "torch.Tensor.expand_as",
)


def bind_broadcast(*tensors: Any) -> Bound:
    flat = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], tuple) else tensors
    return tuple(flat), {}


BROADCAST_TENSORS = copying(
    "broadcast_tensors",
    bind=bind_broadcast,
    forward=lambda *arrays, output: np.broadcast_arrays(*arrays)[output],
    held=lambda call: {*range(len(call.operands))} - {_which(call)},
    formula=_formula,
    gradient=_gradient,
    words="repeated to a common shape",
    several_outputs=True,
    gradient_broadcasts=True,
)

# --- repeat -----------------------------------------------------------------------------


def bind_repeat(input: Any, *positional: Any, repeats: Any = None) -> Bound:
    return (input,), {"repeats": whole_numbers("sizes", positional, repeats)}


def _folded(g: Array, shape: tuple[int, ...], repeats: tuple[int, ...]) -> Array:
    own = (1,) * (len(repeats) - len(shape)) + shape
    pairs = tuple(size for pair in zip(repeats, own, strict=True) for size in pair)
    copies = tuple(range(0, len(pairs), 2))
    return np.asarray(g.reshape(pairs).sum(axis=copies).reshape(shape))


def _repeat_formula(call: Call) -> Expression:
    repeats = call.attributes["repeats"]
    name = f".repeat({', '.join(map(str, repeats))})"
    return Opaque(name, (call.operands[0].whole(),), (), lambda x: np.tile(x, repeats))


def _repeat_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    repeats, shape = call.attributes["repeats"], call.operands[0].shape
    return Opaque(
        "sum_of_copies", (upstream,), (("of", shape),), lambda g: _folded(g, shape, repeats)
    )


REPEAT = copying(
    "repeat",
    bind=bind_repeat,
    forward=lambda x, repeats: np.tile(x, repeats),
    formula=_repeat_formula,
    gradient=_repeat_gradient,
    words="several copies of it, side by side",
    torch="torch.Tensor.repeat",
)
