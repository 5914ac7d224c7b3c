"""How far rows lie apart: `pairwise_distance`, row by row, and `cdist`, each from each.

A distance is the length of a difference, so each is the rule of `norms.py` around one: a
difference that has no name of its own. Their orders are those there, and so is what PyTorch
does where two rows are the same: it passes nothing. Of differences that are the largest alike
`cdist` passes the whole gradient to each, where a norm shares it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...symbolic.expression import Add, Expression, Index, Neg, Number
from ...symbolic.shapes import shaped
from ...trace import Array
from ..binding import Bound, Ignored, Read, binder
from ..broadcasting import broadcast_targets, sum_to
from ..delegate import Intermediate
from ..layout.reshape import UNSQUEEZE
from ..pointwise import elementwise
from ..rule import Call, Partial, Rule, by_output
from . import norms

Shape = tuple[int, ...]
# Which axis of length 1 each of the two is given, counted from behind, so that they face
# each other: none to go row by row; rows against columns for each from each.
Facing = tuple[int | None, int | None]
ROW_BY_ROW: Facing = (None, None)
EACH_FROM_EACH: Facing = (-2, -3)


def _faced(shape: Shape, added: int | None) -> Shape:
    if added is None:
        return shape
    at = len(shape) + 1 + added
    return (*shape[:at], 1, *shape[at:])


_DIFFERENCE = elementwise(
    "difference",
    lambda a, b, eps: Add((a, Neg(b), Number(eps))) if eps else a - b,
    words="what is between two tensors, their last axis that of the coordinates",
)


def distance(name: str, bind: Callable[..., Bound], facing: Facing, words: str, torch: str) -> Rule:
    """Make the rule of a distance; `bind` has the attributes `p`, `keepdim` and `eps`."""

    def length(p: float, keepdim: bool) -> dict[str, Any]:
        shared = facing == ROW_BY_ROW
        return {"p": p, "dim": -1, "keepdim": keepdim, "shared": shared}

    def inner(call: Call) -> Call:
        """Return the length's call, whose only operand is the difference."""
        return call.once("length", lambda: of_length(call))

    def of_length(call: Call) -> Call:
        eps, p, keepdim = (call.attributes[key] for key in ("eps", "p", "keepdim"))
        faced = tuple(
            operand if added is None else Intermediate(UNSQUEEZE, (operand,), {"dim": added})
            for operand, added in zip(call.operands, facing, strict=True)
        )
        apart = Intermediate(_DIFFERENCE, faced, {"eps": eps})
        return Call((apart,), call.output, length(p, keepdim))

    def difference(a: Array, b: Array, eps: float) -> Array:
        faced = (x.reshape(_faced(x.shape, added)) for x, added in zip((a, b), facing, strict=True))
        return _DIFFERENCE.forward(*faced, eps=eps)

    def forward(a: Array, b: Array, p: float, eps: float, keepdim: bool) -> Array:
        return norms.forward(difference(a, b, eps), **length(p, keepdim))

    def partials(call: Call, position: int, index: Index) -> list[Partial]:
        length_call = inner(call)
        (apart,) = length_call.operands
        added, shape = facing[position], call.operands[position].shape
        at = len(index) + 1 + (added or 0)
        own = index if added is None else (*index[:at], 0, *index[at:])
        return by_output(
            (out, Neg(slope) if position else slope)
            for full in broadcast_targets(own, _faced(shape, added), apart.shape)
            for out, slope in norms.partials(length_call, 0, full)
        )

    def gradient(call: Call, position: int, upstream: Expression) -> Expression:
        length_call = inner(call)
        (apart,) = length_call.operands
        to_apart = norms.gradient(length_call, 0, upstream)
        shape = call.operands[position].shape
        faced = _faced(shape, facing[position])
        body = sum_to(Neg(to_apart) if position else to_apart, apart.shape, faced)
        return shaped(body, faced, shape)

    return Rule(
        name=name,
        bind=bind,
        forward=forward,
        element=lambda call, index: norms.element(inner(call), index),
        partials=partials,
        formula=lambda call: norms.formula(inner(call)),
        gradient=gradient,
        title="distances",
        words=words,
        torch=torch,
        gradient_broadcasts=True,
    )


ORDER = Read(norms.order, 2.0)
PAIRWISE_DISTANCE = distance(
    "pairwise_distance",
    binder("x1", "x2", p=ORDER, eps=1e-06, keepdim=False),
    ROW_BY_ROW,
    "how far the rows of one lie from those of the other",
    "torch.nn.functional.pairwise_distance",
)
CDIST = distance(
    "cdist",
    # The mode chooses between ways of computing the same.
    binder("x1", "x2", p=ORDER, compute_mode=Ignored()).then(
        lambda attributes: {**attributes, "eps": 0.0, "keepdim": False}
    ),
    EACH_FROM_EACH,
    "how far each row of one lies from each of the other",
    "torch.cdist",
)
