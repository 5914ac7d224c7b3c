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
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Literal

import numpy as np

from ..symbolic.error_bound import Precision
from ..trace import Array
from .backward_pass import Within, backward
from .forward_pass import Adjust, Arrays, replay
from .run import Run

RUNS = 8  # moved ones, in pairs, from which a standard deviation is known to a quarter of it


Kind = Literal["values", "gradients"]


class Sensitivity:
    """What roundings of one size do to the numbers of a run.

    Parameters
    ----------
    run
        The run whose values and gradients are computed by hand.
    precision
        The arithmetic whose roundings they are.
    term
        The term of the loss whose gradients are asked for; None for the whole loss.
    """

    def __init__(self, run: Run, precision: Precision, term: str | None = None) -> None:
        self.run, self.precision, self.term = run, precision, term
        # Those that were asked for: all of them would be as much memory as the run again.
        self._gradients: dict[int, Array] = {}

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
        return self.most * self.precision.unit * scale

    def of(self, kind: Kind, value_id: int) -> Array:
        """Return how far each element of a value, or of its gradient, may be off."""
        if kind == "values":
            return self.most * self._values[value_id]
        if value_id not in self._gradients:
            self._gradients.update(self._moved_gradients({value_id, *self._leaves}))
        return self.most * self._gradients[value_id]

    @cached_property
    def _leaves(self) -> list[int]:
        trace = self.run.trace
        return [value.id for value in trace.values if value.id not in trace.producer]

    @cached_property
    def _values(self) -> Mapping[int, Array]:
        """How far moved values are from those that stand still, as standard deviations."""
        made = self.run.hand_values
        apart = _Deviations(made)
        for number in range(RUNS):
            apart.add(self._replayed(_Chance(number, self.precision)))
        within = _Chance(0, self.precision)
        self._backward(made, None, within.moved_within)
        return apart.means(self._more(within.numbers))

    def _moved_gradients(self, kept: Collection[int]) -> Mapping[int, Array]:
        """Return the same of some gradients."""

        def of_run(values: Arrays, adjust: Adjust | None, within: Within) -> dict[int, Array]:
            gradients = self._backward(values, adjust, within)
            return {n: gradients[n] for n in kept if n in gradients}

        apart, within = _Deviations(of_run(self.run.hand_values, None, _still)), 0
        for number in range(RUNS):
            chance = _Chance(number, self.precision)
            apart.add(of_run(self._replayed(chance), chance.move, chance.moved_within))
            within += chance.numbers
        return apart.means(self._more(within / RUNS))

    def _replayed(self, chance: _Chance) -> dict[int, Array]:
        run = self.run
        leaves = {n: chance.move(n, run.hand_values[n]) for n in self._leaves}
        return replay(run.graph, leaves, chance.move)

    def _backward(self, values: Arrays, adjust: Adjust | None, within: Within) -> dict[int, Array]:
        start = self.run.trace.term(self.term)
        return backward(self.run.graph, values, start.value, start.weight, adjust, within=within)

    def _more(self, within: float) -> float:
        """Return what √n grows by with the roundings within operations."""
        return math.sqrt(1 + within / max(self.roundings, 1))


class _Chance:
    """Moves numbers by one rounding, or not, by chance.

    What one run of a pair moves the other leaves as it is. Where a single rounding is all that
    matters, none of the runs might move it by chance.
    """

    def __init__(self, number: int, precision: Precision) -> None:
        self._generator, self._is_second = np.random.default_rng(number // 2), bool(number % 2)
        self._precision = precision
        self._step = 2.0 ** math.floor(math.log2(precision.unit))
        self.numbers = 0  # within operations

    def move(self, _: int, array: Array) -> Array:
        if not np.issubdtype(array.dtype, np.floating):
            return array
        # By twice of it towards 0 or to the next number away from 0 that the precision has: at
        # the end of a range, as a sigmoid of 1 is, no number goes the other way, and one that is
        # nearly at the end may reach it. One that is too small for the precision may become 0.
        moves = self._generator.integers(0, 2, array.shape, bool) != self._is_second
        moved = array * (1 - 2 * self._precision.unit)
        moved = np.where(np.abs(array) < self._precision.smallest, 0, moved)
        return np.asarray(np.where(moves, moved, self._rounded_away(array)))

    def _rounded_away(self, array: Array) -> Array:
        """Return the numbers of the precision that are next to an array's, away from 0."""
        mantissa, exponent = np.frexp(array)
        # Between 0.5 and 1, where it lies, those are multiples of a power of 2.
        steps = np.ceil(np.abs(mantissa) / self._step)
        with np.errstate(over="ignore"):
            return np.asarray(np.ldexp(np.copysign(steps * self._step, mantissa), exponent))

    def moved_within(self, array: Array) -> Array:
        """Move the numbers of an array within an operation, and count them."""
        self.numbers += np.size(array)
        return self.move(0, np.asarray(array))


class _Deviations:
    """Standard deviations of arrays from those that stand still."""

    def __init__(self, still: Mapping[int, Array]) -> None:
        self._still, self._roots, self._count = still, dict[int, Array](), 0

    def add(self, arrays: Mapping[int, Array]) -> None:
        self._count += 1
        for value_id, array in arrays.items():
            with np.errstate(all="ignore"):
                apart = np.subtract(array, self._still[value_id], dtype=float)
            # A square of a small number may underflow, a root of squares may not.
            self._roots[value_id] = np.hypot(self._roots.get(value_id, 0.0), apart)

    def means(self, more: float) -> dict[int, Array]:
        """Return them, times a number; what is NaN in one of the runs may be any number."""
        return {
            value_id: np.nan_to_num(
                more * root / math.sqrt(self._count), nan=math.inf, posinf=math.inf
            )
            for value_id, root in self._roots.items()
        }


def _still(array: Array) -> Array:
    """Leave an array as it is."""
    return array
