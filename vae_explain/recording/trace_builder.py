"""Numbering what a run was made of: its tensors, and the calls that made them.

The recorder catches calls and lets the run go on. They are read here, all in a row: tensors
get numbers and arguments get slots, in the order in which things happened. A call is read
before anything that it was given or has made can be written to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge

from ..trace import Found, Kind, Operation, Slot
from .call_info import (
    ARRANGING,
    PLACING,
    RANKING,
    TELLING,
    Plan,
    is_whole,
    made_by,
    results_of,
)
from .frames import NOTHING as NOTHING_SEEN
from .frames import FrameWatcher, Sight
from .random_draws import MASK, is_standard_normal
from .tensor_arrays import array_of, copied
from .tensor_register import Register
from .variable_names import NameReader
from .views import View, put, slots_in, take, view_of

# A caught call: what it needs, its arguments, its result, and the frames that led to it. A
# plain tuple, of which the recorder makes one at every call.
Call = tuple[Plan, tuple[Any, ...], Mapping[str, Any], Any, Sight]

SEQUENCES = (list, tuple)  # a union would be made anew at each look


class Part(NamedTuple):
    """A module, and what it had before the run, which may give it another of the same name."""

    path: str
    module: nn.Module
    parameters: Mapping[str, Tensor | None]
    buffers: Mapping[str, Tensor | None]


class Returned(NamedTuple):
    """What a module of the user's own has returned."""

    module: nn.Module
    result: Any


