"""Running a model once and catching everything: where PyTorch ends.

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

from ..trace import Trace
from .autograd import gradients_on
from .call_info import RISKY, Plan, index_of, needs_care, plan_for, written_to
from .decompose import opened
from .frames import FrameWatcher, Sight
from .inplace_writes import (
    Place,
    follow,
    is_there_already,
    overwrite,
    place_of,
    renew,
    settle,
    spare,
)
from .lost_kwargs import handed_over
from .random_draws import DROPOUTS, is_standard_normal, redropped, replace
from .result import Recording
from .tensor_arrays import is_asked_to_write, tensors_in
from .trace_builder import Call, Part, Reader, Returned

NO_OPTIONS: Mapping[str, Any] = {}
PACKAGE = os.path.dirname(os.path.dirname(__file__))
HIDDEN = (
    os.path.dirname(torch.__file__),
    *(
        os.path.join(PACKAGE, *name.split("/"))
        for name in (
            "recording/recorder.py",
            "recording/decompositions",
            "models/loss_binding.py",
            "models/argument_matching.py",
            "models/prepared_model.py",
        )
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
    """Run an objective once and return the account of it.

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
    recording = caught(
        objective,
        modules=modules,
        inputs=inputs,
        noise=noise,
        redrawn=redrawn,
        gradients=gradients,
    )
    return recording.trace(lasting)


