"""A training loop seen from outside: what each step starts from, and what comes of it.

Hooks of the model and of its optimizers see the steps. The loss, which no hook of PyTorch sees, is
taken from the calls of `torch.autograd.backward`. A `TorchFunctionMode` would see it too, but costs
a twentieth of the step, since it sees every other call as well. Nothing in the loop is changed: a
step that is run again starts from a copy of the generator's state.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from ..quick_classes import NamedTuple
from ..recording.tensor_arrays import tensors_in
from ..symbolic.printable import printable
from .binding.loss_binding import LossOf
from .kept_state import unchanged
from .prepared_model import PreparedModel
from .request import UserModel

Optimizer = torch.optim.Optimizer
LOOKED_AT = 3  # gradients, the smallest ones, that tell whether they were reset


class Step(NamedTuple):
    """One step of a loop, before its update.

    Attributes
    ----------
    loss
        That gradients were last taken of.
    finite
        Whether the loss and all gradients that an optimizer is about to use are numbers.
    training
        Whether the model was in the mode for training.
    kept
        Whether gradients of the step before were still there when the loss was taken back.
    empty
        Whether no parameter of the optimizers has a gradient but zeros.
    """

    number: int
    loss: float
    finite: bool
    training: bool
    kept: bool
    empty: bool


class StepStart(NamedTuple):
    """What a step starts from: its input, and the state of PyTorch's generator.

    `call` has what the model was called with, where that is more than x.
    """

    x: Tensor
    generator: Tensor
    training: bool
    call: tuple[Any, Any] | None = None


class Loop:
    """Watches a training loop while it is entered.

    Parameters
    ----------
    ready
        The model with its objective; its input is that of each step.
    optimizers
        Those that train the model.
    see
        Called with each step, right before its update.
    around
        Entered while a step is run again.
    """

    def __init__(
        self,
        ready: PreparedModel,
        optimizers: Sequence[Optimizer],
        see: Callable[[Step], None],
        around: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self.ready, self.optimizers = ready, tuple(optimizers)
        self.steps = self.backwards = 0
        self.start: StepStart | None = None
        self._see, self._around = see, around
        self._has_start = self._busy = self._updated = self._kept = False
        self._loss: Tensor | None = None
        self._open = ExitStack()

    def __enter__(self) -> Loop:
        hook = self.ready.model.register_forward_pre_hook(_Hook(self._called), with_kwargs=True)
        self._open.callback(hook.remove)
        for optimizer in self.optimizers:
            for handle in (
                optimizer.register_step_pre_hook(self._before_update),
                optimizer.register_step_post_hook(self._after_update),
            ):
                self._open.callback(handle.remove)
        self._open.enter_context(_looked_over(self._taken_back))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    # --- what the loop does ---

    def starts(self, x: Tensor) -> None:
        """Take what the next step starts from, from a loop that knows it before the model runs."""
        self.start = StepStart(x, torch.get_rng_state(), self.ready.model.training)
        self._has_start = True

    def _called(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        if self._busy or self._has_start or not torch.is_grad_enabled():
            return
        tensors = list(tensors_in((args, kwargs)))
        if tensors:
            state = torch.get_rng_state()
            call = (args, kwargs) if len(tensors) > 1 else None
            self.start = StepStart(tensors[0].detach(), state, module.training, call)

    def _taken_back(self, loss: Any) -> None:
        if self._busy or not isinstance(loss, Tensor) or loss.numel() != 1:
            return
        with torch._C.DisableTorchFunction():  # a recorder may be looking
            self._kept = self._kept or (self._updated and self._has_gradients())
            self._loss = loss.detach()
        self._updated = False
        self.backwards += 1

    def _has_gradients(self) -> bool:
        """Whether any of the smallest gradients is not zero."""
        gradients = [p.grad for p in self.parameters() if p.grad is not None]
        gradients.sort(key=lambda gradient: gradient.numel())
        return any(bool(gradient.any()) for gradient in gradients[:LOOKED_AT])

    def _before_update(
        self, optimizer: Optimizer, args: Any, kwargs: Any
    ) -> tuple[Any, Any] | None:
        closure = kwargs.get("closure", args[1] if len(args) > 1 else None)
        if closure is None:
            self._ends()
            return None

        @functools.wraps(closure)
        def seen() -> Any:
            result = closure()
            self._ends()
            return result

        if "closure" in kwargs:
            return args, {**kwargs, "closure": seen}
        return (args[0], seen, *args[2:]), kwargs

    def _ends(self) -> None:
        if self._loss is None or self._busy:
            return  # another optimizer has updated by the same gradients
        loss = float(self._loss)
        gradients = [p.grad for p in self.parameters() if p.grad is not None]
        # A sum is not finite if a number in it is not; if it alone is not, each is looked at.
        sums = [float(gradient.sum()) for gradient in gradients]
        finite = math.isfinite(loss) and (
            all(map(math.isfinite, sums)) or all(bool(g.isfinite().all()) for g in gradients)
        )
        empty = not any(sums) and not any(bool(gradient.any()) for gradient in gradients)
        training = self.start.training if self.start else self.ready.model.training
        step = Step(self.steps, loss, finite, training, self._kept, empty)
        self._see(step)
        self.steps += 1
        self._loss, self._kept, self._has_start = None, False, False

    def _after_update(self, *_: object) -> None:
        self._updated = True

    def parameters(self) -> Iterator[Tensor]:
        """Yield the parameters that the optimizers have."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                yield from group["params"]

    # --- what can be asked ---

    @contextmanager
    def again(self) -> Iterator[PreparedModel]:
        """Yield the model ready to run the last step again; nothing of the loop's is changed."""
        if self.start is None:
            raise ValueError("no step has started")
        ready = dataclasses.replace(self.ready, x=self.start.x, generator=self.start.generator)
        if self.start.call is not None and isinstance(ready.objective, LossOf):
            objective = dataclasses.replace(ready.objective, call=self.start.call)
            ready = dataclasses.replace(ready, objective=objective)
        self._busy = True
        try:
            with (
                torch.random.fork_rng(range(torch.cuda.device_count())),
                torch.enable_grad(), unchanged([]),
                self._around(),
            ):  # fmt: skip
                torch.set_rng_state(self.start.generator)
                yield ready
        finally:
            self._busy = False

    def not_optimized(self) -> list[str]:
        """Return the names of the trained parameters that no optimizer has."""
        had = {id(parameter) for parameter in self.parameters()}
        named = self.ready.model.named_parameters()
        return [name for name, p in named if p.requires_grad and id(p) not in had]

    def strangers(self) -> int:
        """Return how many parameters the optimizers have that the model does not."""
        own = {id(parameter) for parameter in self.ready.model.parameters()}
        return sum(id(parameter) not in own for parameter in self.parameters())

    def norms(self) -> dict[str, float]:
        """Return the norm of each parameter's gradient as the optimizer would use it."""
        named = self.ready.model.named_parameters()
        return {name: float(p.grad.norm()) for name, p in named if p.grad is not None}

    def of_modes(self) -> list[str]:
        """Return the kinds of modules that are others in evaluation mode."""
        kinds = [type(m).__name__ for m in self.ready.model.modules() if _has_modes(m)]
        return list(dict.fromkeys(kinds))


