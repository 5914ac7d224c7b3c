"""The formula of each step: a named value's expression over other named values.

`std = torch.exp(0.5 * logvar)` is two operations and one step, because only `std` has a
name. `Steps` composes the rules of the operations in between, forward for values and
backward for gradients, for one element or for the whole tensor. Every page takes its
expressions from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import prod
from typing import TypeVar

import numpy as np

from ..ops import Call, NotExplained, Rule
from ..ops.at_once import (
    NotAtOnce,
    Summands,
    is_many,
    one_of,
    shape_of_many,
)
from ..quick_classes import dataclass
from ..symbolic.expression import Add, Expression, Index, Number, Ref, Role, references
from ..symbolic.shapes import expanded
from ..symbolic.text import index_text
from ..trace import Array
from .graph import BoundOperation
from .leaves import ROLES, ConstantOperand, TensorRefs
from .run import Run
from .sums import Arrival, Contribution, added, folded

Made = TypeVar("Made")

MOST_REMEMBERED = 20_000  # gradients of elements without a name, shared by those of others


class Steps:
    """Composes expressions over one run.

    With `as_computed` derivatives are as PyTorch computes them, see `Call`.
    """

    def __init__(self, run: Run, as_computed: bool = False) -> None:
        self.run, self.as_computed = run, as_computed
        self._ways: dict[tuple[int, Index | None, str | None], list[Arrival]] = {}
        self._inner: dict[tuple[int, Index], Expression] = {}
        self._formulas: dict[int, Expression] = {}
        self._plain: dict[int, Number | None] = {}
        self._leaves: dict[tuple[int, str | None, bool], TensorRefs] = {}
        self._constants: dict[tuple[int, str | None], Number | None] = {}
        self._settled: set[str | None] = set()  # terms of which all constants are known
        self._shapes: dict[int, tuple[int, ...]] = {}
        self._calls: dict[int, Call] = {}
        self._chosen_by: dict[Ref, None] | None = None  # while `chosen` collects them

    # --- which values are steps ---

    def named(self) -> Iterator[int]:
        """Yield the computed and drawn values that have a name, in order."""
        for value in self.run.trace.values:
            if value.name is not None and value.id in self.run.trace.producer:
                yield value.id

    def inputs(self, value_id: int) -> list[int]:
        """Return the named values (and drawn or given ones) that a step is made from."""
        by_name = self.run.trace.by_name
        formula = if_explained(lambda: self.formula(value_id))
        if formula is None:
            return list(self.run.graph.step_inputs(value_id))
        return [by_name[ref.name].id for ref in references(formula) if ref.name in by_name]

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

    # --- references ---

    def shown_index(self, value_id: int, index: Index) -> Index:
        """Drop the batch axis of a batch of one, as a person writing `z[0]` does."""
        value = self.run.trace.values[value_id]
        single = len(value.shape) > 1 and value.shape[0] == 1 and value.kind != "parameter"
        return index[1:] if single else index

    def label(self, value_id: int, index: Index) -> str:
        """Write an index as a person does: `[0]` for the first number of a batch of one."""
        return index_text(self.shown_index(value_id, index))

    def full_index(self, value_id: int, index: Index) -> Index:
        """Undo `shown_index`; an index that is whole already stays as it is."""
        shape = self.run.trace.values[value_id].shape
        return (0, *index) if len(index) == len(shape) - 1 and shape[0] == 1 else index

    def reference(self, value_id: int, index: Index | None) -> Expression:
        """Return a named value, or one element of it, as a leaf."""
        key = value_id, None, False
        if key not in self._leaves:
            value = self.run.trace.values[value_id]
            name = value.name or f"constant {value_id}"
            self._leaves[key] = self._leaf(value_id, name, ROLES[value.kind], self.run.values)
        return self._leaves[key].at(index)

    def gradient_reference(
        self, value_id: int, index: Index | None, term: str | None = None
    ) -> Expression:
        """Return the gradient at a named value as a leaf, `∂loss/∂z[0]`."""
        key = value_id, term, True
        if key not in self._leaves:
            name = gradient_name(self.run, value_id, term)
            self._leaves[key] = self._leaf(value_id, name, "gradient", self.run.gradients_of(term))
        return self._leaves[key].at(index)

    def _leaf(
        self, value_id: int, name: str, role: Role, arrays: Mapping[int, Array]
    ) -> TensorRefs:
        whole = (0,) * len(self.run.trace.values[value_id].shape)
        hidden_axes = len(whole) - len(self.shown_index(value_id, whole))
        array = arrays[value_id]
        number_type = float if array.dtype.kind in "fc" else int
        return TensorRefs(name, role, array, hidden_axes, number_type, {})

    # --- values ---

    def element(self, value_id: int, index: Index) -> Expression:
        """Return how one element of a value is made, over named values.

        Raises
        ------
        NotExplained
            If an operation on the way has no rule.
        """
        bound = self.run.graph.producer(value_id)
        if bound is None:
            return self.reference(value_id, index)
        rule, call = self._rule(bound), self.call(bound)
        if is_many(index) and (rule.chosen_by is not None or not rule.many_elements):
            raise NotAtOnce
        if self._chosen_by is not None and rule.chosen_by is not None:
            for position, at in rule.chosen_by(call, index):
                self._chosen_by.update(dict.fromkeys(references(call.operands[position].at(at))))
        return rule.element(call, index)

    def inner(self, value_id: int, index: Index) -> Expression:
        """Return `element` of a value without a name, which several lines may have in them."""
        if self._chosen_by is not None or is_many(index):
            return self.element(value_id, index)
        key = value_id, index
        if key not in self._inner:
            if len(self._inner) > MOST_REMEMBERED // 10:
                self._inner.clear()
            self._inner[key] = self.element(value_id, index)
        return self._inner[key]

    def chosen(self, value_id: int, index: Index) -> tuple[Expression, tuple[Ref, ...]]:
        """Return how one element is made, and the indices by which its numbers were chosen.

        The expression names only the chosen number; that of a code was chosen by `indices[0]`.
        """
        chosen_by = self._chosen_by = {}
        try:
            expression = self.element(value_id, index)
        finally:
            self._chosen_by = None
        return expression, tuple(chosen_by)

    def formula(self, value_id: int) -> Expression:
        """Return how a whole value is made, over named values."""
        bound = self.run.graph.producer(value_id)
        if bound is None:
            return self.reference(value_id, None)
        if value_id not in self._formulas:
            self._formulas[value_id] = self._rule(bound).formula(self.call(bound))
        return self._formulas[value_id]

    def shape_written(self, value_id: int) -> tuple[int, ...]:
        """Return the shape of a value's formula, which does not write what broadcasting repeats.

        A constant without a name that is one number everywhere is written as that number.
        """
        shape = self._shapes.get(value_id)
        if shape is None:
            operand = _ValueOperand(self, value_id)
            bound = None if operand.is_leaf() else self.run.graph.producer(value_id)
            if bound is not None and bound.rule is not None and bound.rule.formula_broadcasts:
                shape = np.broadcast_shapes(*map(self.shape_written, bound.sources.values()))
            else:
                shape = operand.shape if operand.plain() is None else ()
            self._shapes[value_id] = shape
        return shape

    # --- gradients ---

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
            yield Arrival(through, Summands(arriving.formula * slope, both))

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

    # --- rules ---

    def _rule(self, bound: BoundOperation) -> Rule:
        if bound.rule is None:
            raise NotExplained(f"{bound.operation.name}: {bound.reason}")
        return bound.rule

    def call(self, bound: BoundOperation) -> Call:
        """Return an operation's operands and output as its rule sees them."""
        if bound.output not in self._calls:
            self._calls[bound.output] = self._call(bound)
        return self._calls[bound.output]

    def _call(self, bound: BoundOperation) -> Call:
        full = not self._rule(bound).formula_broadcasts
        operands = tuple(
            _ValueOperand(self, int(operand), full) if slot else ConstantOperand(float(operand))
            for operand, slot in zip(bound.operands, bound.slots, strict=True)
        )
        output = _ValueOperand(self, bound.output)
        return Call(operands, output, bound.attributes, self.as_computed)


