"""How far rounding may carry the numbers of a whole run, computed twice.

A line is bounded by its own tree (`symbolic/error_bound.py`). A gradient by hand and autograd's
differ by the roundings of everything between the loss and it, and what those amount to depends
on the run: behind a sigmoid that is nearly 1 it is much. So the run is made again by hand a few
times, with every number on the way moved by one rounding, or not, by chance. Of n roundings
that gives the root of the sum of their squared effects, and their plain sum, which is as far as
they can go, is at most √n times it (the inequality of Cauchy and Schwarz). Where PyTorch makes
a gradient in steps whose parts cancel, as the two of a quotient do, those are moved as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Literal

import numpy as np

from ..trace import Array
from .backward_pass import backward
from .forward_pass import replay
from .run import Run

RUNS = 8  # moved ones, in pairs, from which a standard deviation is known to a quarter of it


Kind = Literal["values", "gradients"]


class Sensitivity:
    """What roundings of one size do to the numbers of a run.

    Parameters
    ----------
    run
        The run whose values and gradients are computed by hand.
    unit
        One rounding of a number of size one.
    term
        The term of the loss whose gradients are asked for; None for the whole loss.
    """

    def __init__(self, run: Run, unit: float, term: str | None = None) -> None:
        self.run, self.unit, self.term = run, unit, term

    @cached_property
    def most(self) -> float:
        """How many times the standard deviation all roundings together may come to: √n."""
        return math.sqrt(self.roundings)

    @cached_property
    def roundings(self) -> int:
        """How many numbers are rounded on the way to the loss and back."""
        trace = self.run.trace
        forward = sum(trace.values[value_id].array.size for value_id in self.run.graph.reaches_loss)
        return forward + sum(gradient.size for gradient in trace.gradients.values())

    def usual(self, scale: float) -> float:
        """Return what they may come to where nothing makes more of them than their number."""
        return self.most * self.unit * scale

    def of(self, kind: Kind, value_id: int) -> Array:
        """Return how far each element of a value, or of its gradient, may be off."""
        return self.most * self._moved[kind][value_id]

    @cached_property
    def _moved(self) -> Mapping[Kind, Mapping[int, Array]]:
        """How far moved numbers are from those that stand still, as standard deviations.

        They are larger by what √n grows by with the roundings within operations.
        """
        run, graph = self.run, self.run.graph
        within_operations = 0  # numbers, in all of the runs

        def moved(_: int, array: Array) -> Array:
            if not np.issubdtype(array.dtype, np.inexact):
                return array
            # By twice of it towards 0 or not at all, which is as far in the mean: at the end of
            # a range, as a sigmoid of 1 is, no number goes the other way.
            moves = chance.integers(0, 2, array.shape) != is_second
            return np.asarray(array * (1 - 2 * self.unit * moves))

        def moved_within(array: Array) -> Array:
            nonlocal within_operations
            within_operations += np.size(array)
            return moved(0, np.asarray(array))

        start = run.trace.term(self.term)
        made = run.hand_values
        still: dict[Kind, dict[int, Array]] = {
            "values": made,
            "gradients": backward(graph, made, start.value, start.weight, within=_still),
        }
        roots: dict[Kind, dict[int, Array]] = {"values": {}, "gradients": {}}
        for number in range(RUNS):
            # What one run of a pair moves the other leaves as it is. Where a single rounding is
            # all that matters, none of the runs might move it by chance.
            chance, is_second = np.random.default_rng(number // 2), number % 2
            leaves = {
                value.id: moved(value.id, made[value.id])
                for value in run.trace.values
                if value.id not in run.trace.producer
            }
            values = replay(graph, leaves, moved)
            gradients = backward(
                graph, values, start.value, start.weight, moved, within=moved_within
            )
            made_anew: dict[Kind, dict[int, Array]] = {"values": values, "gradients": gradients}
            for kind, arrays in made_anew.items():
                for value_id, array in arrays.items():
                    with np.errstate(all="ignore"):
                        apart = np.subtract(array, still[kind][value_id], dtype=float)
                    # A square of a small number may underflow, a root of squares may not.
                    roots[kind][value_id] = np.hypot(roots[kind].get(value_id, 0.0), apart)
        more = math.sqrt(1 + within_operations / RUNS / max(self.roundings, 1))
        # What is NaN in one of the runs may be any number.
        return {
            kind: {
                value_id: np.nan_to_num(
                    more * root / math.sqrt(RUNS), nan=math.inf, posinf=math.inf
                )
                for value_id, root in values_of.items()
            }
            for kind, values_of in roots.items()
        }


def _still(array: Array) -> Array:
    """Leave an array as it is."""
    return array
