"""How far two processors may come apart on a number of a run, and so on its last digits.

They add up in another order, and some round a product and a sum at once. How much of that
reaches a number depends on all that it is made of. So the run is made again by hand several
times, with every number on the way moved by one rounding, up or down: what a number then
does says how far the roundings of its own run may carry it.

This is the only place that says how much a processor may differ.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

import numpy as np

from ....engine.backward_pass import backward
from ....engine.formulas import Steps
from ....engine.forward_pass import Arrays, replay
from ....engine.graph import BoundOperation
from ....engine.run import Run
from ....symbolic.measure import measure
from ....trace import Array
from ..matching.names import Name
from .recomputed import Inputs, array_of

# Half a unit in the last place of a number of size one: what one rounding moves it by.
SINGLE = float(np.finfo(np.float32).eps) / 2
DOUBLE = float(np.finfo(np.float64).eps) / 2
RUNS = 16  # moved ones, from which a standard deviation is known to a fifth of it
STANDARD_DEVIATIONS = 4  # of them a processor may be off; one in 16,000 would be further
IN_BULK = 16  # numbers; PyTorch draws fewer from a normal distribution in float64


def off_in_line(magnitude: float, parts: int) -> float:
    """Return how far PyTorch's own result of one line may be off what its numbers give."""
    return STANDARD_DEVIATIONS * SINGLE * parts * magnitude


def off_as_drawn(run: Run, name: str) -> float:
    """Return how far another processor's draw of a parameter or of noise may be off."""
    return STANDARD_DEVIATIONS * SINGLE * _drawn_from(run, name)


def _drawn_from(run: Run, name: str) -> float:
    """Return the size of what an input is made from where it is drawn.

    A parameter between -b and b is a number between 0 and 2b, less b, and so is rounded as b
    is, however small it comes out. Noise is a length times the cosine of an angle up to 2π,
    and in float32 where it is drawn in bulk.
    """
    if name == "x":
        return 0.0
    if name == "eps":
        return 2 * math.pi if math.prod(run.value(name).shape) >= IN_BULK else 0.0
    layer, _, _ = name.rpartition(".")
    return 1 / math.sqrt(run.value(f"{layer}.weight").shape[-1])


class Roundings:
    """How far the numbers of a run may be off.

    Parameters
    ----------
    run
        The run, in any arithmetic.
    inputs
        What it starts from.
    rounding
        One rounding of a number of size one.
    rate
        The learning rate, where one is stated.
    open_by
        How far each number of an input may be from the one that it was printed for, by name.
    """

    def __init__(
        self,
        run: Run,
        inputs: Inputs,
        rounding: float,
        rate: float | None = None,
        open_by: Mapping[str, Array] | None = None,
    ) -> None:
        self.run, self.inputs, self.rounding, self.rate = run, inputs, rounding, rate
        self.open_by = {name: by for name, by in (open_by or {}).items() if by.any()}
        self._found: dict[Name, Array] = {}

    def array(self, name: Name) -> Array:
        """Return how far each element of a quantity may be off."""
        if name not in self._found:
            off = self._deviation(name, self._moved) * self._longest * self.rounding / SINGLE
            if self.open_by:
                off += self._deviation(name, self._opened)
            self._found[name] = STANDARD_DEVIATIONS * off
        return self._found[name]

    def _deviation(self, name: Name, moved: Iterable[Run]) -> Array:
        """Return how far moved runs are from the one that is not, as a standard deviation."""
        still = array_of(self._still, name, self.rate)
        squares = [np.square(array_of(run, name, self.rate) - still) for run in moved]
        return np.asarray(np.sqrt(np.mean(squares, axis=0)))

    @cached_property
    def _longest(self) -> float:
        """The root of the longest sum's length: of n summands it is rounded n times, not once."""
        sizes = (size for value in self.run.trace.values for size in value.shape)
        return math.sqrt(max(sizes, default=1))

    @cached_property
    def _still(self) -> Run:
        """The run as it is, in float64."""
        return self._again(self.inputs, lambda array, size: array)

    @cached_property
    def _moved(self) -> tuple[Run, ...]:
        """The run with every number on the way moved by one rounding, as if in float32."""
        signs = np.random.default_rng(0)

        def moved(array: Array, size: Array | float) -> Array:
            by = SINGLE * np.maximum(np.abs(array), size)
            return np.asarray(array + by * signs.choice((-1.0, 1.0), array.shape))

        return tuple(self._again(self.inputs, moved) for _ in range(RUNS))

    @cached_property
    def _opened(self) -> tuple[Run, ...]:
        """The run from any inputs that would be printed so."""
        places = np.random.default_rng(0)

        def moved() -> Inputs:
            others = {
                name: self.inputs[name] + by * places.uniform(-1, 1, by.shape)
                for name, by in self.open_by.items()
            }
            return {**self.inputs, **others}

        return tuple(self._again(moved(), lambda array, size: array) for _ in range(RUNS))

    def _again(self, inputs: Inputs, moved: Callable[[Array, Array | float], Array]) -> Run:
        trace, graph = self.run.trace, self.run.graph
        given = {
            trace.by_name[name].id: moved(array, _drawn_from(self.run, name))
            for name, array in inputs.items()
        }

        def gradients(start: int, weight: float | Array, usual: Arrays) -> dict[int, Array]:
            def adjust(number: int, array: Array) -> Array:
                return moved(array, self._size_of_gradient(number, usual))

            return backward(graph, values, start, weight, adjust)

        values = replay(graph, given, lambda n, array: moved(array, self._sizes.get(n, 0.0)))
        return dataclasses.replace(
            self.run,
            arithmetic="printed",  # in float64
            values=values,
            gradients=gradients(trace.output, 1.0, trace.gradients),
            term_gradients={
                term.name: gradients(term.value, term.weight, trace.term_gradients[term.name])
                for term in trace.terms
            },
        )

    # --- functions, which may lose digits on the way to a small result ---

    @cached_property
    def _sizes(self) -> dict[int, Array]:
        """What each result of a function is rounded as: `exp(x) - 1` as 1, however small."""
        return {bound.output: self._measured(bound) for bound in self._functions()}

    @cached_property
    def _slopes(self) -> dict[int, Array]:
        """The same of its derivative, by the number of the result."""
        return {bound.output: self._measured(bound, slope=True) for bound in self._functions()}

    def _size_of_gradient(self, number: int, usual: Arrays) -> Array | float:
        """Return what a gradient is rounded as, where functions send it back."""
        outputs = {bound.output for bound in self.run.graph.consumers(number)}
        sent = outputs & self._slopes.keys() & usual.keys()
        return sum((np.abs(usual[output]) * self._slopes[output] for output in sent), start=0.0)

    def _functions(self) -> Iterator[BoundOperation]:
        """Yield the operations that make of each number another, by itself."""
        values = self.run.trace.values
        for bound in self.run.graph.operations:
            alone = bound.rule is not None and bound.slots == (True,)
            if alone and values[bound.output].shape == values[int(bound.operands[0])].shape:
                yield bound

    def _measured(self, bound: BoundOperation, slope: bool = False) -> Array:
        assert bound.rule is not None, "only those with a rule were chosen"
        call = Steps(self.run).call(bound)
        errors = np.zeros(self.run.trace.values[bound.output].shape)
        for index in np.ndindex(*errors.shape):
            if slope:
                ((_, made),) = bound.rule.partials(call, 0, index)
            else:
                made = bound.rule.element(call, index)
            value, magnitude = measure(made)
            errors[index] = magnitude if value else 0.0  # a closed gate's zero is exact
        return errors
