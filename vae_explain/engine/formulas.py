"""Steps: a named value together with its expression over other named values.

`std = torch.exp(0.5 * logvar)` is two operations and one step, because only `std` has a
name. This room composes the rules of the operations in between, forward for values and
backward for gradients, for one element or for the whole tensor. The gradient page,
derivations and updates all take their expressions from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..ops import Call, NotExplained, Rule
from ..symbolic.expression import Add, Expression, Index, Number, Ref, Role, references
from ..symbolic.shapes import expanded
from ..symbolic.simplify import simplify
from ..trace import Array, Kind
from .graph import BoundOperation
from .run import Run

ROLES: dict[Kind, Role] = {
    "input": "input",
    "parameter": "parameter",
    "buffer": "parameter",
    "noise": "noise",
    "constant": "input",
    "intermediate": "value",
}


class Part(NamedTuple):
    """A summand of a gradient: the named value that it arrives through, and its arithmetic."""

    through: int
    expression: Expression


class _Leaf(NamedTuple):
    """What the references to one tensor share, kept since a long sum has thousands of them.

    `drop` is how many leading axes a written index leaves out; `made` has the references by
    their whole index, as each weight of a layer meets the same numbers.
    """

    name: str
    role: Role
    array: Array
    drop: int
    kind: type[int | float]  # a whole number stays one
    made: dict[Index | None, Ref]

    def at(self, index: Index | None) -> Ref:
        ref = self.made.get(index)
        if ref is None:
            if index is None:
                ref = Ref(self.name, None, self.role, self.array)
            else:
                value = self.kind(self.array.item(index))
                ref = Ref(self.name, index[self.drop :], self.role, value)
            self.made[index] = ref
        return ref


class Steps:
    """Composes expressions over one run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._parts: dict[tuple[int, Index | None, str | None], list[Part]] = {}
        self._leaves: dict[tuple[int, str | None, bool], _Leaf] = {}
        self._constants: dict[tuple[int, str | None], Number | None] = {}
        self._shapes: dict[int, tuple[int, ...]] = {}
        self._chosen: dict[Ref, None] | None = None

    # --- which values are steps ---

    def named(self) -> Iterator[int]:
        """Yield the computed and drawn values that have a name, in order."""
        for value in self.run.trace.values:
            if value.name is not None and value.id in self.run.trace.producer:
                yield value.id

    def inputs(self, number: int) -> list[int]:
        """Return the named values (and drawn or given ones) that a step is made from."""
        by_name = self.run.trace.by_name
        try:
            refs = references(self.formula(number))
        except NotExplained:
            return self._named_behind(number)
        return [by_name[ref.name].id for ref in refs if ref.name in by_name]

    def held_back(self, number: int) -> bool:
        """Whether a value passes no gradient back to what it was made from, though that has one.

        So it is with what is computed under `no_grad`, and with what a place is found by.
        """
        graph, reached = self.run.graph, self.run.gradients.keys()
        return (
            number not in reached
            and number in graph.reaches_loss
            and not graph.ancestors(number).isdisjoint(reached)
        )

    def _named_behind(self, number: int) -> list[int]:
        """Return what a step is made from where an op without a rule hides its formula."""
        values, graph = self.run.trace.values, self.run.graph
        found: dict[int, None] = {}
        stack = [number]
        while stack:
            bound = graph.producer(stack.pop())
            for source in bound.operation.inputs if bound else ():
                if values[source].name is None and graph.producer(source):
                    stack.append(source)
                else:
                    found.setdefault(source)
        return list(found)

    # --- references ---

    def shown_index(self, number: int, index: Index) -> Index:
        """Drop the batch axis of a batch of one, as a person writing `z[0]` does."""
        value = self.run.trace.values[number]
        single = len(value.shape) > 1 and value.shape[0] == 1 and value.kind != "parameter"
        return index[1:] if single else index

    def full_index(self, number: int, index: Index) -> Index:
        """Undo `shown_index`; an index that is whole already stays as it is."""
        shape = self.run.trace.values[number].shape
        return (0, *index) if len(index) == len(shape) - 1 and shape[0] == 1 else index

    def reference(self, number: int, index: Index | None) -> Expression:
        """Return a named value, or one element of it, as a leaf."""
        key = number, None, False
        if key not in self._leaves:
            value = self.run.trace.values[number]
            name = value.name or f"constant {number}"
            self._leaves[key] = self._leaf(number, name, ROLES[value.kind], self.run.values)
        return self._leaves[key].at(index)

    def gradient_reference(
        self, number: int, index: Index | None, term: str | None = None
    ) -> Expression:
        """Return the gradient at a named value as a leaf, `∂loss/∂z[0]`."""
        key = number, term, True
        if key not in self._leaves:
            name = gradient_name(self.run, number, term)
            self._leaves[key] = self._leaf(number, name, "gradient", self._gradients(term))
        return self._leaves[key].at(index)

    def _leaf(self, number: int, name: str, role: Role, arrays: Mapping[int, Array]) -> _Leaf:
        whole = (0,) * len(self.run.trace.values[number].shape)
        drop = len(whole) - len(self.shown_index(number, whole))
        array = arrays[number]
        return _Leaf(name, role, array, drop, float if array.dtype.kind in "fc" else int, {})

    # --- values ---

    def element(self, number: int, index: Index) -> Expression:
        """Return how one element of a value is made, over named values.

        Raises
        ------
        NotExplained
            If an operation on the way has no rule.
        """
        bound = self.run.graph.producer(number)
        if bound is None:
            return self.reference(number, index)
        rule, call = self._rule(bound), self.call(bound)
        if self._chosen is not None and rule.chosen_by is not None:
            for position, at in rule.chosen_by(call, index):
                self._chosen.update(dict.fromkeys(references(call.operands[position].at(at))))
        return rule.element(call, index)

    def chosen(self, number: int, index: Index) -> tuple[Expression, tuple[Ref, ...]]:
        """Return how one element is made, and what says which of many numbers stands in it.

        The expression names the chosen number alone; of a code's, `indices[0]` chose it.
        """
        found = self._chosen = {}
        try:
            expression = self.element(number, index)
        finally:
            self._chosen = None
        return expression, tuple(found)

    def formula(self, number: int) -> Expression:
        """Return how a whole value is made, over named values."""
        bound = self.run.graph.producer(number)
        if bound is None:
            return self.reference(number, None)
        return self._rule(bound).formula(self.call(bound))

    def shape_written(self, number: int) -> tuple[int, ...]:
        """Return the shape of a value's formula, which leaves to broadcasting what it repeats.

        A constant without a name that is one number everywhere is written as that number.
        """
        found = self._shapes.get(number)
        if found is None:
            operand = _ValueOperand(self, number)
            bound = None if operand.is_leaf() else self.run.graph.producer(number)
            if bound is not None and bound.rule is not None and bound.rule.spreads:
                parts = [
                    self.shape_written(int(part)) if slot else ()
                    for part, slot in zip(bound.operands, bound.slots, strict=True)
                ]
                found = np.broadcast_shapes(*parts)
            else:
                found = operand.shape if operand.plain() is None else ()
            self._shapes[number] = found
        return found

    # --- gradients ---

    def gradient(self, number: int, index: Index | None, term: str | None = None) -> Expression:
        """Return the chain rule at one element (or, for None, the whole) of a value.

        Over the gradients of the named values that used it, constants folded.
        """
        if number == self._start(term):
            return self._seed(term)
        grouped: dict[int, list[Expression]] = {}
        for part in self.parts(number, index, term):
            grouped.setdefault(part.through, []).append(part.expression)
        sums = [simplify(Add(tuple(group))) for group in grouped.values()]
        sums = [part for part in sums if part != Number(0.0)] or [Number(0.0)]
        return sums[0] if len(sums) == 1 else Add(tuple(sums))

    def parts(self, number: int, index: Index | None, term: str | None = None) -> list[Part]:
        """Return the summands of a gradient, one for each way to a named value ahead."""
        key = (number, index, term)
        if key not in self._parts:
            self._parts[key] = list(self._find_parts(number, index, term))
        return self._parts[key]

    def _find_parts(self, number: int, index: Index | None, term: str | None) -> Iterator[Part]:
        reached = self._gradients(term)
        if (reason := self.run.graph.taken.get(number)) is not None:
            raise NotExplained(reason)
        for bound in self.run.graph.consumers(number):
            if bound.output not in reached or bound.output == number:
                continue
            if bound.no_way_back:
                raise NotExplained(bound.no_way_back)
            rule, call = self._rule(bound), self.call(bound)
            for position in bound.positions(number):
                if index is None:
                    for through, upstream in self._upstream(bound.output, None, term):
                        yield Part(through, rule.backward(call, position, upstream))
                    continue
                for out, partial in rule.partials(call, position, index):
                    for through, upstream in self._upstream(bound.output, out, term):
                        yield Part(through, upstream * partial)

    def _upstream(self, output: int, index: Index | None, term: str | None) -> list[Part]:
        if output == self._start(term):
            return [Part(output, self._seed(term))]
        if self.run.trace.values[output].name is None:
            return self.parts(output, index, term)
        constant = self.constant_gradient(output, term)
        return [Part(output, constant or self.gradient_reference(output, index, term))]

    def constant_gradient(self, number: int, term: str | None = None) -> Number | None:
        """Return a scalar's gradient when it is a constant, as it is at a term of a sum."""
        key = (number, term)
        if key not in self._constants:
            scalar = self.run.values[number].size == 1
            whole = self.gradient(number, None, term) if scalar else None
            self._constants[key] = whole if isinstance(whole, Number) else None
        return self._constants[key]

    def _gradients(self, term: str | None) -> Mapping[int, Array]:
        return self.run.gradients if term is None else self.run.term_gradients[term]

    def _start(self, term: str | None) -> int:
        if term is None:
            return self.run.trace.output
        return self.run.trace.by_name[term].id

    def _seed(self, term: str | None) -> Number:
        weights = {entry.name: entry.weight for entry in self.run.trace.terms}
        return Number(1.0 if term is None else weights[term])

    # --- rules ---

    def _rule(self, bound: BoundOperation) -> Rule:
        if bound.rule is None:
            raise NotExplained(f"{bound.operation.name}: {bound.reason}")
        return bound.rule

    def call(self, bound: BoundOperation) -> Call:
        """Return an operation's operands and output as its rule sees them."""
        full = not self._rule(bound).spreads
        operands = tuple(
            _ValueOperand(self, int(operand), full) if slot else _Constant(float(operand))
            for operand, slot in zip(bound.operands, bound.slots, strict=True)
        )
        return Call(operands, _ValueOperand(self, bound.output), bound.attributes)