def caught(
    objective: Callable[[], Tensor],
    *,
    modules: Mapping[str, nn.Module],
    inputs: Mapping[str, Tensor],
    noise: Sequence[Tensor] = (),
    redrawn: Sequence[Tensor] = (),
    gradients: bool = True,
) -> Recording:
    """Run an objective once and return all of it, of which an account can be made.

    It takes what `record` takes, and raises what that raises. Its account has to be asked for
    before anything that the run was made of is written to.
    """
    state = torch.default_generator.get_state()
    parts = [
        Part(path, module, module._parameters.copy(), module._buffers.copy())
        for prefix, whole in modules.items()
        for path, module in whole.named_modules(prefix=prefix)
    ]
    # Running statistics, which a batch norm updates in its forward pass.
    buffers = [
        (buffer, buffer.detach().clone())
        for part in parts
        for buffer in part.buffers.values()
        if buffer is not None
    ]
    try:
        with gradients_on():
            recorder = _Recorder(parts, inputs, noise, redrawn)
            loss = recorder.watch(objective, parts)
            if not isinstance(loss, Tensor) or loss.numel() != 1:
                found = list(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
                raise ValueError(f"the loss must be one number, not {found}")
            recording = Recording(recorder.reader, recorder.caught, loss, gradients)
            # What is written to before it is asked for is taken now: putting back what a batch
            # norm has collected writes to what its backward pass needs.
            if any(not torch.equal(buffer, before) for buffer, before in buffers):
                recording.trace(lasting=True)
            return recording
    finally:
        torch.default_generator.set_state(state)
        for buffer, before in buffers:
            if not torch.equal(buffer, before):
                with torch.no_grad():
                    buffer.copy_(before)


class _Recorder(TorchFunctionMode):
    """Catches calls while it is the active mode.

    A call costs the run little more than a line in a list. The reader makes something of the
    list when the run has ended, or before a call that has to be dealt with at once.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        inputs: Mapping[str, Tensor],
        noise: Sequence[Tensor],
        redrawn: Sequence[Tensor],
    ) -> None:
        super().__init__()
        self._frames = FrameWatcher(HIDDEN)
        self._look = self._frames.look
        self.reader = Reader(parts, inputs, self._frames)
        self.caught: list[Call | Returned] = []
        self._noise = list(noise)
        self._redrawn = list(redrawn)

    def watch(self, objective: Callable[[], Tensor], parts: Sequence[Part]) -> Tensor:
        """Run an objective as the active mode."""
        hooks = []
        try:
            for part in parts:
                # What the user's own modules return may not be what they made last.
                if part.path and not type(part.module).__module__.startswith("torch."):
                    hooks.append(part.module.register_forward_hook(self._returned))
            with self:
                loss: Tensor = self._frames.run(objective)
        finally:
            for hook in hooks:
                hook.remove()
        return loss

    def _returned(self, module: nn.Module, _: Any, result: Any) -> None:
        self.caught.append(Returned(module, result))

    def _read(self) -> None:
        self.reader.take(self.caught)
        self.caught.clear()

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        plan = plan_for(func)
        # Each line in here is run at every call of PyTorch's; so is a look.
        if kwargs or not plan.plain:
            return self._not_plain(plan, func, args, kwargs or {})
        for argument in args:
            if type(argument) in RISKY:
                return self._not_plain(plan, func, args, {})
        sight = self._look(sys._getframe(1))
        try:
            result = func(*args)
        except BaseException:
            self._frames.forget()
            raise
        self.caught.append((plan, args, NO_OPTIONS, result, sight))
        return result

    def _not_plain(
        self, plan: Plan, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        if plan.looks:
            return func(*args, **kwargs)
        if plan.opens:
            kwargs = handed_over(plan.name, kwargs, sys._getframe(2))
            whole = opened(plan.name, args, kwargs)
            if whole is not None:
                with self:  # not active in here of itself
                    return whole(*args, **kwargs)
        sight = self._frames.look(sys._getframe(2))
        if plan.careful or needs_care(args, kwargs):
            return self._with_care(plan, func, args, kwargs, sight)
        if plan.indexes:
            args = (args[0], index_of(args[1]))
        try:
            result = func(*args, **kwargs)
        except BaseException:
            self._frames.forget()
            raise
        if plan.noisy:
            self._put_noise(plan, args, kwargs, result)
        elif plan.blank:
            self._wipe(result, kwargs)
        self.caught.append((plan, args, kwargs, result, sight))
        return result

    def _with_care(
        self, plan: Plan, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], sight: Sight
    ) -> Any:
        """Record a call before anything that it was given can change, and its own results."""
        reader = self.reader
        self._read()
        reader.saw(sight)
        if plan.assigns and is_there_already(*args):
            return None  # the end of `h[:, 0] += v`, which has been added in place
        writes = plan.writes or is_asked_to_write(args, kwargs)
        written: Sequence[int] = ()
        target: Tensor | None = None
        if writes:
            written = reader.tape.expect_writes((args, kwargs))
            target = written_to(plan, func, args, kwargs)
            place = place_of(reader, target)
            if place is not None:
                return self._to_a_part(place, written, plan, func, args, kwargs)
        if plan.name in DROPOUTS:
            number = reader.number(args[0] if args else kwargs["input"])
            return self._dropout(func, args, kwargs, number)
        if plan.indexes:
            args = (args[0], index_of(args[1]))
        given = reader.given(plan, args, kwargs)
        result = func(*args, **kwargs)
        if plan.noisy:
            self._put_noise(plan, args, kwargs, result)
        elif plan.blank:
            self._wipe(result, kwargs)
        if written:
            renew(reader, written)
            spare(reader, written, target)
        unseen = [number for number in written if reader.tape.is_unseen(number)]
        if unseen:
            overwrite(reader, plan.op, unseen)
        else:
            reader.take_call(plan, args, kwargs, result, given)
        if writes:
            changed = args[0] if plan.assigns else result
            follow(reader, list(tensors_in((args[:1], kwargs.get("out"), changed))), changed)
        return result

    def _to_a_part(
        self,
        place: Place,
        written: Sequence[int],
        plan: Plan,
        func: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Any:
        """Record a write to a part of a value: what the part becomes, and the value with it.

        The part is worked out in a memory of its own, which is laid out alike, and then put
        in its place. So autograd has a gradient at it, too, and the numbers are the same.
        """
        reader = self.reader
        given = reader.given(plan, args, kwargs)
        number = reader.number(place.part)
        # What is drawn passes nothing back to what stood there.
        apart = place.apart().detach() if plan.noisy else place.apart()
        own_args, own_kwargs = place.instead(apart, args), place.instead(apart, kwargs)
        if plan.name in DROPOUTS:
            result = self._dropout(func, own_args, own_kwargs, number)
            place.part.copy_(apart)
        else:
            result = func(*own_args, **own_kwargs)
            if plan.noisy:
                self._put_noise(plan, args, kwargs, apart)
            place.part.copy_(apart)
            reader.take_call(plan, own_args, own_kwargs, result, given)
        renew(reader, written)
        overwrite(reader, plan.op, [n for n in written if reader.tape.is_unseen(n)])
        settle(reader, place, apart)
        return place.part if result is apart else result

    def _put_noise(
        self, plan: Plan, args: tuple[Any, ...], kwargs: Mapping[str, Any], drawn: Any
    ) -> None:
        """Write given noise, if there is any left, over what was drawn."""
        if self._redrawn:
            replace(drawn, self._redrawn.pop(0))
        elif self._noise and is_standard_normal(plan.name, args, kwargs):
            replace(drawn, self._noise.pop(0))

    def _wipe(self, result: Tensor, kwargs: Mapping[str, Any]) -> None:
        """Put zeros into new memory, which would hold other numbers at each run."""
        if kwargs.get("out") is None:
            result.detach().zero_()
            self.reader.blank.append(result)

    def _dropout(
        self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], number: int
    ) -> Any:
        """Record a dropout as what it is: a mask that is drawn, and a product with it.

        The mask is what the same call, from the same state of the generator, makes of ones.
        """
        x = args[0] if args else kwargs["input"]
        ones = torch.ones_like(x, requires_grad=False)
        if self._redrawn:
            redone = redropped(func, args, kwargs, ones, self._redrawn)
            if redone is None:
                return x
            result, mask = redone
        else:
            before = torch.get_rng_state()
            result = func(*args, **kwargs)
            if self.reader.is_unchanged(result):
                return result  # not training: it hands back x itself
            after = torch.get_rng_state()
            torch.set_rng_state(before)
            with torch.no_grad():
                mask = func(ones, *args[1:], **{k: v for k, v in kwargs.items() if k != "input"})
            torch.set_rng_state(after)
        self.reader.take_dropout(number, result, mask)
        return result
