"""Running a model once and catching every call: where PyTorch ends.

`record` runs any objective under a `TorchFunctionMode`, which sees each PyTorch call
without the model being changed, then asks autograd for the gradient at every value, for
the loss and for each of its terms, from that one forward pass. What it returns holds
NumPy arrays only.

It leaves nothing behind: the mode and the generator's state are put back even when the
model raises, and gradients go through `torch.autograd.grad`, which touches no `.grad`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..trace import Trace
from .autograd import gradients_on
from .bounded_run import bounded
from .call_info import UNSAFE, PendingCall, Plan, index_of, plan_for
from .capture import Capture, NoGradient
from .caught_calls import CaughtCall, ModuleReturn, ModuleState, made_by
from .checkpoints import unfolded
from .decompositions import decomposition_of
from .deprecated_arguments import LOSSES, with_reduction
from .frames import FrameWatcher, SeenFrames
from .inplace_writes import (
    ViewTarget,
    keep_unaffected,
    record_unseen_write,
    record_view_write,
    refresh_parameters,
    update_aliases,
    view_target,
    writes_back,
)
from .lost_kwargs import with_lost
from .other_threads import none_in_other_threads
from .random_draws import GivenDraws
from .restoring import changed, restored
from .tensor_arrays import NotReal, tensors_in
from .trace_builder import Slotted, TraceBuilder

NO_KEYWORDS: Mapping[str, Any] = {}

# glibc keeps for the next run what one has freed, up to twice the largest block that was ever
# freed, here 16 MiB that nothing was written to. Memory that the system hands out again costs the
# run of a network of images a quarter of its time.
torch.empty(2**24, dtype=torch.uint8)


def record(
    objective: Callable[[], Tensor],
    *,
    modules: Mapping[str, nn.Module],
    inputs: Mapping[str, Tensor],
    noise: Sequence[Tensor] = (),
    redrawn: Sequence[Tensor] = (),
    lasting: bool = True,
    gradients: bool = True,
    most: int | None = None,
) -> Trace:
    """Run an objective once and return its trace.

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
        Taken, in order, in place of everything that the model draws, dropout masks included:
        the noise of an earlier run, to repeat it.
    lasting
        Whether the trace stays right when parameters or inputs are changed afterwards, as
        training does. Without, which is faster, it reads them where they are, and takes the
        gradients of each term when they are first asked for.
    gradients
        Whether to take gradients at all.
    most
        How many numbers the run may have, its inputs among them; None for as many as it has.

    Raises
    ------
    NoiseMismatch
        If a given draw does not have the shape of the draw that it replaces.
    TooMany
        As soon as the run has more numbers than it may.
    ValueError
        If the objective does not return a tensor of one element.
    """
    captured = capture(
        objective,
        modules=modules,
        inputs=inputs,
        noise=noise,
        redrawn=redrawn,
        gradients=gradients,
        most=most,
    )
    return captured.trace(lasting)


def capture(
    objective: Callable[[], Tensor],
    *,
    modules: Mapping[str, nn.Module],
    inputs: Mapping[str, Tensor],
    noise: Sequence[Tensor] = (),
    redrawn: Sequence[Tensor] = (),
    gradients: bool = True,
    most: int | None = None,
) -> Capture:
    """Run an objective once and return what was captured, of which a trace can be made.

    It takes what `record` takes, and raises what that raises. Its trace has to be asked for
    before anything that the run was made of is written to.
    """
    states = [
        ModuleState(path, module, module._parameters.copy(), module._buffers.copy())
        for prefix, whole in modules.items()
        for path, module in whole.named_modules(prefix=prefix)
    ]
    with restored(each.module for each in states) as buffers, gradients_on(), unfolded():
        recorder = _Recorder(states, inputs, GivenDraws(noise, redrawn))
        loss = recorder.run(objective, states, bounded(most, inputs.values()))
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            returned = list(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
            raise ValueError(f"the loss must be one number, not {returned}")
        if loss.is_complex():
            raise NotReal("the loss")
        if not loss.is_floating_point():
            raise NoGradient(loss)
        captured = Capture(recorder.builder, recorder.caught, loss, gradients)
        # Putting back a batch norm's statistics writes to what its backward pass needs,
        # so a trace that depends on them is made now.
        if changed(buffers):
            captured.trace(lasting=True)
        return captured


class _Recorder(TorchFunctionMode):
    """Catches calls while it is the active mode.

    A call costs the run little more than a line in a list. The builder records what is in the
    list when the run has ended, or before a call that has to be recorded at once.
    """

    def __init__(
        self,
        modules: Sequence[ModuleState],
        inputs: Mapping[str, Tensor],
        draws: GivenDraws,
    ) -> None:
        super().__init__()
        self._frames = FrameWatcher()
        self._look = self._frames.look
        self.builder = TraceBuilder(modules, inputs, self._frames)
        self.caught: list[CaughtCall | ModuleReturn] = []
        self._draws = draws

    def run(
        self,
        objective: Callable[[], Tensor],
        modules: Sequence[ModuleState],
        bound: AbstractContextManager[object],
    ) -> Tensor:
        """Run an objective as the active mode, above one that bounds it."""
        hooks = []
        try:
            for state in modules:
                # What the user's own modules return may not be what they made last.
                if state.path and not type(state.module).__module__.startswith("torch."):
                    hooks.append(state.module.register_forward_hook(self._module_returned))
            with none_in_other_threads(), bound, self:
                loss: Tensor = self._frames.run(objective)
        finally:
            for hook in hooks:
                hook.remove()
        return loss

    def _module_returned(self, module: nn.Module, _: Any, result: Any) -> None:
        self.caught.append(ModuleReturn(module, result))

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        plan = plan_for(func)
        # Each line in here is run at every call of PyTorch's; so is a look.
        if kwargs or not plan.simple:
            return self._not_simple(plan, func, args, kwargs or {})
        for argument in args:
            if type(argument) in UNSAFE:
                return self._not_simple(plan, func, args, {})
        seen = self._look(sys._getframe(1))
        try:
            result = func(*args)
        except BaseException:
            self._frames.forget()
            raise
        self.caught.append((plan, args, NO_KEYWORDS, result, seen))
        return result

    def _not_simple(
        self, plan: Plan, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        if plan.looks:
            return func(*args, **kwargs)
        if plan.name in LOSSES:
            args, kwargs = with_reduction(plan.name, args, kwargs)
        if plan.decomposed:
            kwargs = with_lost(plan.name, kwargs, sys._getframe(2))
            decomposition = decomposition_of(plan.name, args, kwargs)
            if decomposition is not None:
                with self:  # PyTorch switches a mode off while it handles a call
                    return decomposition()
        if plan.takes_key:
            args = (args[0], index_of(args[1]))
        call = PendingCall(plan, func, args, kwargs)
        seen = self._frames.look(sys._getframe(2))
        if plan.at_once or not call.is_safe:
            return self._record_at_once(call, seen)
        try:
            result = self._make(call)
        except BaseException:
            self._frames.forget()
            raise
        self.caught.append((plan, args, kwargs, result, seen))
        return result

    def _record_at_once(self, call: PendingCall, seen: SeenFrames) -> Any:
        """Record a call before anything that it was given can change, and its own results."""
        builder, plan = self.builder, call.plan
        builder.record_all(self.caught, made_by(self.caught))
        self.caught.clear()
        builder.see(seen)
        if plan.assigns and writes_back(*call.args):
            return None  # the end of `h[:, 0] += v`, which has been added in place
        written: Sequence[int] = ()
        target: Tensor | None = None
        if call.writes:
            written = builder.store.before_write((call.args, call.kwargs))
            target = call.target
            view = view_target(builder, target)
            if view is not None:
                return self._write_to_view(view, written, call)
        slotted = builder.slotted(plan, call.args, call.kwargs)
        if plan.drops:
            return self._dropout(call, slotted)
        result = self._make(call)
        refresh_parameters(builder, written)
        keep_unaffected(builder, written, target)
        if not record_unseen_write(builder, plan.op, written):
            builder.record(call, result, slotted)
        if call.writes:
            changed = call.args[0] if plan.assigns else result
            tensors = list(tensors_in((call.args[:1], call.kwargs.get("out"), changed)))
            update_aliases(builder, tensors, changed)
        return result

    def _write_to_view(self, view: ViewTarget, written: Sequence[int], call: PendingCall) -> Any:
        """Record a write to a part of a value: what the part becomes, and the value with it.

        The part is computed in a memory of its own and then copied to its place. So autograd
        has a gradient at it, too, and the numbers are the same.
        """
        builder, plan = self.builder, call.plan
        slotted = builder.slotted(plan, call.args, call.kwargs)
        # A draw passes no gradient back to what stood there.
        copy = view.copy().detach() if plan.draws else view.copy()
        call = call.on(view.part, copy)
        if plan.drops:
            result = self._dropout(call, slotted)
            if builder.store.id_of(copy) is None:
                return view.part  # not training: it has changed nothing
            view.part.copy_(copy)
        else:
            result = self._make(call)
            view.part.copy_(copy)
            builder.record(call, result, slotted)
        refresh_parameters(builder, written)
        record_unseen_write(builder, plan.op, written)
        record_view_write(builder, view, builder.store.ids[id(copy)])
        return view.part if result is copy else result

    def _make(self, call: PendingCall) -> Any:
        """Make a call; what it draws becomes the given noise, if there is any left."""
        result = call.make()
        if call.plan.draws:
            self._draws.replace(result, call.plan.name, call.args, call.kwargs)
        elif call.returns_new_memory:
            result.detach().zero_()  # this memory holds other numbers at each run
            self.builder.uninitialised.append(result)
        return result

    def _dropout(self, call: PendingCall, slotted: Slotted) -> Any:
        """Record a dropout as what it is: a mask that is drawn, and a product with it."""
        result, mask = self._draws.dropout(call.func, call.args, call.kwargs)
        if mask is not None:
            _, _, inputs = slotted
            self.builder.record_dropout(inputs[0], result, mask)
        return result
