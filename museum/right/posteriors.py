"""Right models with another posterior, prior or divergence than the usual one."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from ..base import Layers, error_of, kl_of, part, sample, with_
from ..cases import right_model


@right_model()
def bounded_log_variance(model: Layers, x: Tensor) -> Tensor:
    """Bounded log variance."""
    mu, raw = model.encode(x)
    logvar = 5 * torch.tanh(raw / 5)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


@right_model()
def deviation_in_place(model: Layers, x: Tensor) -> Tensor:
    """Deviation in place."""
    mu, logvar = model.encode(x)
    std = logvar.mul(0.5).exp_()
    z = torch.randn_like(std).mul_(std).add_(mu)
    loss = F.mse_loss(model.decoder(z), x, reduction="sum")
    loss += kl_of(mu, logvar)
    return loss


@right_model()
def deviation_with_a_floor(model: Layers, x: Tensor) -> Tensor:
    """Deviation with a floor."""
    mu, logvar = model.encode(x)
    std = torch.exp(0.5 * logvar).clamp(min=1e-3)
    z = mu + std * torch.randn_like(std)
    kl = 0.5 * torch.sum(mu**2 + std**2 - 1 - 2 * torch.log(std))
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


@right_model(make=lambda: with_(flow=(3, 2)))
def latent_flow(model: Layers, x: Tensor) -> Tensor:
    """A planar flow behind the sample; log-probabilities in place of a closed form."""
    mu, logvar = model.encode(x)
    z0 = sample(mu, logvar)
    w, u = part(model, "flow").weight
    inner = torch.tanh(z0 @ w + part(model, "flow").bias[0])
    z = z0 + u * inner.unsqueeze(1)
    log_det = torch.log((1 + (1 - inner**2) * (u @ w)).abs() + 1e-8)
    log_q = (-0.5 * ((z0 - mu) ** 2 / logvar.exp() + logvar)).sum(1) - log_det
    log_p = (-0.5 * z**2).sum(1)
    error = ((model.decoder(z) - x) ** 2).sum(1)
    return (error + log_q - log_p).mean()


@right_model()
def log_of_sigma_squared(model: Layers, x: Tensor) -> Tensor:
    """Log of sigma squared."""
    mu, raw = model.encode(x)
    sigma = 1e-6 + F.softplus(raw)
    kl = torch.mean(0.5 * torch.sum(mu**2 + sigma**2 - torch.log(1e-8 + sigma**2) - 1, dim=1))
    return error_of(model, mu + sigma * torch.randn_like(sigma), x) / len(x) + kl


@right_model()
def maximum_mean_discrepancy(model: Layers, x: Tensor) -> Tensor:
    """InfoVAE: samples against samples of the prior, and no KL."""
    mu, logvar = model.encode(x)
    z = sample(mu, logvar)
    prior = torch.randn_like(z)

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return torch.exp(-((a.unsqueeze(1) - b.unsqueeze(0)) ** 2).mean(2)).mean()

    mmd = kernel(z, z) + kernel(prior, prior) - 2 * kernel(z, prior)
    return F.mse_loss(model.decoder(z), x) + 10 * mmd


class Numbers(nn.Module):
    """Parameters by themselves."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.numbers = nn.Parameter(0.1 * torch.arange(count))


def without_raw() -> Layers:
    model = Layers()
    del model.to_raw
    model.extra["raw"] = Numbers(3)
    return model


@right_model(make=without_raw)
def one_deviation_for_all_rows(model: Layers, x: Tensor) -> Tensor:
    """One deviation for all rows."""
    mu = model.to_mu(model.encoder(x))
    logvar = part(model, "raw").numbers.expand_as(mu)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


@right_model()
def relaxed_categories(model: Layers, x: Tensor) -> Tensor:
    """A discrete latent by Gumbel-softmax."""
    logits = model.to_mu(model.encoder(x)) + 0 * model.to_raw(model.encoder(x))
    z = F.gumbel_softmax(logits, tau=0.7)
    q = torch.softmax(logits, dim=1)
    kl = (q * (torch.log(q) + torch.log(torch.tensor(3.0)))).sum()
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


@right_model()
def root_of_the_variance(model: Layers, x: Tensor) -> Tensor:
    """Root of the variance."""
    mu, logvar = model.encode(x)
    variance = logvar.exp()
    z = mu - variance**0.5 * torch.randn(mu.shape)
    return F.l1_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


@right_model()
def several_normal_variables(model: Layers, x: Tensor) -> Tensor:
    """Several normal variables."""
    mu, raw = model.encode(x)
    covariance = torch.diag_embed(F.softplus(raw))
    q = MultivariateNormal(mu, covariance)
    p = MultivariateNormal(torch.zeros(3), torch.eye(3))
    return error_of(model, q.rsample(), x) + kl_divergence(q, p).sum()


@right_model(make=lambda: with_(up=(3, 4), down=(2, 6)))
def two_levels(model: Layers, x: Tensor) -> Tensor:
    """z2 is made from z1's sample; the prior of z1 is learned from z2."""
    h = model.encoder(x)
    mu1, logvar1 = model.to_mu(h), model.to_raw(h)
    z1 = sample(mu1, logvar1)
    mu2, logvar2 = part(model, "up")(z1).chunk(2, dim=1)
    z2 = sample(mu2, logvar2)
    prior_mu, prior_logvar = part(model, "down")(z2).chunk(2, dim=1)
    q1 = Normal(mu1, torch.exp(0.5 * logvar1))
    p1 = Normal(prior_mu, torch.exp(0.5 * prior_logvar))
    kl1 = kl_divergence(q1, p1).sum()
    kl2 = kl_of(mu2, logvar2)
    return F.mse_loss(model.decoder(z1), x, reduction="sum") + kl1 + kl2


@right_model(make=lambda: with_(gate=(3, 3), shift=(3, 3)))
def autoregressive_flow(model: Layers, x: Tensor) -> Tensor:
    """An inverse autoregressive flow: gates and shifts of what comes before, behind a mask."""
    mu, logvar = model.encode(x)
    eps = torch.randn_like(mu)
    z = mu + torch.exp(0.5 * logvar) * eps
    before = torch.tril(torch.ones(3, 3), -1)
    gate = part(model, "gate")
    shift = part(model, "shift")
    open_to = torch.sigmoid(F.linear(z, gate.weight * before, gate.bias) + 1.5)
    after = open_to * z + (1 - open_to) * F.linear(z, shift.weight * before, shift.bias)
    log_q = (-0.5 * (eps**2 + logvar) - torch.log(open_to)).sum(1)
    error = ((model.decoder(after) - x) ** 2).sum(1)
    return (error + log_q + 0.5 * (after**2).sum(1)).mean()