@dataclass(frozen=True, slots=True)
class _ValueOperand:
    """A value of the run: a leaf where it has a name, its own arithmetic where it has none."""

    steps: Steps
    value_id: int
    full: bool = False  # whether its formula is to have all of its shape

    @property
    def array(self) -> Array:
        return self.steps.run.values[self.value_id]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.steps.run.trace.values[self.value_id].shape

    def at(self, index: Index) -> Expression:
        if self.is_leaf():
            return self.plain() or self.steps.reference(self.value_id, index)
        return self.steps.inner(self.value_id, index)

    def whole(self) -> Expression:
        if self.is_leaf():
            body = self.plain() or self.steps.reference(self.value_id, None)
        else:
            body = self.steps.formula(self.value_id)
        if self.full and self.steps.shape_written(self.value_id) != self.shape:
            return expanded(body, self.shape)
        return body

    def plain(self) -> Number | None:
        """Return the number that fills a constant without a name, as in `Normal(0, 1)`."""
        known = self.steps._plain
        if self.value_id not in known:
            known[self.value_id] = self._plain()
        return known[self.value_id]

    def _plain(self) -> Number | None:
        value = self.steps.run.trace.values[self.value_id]
        if value.kind != "constant" or value.name is not None or not value.array.size:
            return None
        first = value.array.flat[0]
        return Number(float(first)) if (value.array == first).all() else None

    def is_leaf(self) -> bool:
        trace = self.steps.run.trace
        return trace.values[self.value_id].name is not None or self.value_id not in trace.producer


def if_explained(make: Callable[[], Made]) -> Made | None:
    """Return what `make` composes from rules; None where an operation on the way has none."""
    try:
        return make()
    except NotExplained:
        return None


def gradient_name(run: Run, value_id: int, term: str | None = None) -> str:
    """Write `∂loss/∂z`, or `∂kl/∂z` for one term's share."""
    return f"∂{run.trace.term(term).name}/∂{run.trace.values[value_id].name}"
