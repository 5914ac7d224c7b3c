"""Models that are right in ways that rules may trip over: none of them may alarm anyone."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from .base import Layers, Table, kl_each, kl_of, part, rows, sample

TABLE = Table()


class Numbers(nn.Module):
    """Parameters by themselves."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.numbers = nn.Parameter(0.1 * torch.arange(count))


def with_(**parts: tuple[int, int]) -> Layers:
    model = Layers()
    for name, (inputs, outputs) in parts.items():
        model.extra[name] = nn.Linear(inputs, outputs)
    return model


def conditional() -> Layers:
    model = with_(joined=(8, 8), decode=(5, 6))
    del model.encoder, model.decoder
    return model


def with_deviation() -> Layers:
    model = Layers()
    model.extra["sigma"] = Numbers(6)
    return model


def without_raw() -> Layers:
    model = Layers()
    del model.to_raw
    model.extra["raw"] = Numbers(3)
    return model


def recurrent() -> Layers:
    model = Layers()
    del model.encoder
    model.extra["rnn"] = nn.GRU(1, 8, batch_first=True)
    return model


def spatial() -> Layers:
    model = Layers()
    del model.encoder, model.to_mu, model.to_raw, model.decoder
    model.extra["down"] = nn.Conv2d(1, 8, 3, stride=2, padding=1)
    model.extra["up"] = nn.ConvTranspose2d(4, 1, 4, stride=2, padding=1)
    return model


