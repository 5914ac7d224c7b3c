"""How far rounding may carry the numbers of a whole run, computed twice.

A line is bounded by its own tree (`symbolic/error_bound.py`). A gradient by hand and autograd's
differ by the roundings of everything between the loss and it, and what those amount to depends
on the run: behind a sigmoid that is nearly 1 it is much. So the run is made again by hand a few
times, with every number on the way moved by one rounding, up or down by chance. Of n roundings
that gives the root of the sum of their squared effects, and their plain sum, which is as far as
they can go, is at most √n times it (the inequality of Cauchy and Schwarz).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ..trace import Array
from .backward_pass import backward
from .forward_pass import replay
from .run import Run

RUNS = 8  # moved ones, from which a standard deviation is known to a quarter of it


class Moved(NamedTuple):
    """How far moved numbers are from those that stand still, as standard deviations, by id."""

    values: Mapping[int, Array]
    gradients: Mapping[int, Array]


class Sensitivity:
    """What roundings of one size do to the numbers of a run.

    Parameters
    ----------
    run
        The run, of whose values and gradients by hand it speaks.
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
        trace = self.run.trace
        forward = sum(trace.values[number].array.size for number in self.run.graph.reaches_loss)
        back = sum(gradient.size for gradient in trace.gradients.values())
        return math.sqrt(forward + back)

    def usual(self, scale: float) -> float:
        """Return what they may come to where nothing makes more of them than their number."""
        return self.most * self.unit * scale

    def value(self, number: int) -> Array:
        """Return how far each element of a value may be off."""
        return self.most * self._moved.values[number]

    def gradient(self, number: int) -> Array:
        """Return how far each element of a gradient may be off."""
        return self.most * self._moved.gradients[number]

    @cached_property
    def _moved(self) -> Moved:
        run, graph, signs = self.run, self.run.graph, np.random.default_rng(0)

        def moved(number: int, array: Array) -> Array:
            if not np.issubdtype(array.dtype, np.inexact):
                return array
            return np.asarray(array * (1 + self.unit * signs.choice((-1.0, 1.0), array.shape)))

        start = run.trace.term(self.term)
        made = run.hand_values
        still = made, backward(graph, made, start.value, start.weight)
        squares: tuple[dict[int, Array], dict[int, Array]] = {}, {}
        for _ in range(RUNS):
            leaves = {
                value.id: moved(value.id, made[value.id])
                for value in run.trace.values
                if value.id not in run.trace.producer
            }
            values = replay(graph, leaves, moved)
            found = values, backward(graph, values, start.value, start.weight, moved)
            for total, now, before in zip(squares, found, still, strict=True):
                for number, array in now.items():
                    with np.errstate(all="ignore"):
                        apart = np.square(np.subtract(array, before[number], dtype=np.float64))
                    total[number] = total.get(number, 0.0) + apart
        # What is no number in one of the runs may be any.
        deviations = (
            {
                number: np.nan_to_num(np.sqrt(total / RUNS), nan=math.inf, posinf=math.inf)
                for number, total in kind.items()
            }
            for kind in squares
        )
        return Moved(*deviations)
