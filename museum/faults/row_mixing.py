"""Faults that `row-mixing` names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..base import Layers, kl_each, kl_of, part, sample
from ..cases import fault


def with_flow() -> Layers:
    model = Layers()
    model.extra["flow"] = nn.Linear(3, 2)
    return model


def flow(model: Layers, x: Tensor, whole: bool) -> Tensor:
    mu, logvar = model.encode(x)
    z0 = sample(mu, logvar)
    w, u = part(model, "flow").weight
    inner = torch.tanh(z0 @ w + part(model, "flow").bias[0])
    z = z0 + u * inner.unsqueeze(1)
    log_det = torch.log((1 + (1 - inner**2) * (u @ w)).abs() + 1e-8)
    taken = log_det.sum() if whole else log_det
    log_q = (-0.5 * ((z0 - mu) ** 2 / logvar.exp() + logvar)).sum(1) - taken
    error = ((model.decoder(z) - x) ** 2).sum(1)
    return (error + log_q + 0.5 * (z**2).sum(1)).mean()


@fault("row-mixing", make=with_flow)
def all_log_determinants_from_each_row(model: Layers, x: Tensor) -> Tensor:
    """With a flow behind the posterior the loss is far below what it can be.

    The log-determinants of all rows are summed and taken from each row.
    """
    return flow(model, x, whole=True)


@all_log_determinants_from_each_row.twin
def _(model: Layers, x: Tensor) -> Tensor:
    return flow(model, x, whole=False)


@fault("row-mixing")
def softmax_over_the_batch(model: Layers, x: Tensor) -> Tensor:
    """The classes of a row do not sum to one.

    The softmax of the output goes over the rows of the batch.
    """
    mu, logvar = model.encode(x)
    recon = torch.softmax(model.decoder(sample(mu, logvar)), dim=0)
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@softmax_over_the_batch.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = torch.softmax(model.decoder(sample(mu, logvar)), dim=-1)
    return F.mse_loss(recon, x / x.sum(1, keepdim=True), reduction="sum") + kl_of(mu, logvar)


@fault("row-mixing", "loss-scale-mismatch")
def whole_kl_beside_each_row(model: Layers, x: Tensor) -> Tensor:
    """The KL weighs more the larger the batch is.

    One number for the KL of the whole batch is added to the error of each row.
    """
    mu, logvar = model.encode(x)
    error = ((model.decoder(sample(mu, logvar)) - x) ** 2).sum(1)
    return (error + kl_each(mu, logvar).sum()).mean()


@whole_kl_beside_each_row.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    error = ((model.decoder(sample(mu, logvar)) - x) ** 2).sum(1)
    return (error + kl_each(mu, logvar).sum(1)).mean()


@fault("row-mixing")
def reshaped_in_place_of_transposed(model: Layers, x: Tensor) -> Tensor:
    """Each reconstruction is a patchwork of the batch.

    The decoder gives its output with the batch last, and a reshape stands for the transpose.
    """
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar)).t()
    return F.mse_loss(recon.reshape(x.shape), x, reduction="sum") + kl_of(mu, logvar)


@reshaped_in_place_of_transposed.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar)).t()
    return F.mse_loss(recon.t(), x, reduction="sum") + kl_of(mu, logvar)


def bound(model: Layers, x: Tensor, axis: int) -> Tensor:
    mu, logvar = model.encode(x)
    eps = torch.randn(4, *mu.shape)
    z = mu + torch.exp(0.5 * logvar) * eps
    error = ((model.decoder(z) - x) ** 2).sum(-1)
    log_w = -error + (0.5 * eps**2 - 0.5 * z**2 + 0.5 * logvar).sum(-1)
    return -torch.logsumexp(log_w, axis).mean()


@fault("row-mixing")
def importance_over_the_batch(model: Layers, x: Tensor) -> Tensor:
    """A few easy rows are learned, and the others never.

    The bound by importance weights sums over the batch in place of a row's draws.
    """
    return bound(model, x, axis=1)


@importance_over_the_batch.twin
def _(model: Layers, x: Tensor) -> Tensor:
    return bound(model, x, axis=0)
