"""The formula of each step: a named value's expression over other named values.

`std = torch.exp(0.5 * logvar)` is two operations and one step, because only `std` has a
name. `ValueSteps` composes the rules of the operations in between, for one element or for the
whole tensor. `formulas.py` adds the gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import numpy as np

from ..ops import Call, NotExplained, Rule
from ..ops.at_once import (
    NotAtOnce,
    is_many,
)
from ..quick_classes import dataclass
from ..symbolic.expression import Expression, Index, Number, Ref, Role, references
from ..symbolic.shapes import expanded
from ..symbolic.text import index_text
from ..trace import Array
from .graph import BoundOperation
from .leaves import ROLES, ConstantOperand, TensorRefs
from .run import Run

Made = TypeVar("Made")

MOST_REMEMBERED = 2_000  # elements of values without a name, which several lines have in them


class ValueSteps:
    """Composes the expressions of values over one run.

    With `as_computed` derivatives are as PyTorch computes them, see `Call`.
    """

    def __init__(self, run: Run, as_computed: bool = False) -> None:
        self.run, self.as_computed = run, as_computed
        self._inner: dict[tuple[int, Index], Expression] = {}
        self._formulas: dict[int, Expression] = {}
        self._plain: dict[int, Number | None] = {}
        self._leaves: dict[tuple[int, str | None, bool], TensorRefs] = {}
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
            if len(self._inner) > MOST_REMEMBERED:
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

    steps: ValueSteps
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
