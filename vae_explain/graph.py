"""Each recorded operation brought together with the rule that explains it.

A trace holds calls as PyTorch got them; a rule speaks of operands and attributes. This
room binds the one to the other, and says for every call that has no rule why not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .ops import RULES, NotExplained, Rule
from .trace import Operation, Slot, Trace


@dataclass(frozen=True)
class BoundOperation:
    """An operation with its rule and its operands: value numbers, or plain constants."""

    operation: Operation
    rule: Rule | None
    operands: tuple[int | float, ...] = ()
    slots: tuple[bool, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""

    @property
    def output(self) -> int:
        return self.operation.outputs[0]

    def positions(self, value: int) -> tuple[int, ...]:
        """Return the operand positions at which a value stands."""
        pairs = enumerate(zip(self.operands, self.slots, strict=True))
        return tuple(i for i, (operand, slot) in pairs if slot and operand == value)


class Graph:
    """A trace whose operations are bound to rules."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.operations = tuple(_bind(operation) for operation in trace.operations)

    def producer(self, value: int) -> BoundOperation | None:
        """Return the operation that made a value; None for inputs and parameters."""
        position = self.trace.producer.get(value)
        return None if position is None else self.operations[position]

    def consumers(self, value: int) -> tuple[BoundOperation, ...]:
        """Return the operations that used a value, in the order in which they ran."""
        return tuple(self.operations[i] for i in self.trace.consumers.get(value, ()))

    @cached_property
    def not_explained(self) -> tuple[str, ...]:
        """The names of the ops without a rule that the loss depends on, each once."""
        wanted = self.reaches_loss
        names = (
            bound.operation.name
            for bound in self.operations
            if bound.rule is None and any(out in wanted for out in bound.operation.outputs)
        )
        return tuple(dict.fromkeys(names))

    @cached_property
    def reaches_loss(self) -> frozenset[int]:
        """The values that the loss was computed from, itself among them."""
        return self.ancestors(self.trace.output)

    def ancestors(self, value: int) -> frozenset[int]:
        """Return a value and every value that it was computed from."""
        found = {value}
        stack = [value]
        while stack:
            position = self.trace.producer.get(stack.pop())
            if position is not None:
                fresh = set(self.trace.operations[position].inputs) - found
                found |= fresh
                stack.extend(fresh)
        return frozenset(found)


def _bind(operation: Operation) -> BoundOperation:
    rule = RULES.get(operation.name)
    if rule is None:
        return BoundOperation(operation, None, reason="no rule for it")
    if len(operation.outputs) != 1:
        return BoundOperation(operation, None, reason="it has several outputs")
    try:
        operands, attributes = rule.bind(*operation.args, **operation.kwargs)
    except NotExplained as reason:
        return BoundOperation(operation, None, reason=str(reason))
    except TypeError as mismatch:  # an argument that the rule does not speak of
        return BoundOperation(operation, None, reason=str(mismatch))
    if not all(isinstance(operand, Slot | int | float) for operand in operands):
        return BoundOperation(operation, None, reason="an operand that is not a number")
    return BoundOperation(
        operation,
        rule,
        tuple(operand.id if isinstance(operand, Slot) else operand for operand in operands),
        tuple(isinstance(operand, Slot) for operand in operands),
        attributes,
    )