@dataclass(frozen=True, slots=True)
class _ValueOperand:
    """A value of the run: a leaf where it has a name, its own arithmetic where it has none."""

    steps: Steps
    number: int
    full: bool = False  # whether its formula is to have all of its shape

    @property
    def array(self) -> Array:
        return self.steps.run.values[self.number]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.steps.run.trace.values[self.number].shape

    def at(self, index: Index) -> Expression:
        if self.is_leaf():
            return self.plain() or self.steps.reference(self.number, index)
        return self.steps.element(self.number, index)

    def whole(self) -> Expression:
        if self.is_leaf():
            body = self.plain() or self.steps.reference(self.number, None)
        else:
            body = self.steps.formula(self.number)
        if self.full and self.steps.shape_written(self.number) != self.shape:
            return expanded(body, self.shape)
        return body

    def plain(self) -> Number | None:
        """Return the number that fills a constant without a name, as in `Normal(0, 1)`."""
        value = self.steps.run.trace.values[self.number]
        if value.kind != "constant" or value.name is not None or not value.array.size:
            return None
        first = value.array.flat[0]
        return Number(float(first)) if (value.array == first).all() else None

    def is_leaf(self) -> bool:
        trace = self.steps.run.trace
        return trace.values[self.number].name is not None or self.number not in trace.producer


@dataclass(frozen=True, slots=True)
class _Constant:
    """A plain number of the user's code."""

    number: float
    shape: tuple[int, ...] = ()

    @property
    def array(self) -> Array:
        return np.asarray(self.number)

    def at(self, index: Index) -> Expression:
        return Number(self.number)

    def whole(self) -> Expression:
        return Number(self.number)


def gradient_name(run: Run, number: int, term: str | None = None) -> str:
    """Write `∂loss/∂z`, or `∂kl/∂z` for one term's share."""
    top = term or run.trace.loss.name or "loss"
    return f"∂{top}/∂{run.trace.values[number].name}"


__all__ = ["Part", "Steps", "gradient_name"]