class Given(NamedTuple):
    """The arguments of a call, tensors replaced by slots, and the numbers of the tensors."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    inputs: tuple[int, ...]


NOTHING = Given((), {}, ())


class Reader(Register):
    """Numbers the tensors of a run, and keeps the operations in order.

    Parameters
    ----------
    parts
        The modules whose parameters and buffers have names.
    inputs
        The tensors that the run starts from, by name.
    frames
        See the run, and say what the variables of a frame were when it ended.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        inputs: Mapping[str, Tensor],
        frames: FrameWatcher,
    ) -> None:
        super().__init__()
        self.masks: set[int] = set()
        self.rewritten: set[int] = set()
        self.merged: set[int] = set()
        self.blank: list[Tensor] = []  # memory with nothing written to it
        # Constants whose call says what they are, with its name; they are kept for their id.
        self.told: dict[int, tuple[Tensor, str]] = {}
        self.whole_numbers: set[int] = set()  # that a call has made
        self.looked_up: set[int] = set()  # views that were made again of what they are part of
        self._parts = parts
        self._inputs = inputs
        self._begun = False  # whether these have numbers
        self.operations: list[Operation] = []
        self._put_off: Sequence[Call | Returned] = ()  # the tape has their numbers already
        self._late = 0  # the first number of what was put off
        self._frames = frames
        self._names = NameReader(self._known, frames)

    def _begin(self) -> None:
        """Number what the run started from, unless it has been."""
        if self._begun:
            return
        self._begun = True
        for name, tensor in self._inputs.items():
            self.introduce(name, tensor, "input")
        for part in self._parts:
            self._names.know(part.path, part.module)
            self.introduce_all(part.path, part.parameters, "parameter")
        for part in self._parts:
            self.introduce_all(part.path, part.buffers, "buffer")
        self.tape.begin()

    # --- calls ---

    def put_off(self, caught: Sequence[Call | Returned]) -> list[Tensor]:
        """Take the last calls of a run and leave them to be numbered when that is asked for.

        Parameters
        ----------
        caught
            The calls.

        Returns
        -------
        list of Tensor
            What the calls have made, twice what two of them have returned. The tape has taken
            the numbers down.
        """
        made: list[Tensor] = []
        for call in caught:
            if not isinstance(call, Returned):
                made += results_of(call[3])
        self.tape.expect(made)
        self._put_off = caught
        self._late = len(self.kinds)
        return made

    def catch_up(self) -> None:
        """Number what was put off."""
        caught, self._put_off = self._put_off, ()
        self.take(caught)

    def sources(self) -> tuple[Sequence[int | Tensor], Sequence[Tensor | GradientEdge]]:
        """Return what has a gradient, but for what was put off, and where autograd delivers it.

        Returns
        -------
        tuple
            The values by number, or as tensors as long as nothing has a number.
        """
        if self._begun:
            numbers = self.tape.learning
            return numbers, self.tape.edges(numbers)
        given: list[Tensor | None] = [*self._inputs.values()]
        for part in self._parts:
            given += part.parameters.values()
        learning = [tensor for tensor in given if tensor is not None and tensor.requires_grad]
        return learning, learning

    def take(self, caught: Sequence[Call | Returned]) -> None:
        """Number what some calls were given and what they made, and name what has a name."""
        self._begin()
        for call in caught:
            if isinstance(call, Returned):
                self._names.gave_back(*call)
                continue
            plan, args, kwargs, result, sight = call
            outputs = self._made(plan, args, result)
            given = self.given(plan, args, kwargs) if outputs else NOTHING
            self.saw(sight)
            self._take(plan, args, kwargs, outputs, given)

    def take_call(
        self,
        plan: Plan,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        result: Any,
        given: Given,
    ) -> None:
        """Number one call, which may have changed what it was given; `saw` comes before it.

        Parameters
        ----------
        given
            What `given` returned before the call.
        """
        outputs = self._made(plan, args, args[0] if plan.assigns else result)
        self._take(plan, args, kwargs, outputs, given)

    def _made(self, plan: Plan, args: tuple[Any, ...], result: Any) -> tuple[Tensor, ...]:
        """Return the tensors that a call made, if they are numbers to compute with.

        So are whole numbers that a call has made, when another arranges them anew.
        """
        outputs = made_by(plan.name, result)
        if outputs or not self.whole_numbers or plan.op not in ARRANGING or not args:
            return outputs
        known = self._known.get(id(args[0])) in self.whole_numbers and isinstance(result, Tensor)
        return (result,) if known else ()

    def _take(
        self,
        plan: Plan,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        outputs: Sequence[Tensor],
        given: Given,
    ) -> None:
        if not outputs or not (plan.noisy or given.inputs):
            # A look at numbers, or a constant, noted when it is used.
            if plan.name in TELLING:
                self.told.update((id(output), (output, plan.op)) for output in outputs)
            return
        in_place = not self._known.keys().isdisjoint(map(id, outputs))
        if in_place and not plan.noisy and all(map(self.is_unchanged, outputs)):
            return  # such as `x.contiguous()`, which hands back x itself
        slots, named, inputs = given
        drawn_from: tuple[int, ...] = ()
        if plan.noisy:
            named = {"standard": is_standard_normal(plan.name, args, kwargs)}
            drawn_from = self._moments(plan, args, kwargs)
        elif plan.reflected:
            slots = slots[::-1]
        kind: Kind = "noise" if plan.noisy else "intermediate"
        numbers = tuple([self.register(output, kind) for output in outputs])
        if (
            len(outputs) > 1
            or plan.name in PLACING
            or (self.whole_numbers and plan.op in ARRANGING)
        ):
            pairs = zip(numbers, outputs, strict=True)
            self.whole_numbers.update(n for n, output in pairs if is_whole(output))
            if plan.op in RANKING:
                named = {**named, "found": Found(copied(array_of(outputs[-1])))}
        self.add(
            Operation(plan.op, slots, named, inputs, numbers, self.module, in_place, drawn_from)
        )

    def take_dropout(self, x: int, result: Tensor, mask: Tensor) -> None:
        """Number a dropout of a value as a mask that is drawn and a product with it."""
        in_place = id(result) in self._known
        factor = self.register(mask, "noise")
        self.masks.add(factor)
        product = self.register(result, "intermediate")
        module = self.module
        both = (x, factor)
        self.add(Operation(MASK, (), {}, (), (factor,), module))
        self.add(Operation("mul", tuple(map(Slot, both)), {}, both, (product,), module, in_place))

    @property
    def module(self) -> str:
        """The path of the module at work; empty outside of all."""
        return self._names.module

    def add(self, operation: Operation) -> None:
        """Note one more operation."""
        self.operations.append(operation)
        self._names.made(operation.outputs[-1])

    def saw(self, sight: Sight) -> None:
        """Read what is seen ahead of a call that is numbered by itself, or at the end."""
        self._names.see(sight)

    def given(self, plan: Plan, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Given:
        """Return the arguments of a call with a slot in the place of each tensor.

        A draw is given nothing that matters here, nor is what makes a constant of its
        tensors' shapes.
        """
        if plan.noisy or plan.factory:
            return NOTHING
        inputs: list[int] = []
        return Given(
            tuple([self._slotted(argument, inputs) for argument in args]),
            {name: self._slotted(value, inputs) for name, value in kwargs.items()}
            if kwargs
            else kwargs,
            tuple(inputs),
        )

    def _slotted(self, argument: Any, inputs: list[int]) -> Any:
        number = self._known.get(id(argument))
        if number is None or not self.tape.is_current(number):
            # A changed version was written to through another view of the same memory.
            if isinstance(argument, SEQUENCES):
                return tuple([self._slotted(item, inputs) for item in argument])
            if not isinstance(argument, Tensor):
                return _as_pythons(argument)
            number = self._brought_up(argument)
        inputs.append(number)
        return Slot(number)

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

    @property
    def outsiders_learn(self) -> bool:
        """Whether there is a gradient at something numbered that no call was seen to make."""
        constants = [n for n, kind in enumerate(self.kinds) if kind == "constant"]
        late = [*constants, *self.looked_up]
        return any(self.tape.tensors[number].requires_grad for number in late)

    def late(self) -> list[tuple[int, Tensor]]:
        """Return what was numbered after it had been put off."""
        first = self._late
        return list(enumerate(self.tape.tensors[first:], first))

    def number(self, tensor: Tensor) -> int:
        """Return the number of a tensor, which gets one if it had none."""
        number = self._known.get(id(tensor))
        # A changed version was written to through another view of the same memory.
        if number is None or not self.tape.is_current(number):
            return self._brought_up(tensor)
        return number

    def _brought_up(self, tensor: Tensor) -> int:
        """Give a number to what no call that was seen has made, or to what was written to.

        A view of a value of the run is made of it; anything else is a constant.
        """
        whole = self.whole_of(tensor)
        view = None if whole is None else view_of(self.tape.tensors[whole], tensor)
        if whole is None or view is None:
            return self.register(tensor, "constant")
        name, args = take(view, whole, self._index)
        number = self.register(tensor, "intermediate")
        self.looked_up.add(number)
        self.operations.append(Operation(name, args, {}, slots_in(args), (number,), self.module))
        return number

    def put(self, whole: int, view: View, part: int) -> None:
        """Note that a part of a value was written to, which makes a new value.

        Parameters
        ----------
        whole
            What it was.
        view
            Which part of it.
        part
            The number of the part as it is now.
        """
        tensor = self.tape.tensors[whole]
        name, args = put(view, whole, tensor.shape, part, self._index)
        number = self.register(tensor, "intermediate")
        self.add(Operation(name, args, {}, slots_in(args), (number,), self.module, in_place=True))

    def _index(self, places: Tensor) -> int:
        """Give a number to places between brackets that are no slice."""
        return self.register(places, "constant")

    def close(self) -> tuple[tuple[Operation, ...], dict[int, str], dict[int, str]]:
        """End the reading.

        Returns
        -------
        tuple
            The operations, the variables that held a value, by the value's number, and the
            innermost modules that returned one.
        """
        self.catch_up()
        self.saw(NOTHING_SEEN)
        self._frames.let_go()
        return tuple(self.operations), self._names.names, self._names.returned


def _as_pythons(argument: Any) -> Any:
    """Return a number of NumPy's as Python's: `np.prod(shape)` gives the size of many layers."""
    if isinstance(argument, np.generic):
        return argument.item()
    if isinstance(argument, slice):
        ends = (argument.start, argument.stop, argument.step)
        if any(isinstance(end, np.generic) for end in ends):
            return slice(*map(_as_pythons, ends))
    return argument
