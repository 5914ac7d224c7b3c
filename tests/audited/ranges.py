"""Models whose heads or outputs cannot be what they have to be, and their right twins."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import Layers, Table, kl_each, kl_of, part, rows, sample

TABLE = Table()


def elbo(model: Layers, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


def signed() -> Tensor:
    return 4 * rows() - 2


def image() -> Tensor:
    return rows(5, 36).view(5, 1, 6, 6)


def of_images() -> Layers:
    return Layers(width=36)


# --- head-range ---------------------------------------------------------------------------


@TABLE.wrong("head-range")
def mean_behind_a_softplus(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return elbo(model, x, F.softplus(mu), logvar)


@TABLE.right("head-range", twin="mean_behind_a_softplus")
def mean_as_it_is(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return elbo(model, x, mu, logvar)


@TABLE.wrong("head-range")
def log_variance_behind_a_softplus(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    return elbo(model, x, mu, F.softplus(raw))


@TABLE.right("head-range", twin="log_variance_behind_a_softplus")
def log_variance_as_it_is(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return elbo(model, x, mu, logvar)


@TABLE.wrong("head-range")
def log_variance_behind_a_sigmoid(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    return elbo(model, x, mu, torch.sigmoid(raw))


@TABLE.wrong("head-range")
def mean_behind_a_tanh(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return elbo(model, x, torch.tanh(mu), logvar)


@TABLE.right("head-range")
def mean_behind_a_wide_tanh(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return elbo(model, x, 4 * torch.tanh(mu / 4), logvar)


@TABLE.right("head-range")
def log_variance_below_zero(model: Layers, x: Tensor) -> Tensor:
    """A ceiling of 1 on σ, which is the prior's."""
    mu, raw = model.encode(x)
    return elbo(model, x, mu, -F.softplus(-raw))


@TABLE.wrong("head-range", "no-gradient")
def one_head_for_both(model: Layers, x: Tensor) -> Tensor:
    h = model.encoder(x)
    return elbo(model, x, model.to_mu(h), model.to_mu(h))


@TABLE.right("head-range", twin="one_head_for_both")
def two_heads(model: Layers, x: Tensor) -> Tensor:
    h = model.encoder(x)
    return elbo(model, x, model.to_mu(h), model.to_raw(h))


# --- output-range -------------------------------------------------------------------------


@TABLE.wrong("output-range", x=signed)
def sigmoid_for_signed_targets(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("output-range", x=signed, twin="sigmoid_for_signed_targets")
def layer_for_signed_targets(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return elbo(model, x, mu, logvar)


@TABLE.wrong("output-range", x=lambda: rows(scale=255.0).round())
def bytes_against_a_sigmoid(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x / 255)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("output-range", x=lambda: rows(scale=255.0).round(), twin="bytes_against_a_sigmoid")
def bytes_brought_to_one(model: Layers, x: Tensor) -> Tensor:
    target = x / 255
    mu, logvar = model.encode(target)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return F.mse_loss(recon, target, reduction="sum") + kl_of(mu, logvar)


@TABLE.wrong("output-range", x=lambda: rows(scale=255.0).round())
def bytes_in_a_cross_entropy(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x / 255)
    logits = model.decoder(sample(mu, logvar))
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    return bce + kl_of(mu, logvar)


@TABLE.wrong("output-range")
def sigmoid_before_logits(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    bce = F.binary_cross_entropy_with_logits(recon, x, reduction="sum")
    return bce + kl_of(mu, logvar)


@TABLE.right("output-range", twin="sigmoid_before_logits")
def logits_as_they_are(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    logits = model.decoder(sample(mu, logvar))
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    return bce + kl_of(mu, logvar)


@TABLE.wrong("output-range")
def arguments_of_a_cross_entropy_swapped(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return F.binary_cross_entropy(x, recon, reduction="sum") + kl_of(mu, logvar)


@TABLE.wrong("output-range")
def cross_entropy_by_hand_swapped(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    p = torch.sigmoid(model.decoder(sample(mu, logvar)))
    bce = -(p * torch.log(x) + (1 - p) * torch.log(1 - x)).sum()
    return bce + kl_of(mu, logvar)


@TABLE.right("output-range", twin="cross_entropy_by_hand_swapped")
def cross_entropy_by_hand(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    p = torch.sigmoid(model.decoder(sample(mu, logvar)))
    bce = -(x * torch.log(p) + (1 - x) * torch.log(1 - p)).sum()
    return bce + kl_of(mu, logvar)


@TABLE.right("output-range")
def squared_error_either_way_round(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(x, recon, reduction="sum") + kl_of(mu, logvar)


@TABLE.wrong("output-range")
def relu_on_the_output(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = torch.relu(model.decoder(sample(mu, logvar)))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("output-range", twin="relu_on_the_output")
def softplus_on_the_output(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = F.softplus(model.decoder(sample(mu, logvar)))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.wrong("output-range", make=of_images, x=image)
def tanh_for_pixels(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x.flatten(1))
    recon = torch.tanh(model.decoder(sample(mu, logvar))).view_as(x)
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("output-range", make=of_images, x=lambda: 2 * image() - 1, twin="tanh_for_pixels")
def tanh_for_pixels_from_minus_one(model: Layers, x: Tensor) -> Tensor:
    return tanh_for_pixels(model, x)


# --- row-mixing ---------------------------------------------------------------------------


@TABLE.wrong("row-mixing", "loss-scale-mismatch")
def whole_kl_beside_each_row(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    error = ((model.decoder(sample(mu, logvar)) - x) ** 2).sum(1)
    return (error + kl_each(mu, logvar).sum()).mean()


@TABLE.right("row-mixing", twin="whole_kl_beside_each_row")
def each_rows_kl_beside_it(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    error = ((model.decoder(sample(mu, logvar)) - x) ** 2).sum(1)
    return (error + kl_each(mu, logvar).sum(1)).mean()


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


@TABLE.wrong("row-mixing", make=with_flow)
def all_log_determinants_taken_from_each_row(model: Layers, x: Tensor) -> Tensor:
    return flow(model, x, whole=True)


@TABLE.right("row-mixing", make=with_flow, twin="all_log_determinants_taken_from_each_row")
def each_log_determinant_taken_from_its_row(model: Layers, x: Tensor) -> Tensor:
    return flow(model, x, whole=False)
