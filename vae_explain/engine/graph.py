"""The computation graph of a trace: each operation with its rule, and who depends on whom.

A trace holds calls as PyTorch got them; a rule speaks of operands and attributes. `Graph` binds
each call to its rule, or says why none applies, and answers the questions that every other
module asks of the graph: what made a value, what uses it, and what it was computed from.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import Any

from ..ops import NotExplained, Rule, rule_of
from ..quick_classes import dataclass
from ..trace import Operation, Slot, Trace

# Reasons why the chain rule stops at a value, and the name under which a hook is counted.
HOOK = "register_hook"
HOOKED = f"{HOOK}: a hook changes this gradient"
MERGED = "it was written to where autograd does not see it, which has one gradient for both"
FUNCTION = ".apply"  # ends the name of a user-defined `autograd.Function`
# Draws by rejection sampling. Their gradient is that of implicit reparameterization (Figurnov,
# Mohamed and Mnih, "Implicit Reparameterization Gradients"), not the slope of the draw.
IMPLICIT = frozenset({"standard_gamma"})


@dataclass(frozen=True)
class BoundOperation:
    """One output of an operation, with the rule that explains it.

    An operation with several outputs is bound once for each of them.

    Attributes
    ----------
    operands
        For each position of the rule's operands the id of a value, or a plain constant.
    slots
        For each position whether the operand is a value.
    reason
        Why there is no rule; empty where there is one.
    hooked
        Whether a hook changes the gradient of the output.
    """

    operation: Operation
    output: int
    rule: Rule | None
    operands: tuple[int | float, ...] = ()
    slots: tuple[bool, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    hooked: bool = False

    @property
    def no_way_back(self) -> str:
        """Why the chain rule does not lead through the operation; empty where it does."""
        if self.rule is None:
            return f"{self.operation.name}: {self.reason}"
        return HOOKED if self.hooked else ""

    @property
    def rule_name(self) -> str:
        """The name of the rule; empty where there is none."""
        return self.rule.name if self.rule else ""

    @property
    def kind(self) -> str:
        """What kind of op it is; empty for one of no kind or without a rule."""
        return self.rule.kind if self.rule else ""

    @cached_property
    def sources(self) -> Mapping[int, int]:
        """The operands that are values: their ids, by position."""
        pairs = enumerate(zip(self.operands, self.slots, strict=True))
        return {position: int(operand) for position, (operand, slot) in pairs if slot}

    def positions(self, value_id: int) -> tuple[int, ...]:
        """Return the operand positions at which a value stands."""
        return tuple(position for position, each in self.sources.items() if each == value_id)


class Graph:
    """A trace whose operations are bound to rules."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._bound = [_bind(operation, trace.hooked) for operation in trace.operations]
        self.operations = tuple(bound for outputs in self._bound for bound in outputs)
        self._producers = {bound.output: bound for bound in self.operations}

    # --- neighbours ---

    def producer(self, value_id: int) -> BoundOperation | None:
        """Return the operation that made a value; None for inputs and parameters."""
        return self._producers.get(value_id)

    def rule(self, value_id: int) -> Rule | None:
        """Return the rule of the op that made a value; None where there is none."""
        bound = self.producer(value_id)
        return bound.rule if bound else None

    def op_name(self, value_id: int) -> str:
        """Return the name of the op that made a value; empty for one that was given."""
        bound = self.producer(value_id)
        return bound.operation.name if bound else ""

    def consumers(self, value_id: int) -> tuple[BoundOperation, ...]:
        """Return the operations that used a value, in the order in which they ran."""
        positions = self.trace.consumers.get(value_id, ())
        return tuple(bound for position in positions for bound in self._bound[position])

    def step_inputs(self, value_id: int) -> tuple[int, ...]:
        """Return what a step is made from: unnamed intermediates count as part of the step."""
        values, inputs = self.trace.values, dict[int, None]()
        stack = [value_id]
        while stack:
            bound = self.producer(stack.pop())
            for source in bound.operation.inputs if bound else ():
                if values[source].name is None and source in self._producers:
                    stack.append(source)
                else:
                    inputs.setdefault(source)
        return tuple(inputs)

    # --- dependence ---

    @cached_property
    def _ancestors(self) -> Mapping[int, int]:
        """For each computed value, it and all that it was computed from, as bits by id.

        Bits, since sets would take memory in proportion to the square of the graph.
        """
        bits: dict[int, int] = {}
        for bound in self.operations:
            ancestors = 1 << bound.output
            for source in bound.operation.inputs:
                ancestors |= bits.get(source, 1 << source)
            bits[bound.output] = ancestors
        return bits

    def depends(self, value_id: int, on: Iterable[int]) -> bool:
        """Whether a value is one of some values, or was computed from one."""
        ancestors = self._ancestors.get(value_id, 1 << value_id)
        return any(ancestors >> other & 1 for other in on)

    def ancestors(self, value_id: int) -> frozenset[int]:
        """Return a value and every value that it was computed from."""
        digits = f"{self._ancestors.get(value_id, 1 << value_id):b}"
        return frozenset(i for i, digit in enumerate(reversed(digits)) if digit == "1")

    def backward_order(self, value_ids: Sequence[int]) -> Iterator[int]:
        """Yield values so that each comes after all of them that it leads to.

        Among those that are ready the one made first comes first.
        """
        wanted = frozenset(value_ids)
        # Those it was made from, past any that are not asked for.
        sources: dict[int, frozenset[int]] = {}
        for bound in self.operations:
            inputs = bound.operation.inputs
            sources[bound.output] = frozenset().union(
                *({each} if each in wanted else sources.get(each, ()) for each in inputs)
            )
        waiting_for = Counter(source for each in wanted for source in sources.get(each, ()))
        ready = sorted(wanted - waiting_for.keys())
        while ready:
            yield (latest := heapq.heappop(ready))
            for source in sources.get(latest, ()):
                waiting_for[source] -= 1
                if not waiting_for[source]:
                    heapq.heappush(ready, source)

    @cached_property
    def reaches_loss(self) -> frozenset[int]:
        """The values that the loss was computed from, itself among them."""
        return self.ancestors(self.trace.output)

    # --- where the rules, or the chain rule, end ---

    @cached_property
    def not_explained(self) -> tuple[str, ...]:
        """The names of the ops without a rule that the loss depends on, each once."""
        names = [
            bound.operation.name
            for bound in self.operations
            if bound.rule is None and bound.output in self.reaches_loss
        ]
        if self.trace.hooked & self.reaches_loss:
            names.append(HOOK)
        return tuple(dict.fromkeys(names))

    @cached_property
    def taken(self) -> Mapping[int, str]:
        """The values whose gradient is taken from autograd as it is, each with the reason."""
        hooked = self.trace.hooked - self._producers.keys()
        return {**dict.fromkeys(hooked, HOOKED), **dict.fromkeys(self.trace.merged, MERGED)}

    @cached_property
    def behind_hooks(self) -> frozenset[int]:
        """The values whose gradient a hook has had a part in."""
        given = self.trace.hooked - self._producers.keys()
        computed = self.trace.hooked - given
        return given.union(*(self.ancestors(each) - {each} for each in computed))

    def behind_functions(self) -> Mapping[int, str]:
        """Return the values that go into what has a backward pass of its own, with its name.

        That is a user-defined `autograd.Function`, or a draw with an implicit gradient.
        """
        return {
            source: bound.operation.name
            for bound in self.operations
            if has_own_backward(bound.operation.name) and bound.output in self.reaches_loss
            for source in self.ancestors(bound.output) - {bound.output}
        }


