"""The formulas of a run: of each named value, and of the gradient at it.

`Steps` composes the rules of the operations between named values, forward for values, as in
`value_formulas.py`, and backward for gradients, for one element or for the whole tensor. Every
page takes its expressions from here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import prod

import numpy as np

from ..ops import NotExplained
from ..ops.at_once import (
    NotAtOnce,
    Summands,
    is_many,
    one_of,
    shape_of_many,
)
from ..ops.pointwise import times
from ..symbolic.expression import Add, Expression, Index, Number
from .run import Run
from .sums import Arrival, Contribution, added, folded
from .value_formulas import ValueSteps, if_explained

MOST_REMEMBERED = 20_000  # gradients of elements without a name, shared by those of others


class Steps(ValueSteps):
    """Composes the expressions of values and of gradients over one run."""

    def __init__(self, run: Run, as_computed: bool = False) -> None:
        super().__init__(run, as_computed)
        self._ways: dict[tuple[int, Index | None, str | None], list[Arrival]] = {}
        self._constants: dict[tuple[int, str | None], Number | None] = {}
        self._settled: set[str | None] = set()  # terms of which all constants are known

    def held_back(self, value_id: int) -> bool:
        """Whether a value passes no gradient back, though what it was made from has one.

        So it is with what is computed under `no_grad`, and with indices.
        """
        graph, reached = self.run.graph, self.run.gradients
        return (
            value_id not in reached
            and value_id in graph.reaches_loss
            and graph.depends(value_id, reached)
        )

    def gradient_reference(
        self, value_id: int, index: Index | None, term: str | None = None
    ) -> Expression:
        """Return the gradient at a named value as a leaf, `∂loss/∂z[0]`."""
        key = value_id, term, True
        if key not in self._leaves:
            name = gradient_name(self.run, value_id, term)
            self._leaves[key] = self._leaf(value_id, name, "gradient", self.run.gradients_of(term))
        return self._leaves[key].at(index)

    def gradient(self, value_id: int, index: Index | None, term: str | None = None) -> Expression:
        """Return the chain rule at one element (or, for None, the whole) of a value.

        Over the gradients of the named values that used it, constants folded.
        """
        start = self.run.trace.term(term)
        if value_id == start.value:
            return Number(start.weight)
        grouped: dict[int, list[Summands]] = {}
        for way in self.ways_back(value_id, index, term):
            grouped.setdefault(way.through, []).append(way.summands)
        self._forget()
        if self.as_computed:  # a constant that is folded takes the roundings with it
            return Add(tuple(map(added, grouped.values())))
        sums = [folded(group) for group in grouped.values()]
        sums = [part for part in sums if part != Number(0.0)] or [Number(0.0)]
        return sums[0] if len(sums) == 1 else Add(tuple(sums))

    def contributions(
        self, value_id: int, index: Index | None, term: str | None = None
    ) -> list[Contribution]:
        """Return the summands of a gradient, one for each way to a named value ahead."""
        ways = self.ways_back(value_id, index, term)
        self._forget()
        return [
            Contribution(way.through, expression)
            for way in ways
            for expression in way.summands.all_written()
        ]

    def _forget(self) -> None:
        """Forget the ways of gradients when there are too many."""
        if len(self._ways) > MOST_REMEMBERED:
            self._ways.clear()

    def ways_back(
        self, value_id: int, index: Index | None, term: str | None = None
    ) -> list[Arrival]:
        """Return what comes back to one element, to many or to the whole, by each way."""
        if index is not None and is_many(index):
            return list(self._ways_of(value_id, index, term))
        key = (value_id, index, term)
        if key not in self._ways:
            self._ways[key] = list(self._ways_of(value_id, index, term))
        return self._ways[key]

    def _ways_of(self, value_id: int, index: Index | None, term: str | None) -> Iterator[Arrival]:
        reached = self.run.gradients_of(term)
        if (reason := self.run.graph.taken.get(value_id)) is not None:
            raise NotExplained(reason)
        many = index is not None and is_many(index)
        for bound in self.run.graph.consumers(value_id):
            if bound.output not in reached or bound.output == value_id:
                continue
            if bound.no_way_back:
                raise NotExplained(bound.no_way_back)
            rule, call = self._rule(bound), self.call(bound)
            if many and not rule.ways_of_many:
                raise NotAtOnce
            for position in bound.positions(value_id):
                if index is None:
                    for through, upstream in self._upstream(bound.output, None, term):
                        whole = rule.backward(call, position, upstream.formula)
                        yield Arrival(through, Summands(whole))
                    continue
                for out, slope in rule.ways(call, position, index):
                    for through, each in self._passed(bound.output, out, slope, term, many):
                        shape = np.broadcast_shapes(shape_of_many(index), each.shape)
                        yield Arrival(through, Summands(each.formula, shape))

    def _passed(
        self, output: int, out: Index, slope: Expression, term: str | None, many: bool
    ) -> Iterator[Arrival]:
        """Yield what arrives at one or many elements of an output, times their slopes."""
        shape = shape_of_many(out)
        try:
            upstream = self._upstream(output, out, term)
        except NotAtOnce:
            if many:  # the one that opened the many writes them one by one
                raise
            for at in range(prod(shape)):
                place = np.unravel_index(at, shape[::-1])[::-1]
                one = tuple(int(np.broadcast_to(axis, shape)[place]) for axis in out)
                yield from self._passed(output, one, one_of(slope, place), term, False)
            return
        for through, arriving in upstream:
            both = shape
            if arriving.shape != shape:
                both = np.broadcast_shapes(shape, arriving.shape)
            formula = arriving.formula
            back = in_steps(formula, slope) if self.as_computed else formula * slope
            yield Arrival(through, Summands(back, both))

    def _upstream(self, output: int, index: Index | None, term: str | None) -> list[Arrival]:
        start = self.run.trace.term(term)
        if output == start.value:
            return [Arrival(output, Summands(Number(start.weight)))]
        if self.run.trace.values[output].name is None:
            return self.ways_back(output, index, term)
        constant = self.constant_gradient(output, term)
        named = constant or self.gradient_reference(output, index, term)
        return [Arrival(output, Summands(named))]

    def constant_gradient(self, value_id: int, term: str | None = None) -> Number | None:
        """Return a scalar's gradient when it is a constant, as it is at a term of a sum."""
        key = (value_id, term)
        if key not in self._constants:
            if term not in self._settled:
                self._settled.add(term)
                self._settle(term)
                return self.constant_gradient(value_id, term)
            scalar = self.run.values[value_id].size == 1
            whole = self.gradient(value_id, None, term) if scalar else None
            self._constants[key] = whole if isinstance(whole, Number) else None
        return self._constants[key]

    def _settle(self, term: str | None) -> None:
        """Find what is constant from the loss back: each needs those ahead of it alone."""
        reached = self.run.gradients_of(term)
        for value_id in reversed(list(self.named())):
            if value_id in reached:
                if_explained(partial(self.constant_gradient, value_id, term))


def in_steps(arriving: Expression, slope: Expression) -> Expression:
    """Multiply as autograd does, which may pass each summand of a slope back by itself."""
    if isinstance(slope, Add):
        return Add(tuple(times(arriving, part) for part in slope.terms))
    return times(arriving, slope)


def gradient_name(run: Run, value_id: int, term: str | None = None) -> str:
    """Write `∂loss/∂z`, or `∂kl/∂z` for one term's share."""
    return f"∂{run.trace.term(term).name}/∂{run.trace.values[value_id].name}"
