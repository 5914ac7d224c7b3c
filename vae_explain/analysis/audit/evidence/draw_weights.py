"""What each of several draws of one row weighs in the loss, and whether the better ones weigh more.

A bound by importance weights, -log Σ p(x, z)/q(z), takes each draw with the weight of its own
quotient: one that reconstructs worse counts less. With the quotient upside down it counts more.
That is tried: the error of one draw is made larger, and its weight looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....quick_classes import NamedTuple
from ....trace import Array
from .anatomy import Anatomy
from .element_weights import AGREEING, FLAT, SLOPES, SWAPPED, sides
from .finding import if_applied
from .loss_parts import LossPart

FARTHER = 0.05  # of its distance from the target, by which a draw is moved away
MOVED = 1e-5  # of the weight of all draws: less is rounding
MOST_TRIED = 8


class DrawWeights(NamedTuple):
    """The weights of a row's draws.

    Attributes
    ----------
    made, target
        The prediction, with an axis for the draws, and what it is compared with.
    weights
        Of each draw, on average over the rows, all together 1; or -1, where the loss falls with
        the error.
    change
        Of one draw's weight, as a share of all, when its error grows.
    unit, total
        The error, and what one element of a row weighs in all draws together.
    """

    made: int
    target: int
    weights: Array
    change: float
    unit: str
    total: float


def draw_weights(anatomy: Anatomy, parts: Sequence[LossPart]) -> DrawWeights | None:
    """Return what the draws of a row weigh; None where there is one draw, or no error is known."""
    compared = sides(anatomy, parts)
    if compared is None or anatomy.graph.not_explained:
        return None
    made, target = compared
    prediction, wanted = anatomy.array(made), anatomy.array(target)
    wanted = wanted.reshape((1,) * (prediction.ndim - wanted.ndim) + wanted.shape)
    if wanted.ndim != prediction.ndim or any(
        own not in (1, size) for size, own in zip(prediction.shape, wanted.shape, strict=True)
    ):
        return None
    axes = [
        axis
        for axis, (size, own) in enumerate(zip(prediction.shape, wanted.shape, strict=True))
        if own == 1 < size
    ]
    if len(axes) != 1 or prediction.ndim < 3:
        return None
    values = anatomy.replayed
    found_before = _weights(anatomy, parts, made, values, wanted, axes[0])
    if found_before is None or not found_before[1].any():
        return None
    unit, before = found_before
    total = float(before.sum())
    if total < 0:
        return DrawWeights(made, target, before / -total, 0.0, unit, total / anatomy.rows)
    change = 0.0
    for draw in range(min(prediction.shape[axes[0]], MOST_TRIED)):
        moved = values[made].copy()
        at = (slice(None),) * axes[0] + (draw,)
        whole = np.broadcast_to(wanted, moved.shape)
        moved[at] += FARTHER * (moved[at] - whole[at])
        after = _weights(anatomy, parts, made, _with(anatomy, values, made, moved), wanted, axes[0])
        if after is None:
            return None
        difference = float(after[1][draw] / after[1].sum() - before[draw] / total)
        change = difference if abs(difference) > abs(change) else change
    return DrawWeights(made, target, before / total, change, unit, total / anatomy.rows)


def _with(
    anatomy: Anatomy, values: dict[int, Array], value_id: int, array: Array
) -> dict[int, Array]:
    """Return all values of a run as they are with another array in the place of one."""
    reached = set(anatomy.twins(value_id))
    for bound in anatomy.graph.operations:
        if reached & set(bound.operation.inputs):
            reached |= set(bound.operation.outputs)
    after = [n for n in reached if n in values]
    return {**values, **anatomy.experiment({value_id: array}, after)}


def _weights(
    anatomy: Anatomy,
    parts: Sequence[LossPart],
    made: int,
    values: dict[int, Array],
    wanted: Array,
    axis: int,
) -> tuple[str, Array] | None:
    """Return the error and each draw's weight, summed over the rows; None for no known error."""
    gradient = anatomy.gradient_at(made, parts, values)
    if gradient is None:
        return None
    prediction = values[made]
    row = 1 if axis == 0 else 0
    rest = tuple(i for i in range(prediction.ndim) if i not in (axis, row))
    for unit, slope in SLOPES.items():
        if unit.endswith(SWAPPED):
            continue
        with np.errstate(all="ignore"):
            slopes = np.broadcast_to(slope(prediction, wanted), prediction.shape)
        if not np.isfinite(slopes).all():
            continue
        # By least squares within a draw of a row, of which all elements weigh alike.
        squares = (slopes**2).sum(axis=rest, keepdims=True)
        if (squares <= FLAT**2 * squares.max()).any():
            continue
        weights = (gradient * slopes).sum(axis=rest, keepdims=True) / squares
        off = np.abs(gradient - weights * slopes).max()
        if off <= AGREEING * np.abs(gradient).max():
            others = tuple(i for i in range(prediction.ndim) if i != axis)
            return unit, np.asarray(weights.sum(axis=others))
    return None


def upside_down(anatomy: Anatomy, parts: Sequence[LossPart]) -> DrawWeights | None:
    """Return the weights of a row's draws where the worse ones weigh more; None elsewhere.

    Or where they weigh less than nothing: then the loss falls with the error.
    """
    draws = if_applied(draw_weights, anatomy, parts)
    wrong = draws is not None and (draws.change > MOVED or draws.weights.sum() < 0)
    return draws if wrong else None
