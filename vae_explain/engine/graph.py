"""Each recorded operation brought together with the rule that explains it.

A trace holds calls as PyTorch got them; a rule speaks of operands and attributes. This
room binds the one to the other, and says for every call that has no rule why not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..ops import NotExplained, Rule, rule_of
from ..trace import Operation, Slot, Trace

# Why the chain rule ends there, with the name under which it is counted.
HOOK = "register_hook"
MERGED = "it was written to where autograd does not see it, which has one gradient for both"
FUNCTION = ".apply"  # at the end of the name of somebody's `autograd.Function`
# Draws by rejection, whose gradient says how the distribution moves (Figurnov, Mohamed and
# Mnih, "Implicit Reparameterization Gradients") and not how this draw does.
IMPLICIT = frozenset({"standard_gamma"})
HOOKED = f"{HOOK}: a hook changes this gradient"


@dataclass(frozen=True)
class BoundOperation:
    """An operation with its rule and its operands: value numbers, or plain constants.

    One that has several outputs is bound once for each, as if each had a call of its own.
    `hooked` says that a hook changes the gradient of the output on its way through.
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
    def sources(self) -> dict[int, int]:
        """The values among the operands, by position: constants are left out."""
        pairs = enumerate(zip(self.operands, self.slots, strict=True))
        return {position: int(operand) for position, (operand, slot) in pairs if slot}

    def positions(self, value: int) -> tuple[int, ...]:
        """Return the operand positions at which a value stands."""
        return tuple(position for position, source in self.sources.items() if source == value)


class Graph:
    """A trace whose operations are bound to rules."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._bound = [_bind(operation, trace.hooked) for operation in trace.operations]
        self.operations = tuple(bound for outputs in self._bound for bound in outputs)
        self._producers = {bound.output: bound for bound in self.operations}

    def producer(self, value: int) -> BoundOperation | None:
        """Return the operation that made a value; None for inputs and parameters."""
        return self._producers.get(value)

    def consumers(self, value: int) -> tuple[BoundOperation, ...]:
        """Return the operations that used a value, in the order in which they ran."""
        positions = self.trace.consumers.get(value, ())
        return tuple(bound for position in positions for bound in self._bound[position])

    def before(self, value: int) -> Iterator[BoundOperation]:
        """Yield the operation that made a value and all before it, the last one first."""
        last = self.trace.producer.get(value, -1)
        for outputs in reversed(self._bound[: last + 1]):
            yield from outputs

    @cached_property
    def not_explained(self) -> tuple[str, ...]:
        """The names of the ops without a rule that the loss depends on, each once."""
        wanted = self.reaches_loss
        names = [
            bound.operation.name
            for bound in self.operations
            if bound.rule is None and bound.output in wanted
        ]
        if self.trace.hooked & wanted:
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
        found = set(self.trace.hooked - self._producers.keys())
        for number in self.trace.hooked - found:
            found |= self.ancestors(number) - {number}
        return frozenset(found)

    def behind_functions(self) -> Mapping[int, str]:
        """Return the values that go into what has a backward pass of its own, with its name.

        That is somebody's `autograd.Function`, or a draw whose gradient is an implicit one.
        """
        return {
            number: bound.operation.name
            for bound in self.operations
            if has_own_backward(bound.operation.name) and bound.output in self.reaches_loss
            for number in self.ancestors(bound.output) - {bound.output}
        }

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
            {**attributes, "output": position} if rule.several else attributes,
            hooked=output in hooked,
        )
        for position, output in enumerate(operation.outputs)
    )


def _matched(operation: Operation) -> tuple[Rule, tuple[Any, ...], Mapping[str, Any]]:
    """Return an operation's rule with its operands and attributes, or say why it has none."""
    rule = rule_of(operation.name)
    if rule is None:
        raise NotExplained("no rule for it")
    if len(operation.outputs) != 1 and not rule.several:
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
