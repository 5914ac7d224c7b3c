"""Training the built-in VAE: the plain PyTorch loop, watched but not changed.

What comes out equals what the same loop gives without us, bit for bit: one draw a step
from the global generator, `torch.optim` for the updates. A step that is to be explained is
recorded just before the loop takes it, from a copy of the generator's state, so that the
recording and the loop see the same noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from .loading import load_weights
from .model import VAE, vae_loss, vae_loss_terms
from .optimization import (
    ADAM_EPS,
    BETAS,
    Losses,
    OptimizerName,
    OptimizerStep,
    Training,
    TrainingRequest,
    Update,
)
from .pipeline import Recorded, Request, built_in_model, record_vae, recorded
from .run import full_run
from .trace import Array


def train(request: TrainingRequest, report: Callable[[int], None] = lambda _: None) -> Training:
    """Train the built-in VAE.

    Parameters
    ----------
    report
        Called after each step with how many are done.

    Returns
    -------
    Training
        Also when the run diverges: then it ends at the first step that is not finite.
    """
    architecture = request.architecture
    recon, reduction, beta = architecture.recon, architecture.reduction, architecture.beta
    with _seeded(request) as (model, x):
        optimizer = make_optimizer(request.optimizer, model.parameters(), request.lr)
        recon_before = _from_mean(model, x)
        losses: list[Losses] = []
        explained: OptimizerStep | None = None
        diverged_at: int | None = None
        for step in range(request.steps):
            watched = None
            if step == request.explain:
                watched = full_run(
                    record_vae(model, x, (), architecture),
                    request.seed,
                    f"{architecture.label} at step {step}",
                )
                before = moments(model, optimizer)
            recon_x, mu, logvar = model(x)
            loss = vae_loss(recon_x, x, mu, logvar, recon, reduction, beta)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call] # PyTorch's own has no types
            with torch.no_grad():
                error, kl = vae_loss_terms(recon_x, x, mu, logvar, recon, reduction)
            losses.append(Losses(step, loss.item(), error.item(), kl.item()))
            if not _is_finite([loss, *(p.grad for p in model.parameters() if p.grad is not None)]):
                diverged_at = step
                break
            optimizer.step()
            if watched is not None:
                explained = OptimizerStep(
                    step,
                    request.optimizer,
                    request.lr,
                    watched,
                    parameters_of(model),
                    before,
                    moments(model, optimizer),
                )
            report(step + 1)
        if diverged_at is None and not _is_finite(list(model.parameters())):
            diverged_at = request.steps - 1
        return Training(
            request,
            tuple(losses),
            diverged_at,
            parameters_of(model),
            recon_before,
            _from_mean(model, x),
            explained,
            torch.__version__.split("+")[0],
        )


def update(request: Request, lr: float) -> Update:
    """Take one step of gradient descent from the seeded parameters.

    Raises
    ------
    NotFinite
        If the loss or a gradient overflows before the step.
    """
    return gradient_step(recorded(request), lr)


def gradient_step(before: Recorded, lr: float) -> Update:
    """Take one step of gradient descent from a run; its model is left as it was."""
    model, run = before.model, before.run
    optimizer = make_optimizer("sgd", model.parameters(), lr)
    kept = parameters_of(model)
    learns = set(run.gradients)
    try:
        for name, parameter in model.named_parameters():
            if run.value(name).id in learns:
                parameter.grad = torch.from_numpy(run.gradient(name).copy())
        optimizer.step()
        step = OptimizerStep(0, "sgd", lr, run, parameters_of(model), {}, {})
        # The same ε, so that the two losses differ by what the step did and nothing else.
        return Update(step, before.again())
    finally:
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(torch.from_numpy(kept[name]))
        optimizer.zero_grad()


def make_optimizer(
    name: OptimizerName, parameters: Iterator[nn.Parameter], lr: float
) -> torch.optim.Optimizer:
    """Return PyTorch's optimizer with its defaults."""
    if name == "adam":
        return torch.optim.Adam(parameters, lr=lr, betas=BETAS, eps=ADAM_EPS)
    return torch.optim.SGD(parameters, lr=lr)


def parameters_of(model: nn.Module) -> dict[str, Array]:
    """Return copies of a model's parameters, by name."""
    return {name: p.detach().numpy().copy() for name, p in model.named_parameters()}


def moments(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, dict[str, Array]]:
    """Return copies of Adam's two running means, zero before its first step."""
    if not isinstance(optimizer, torch.optim.Adam):
        return {}
    found = {}
    for name, parameter in model.named_parameters():
        state = optimizer.state.get(parameter, {})
        zero = torch.zeros_like(parameter)
        pairs = {"m": state.get("exp_avg", zero), "v": state.get("exp_avg_sq", zero)}
        found[name] = {key: tensor.detach().numpy().copy() for key, tensor in pairs.items()}
    return found


@contextmanager
def _seeded(request: TrainingRequest) -> Iterator[tuple[VAE, Tensor]]:
    """Make model and input as `pipeline.run` does, and leave the caller's generator alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(request.seed)
        model = built_in_model(request.architecture)
        if request.weights is not None:
            load_weights(model, request.weights)
        yield model, torch.tensor(request.x, dtype=torch.float32)


def _is_finite(tensors: Sequence[Tensor]) -> bool:
    return all(bool(tensor.isfinite().all()) for tensor in tensors)


def _from_mean(model: VAE, x: Tensor) -> Array:
    with torch.no_grad():
        mu, _ = model.encode(x)
        recon: Array = model.decode(mu).numpy()
        return recon