def has_own_backward(name: str) -> bool:
    """Whether the gradient of an op need not be the slope of what it computes."""
    return name.endswith(FUNCTION) or name in IMPLICIT


def _bind(operation: Operation, hooked: frozenset[int]) -> tuple[BoundOperation, ...]:
    """Bind an operation, once for each of its outputs."""
    try:
        rule, operands, attributes = _matched(operation)
    except NotExplained as why:
        reason = str(why)
        return tuple(
            BoundOperation(operation, output, None, reason=reason) for output in operation.outputs
        )
    numbers = tuple(operand.id if isinstance(operand, Slot) else operand for operand in operands)
    slots = tuple(isinstance(operand, Slot) for operand in operands)
    return tuple(
        BoundOperation(
            operation,
            output,
            rule,
            numbers,
            slots,
            {**attributes, "output": position} if rule.several_outputs else attributes,
            hooked=output in hooked,
        )
        for position, output in enumerate(operation.outputs)
    )


def _matched(operation: Operation) -> tuple[Rule, tuple[Any, ...], Mapping[str, Any]]:
    """Return an operation's rule with its operands and attributes, or say why it has none."""
    rule = rule_of(operation.name)
    if rule is None:
        raise NotExplained("no rule for it")
    if len(operation.outputs) != 1 and not rule.several_outputs:
        raise NotExplained("it has several outputs")
    try:
        operands, attributes = rule.bind(*operation.args, **operation.kwargs)
    except TypeError as mismatch:  # an argument that the rule does not speak of
        raise NotExplained(str(mismatch)) from mismatch
    if not all(isinstance(operand, Slot | int | float) for operand in operands):
        raise NotExplained("an operand that is not a number")
    if any(isinstance(value, Slot) for value in _flat(attributes.values())):
        raise NotExplained("a tensor where it takes a plain number")
    return rule, operands, attributes


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, tuple):
            yield from _flat(value)
        else:
            yield value
