"""Training a model: the plain PyTorch loop, watched but not changed.

What comes out equals what the same loop gives without us, bit for bit: one run and one draw
a step from the global generator, `torch.optim` for the updates. The built-in VAE is recorded
only where a step is to be explained, from a copy of the generator's state, so that the
recording and the loop see the same noise. A user's model is watched in the very run that
each step makes, which is how the terms of its loss are known.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from .. import pipeline
from ..engine.loss_call import LossCall
from ..engine.roles import reconstruction, standard_draws
from ..engine.run import Run
from ..errors import UserError
from ..models.builtin_config import Architecture
from ..models.builtin_vae import VAE, vae_loss, vae_loss_terms
from ..models.kept_state import unchanged
from ..models.loading.user_code import CannotRun, said
from ..models.model_copies import copy_of
from ..models.prepare import prepared, user_code_errors
from ..models.prepared_model import PreparedModel, parameters_of
from ..models.request import Request, UserModel
from ..trace import Array
from .gradient_step import require_room, trainable
from .training_records import (
    ADAM_EPS,
    BETAS,
    CannotTrain,
    Losses,
    OptimizerName,
    OptimizerStep,
    Training,
    TrainingPlan,
)
from .watch import Watcher

Names = Callable[[Sequence[str]], None]


def train(
    plan: TrainingPlan,
    report: Callable[[int], None] = lambda _: None,
    accept: Names = lambda names: None,
) -> Training:
    """Train the built-in VAE, or a user's model.

    Parameters
    ----------
    report
        Called after each step with how many are done.
    accept
        Called with the names of all parameters before the first step; may raise.

    Returns
    -------
    Training
        Also when the run diverges: then it ends at the first step that is not finite, or that
        the model raises at, as binary cross-entropy does at a NaN.

    Raises
    ------
    CannotTrain
        If the loss does not depend on any parameter.
    """
    seed, varies = _seed_and_varies(plan.request)
    with _learner(plan.request) as (ready, learner):
        model = ready.model
        accept([name for name, _ in model.named_parameters()])
        require_room(model, each_its_own=plan.explain is not None)
        optimizer = make_optimizer(plan.optimizer, trainable(model), plan.lr)
        x = ready.x.numpy(force=True).copy()
        recon_before = learner.reconstruction()
        losses: list[Losses] = []
        explained: OptimizerStep | None = None
        diverged_at: int | None = None
        stopped = ""
        with _watcher(plan, ready, optimizer) as watcher:
            for step in range(plan.steps):
                before = moments(model, optimizer) if step == plan.explain else {}
                optimizer.zero_grad()
                if watcher is not None:
                    watcher.loop.starts(ready.x)
                try:
                    loss, parts, opened = learner.step(step, step == plan.explain)
                except Exception as error:  # whatever the model raises, once it has trained
                    if not step:
                        raise
                    diverged_at, stopped = step, raised(error)
                    break
                losses.append(Losses(step, loss.item(), parts))
                gradients = (p.grad for p in model.parameters() if p.grad is not None)
                if not _is_finite([loss, *gradients]):
                    diverged_at = step
                    break
                optimizer.step()
                if opened is not None:
                    explained = OptimizerStep(
                        step,
                        plan.optimizer,
                        plan.lr,
                        opened,
                        parameters_of(model),
                        before,
                        moments(model, optimizer),
                    )
                report(step + 1)
        if diverged_at is None and not _is_finite(list(model.parameters())):
            diverged_at = plan.steps - 1
        return Training(
            plan=plan,
            label=ready.label,
            x=x,
            terms=learner.terms,
            loss_call=learner.loss_call,
            losses=tuple(losses),
            diverged_at=diverged_at,
            parameters=parameters_of(model),
            state={name: array.numpy().copy() for name, array in model.state_dict().items()},
            recon_before=recon_before,
            recon_after=_reconstruction(learner, stopped),
            explained=explained,
            torch_version=torch.__version__.split("+")[0],
            stopped=stopped,
            watched=watcher.watched if watcher else None,
            varies=varies,
            seed=seed,
        )


def _seed_and_varies(request: Request) -> tuple[int | None, bool]:
    """Return the seed, where it gives a model anything, and whether it gives others each time.

    Of a model that is loaded both are seen in runs of its own.
    """
    if request.architecture or request.is_shared:
        return request.seed, False
    try:
        run = pipeline.run(request, finite=False)
    except UserError:  # which the training will raise as well, or need not mind
        return request.seed, False
    return run.seed, run.varies


@contextmanager
def _watcher(
    plan: TrainingPlan, ready: PreparedModel, optimizer: torch.optim.Optimizer
) -> Iterator[Watcher | None]:
    if plan.watch is None:
        yield None
        return
    errors = partial(user_code_errors, plan.request)
    with Watcher(ready, [optimizer], errors, plan.watch) as watcher:
        yield watcher


def _reconstruction(learner: _Learner, stopped: str) -> Array | None:
    """Return what is made of x at the end; None where the model does not run any more."""
    try:
        return learner.reconstruction()
    except UserError:
        if not stopped:
            raise
        return None


# --- what learns ------------------------------------------------------------------------

Step = tuple[Tensor, tuple[float, ...], Run | None]


class _Learner(Protocol):
    """A model in training: one step of it, and what it makes of x by now.

    The terms of its loss, and how that is called, are known when the first step is done.
    """

    terms: tuple[str, ...]
    loss_call: LossCall | None

    def step(self, number: int, explain: bool) -> Step:
        """Run the model once, forward and back; return the loss, its terms, and the record if
        it is wanted."""
        ...

    def reconstruction(self) -> Array | None:
        """Return the reconstruction of x without noise; None where it is not known."""
        ...


@contextmanager
def _learner(request: Request) -> Iterator[tuple[PreparedModel, _Learner]]:
    with prepared(request) as ready:
        ready.require_drawn("train")
        architecture = request.architecture
        if architecture:
            yield ready, _BuiltIn(ready, architecture)
            return
        source = request.source
        own = source.model if isinstance(source, UserModel) else None
        with _left_as_it_was(ready) if isinstance(own, nn.Module) else nullcontext():
            yield ready, _Own(ready, request)


@contextmanager
def _left_as_it_was(ready: PreparedModel) -> Iterator[None]:
    """Put back what training does to a model that is somebody's object, and not made for it."""
    tensors = [*ready.model.parameters(), *ready.model.buffers()]
    kept = [(each, each.detach().clone(), each.grad) for each in tensors]
    with unchanged(ready.holders):
        try:
            yield
        finally:
            with torch.no_grad():
                for tensor, numbers, gradient in kept:
                    tensor.copy_(numbers)
                    tensor.grad = gradient


