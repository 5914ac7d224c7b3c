"""Faults of a posterior that a flow makes of a Gaussian sample."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..base import Layers, part, sample
from ..cases import fault


def with_flow() -> Layers:
    model = Layers()
    model.extra["flow"] = nn.Linear(3, 2)
    return model


def through(model: Layers, x: Tensor, counted: float = 1.0, before: bool = False) -> Tensor:
    mu, logvar = model.encode(x)
    z0 = sample(mu, logvar)
    w, u = part(model, "flow").weight
    inner = torch.tanh(z0 @ w + part(model, "flow").bias[0])
    z = z0 + u * inner.unsqueeze(1)
    log_q = (-0.5 * ((z0 - mu) ** 2 / logvar.exp() + logvar)).sum(1)
    if counted:
        log_q = log_q - counted * torch.log((1 + (1 - inner**2) * (u @ w)).abs())
    error = ((model.decoder(z) - x) ** 2).sum(1)
    return (error + log_q + 0.5 * ((z0 if before else z) ** 2).sum(1)).mean()


@fault("kl-form", make=with_flow)
def log_determinant_with_a_plus(model: Layers, x: Tensor) -> Tensor:
    """The flow squeezes the posterior to a line, and the bound looks better and better.

    The log-determinant is added to log q, from which it is to be taken.
    """
    return through(model, x, counted=-1.0)


log_determinant_with_a_plus.twin(through)


@fault("kl-form", make=with_flow)
def log_determinant_left_out(model: Layers, x: Tensor) -> Tensor:
    """With the flow the bound is far too good.

    The density of z is taken for that of the sample before the flow.
    """
    return through(model, x, counted=0.0)


log_determinant_left_out.twin(through)


@fault("kl-form", make=with_flow)
def prior_of_the_sample_before_the_flow(model: Layers, x: Tensor) -> Tensor:
    """What is decoded from the prior looks like nothing.

    log p is taken of the sample before the flow, and the decoder is given the one behind it.
    """
    return through(model, x, before=True)


prior_of_the_sample_before_the_flow.twin(through)
