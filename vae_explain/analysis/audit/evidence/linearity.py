"""What an elementwise operation multiplies its operands by, found by evaluating its rule.

Which op it is does not matter: `addcmul(mu, std, eps)` makes a latent as `mu + std * eps`
does, and `lerp` adds up two terms of a loss as `+` does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from ....engine.graph import BoundOperation
from ....quick_classes import NamedTuple
from ....trace import Array

# Far enough out for a clamp to hold them back, and not whole, so that rounding changes them.
TRIED = -1234567.25, -1.25, 0.75, 2345678.5
EXACT = 1e-9
ONE, OTHER = 0.625, 1.375  # what stands for an operand, to see what changes with it


class WeightedSum(NamedTuple):
    """What an operation computes: each operand times its weight, added to a constant."""

    weights: Mapping[int, Array]
    constant: Array


class Effect(NamedTuple):
    """How a value enters an operation: by which sign, times what, plus what."""

    sign: float
    factors: tuple[int, ...]
    summands: tuple[int, ...]


def weighted_sum(
    bound: BoundOperation, operands: Sequence[Array | float], positions: Collection[int]
) -> WeightedSum | None:
    """Return an operation as a weighted sum of some operands; None where it is no such sum.

    Parameters
    ----------
    operands
        The numbers of all operands; those at `positions` do not matter.
    positions
        The operands to be added up.
    """
    assert bound.rule is not None, "asked of an operation with a rule"
    forward, vjp, attributes = bound.rule.forward, bound.rule.vjp, bound.attributes
    arrays = [np.asarray(operand, dtype=np.float64) for operand in operands]
    shape = np.broadcast_shapes(*(a.shape for at, a in enumerate(arrays) if at not in positions))

    def at(numbers: Mapping[int, float]) -> list[Array]:
        return [
            np.full(shape, numbers.get(position, 0.0))
            if position in positions
            else np.broadcast_to(array, shape)
            for position, array in enumerate(arrays)
        ]

    trials = [{position: number} for position in positions for number in TRIED]
    trials += [dict(zip(positions, numbers, strict=False)) for numbers in (TRIED, TRIED[::-1])]
    with np.errstate(all="ignore"):
        constant = np.asarray(forward(*at({}), **attributes))
        slopes = vjp(np.ones(shape), constant, *at({}), **attributes)
        weights = {position: np.asarray(slopes[position], np.float64) for position in positions}
        for trial in trials:
            terms = [weights[position] * number for position, number in trial.items()]
            size = np.abs(constant) + sum(map(np.abs, terms))
            output = np.asarray(forward(*at(trial), **attributes))
            if not np.all(np.abs(output - constant - sum(terms)) <= EXACT * size):
                return None
    return WeightedSum(weights, constant)


def effect(bound: BoundOperation, value: int) -> Effect | None:
    """Return how a value enters an operation; None where not by products and sums alone."""
    positions, sources = bound.positions(value), bound.sources
    operands = [ONE if at in sources else float(n) for at, n in enumerate(bound.operands)]
    whole = weighted_sum(bound, operands, positions)
    if whole is None:
        return None
    factors, summands = [], []
    for position, source in sources.items():
        if position in positions:
            continue
        changed = [*operands[:position], OTHER, *operands[position + 1 :]]
        other = weighted_sum(bound, changed, positions)
        scales = other is not None and other.weights != whole.weights
        shifts = other is not None and other.constant != whole.constant
        if other is None or (scales and shifts):
            return None
        if scales:
            factors.append(source)
        if shifts:
            summands.append(source)
    sign = float(np.sign(sum(whole.weights.values())))
    return Effect(sign, tuple(factors), tuple(summands))