class _BuiltIn:
    """The built-in VAE, whose terms the loss itself gives."""

    def __init__(self, ready: PreparedModel, architecture: Architecture) -> None:
        assert isinstance(ready.model, VAE), "made by this request"
        self.ready, self.model, self.architecture = ready, ready.model, architecture
        self.terms: tuple[str, ...] = architecture.terms
        self.loss_call: LossCall | None = None

    def step(self, number: int, explain: bool) -> Step:
        architecture = self.architecture
        recon, reduction, beta = architecture.recon, architecture.reduction, architecture.beta
        watched = _at_step(self.ready.run(), number) if explain else None
        x = self.ready.x
        recon_x, mu, logvar = self.model(x)
        loss = vae_loss(recon_x, x, mu, logvar, recon, reduction, beta)
        torch.autograd.backward(loss)
        with torch.no_grad():
            error, kl = vae_loss_terms(recon_x, x, mu, logvar, recon, reduction)
        return loss, (error.item(), kl.item()), watched

    def reconstruction(self) -> Array | None:
        with torch.no_grad():
            mu, _ = self.model.encode(self.ready.x)
            recon: Array = self.model.decode(mu).numpy()
            return recon


class _Own:
    """A user's model, watched as it runs; of a term that has a number a row, the sum."""

    def __init__(self, ready: PreparedModel, request: Request) -> None:
        self.ready, self.request = ready, request
        self.terms: tuple[str, ...] = ()
        self.loss_call: LossCall | None = None
        self._opened = False

    def step(self, number: int, explain: bool) -> Step:
        ready, opening = self.ready, not self._opened
        with user_code_errors(self.request):
            (loss, call), trace = ready.watched(gradients=explain or opening)
        if not loss.requires_grad:
            raise CannotTrain("the loss depends on no parameter, so there is nothing to train")
        if opening:
            self._opened = True
            self.terms, self.loss_call = tuple(term.name for term in trace.terms), call
        known = trace.by_name
        parts = tuple(
            float(known[name].array.sum()) if name in known else float("nan") for name in self.terms
        )
        if not explain:
            return loss, parts, None
        return loss, parts, _at_step(ready.run_of(trace, call), number)

    def reconstruction(self) -> Array | None:
        """Run a copy of the model with every draw from the standard normal 0.

        None also of a model that cannot be copied, which trains all the same.
        """
        try:
            model = copy_of(self.ready.model)
        except Exception:  # `__deepcopy__` is the user's own, and what it keeps may have none
            return None
        x = self.ready.x.clone()  # which it may write into
        copied = dataclasses.replace(self.ready, model=model, x=x)
        with user_code_errors(self.request):
            run = copied.run(lasting=False)
            made, chosen = reconstruction(run), standard_draws(run)
            if made is None:
                return None
            drawn = run.trace.draws
            still = [np.zeros_like(v.array) if v.id in chosen else v.array.copy() for v in drawn]
            again = copied.run(redrawn=[torch.from_numpy(array) for array in still])
        same = reconstruction(again)
        return None if same is None else again.values[same]


def _at_step(run: Run, number: int) -> Run:
    started = " at the start, now" if run.changed else ""
    return dataclasses.replace(run, label=f"{run.label}{started} at step {number}")


def raised(error: Exception) -> str:
    """Write what a model raised, on one line."""
    return error.what if isinstance(error, CannotRun) else said(error)


def make_optimizer(
    name: OptimizerName, parameters: Sequence[nn.Parameter], lr: float
) -> torch.optim.Optimizer:
    """Return PyTorch's optimizer with its defaults."""
    if name == "adam":
        return torch.optim.Adam(parameters, lr=lr, betas=BETAS, eps=ADAM_EPS)
    return torch.optim.SGD(parameters, lr=lr)


def moments(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, dict[str, Array]]:
    """Return copies of Adam's two running means, zero before its first step."""
    if not isinstance(optimizer, torch.optim.Adam):
        return {}
    means = {}
    for name, parameter in model.named_parameters():
        state = optimizer.state.get(parameter, {})
        zero = torch.zeros_like(parameter)
        pairs = {"m": state.get("exp_avg", zero), "v": state.get("exp_avg_sq", zero)}
        means[name] = {key: tensor.detach().numpy().copy() for key, tensor in pairs.items()}
    return means


def _is_finite(tensors: Sequence[Tensor]) -> bool:
    return all(bool(tensor.isfinite().all()) for tensor in tensors)
