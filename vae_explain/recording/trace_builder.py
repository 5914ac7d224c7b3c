"""Turning the calls of a run into operations over values with ids.

The recorder catches calls and lets the run go on. `TraceBuilder` records them afterwards, all in
a row: tensors get ids and arguments get slots, in the order in which things happened. The one
rule: a call is recorded before anything that it was given, or has made, is written to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain, repeat
from typing import Any

from torch import Tensor
from torch.autograd.graph import GradientEdge

from ..trace import Found, Kind, Operation, Slot
from .call_info import (
    ARRANGING,
    NAMING,
    RANKING,
    PendingCall,
    Plan,
    is_whole,
    results_of,
)
from .caught_calls import Caught, ModuleReturn, ModuleState, made_by
from .frames import NO_FRAMES, FrameWatcher, SeenFrames
from .random_draws import MASK, is_standard_normal, moments_of
from .slots import slot_of, slots_of
from .tensor_arrays import array_of, copied
from .tensor_store import TensorStore
from .variable_names import NameReader
from .views import OpCall, read_view, slots_in, view_of

# The arguments of a call and its keywords, tensors replaced by slots, and the ids of the tensors.
Slotted = tuple[tuple[Any, ...], Mapping[str, Any], tuple[int, ...]]
NO_ARGUMENTS: Slotted = (), {}, ()
# Makes an operation without asking for its fields one by one: of these a run has many.
operation_of: Callable[[tuple[Any, ...]], Operation] = partial(tuple.__new__, Operation)


class TraceBuilder:
    """Gives ids to the tensors of a run, and keeps the operations in order.

    Parameters
    ----------
    modules
        The modules whose parameters and buffers have names.
    inputs
        The tensors that the run starts from, by name.
    frames
        Has noted the frames of the run, and knows what their variables were when they ended.
    """

    def __init__(
        self,
        modules: Sequence[ModuleState],
        inputs: Mapping[str, Tensor],
        frames: FrameWatcher,
    ) -> None:
        self.store = TensorStore()
        self.operations: list[Operation] = []
        self.masks: set[int] = set()
        self.rewritten: set[int] = set()
        self.merged: set[int] = set()
        self.uninitialised: list[Tensor] = []
        # Constants that are best known by their call's name; kept alive for their `id`.
        self.call_names: dict[int, tuple[Tensor, str]] = {}
        self.whole_ids: set[int] = set()  # whole numbers that a call has made
        self._ids = self.store.ids
        self._views: set[int] = set()  # views that were made again from their base
        self._modules = modules
        self._inputs = inputs
        self._deferred: Caught = ()
        self._made: Sequence[tuple[Tensor, ...]] = ()  # by each of what was deferred
        self._first_deferred = 0  # the first id of what was deferred
        self._frames = frames
        self._names = NameReader(self.store.tensors, self._ids, frames)

    def _begin(self) -> None:
        """Give ids to what the run starts from, unless it has them."""
        if self.store.tensors:
            return
        parameters: list[tuple[str, Tensor | None]] = []
        buffers: list[tuple[str, Tensor | None]] = []
        for path, module, own_parameters, own_buffers in self._modules:
            self._names.add_module(path, module)
            prefix = f"{path}." if path else ""
            parameters += [(prefix + name, tensor) for name, tensor in own_parameters.items()]
            buffers += [(prefix + name, tensor) for name, tensor in own_buffers.items()]
        self.store.add_initial(self._inputs.items(), "input")
        self.store.add_initial(parameters, "parameter")
        self.store.add_initial(buffers, "buffer")

    # --- calls that can wait ---

    def defer(self, caught: Caught) -> list[Tensor]:
        """Take the last calls of a run, which are recorded when that is asked for.

        Returns
        -------
        list of Tensor
            What the calls have made, whose arrays have been read; a tensor that two calls
            returned comes twice.
        """
        self._deferred, self._made = caught, made_by(caught)
        made = list(chain.from_iterable(self._made))
        self.store.read_ahead(made)
        self._first_deferred = len(self.store.tensors)
        return made

    def catch_up(self) -> None:
        """Record what was deferred."""
        caught, made = self._deferred, self._made
        self._deferred = self._made = ()
        self.record_all(caught, made)

    def deferred_tensors(self) -> tuple[range, list[Tensor]]:
        """Return the tensors that were recorded after they had been deferred, and their ids."""
        first, tensors = self._first_deferred, self.store.tensors
        return range(first, len(tensors)), tensors[first:]

    def differentiable(
        self,
    ) -> tuple[Sequence[int], Sequence[Tensor], Sequence[Tensor | GradientEdge]]:
        """Return what has a gradient and was not deferred, and where autograd delivers it.

        Returns
        -------
        tuple
            The ids of the values, or as long as nothing has an id their tensors; and where
            autograd delivers the gradients of those that have an id.
        """
        if self.store.tensors:
            value_ids = self.store.differentiable
            return value_ids, (), self.store.edges(value_ids)
        leaves: list[Tensor | None] = [*self._inputs.values()]
        for state in self._modules:
            leaves += state.parameters.values()
        tensors = [tensor for tensor in leaves if tensor is not None and tensor.requires_grad]
        return (), tensors, ()

    @property
    def uninitialised_ids(self) -> list[int]:
        """The constants that are memory with nothing written to it."""
        if not self.uninitialised:
            return []
        memory = set(map(id, self.uninitialised))
        return [n for n in self.store.of_kind("constant") if id(self.store.tensors[n]) in memory]

    @property
    def has_hidden_gradients(self) -> bool:
        """Whether there is a gradient at a value that no recorded call was seen to make."""
        constants = self.store.of_kind("constant")
        return any(self.store.tensors[n].requires_grad for n in (*constants, *self._views))

    def close(self) -> tuple[tuple[Operation, ...], dict[int, str], dict[int, str]]:
        """Record the rest.

        Returns
        -------
        tuple
            The operations; by the id of a value, the variable that held it; and likewise the
            path of the innermost module that returned it.
        """
        self.catch_up()
        self.see(NO_FRAMES)
        self._frames.let_go()
        return tuple(self.operations), self._names.names, self._names.returned

    # --- recording ---

    def see(self, seen: SeenFrames) -> None:
        """Read the frames that led to a call, before it is recorded."""
        self._names.see(seen)

    def record_all(self, caught: Caught, made: Iterable[tuple[Tensor, ...]]) -> None:
        """Record calls, each with the tensors that it made, and read the names of variables."""
        self._begin()
        names = self._names
        for call, outputs in zip(caught, made, strict=False):
            if isinstance(call, ModuleReturn):
                names.module_returned(*call)
                continue
            plan, args, kwargs, result, seen = call
            if not outputs and self.whole_ids:
                outputs = self._rearranged(plan, args, result)
            slotted = self.slotted(plan, args, kwargs) if outputs else NO_ARGUMENTS
            if seen is not names.staying:
                names.see(seen)
            self._record(plan, args, kwargs, outputs, slotted)

    def record(self, call: PendingCall, result: Any, slotted: Slotted) -> None:
        """Record one call, which may have changed what it was given; `see` comes before it.

        Parameters
        ----------
        slotted
            What `slotted` returned before the call was made.
        """
        plan, _, args, kwargs = call
        result = args[0] if plan.assigns else result
        outputs = results_of(result, plan.counts)
        outputs = outputs or self._rearranged(plan, args, result)
        self._record(plan, args, kwargs, outputs, slotted)

    def _rearranged(self, plan: Plan, args: tuple[Any, ...], result: Any) -> tuple[Tensor, ...]:
        """Return what a call that only rearranges made of whole numbers that another call made."""
        if plan.op not in ARRANGING or not args or not isinstance(result, Tensor):
            return ()
        return (result,) if self._ids.get(id(args[0])) in self.whole_ids else ()

    def _record(
        self,
        plan: Plan,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        outputs: Sequence[Tensor],
        slotted: Slotted,
    ) -> None:
        slots, named, inputs = slotted
        if not outputs or not (inputs or plan.draws):
            # A look at numbers, or a constant, which is added when it is used.
            if plan.name in NAMING:
                self.call_names.update((id(output), (output, plan.op)) for output in outputs)
            return
        in_place = not self._ids.keys().isdisjoint(map(id, outputs))
        if in_place and not plan.draws and all(map(self.store.is_unchanged, outputs)):
            return  # such as `x.contiguous()`, which returns x itself
        drawn_from: tuple[int, ...] = ()
        kind: Kind = "intermediate"
        if plan.draws:
            kind = "noise"
            named = {"standard": is_standard_normal(plan.name, args, kwargs)}
            if plan.name == "normal":
                moments = [self._ids.get(id(each)) for each in moments_of(plan.name, args, kwargs)]
                known = tuple(moment for moment in moments if moment is not None)
                drawn_from = known if len(known) == len(moments) else ()
        elif plan.reflected:
            slots = slots[::-1]
        value_ids = tuple(map(self.store.add, outputs, repeat(kind)))
        if len(outputs) > 1 or plan.indexes or (self.whole_ids and plan.op in ARRANGING):
            pairs = zip(value_ids, outputs, strict=True)
            self.whole_ids.update(n for n, output in pairs if is_whole(output))
            if plan.op in RANKING:
                named = {**named, "found": Found(copied(array_of(outputs[-1])))}
        innermost = self._names.innermost
        module = innermost.module
        self.operations.append(
            operation_of((plan.op, slots, named, inputs, value_ids, module, in_place, drawn_from))
        )
        innermost.last_made = value_ids[-1]

    def record_dropout(self, x: int, result: Tensor, mask: Tensor) -> None:
        """Record a dropout of a value as a mask that is drawn and a product with it."""
        in_place = id(result) in self._ids
        factor = self.store.add(mask, "noise")
        self.masks.add(factor)
        product = self.store.add(result, "intermediate")
        module = self.module
        both = (x, factor)
        self.add(Operation(MASK, (), {}, (), (factor,), module))
        self.add(Operation("mul", tuple(map(Slot, both)), {}, both, (product,), module, in_place))

    @property
    def module(self) -> str:
        """The path of the active module; empty outside of all."""
        return self._names.innermost.module

    def add(self, operation: Operation) -> None:
        """Note one more operation."""
        self.operations.append(operation)
        self._names.innermost.last_made = operation.outputs[-1]

    # --- arguments ---

    def id_of(self, tensor: Tensor) -> int:
        """Return the id of a tensor, which gets one if it had none."""
        value_id = self._ids.get(id(tensor))
        if value_id is None or not self.store.is_current(value_id):
            return self._add_unseen(tensor)
        return value_id

    def slotted(self, plan: Plan, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Slotted:
        """Return the arguments of a call with a slot in the place of each tensor.

        Those of a draw do not matter here, nor do tensors whose shape is all that a call takes.
        """
        if plan.draws or plan.from_shapes:
            return NO_ARGUMENTS
        known: tuple[Any, ...] = tuple(map(self._ids.get, map(id, args)))
        if None not in known and not (kwargs or self.store.synced):
            return tuple(map(slot_of, known)), kwargs, known  # as most often
        inputs: list[int] = []
        slots = slots_of(args, self.store, self._add_unseen, inputs)
        if kwargs:
            named = slots_of(kwargs.values(), self.store, self._add_unseen, inputs)
            kwargs = dict(zip(kwargs, named, strict=True))
        return slots, kwargs, tuple(inputs)

    def _add_unseen(self, tensor: Tensor) -> int:
        """Give an id to what no recorded call has made, or to what was written to since.

        A view of a value of the run is made from it, and so is another tensor with its memory, as
        `Variable(eps)` is, which autograd knows nothing of; anything else is a constant.
        """
        base = self.store.id_of_base(tensor)
        view = None if base is None else view_of(self.store.tensors[base], tensor)
        if base is None or view is None:
            twin = self.store.id_of_same_memory(tensor)
            if twin is None:
                return self.add_constant(tensor)
            operation = self.operation(("detach", (Slot(twin),)), tensor)
            self.operations.append(operation)
            return operation.outputs[0]
        operation = self.operation(read_view(view, base, self.add_constant), tensor)
        self._views.update(operation.outputs)
        self.operations.append(operation)
        return operation.outputs[0]

    def operation(self, call: OpCall, tensor: Tensor, in_place: bool = False) -> Operation:
        """Give a tensor an id, and return the operation that makes it."""
        name, args = call
        outputs = (self.store.add(tensor, "intermediate"),)
        return Operation(name, args, {}, slots_in(args), outputs, self.module, in_place)

    def add_constant(self, tensor: Tensor) -> int:
        """Give an id to a tensor that nothing recorded has made."""
        return self.store.add(tensor, "constant")
