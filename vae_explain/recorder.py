"""Running a model once and writing down everything: where PyTorch ends.

`record` runs any objective under a `TorchFunctionMode`, which sees each PyTorch call
without the model being changed, then asks autograd for the gradient at every value, for
the loss and for each of its terms, from that one forward pass. What it returns holds
NumPy arrays only.

It leaves nothing behind: the mode and the generator's state are put back even when the
model raises, and gradients go through `torch.autograd.grad`, which touches no `.grad`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from .calls import TENSOR_PROPERTIES, index_of, plan_of, results_of
from .capture import array_of, copied, is_asked_to_write
from .differentiation import Tape, gradients_on, term_gradients
from .naming import NameWatcher, name_the_deepest, numbered
from .noise import DROPOUTS, MASK, is_standard_normal, redropped, replace
from .terms import Ancestry, loss_terms
from .trace import Array, Kind, Operation, Slot, Term, Trace, Value

Parts = Sequence[tuple[str, nn.Module]]
HERE = os.path.dirname(__file__)
HIDDEN = (
    os.path.dirname(torch.__file__),
    *(
        os.path.join(HERE, name)
        for name in ("recorder.py", "naming.py", "binding.py", "fitting.py", "subject.py")
    ),
)


def record(
    objective: Callable[[], Tensor],
    *,
    modules: Mapping[str, nn.Module],
    inputs: Mapping[str, Tensor],
    noise: Sequence[Tensor] = (),
    redrawn: Sequence[Tensor] = (),
    lasting: bool = True,
    gradients: bool = True,
) -> Trace:
    """Run an objective once and return the record of it.

    Parameters
    ----------
    objective
        Runs model and loss and returns the loss, one number.
    modules
        The modules whose parameters and paths give names, by prefix; "" for none.
    inputs
        The tensors that the run starts from, by name.
    noise
        Taken, in order, in place of what the model draws from the standard normal.
    redrawn
        Taken, in order, in place of all that the model draws, dropout masks among them: the
        noise of an earlier run, with which it is done again.
    lasting
        Whether the record stays right when parameters or inputs are changed afterwards, as
        training does. Without, which is faster, it reads them where they are, and takes the
        gradients of each term when they are first asked for.
    gradients
        Whether to take gradients at all.

    Raises
    ------
    NoiseMismatch
        If a given draw does not have the shape of the draw that it replaces.
    ValueError
        If the objective does not return a tensor of one element.
    """
    state = torch.default_generator.get_state()
    parts = [
        (path, part)
        for prefix, module in modules.items()
        for path, part in module.named_modules(prefix=prefix)
    ]
    # Running statistics, which a batch norm updates in its forward pass.
    buffers = [
        (buffer, buffer.detach().clone())
        for _, part in parts
        for buffer in part._buffers.values()
        if buffer is not None
    ]
    try:
        with gradients_on():
            recorder = _Recorder(parts, inputs, noise, redrawn)
            loss = _watched(recorder, objective, parts)
            if not isinstance(loss, Tensor) or loss.numel() != 1:
                found = list(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
                raise ValueError(f"the loss must be one number, not {found}")
            # What is written to before it is asked for is taken now: putting back what a batch
            # norm has collected writes to what its backward pass needs.
            written = any(not torch.equal(buffer, before) for buffer, before in buffers)
            return recorder.finish(loss, lasting or written, gradients)
    finally:
        torch.default_generator.set_state(state)
        with torch.no_grad():
            for buffer, before in buffers:
                if not torch.equal(buffer, before):
                    buffer.copy_(before)


def _watched(recorder: _Recorder, objective: Callable[[], Tensor], parts: Parts) -> Tensor:
    watcher = recorder.watcher
    hooks = []
    try:
        for path, part in parts:
            # What the user's own modules return may not be what they made last.
            if path and not type(part).__module__.startswith("torch."):
                hooks.append(
                    part.register_forward_hook(
                        lambda part, _, result: watcher.gave_back(part, result)
                    )
                )
        watcher.start(sys._getframe())
        with recorder:
            return objective()
    finally:
        watcher.stop()
        for hook in hooks:
            hook.remove()


class _Recorder(TorchFunctionMode):
    """Collects values and operations while it is the active mode."""

    def __init__(
        self,
        parts: Parts,
        inputs: Mapping[str, Tensor],
        noise: Sequence[Tensor],
        redrawn: Sequence[Tensor],
    ) -> None:
        super().__init__()
        self._tape = Tape()
        self._kinds: list[Kind] = []
        # By the id of the tensor, which the tape keeps, so that no id is given out twice.
        self._known: dict[int, int] = {}
        self._fixed_names: dict[int, str] = {}
        self._operations: list[tuple[Any, ...]] = []  # made into Operations all in a row
        self._noise = list(noise)
        self._redrawn = list(redrawn)
        self._masks: set[int] = set()
        self._without_gradients: list[int] = []  # made where autograd was off
        paths: dict[int, str] = {}
        for path, part in parts:
            paths.setdefault(id(part), path)
        self.watcher = NameWatcher(self._known, paths, HIDDEN)
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

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name = func.__name__
        if name == "__get__":
            name = func.__self__.__name__
            if name not in TENSOR_PROPERTIES:
                return func(*args, **kwargs or {})
        kwargs = kwargs or {}
        plan = plan_of(name)
        # Inputs are looked up before the call: one that works in place changes them.
        self.watcher.look(sys._getframe(1))
        if plan.writes or is_asked_to_write(args, kwargs):
            self._tape.expect_writes((args, kwargs))
        if plan.special:
            if name in DROPOUTS:
                return self._dropout(func, args, kwargs)
            if name == "__getitem__":
                args = (args[0], index_of(args[1]))
        noisy = plan.noisy
        slots: list[int] = []
        recorded_args: tuple[Any, ...] = ()
        recorded_kwargs: dict[str, Any] = {}
        if not noisy:
            recorded_args = self._slotted(args, slots)
            if kwargs:
                recorded_kwargs = {k: self._slotted(value, slots) for k, value in kwargs.items()}
        result = func(*args, **kwargs)
        outputs = results_of(args[0] if name == "__setitem__" else result)
        if not outputs:
            return result
        if noisy:
            standard = is_standard_normal(name, args, kwargs)
            if self._redrawn:
                replace(result, self._redrawn.pop(0))
            elif self._noise and standard:
                replace(result, self._noise.pop(0))
            recorded_kwargs = {"standard": standard}
        elif not slots or plan.factory:
            return result  # a factory: its product is a constant, noted when it is used
        in_place = False
        for output in outputs:
            in_place = in_place or id(output) in self._known
        if in_place and all(map(self._unchanged, outputs)):
            return result  # such as `x.contiguous()`, which hands back x itself
        kind: Kind = "noise" if noisy else "intermediate"
        numbers = tuple([self._register(output, kind) for output in outputs])
        if not torch.is_grad_enabled():
            self._without_gradients += numbers
        if plan.reflected:
            recorded_args = recorded_args[::-1]
        drawn_from = self._moments(args, kwargs) if name == "normal" else ()
        self._note(
            plan.op, recorded_args, recorded_kwargs, tuple(slots), numbers, in_place, drawn_from
        )
        return result

    def _moments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[int, ...]:
        """Return the mean and deviation of a normal draw, where both are values of the run."""
        given = {**dict(zip(("mean", "std"), args, strict=False)), **kwargs}
        numbers = [self._known.get(id(given.get(key))) for key in ("mean", "std")]
        found = tuple(number for number in numbers if number is not None)
        return found if len(found) == len(numbers) else ()

    def _note(
        self,
        name: str,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        inputs: tuple[int, ...],
        outputs: tuple[int, ...],
        in_place: bool = False,
        drawn_from: tuple[int, ...] = (),
    ) -> None:
        watcher = self.watcher
        watcher.made(outputs[-1])
        self._operations.append(
            (name, args, kwargs, inputs, outputs, watcher.module, in_place, drawn_from)
        )

    def _dropout(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Record a dropout as what it is: a mask that is drawn, and a product with it.

        The mask is what the same call, from the same state of the generator, makes of ones.
        """
        named = {**kwargs, "input": args[0]} if args else dict(kwargs)
        x = named["input"]
        number = self._number(x)
        ones = torch.ones_like(x, requires_grad=False)
        if self._redrawn:
            redone = redropped(func, args, kwargs, ones, self._redrawn)
            return x if redone is None else self._dropped(number, *redone)
        before = torch.get_rng_state()
        result = func(*args, **kwargs)
        if self._unchanged(result):
            return result  # not training: it hands back x itself
        after = torch.get_rng_state()
        torch.set_rng_state(before)
        with torch.no_grad():
            mask = func(ones, *args[1:], **{k: v for k, v in kwargs.items() if k != "input"})
        torch.set_rng_state(after)
        return self._dropped(number, result, mask)

    def _dropped(self, number: int, result: Tensor, mask: Tensor) -> Tensor:
        """Note a mask and the product with it."""
        in_place = id(result) in self._known
        factor = self._register(mask, "noise")
        self._masks.add(factor)
        product = self._register(result, "intermediate")
        self._note(MASK, (), {}, (), (factor,))
        both = (number, factor)
        self._note("mul", tuple(map(Slot, both)), {}, both, (product,), in_place)
        return result

    def finish(self, loss: Tensor, lasting: bool, gradients: bool) -> Trace:
        """Name the values, take the gradients and hand over."""
        output = self._known.get(id(loss))
        if output is None:
            raise ValueError("the loss was not computed from anything that was recorded")
        operations = self._functions_whole(tuple(map(Operation._make, self._operations)))
        names = self._names(output, operations)
        learns = set(self._tape.learning)
        ancestry = Ancestry(operations)
        arrays = self._tape.arrays
        leaves = loss_terms(output, names, ancestry, arrays, learns)
        for leaf in leaves:
            if leaf not in self._fixed_names:
                maker = ancestry.maker(leaf)
                assert maker is not None, "a term is computed or has a fixed name"
                names.setdefault(leaf, maker.name)
        names = self._numbered(names, output)
        found = self._tape.gradients(loss) if gradients and output in learns else {}
        terms, by_term = self._terms(leaves, names, found, ancestry)
        if lasting:
            arrays = [copied(array) for array in arrays]
        values = enumerate(zip(self._kinds, arrays, strict=True))
        return Trace(
            values=tuple(Value(i, names.get(i), kind, array) for i, (kind, array) in values),
            operations=operations,
            output=output,
            terms=terms,
            gradients={i: array_of(gradient) for i, gradient in found.items()},
            term_gradients=dict(by_term) if lasting else by_term,
            torch_version=torch.__version__.split("+")[0],
            frozen=frozenset(
                number
                for number in self._fixed_names
                if self._kinds[number] == "parameter" and number not in learns
            ),
        )

    def _functions_whole(self, operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
        """Put each call of somebody's `autograd.Function` in place of what it did inside.

        Its gradient is the one that its own `backward` says, and not that of the operations.
        """
        made = {
            number: unseen
            for number in self._without_gradients
            if (unseen := self._tape.made_unseen(number)) is not None
        }
        if not made:
            return operations
        found = []
        for operation in operations:
            if len(operation.outputs) == 1 and operation.outputs[0] in made:
                name, inputs = made[operation.outputs[0]]
                slots = tuple(map(Slot, inputs))
                operation = operation._replace(name=name, args=slots, kwargs={}, inputs=inputs)
            found.append(operation)
        return tuple(found)

    # --- values ---

    def _introduce(self, name: str, tensor: Tensor, kind: Kind) -> None:
        """Register what the run starts from; one that is given twice keeps its first name."""
        if id(tensor) not in self._known:
            self._fixed_names[self._register(tensor, kind)] = name

    def _register(self, tensor: Tensor, kind: Kind) -> int:
        number = len(self._kinds)
        self._kinds.append(kind)
        # Running statistics and what comes from outside may be written to unseen.
        self._tape.add(tensor, copy=kind in ("buffer", "constant"))
        self._known[id(tensor)] = number
        return number

    def _number(self, tensor: Tensor) -> int:
        number = self._known.get(id(tensor))
        # A changed version was written to through another view of the same memory.
        if number is None or not self._tape.is_current(number):
            return self._register(tensor, "constant")
        return number

    def _unchanged(self, tensor: Tensor) -> bool:
        number = self._known.get(id(tensor))
        return number is not None and self._tape.is_current(number)

    def _slotted(self, argument: Any, slots: list[int]) -> Any:
        if isinstance(argument, Tensor):
            number = self._number(argument)
            slots.append(number)
            return Slot(number)
        if isinstance(argument, list | tuple):
            return tuple([self._slotted(item, slots) for item in argument])
        return argument

    # --- names ---

    def _names(self, output: int, operations: Sequence[Operation]) -> dict[int, str]:
        fixed = self._fixed_names
        names = {number: name for number, name in self.watcher.names.items() if number not in fixed}
        # A value that no variable ever held is called by the module that returned it.
        for number, path in self.watcher.returned.items():
            if number not in fixed:
                names.setdefault(number, path)
        names.setdefault(output, "loss")
        name_the_deepest(names, fixed, operations)
        used = {number for operation in operations for number in operation.inputs}
        for number, kind in enumerate(self._kinds):
            if kind == "noise":
                # Where a number comes from has a name.
                names.setdefault(number, MASK if number in self._masks else "eps")
            elif kind == "constant" and number in used and number not in names:
                made_of = self._tape.tensors[number]
                if not made_of.is_floating_point() and made_of.dim():
                    names[number] = "mask" if made_of.dtype == torch.bool else "index"
        return names

    def _numbered(self, names: Mapping[int, str], output: int) -> dict[int, str]:
        """Make the names unique; the loss keeps its own, as in `loss = loss + kl`."""
        fixed = dict(self._fixed_names)
        if output in names and names[output] not in fixed.values():
            fixed[output] = names[output]
        others = {number: name for number, name in names.items() if number not in fixed}
        return {**fixed, **numbered(others, list(fixed.values()))}

    # --- terms ---

    def _terms(
        self,
        leaves: Sequence[int],
        names: Mapping[int, str],
        total: Mapping[int, Tensor],
        ancestry: Ancestry,
    ) -> tuple[tuple[Term, ...], Mapping[str, Mapping[int, Array]]]:
        # A summand that no parameter reaches has no share of any gradient.
        reached = [leaf for leaf in leaves if leaf in total]
        if len(reached) < 2 or ancestry.feed_each_other(reached, total):
            return (), {}  # one piece, or terms within terms: no split that adds up
        weights = [total[leaf] for leaf in reached]
        terms = tuple(
            Term(
                names[leaf],
                leaf,
                weight.item() if weight.numel() == 1 else float(weight.flatten()[0]),
            )
            for leaf, weight in zip(reached, weights, strict=True)
        )
        return terms, term_gradients(self._tape, terms, weights)