@TABLE.right("", make=lambda: with_(skip=(6, 6)))
def skip_from_x_to_the_decoder(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = sample(mu, logvar)
    recon = model.decoder(z) + part(model, "skip")(x)
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("", make=conditional)
def conditional_by_concatenation(model: Layers, x: Tensor) -> Tensor:
    label = F.one_hot(torch.arange(len(x)) % 2, 2).float()
    h = torch.tanh(part(model, "joined")(torch.cat([x, label], dim=1)))
    mu, logvar = model.to_mu(h), model.to_raw(h)
    z = sample(mu, logvar)
    recon = part(model, "decode")(torch.cat([z, label], dim=1))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("", make=lambda: with_(up=(3, 4), down=(2, 6)))
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


@TABLE.right("", make=lambda: with_(spread=(3, 6)))
def decoder_with_a_deviation(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = sample(mu, logvar)
    log_variance = part(model, "spread")(z)
    error = 0.5 * (log_variance + (x - model.decoder(z)) ** 2 / log_variance.exp()).sum(1)
    return (error + kl_each(mu, logvar).sum(1)).mean()


@TABLE.right("")
def decoder_as_a_distribution(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    q = Independent(Normal(mu, F.softplus(raw)), 1)
    p = Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1)
    z = q.rsample()
    likelihood = Independent(Normal(model.decoder(z), torch.tensor(0.1)), 1)
    elbo = likelihood.log_prob(x) - kl_divergence(q, p)
    return -elbo.mean()


@TABLE.right("", make=with_deviation)
def shared_learned_deviation(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    log_sigma = part(model, "sigma").numbers
    error = (0.5 * ((x - recon) / log_sigma.exp()) ** 2 + log_sigma).sum()
    return error + kl_of(mu, logvar)


@TABLE.right("")
def binary_cross_entropy_by_hand(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    p = torch.sigmoid(model.decoder(sample(mu, logvar))).clamp(1e-7, 1 - 1e-7)
    bce = -(x * torch.log(p) + (1 - x) * torch.log(1 - p)).sum()
    return bce + kl_of(mu, logvar)


@TABLE.right("")
def bounded_log_variance(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    logvar = 5 * torch.tanh(raw / 5)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("", make=without_raw)
def one_deviation_for_all_rows(model: Layers, x: Tensor) -> Tensor:
    mu = model.to_mu(model.encoder(x))
    logvar = part(model, "raw").numbers.expand_as(mu)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("")
def denoising(model: Layers, x: Tensor) -> Tensor:
    noisy = x + 0.1 * torch.randn_like(x)
    mu, logvar = model.encode(noisy)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("")
def integer_target(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    target = (x > 0.5).float()
    logits = model.decoder(sample(mu, logvar))
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="sum")
    return bce + kl_of(mu, logvar)


@TABLE.right("")
def weight_decay_in_the_loss(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    decay = 1e-3 * sum((p**2).sum() for p in model.parameters())
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar) + decay


@TABLE.right("")
def sparse_hidden_layer(model: Layers, x: Tensor) -> Tensor:
    h = model.encoder(x)
    mu, logvar = model.to_mu(h), model.to_raw(h)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar) - 0.1 * h.abs().sum()


@TABLE.right("")
def maximum_mean_discrepancy(model: Layers, x: Tensor) -> Tensor:
    """InfoVAE: samples against samples of the prior, and no KL."""
    mu, logvar = model.encode(x)
    z = sample(mu, logvar)
    prior = torch.randn_like(z)

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return torch.exp(-((a.unsqueeze(1) - b.unsqueeze(0)) ** 2).mean(2)).mean()

    mmd = kernel(z, z) + kernel(prior, prior) - 2 * kernel(z, prior)
    return F.mse_loss(model.decoder(z), x) + 10 * mmd


@TABLE.right("")
def annealed_to_a_part(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    step, warm_up = 37, 1000
    return F.mse_loss(recon, x, reduction="sum") + min(1.0, step / warm_up) * kl_of(mu, logvar)


@TABLE.right("")
def log_of_sigma_squared(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    sigma = 1e-6 + F.softplus(raw)
    recon = model.decoder(mu + sigma * torch.randn_like(sigma))
    kl = torch.mean(0.5 * torch.sum(mu**2 + sigma**2 - torch.log(1e-8 + sigma**2) - 1, dim=1))
    return F.mse_loss(recon, x, reduction="sum") / len(x) + kl


@TABLE.right("")
def constant_left_out(model: Layers, x: Tensor) -> Tensor:
    """Without the -1 the KL has another value and the same gradients."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    kl = 0.5 * (mu.square() + logvar.exp() - logvar).sum()
    return F.mse_loss(recon, x, reduction="sum") + kl


@TABLE.right("", make=lambda: with_(flow=(3, 2)))
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


@TABLE.right("")
def huber_and_absolute(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    error = F.smooth_l1_loss(recon, x, reduction="sum") + 0.1 * F.l1_loss(recon, x, reduction="sum")
    return error + kl_of(mu, logvar)


@TABLE.right("", x=lambda: rows(1))
def one_row(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("")
def plain_autoencoder(model: Layers, x: Tensor) -> Tensor:
    mu = model.to_mu(model.encoder(x))
    return F.mse_loss(model.decoder(mu), x) + 0 * model.to_raw(model.encoder(x)).sum()


@TABLE.right("")
def relaxed_categories(model: Layers, x: Tensor) -> Tensor:
    """A discrete latent by Gumbel-softmax."""
    logits = model.to_mu(model.encoder(x)) + 0 * model.to_raw(model.encoder(x))
    z = F.gumbel_softmax(logits, tau=0.7)
    q = torch.softmax(logits, dim=1)
    kl = (q * (torch.log(q) + torch.log(torch.tensor(3.0)))).sum()
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


@TABLE.right("")
def deviation_in_place(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    std = logvar.mul(0.5).exp_()
    z = torch.randn_like(std).mul_(std).add_(mu)
    loss = F.mse_loss(model.decoder(z), x, reduction="sum")
    loss += kl_of(mu, logvar)
    return loss


@TABLE.right("")
def root_of_the_variance(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    variance = logvar.exp()
    z = mu - variance**0.5 * torch.randn(mu.shape)
    return F.l1_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("", make=lambda: with_(style_mu=(8, 3), style_raw=(8, 3), both=(6, 6)))
def content_and_style(model: Layers, x: Tensor) -> Tensor:
    """Two latents side by side, each with a KL of its own weight."""
    h = model.encoder(x)
    mu, logvar = model.to_mu(h), model.to_raw(h)
    style_mu, style_logvar = part(model, "style_mu")(h), part(model, "style_raw")(h)
    z = sample(mu, logvar)
    style = sample(style_mu, style_logvar)
    recon = part(model, "both")(torch.cat([z, style], dim=1)) + 0.1 * model.decoder(z)
    error = F.mse_loss(recon, x, reduction="sum")
    return error + kl_of(mu, logvar) + 3.0 * kl_of(style_mu, style_logvar)


@TABLE.right("")
def several_normal_variables(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    covariance = torch.diag_embed(F.softplus(raw))
    q = MultivariateNormal(mu, covariance)
    p = MultivariateNormal(torch.zeros(3), torch.eye(3))
    recon = model.decoder(q.rsample())
    return F.mse_loss(recon, x, reduction="sum") + kl_divergence(q, p).sum()


@TABLE.right("")
def library_likelihood(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    nll = F.gaussian_nll_loss(recon, x, 0.25 * torch.ones_like(x), reduction="sum")
    return nll + kl_of(mu, logvar)


@TABLE.right("")
def deviation_with_a_floor(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    std = torch.exp(0.5 * logvar).clamp(min=1e-3)
    z = mu + std * torch.randn_like(std)
    kl = 0.5 * torch.sum(mu**2 + std**2 - 1 - 2 * torch.log(std))
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


@TABLE.right("", make=with_deviation)
def weighed_by_uncertainty(model: Layers, x: Tensor) -> Tensor:
    """The two terms' weights are learned."""
    mu, logvar = model.encode(x)
    a, b = part(model, "sigma").numbers[:2]
    error = F.mse_loss(model.decoder(sample(mu, logvar)), x, reduction="sum")
    return error * torch.exp(-a) + a + kl_of(mu, logvar) * torch.exp(-b) + b


@TABLE.right("", make=lambda: with_(attribute=(3, 1)))
def attribute_predicted_from_the_mean(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    guess = F.mse_loss(part(model, "attribute")(mu), x[:, :1], reduction="sum")
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar) + 5 * guess


@TABLE.right("", make=lambda: with_(discriminator=(3, 2)))
def discriminator_on_the_latent(model: Layers, x: Tensor) -> Tensor:
    """FactorVAE's term: the log-ratio of a discriminator that sees z."""
    mu, logvar = model.encode(x)
    z = sample(mu, logvar)
    scores = part(model, "discriminator")(z)
    correlation = (scores[:, 0] - scores[:, 1]).mean()
    error = F.binary_cross_entropy_with_logits(model.decoder(z), x, reduction="sum") / len(x)
    return error + kl_each(mu, logvar).sum(1).mean() + 10 * correlation


@TABLE.right("", make=recurrent)
def recurrent_encoder(model: Layers, x: Tensor) -> Tensor:
    _, h = part(model, "rnn")(x.unsqueeze(-1))
    mu, logvar = model.to_mu(h[0]), model.to_raw(h[0])
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("", make=spatial, x=lambda: rows(3, 64).view(3, 1, 8, 8))
def latent_map(model: Layers, x: Tensor) -> Tensor:
    """A latent of four maps, as image models have it."""
    mu, logvar = part(model, "down")(x).chunk(2, dim=1)
    z = sample(mu, logvar.clamp(-30, 20))
    recon = part(model, "up")(z)
    error = F.l1_loss(recon, x, reduction="none").sum(dim=(1, 2, 3)).mean()
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=[1, 2, 3])
    return error + 1e-6 * kl.mean()


@TABLE.right("", x=lambda: rows(4, 6) * 255)
def pixels_scaled_inside(model: Layers, x: Tensor) -> Tensor:
    scaled = x / 255.0
    mu, logvar = model.encode(scaled)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    bce = F.binary_cross_entropy(recon, scaled, reduction="sum")
    return bce + kl_of(mu, logvar)


@TABLE.right("")
def weight_as_a_tensor(model: Layers, x: Tensor) -> Tensor:
    """A weight given as a tensor, and as a buffer would be."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    beta = torch.tensor(0.3)
    error = (recon - x).square().flatten(1).sum(-1)
    kl = kl_each(mu, logvar).flatten(1).sum(-1)
    return torch.mean(error + beta * kl, dim=0)


@TABLE.right("kl-form")
def latents_of_several_weights(model: Layers, x: Tensor) -> Tensor:
    """Twice the closed form on average, but by weights that are meant."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    kl = (torch.tensor([1.0, 2.0, 3.0]) * kl_each(mu, logvar)).sum()
    return F.mse_loss(recon, x, reduction="sum") + kl


@TABLE.right("kl-sign")
def penalty_and_entropy(model: Layers, x: Tensor) -> Tensor:
    """A regularised autoencoder with noise: no KL, and wider is cheaper at first."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + 0.1 * mu.pow(2).sum() - 0.05 * logvar.sum()


@TABLE.right("kl-form")
def both_directions(model: Layers, x: Tensor) -> Tensor:
    """Jeffreys' divergence."""
    mu, logvar = model.encode(x)
    q, p = Normal(mu, torch.exp(0.5 * logvar)), Normal(0.0, 1.0)
    recon = model.decoder(q.rsample())
    both = 0.5 * (kl_divergence(q, p) + kl_divergence(p, q)).sum()
    return F.mse_loss(recon, x, reduction="sum") + both


@TABLE.right("loss-scale")
def row_by_row(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    loss = torch.zeros(())
    for i in range(len(x)):
        recon = model.decoder(sample(mu[i], logvar[i]))
        loss = loss + F.mse_loss(recon, x[i], reduction="sum") + kl_of(mu[i], logvar[i])
    return loss