class _Hook:
    """A hook of the model that is left out when the model is copied or saved."""

    def __init__(self, call: Callable[..., None] | None = None) -> None:
        self._call = call

    def __call__(self, *args: Any) -> None:
        if self._call is not None:
            self._call(*args)

    def __reduce__(self) -> tuple[type[_Hook], tuple[()]]:
        return _Hook, ()


def _has_modes(module: nn.Module) -> bool:
    return isinstance(module, _BatchNorm | _DropoutNd)


@contextmanager
def _looked_over(see: Callable[[Any], None]) -> Iterator[None]:
    """Let each loss be seen that this thread takes gradients of by `backward`."""
    plain, thread = torch.autograd.backward, threading.get_ident()

    @functools.wraps(plain)
    def backward(tensors: Any, *args: Any, **kwargs: Any) -> None:
        if threading.get_ident() == thread:
            see(tensors)
        return plain(tensors, *args, **kwargs)

    torch.autograd.backward = backward
    try:
        yield
    finally:
        torch.autograd.backward = plain


def ready_of(source: UserModel) -> PreparedModel:
    """Return a user's model, an object at hand, with its loss; its input is not known yet."""
    model = source.model
    assert isinstance(model, nn.Module), "an object, which its user trains"
    loss = source.loss if callable(source.loss) else None
    objective = source.objective if callable(source.objective) else None
    objective_of = LossOf(loss, objective, source.loss_arguments, source.loss_sum)
    label, generator = printable(type(model).__name__), torch.get_rng_state()
    return PreparedModel(model, torch.empty(0), objective_of, label, None, generator)
