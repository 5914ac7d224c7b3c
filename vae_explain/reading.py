"""Numbering what a run was made of: its tensors, and the calls that made them.

The recorder catches calls and lets the run go on. They are read here, all in a row: tensors
get numbers and arguments get slots, in the order in which things happened. A call is read
before anything that it was given or has made can be written to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn

from .calls import Plan, results_of
from .capture import is_same_memory
from .differentiation import Tape
from .frames import Sight
from .naming import NameReader
from .noise import MASK, is_standard_normal
from .trace import Kind, Operation, Slot

Parts = Sequence[tuple[str, nn.Module]]
# A caught call: what it needs, its arguments, its result, whether autograd was on, and the
# frames that led to it. A plain tuple, of which the recorder makes one at every call.
Call = tuple[Plan, tuple[Any, ...], Mapping[str, Any], Any, bool, Sight]


class Returned(NamedTuple):
    """What a module of the user's own has returned."""

    module: nn.Module
    result: Any


class Slotted(NamedTuple):
    """The arguments of a call, tensors replaced by slots, and the numbers of the tensors."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    inputs: tuple[int, ...]


NOTHING = Slotted((), {}, ())


class Reader:
    """Numbers the tensors of a run, and keeps the operations in order.

    Parameters
    ----------
    parts
        The modules whose parameters and buffers have names, by path.
    inputs
        The tensors that the run starts from, by name.
    """

    def __init__(self, parts: Parts, inputs: Mapping[str, Tensor]) -> None:
        self.tape = Tape()
        self.kinds: list[Kind] = []
        self.fixed_names: dict[int, str] = {}
        self.masks: set[int] = set()
        self.without_gradients: list[int] = []  # made where autograd was off
        # By the id of the tensor, which the tape keeps, so that no id is given out twice.
        self._known: dict[int, int] = {}
        # What was numbered and is not named yet: what was seen at a call; the call, if it is
        # an operation, as it was caught or nearly made; the numbers of what it made.
        self._unread: list[
            tuple[Sight | None, Call | Operation | Returned | None, tuple[int, ...]]
        ] = []
        self._operations: list[Operation] = []
        paths: dict[int, str] = {}
        for path, part in parts:
            paths.setdefault(id(part), path)
        self._names = NameReader(self._known, paths)
        for name, tensor in inputs.items():
            self._introduce(name, tensor, "input")
        for path, part in parts:
            for name, parameter in part._parameters.items():
                if parameter is not None:
                    self._introduce(f"{path}.{name}" if path else name, parameter, "parameter")
        for path, part in parts:
            for name, buffer in part._buffers.items():
                if buffer is not None:
                    self._introduce(f"{path}.{name}" if path else name, buffer, "buffer")
        self.tape.begin()

    # --- calls ---

    def take(self, caught: Sequence[Call | Returned]) -> None:
        """Number what some calls were given and what they made.

        That is all that cannot wait; `name` does the rest.
        """
        known = self._known.keys()
        for call in caught:
            if isinstance(call, Returned):
                self._unread.append((None, call, ()))
                continue
            plan, args, kwargs, result, graded, sight = call
            outputs = results_of(result)
            if not outputs or not self._computes(plan, args, kwargs):
                self._unread.append((sight, None, ()))
            elif known.isdisjoint(map(id, outputs)):
                self._unread.append((sight, call, self._made(plan, outputs, graded)))
            else:
                self.saw(sight)
                slotted = NOTHING if plan.noisy else self.slotted(args, kwargs)
                self.take_call(plan, args, kwargs, result, graded, slotted)

    def take_call(
        self,
        plan: Plan,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        result: Any,
        graded: bool,
        slotted: Slotted,
    ) -> None:
        """Number one call, which may have changed what it was given; `saw` comes before it.

        Parameters
        ----------
        slotted
            What `slotted` returned before the call.
        """
        outputs = results_of(args[0] if plan.assigns else result)
        computes = plan.noisy or (slotted.inputs and not plan.factory)
        if not outputs or not computes:
            return
        in_place = not self._known.keys().isdisjoint(map(id, outputs))
        if in_place and not plan.noisy and all(map(self.is_unchanged, outputs)):
            return  # such as `x.contiguous()`, which hands back x itself
        drawn_from = self._moments(plan, args, kwargs)
        numbers = self._made(plan, outputs, graded)
        operation = _operation(plan, args, kwargs, slotted, numbers, drawn_from)
        self._unread.append((None, operation._replace(in_place=in_place), ()))

    def _made(self, plan: Plan, outputs: Sequence[Tensor], graded: bool) -> tuple[int, ...]:
        """Number what a call has made."""
        kind: Kind = "noise" if plan.noisy else "intermediate"
        numbers = tuple([self._register(output, kind) for output in outputs])
        if not graded:
            self.without_gradients += numbers
        return numbers

    def take_dropout(self, x: int, result: Tensor, mask: Tensor) -> None:
        """Number a dropout of a value as a mask that is drawn and a product with it."""
        in_place = id(result) in self._known
        factor = self._register(mask, "noise")
        self.masks.add(factor)
        product = self._register(result, "intermediate")
        both = (x, factor)
        drawn = Operation(MASK, (), {}, (), (factor,), "")
        multiplied = Operation("mul", tuple(map(Slot, both)), {}, both, (product,), "", in_place)
        self._unread += [(None, drawn, ()), (None, multiplied, ())]

    def saw(self, sight: Sight) -> None:
        """Note what is seen ahead of a call that is numbered by itself, or at the end."""
        self._unread.append((sight, None, ()))

    def slotted(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Slotted:
        """Return the arguments of a call with a slot in the place of each tensor."""
        inputs: list[int] = []
        return Slotted(
            tuple([self._slotted(argument, inputs) for argument in args]),
            {name: self._slotted(value, inputs) for name, value in kwargs.items()},
            tuple(inputs),
        )

    def _slotted(self, argument: Any, inputs: list[int]) -> Any:
        if isinstance(argument, Tensor):
            number = self.number(argument)
            inputs.append(number)
            return Slot(number)
        if isinstance(argument, list | tuple):
            return tuple([self._slotted(item, inputs) for item in argument])
        return argument

    def _computes(self, plan: Plan, args: Iterable[Any], kwargs: Mapping[str, Any]) -> bool:
        """Whether a call draws or makes something of tensors, which get their numbers."""
        if plan.noisy:
            return True
        if plan.factory:
            return False  # its product is a constant, noted when it is used
        found = self._met(args)
        return self._met(kwargs.values()) or found if kwargs else found

    def _met(self, arguments: Iterable[Any]) -> bool:
        """Whether there are tensors among some arguments, which get their numbers."""
        found = False
        known, is_current = self._known, self.tape.is_current
        for argument in arguments:
            number = known.get(id(argument))
            if number is not None and is_current(number):
                found = True
            elif isinstance(argument, Tensor):
                self._register(argument, "constant")
                found = True
            elif isinstance(argument, list | tuple):
                found = self._met(argument) or found
        return found

    def _moments(
        self, plan: Plan, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[int, ...]:
        """Return the mean and deviation of a normal draw, where both are values of the run."""
        if plan.name != "normal":
            return ()
        given = {**dict(zip(("mean", "std"), args, strict=False)), **kwargs}
        numbers = [self._known.get(id(given.get(key))) for key in ("mean", "std")]
        found = tuple(number for number in numbers if number is not None)
        return found if len(found) == len(numbers) else ()

    # --- tensors ---

    def known(self, tensor: Tensor) -> int | None:
        """Return the number of a tensor; None if it has none."""
        return self._known.get(id(tensor))

    def number(self, tensor: Tensor) -> int:
        """Return the number of a tensor, which becomes a constant if it had none."""
        number = self._known.get(id(tensor))
        # A changed version was written to through another view of the same memory.
        if number is None or not self.tape.is_current(number):
            return self._register(tensor, "constant")
        return number

    def renew(self, written: Sequence[int]) -> None:
        """Let parameters that were written to be what they are now.

        What is written to a parameter, with gradients off or by way of its `data`, is no part
        of what is differentiated: autograd has one gradient for it, at what it has become. One
        that something was computed from before is left alone, for it was two things.
        """
        parameters = [
            number
            for number in written
            if self.kinds[number] == "parameter" and self.tape.tensors[number].requires_grad
        ]
        if parameters:
            self.name()
            used = {number for operation in self._operations for number in operation.inputs}
            for number in parameters:
                if number not in used:
                    self.tape.renew(number)

    def follow(self, targets: Sequence[Tensor], result: Any) -> None:
        """Find what the run started from where it was written to by way of its `data`.

        Running averages are, as those of a vector-quantised VAE, and autograd counts no new
        version of them. Such a tensor is from now on what was made of it, or a constant where
        only a part of it was written to.
        """
        storages = {tensor.untyped_storage().data_ptr() for tensor in targets}
        made = self.known(result) if isinstance(result, Tensor) else None
        for tensor in self.tape.given:
            if tensor is result or tensor.requires_grad:
                continue
            if tensor.untyped_storage().data_ptr() in storages:
                self.name()
                if made is not None and is_same_memory(tensor, result):
                    self._known[id(tensor)] = made
                else:
                    self.tape.outdate(self._known[id(tensor)])

    def is_unchanged(self, tensor: Tensor) -> bool:
        """Whether a tensor has a number and still is what it was when it got it."""
        number = self._known.get(id(tensor))
        return number is not None and self.tape.is_current(number)

    def _introduce(self, name: str, tensor: Tensor, kind: Kind) -> None:
        """Register what the run starts from; one that is given twice keeps its first name."""
        if id(tensor) not in self._known:
            self.fixed_names[self._register(tensor, kind)] = name

    def _register(self, tensor: Tensor, kind: Kind) -> int:
        key = id(tensor)
        if key in self._known:
            self.name()  # what came before was the tensor under its old number
        kinds = self.kinds
        number = self._known[key] = len(kinds)
        kinds.append(kind)
        # Running statistics and what comes from outside may be written to unseen.
        self.tape.add(tensor, copy=kind in ("buffer", "constant"))
        return number

    # --- names ---

    def name(self) -> None:
        """Name what was numbered since the last time.

        This cannot wait when a tensor is about to be written to: it is another value then,
        and its variable's name another value's name.
        """
        names = self._names
        unread, self._unread = self._unread, []
        for sight, what, numbers in unread:
            if sight is not None:
                names.see(sight)
            if what is None:
                continue
            if isinstance(what, Returned):
                names.gave_back(*what)
                continue
            if not isinstance(what, Operation):
                plan, args, kwargs = what[:3]
                drawn_from = self._moments(plan, args, kwargs)
                slotted = NOTHING if plan.noisy else self.slotted(args, kwargs)
                what = _operation(plan, args, kwargs, slotted, numbers, drawn_from)
            names.made(what.outputs[-1])
            self._operations.append(what._replace(module=names.module))

    def close(self) -> tuple[tuple[Operation, ...], dict[int, str], dict[int, str]]:
        """End the reading.

        Returns
        -------
        tuple
            The operations, the variables that held a value, by the value's number, and the
            innermost modules that returned one.
        """
        self.name()
        return tuple(self._operations), self._names.names, self._names.returned


def _operation(
    plan: Plan,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    slotted: Slotted,
    outputs: tuple[int, ...],
    drawn_from: tuple[int, ...],
) -> Operation:
    """Return what a call is, apart from where it was."""
    if plan.noisy:
        standard = {"standard": is_standard_normal(plan.name, args, kwargs)}
        return Operation(plan.op, (), standard, (), outputs, "", drawn_from=drawn_from)
    given, named, inputs = slotted
    if plan.reflected:
        given = given[::-1]
    return Operation(plan.op, given, named, inputs, outputs, "")
