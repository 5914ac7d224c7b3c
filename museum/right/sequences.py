"""Right models of sequences and of several levels, whose priors are made from what came before."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..base import Layers, error_of, kl_of, part, rows, sample, with_
from ..cases import right_model


def recurrent_latents() -> Layers:
    model = with_(posterior=(6, 4), prior=(4, 4), decode=(6, 2))
    del model.encoder, model.to_mu, model.to_raw, model.decoder
    model.extra["rnn"] = nn.GRUCell(4, 4)
    return model


@right_model(make=recurrent_latents)
def a_latent_at_every_step(model: Layers, x: Tensor) -> Tensor:
    """A VRNN: each step has a latent, and a prior from the steps before it."""
    h, loss = x.new_zeros(len(x), 4), x.new_zeros(())
    for now in x.view(len(x), 3, 2).unbind(1):
        mu, raw = part(model, "posterior")(torch.cat([now, h], 1)).chunk(2, 1)
        prior_mu, prior_raw = part(model, "prior")(h).chunk(2, 1)
        std, prior_std = F.softplus(raw), F.softplus(prior_raw)
        z = torch.randn_like(std).mul(std).add_(mu)
        quotient = (std.pow(2) + (mu - prior_mu).pow(2)) / prior_std.pow(2)
        kl = 0.5 * (2 * torch.log(prior_std) - 2 * torch.log(std) + quotient - 1)
        error = (part(model, "decode")(torch.cat([z, h], 1)) - now) ** 2
        loss = loss + error.sum() + kl.sum()
        h = part(model, "rnn")(torch.cat([now, z], 1), h)
    return loss / len(x)


@right_model(make=lambda: with_(prior=(3, 6), change=(11, 6), decode=(3, 6)))
def posterior_as_a_change_of_the_prior(model: Layers, x: Tensor) -> Tensor:
    """Two levels as in NVAE: the second posterior is given by what it differs from its prior."""
    h = model.encoder(x)
    mu, logvar = model.to_mu(h), model.to_raw(h)
    first = sample(mu, logvar)
    prior_mu, prior_log = part(model, "prior")(first).chunk(2, 1)
    off_mu, off_log = part(model, "change")(torch.cat([h, first], 1)).chunk(2, 1)
    second = prior_mu + off_mu + torch.exp(prior_log + off_log) * torch.randn_like(off_mu)
    kl = 0.5 * (off_mu**2 / torch.exp(2 * prior_log) + torch.exp(2 * off_log) - 1) - off_log
    recon = model.decoder(first) + part(model, "decode")(second)
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar) + kl.sum()


def of_tokens() -> Layers:
    model = with_(to_state=(3, 8), to_token=(8, 7))
    del model.encoder, model.decoder
    model.extra["word"] = nn.Embedding(7, 5)
    model.extra["read"] = nn.LSTM(5, 8, batch_first=True)
    model.extra["write"] = nn.LSTM(5, 8, batch_first=True)
    return model


@right_model(make=of_tokens, x=lambda: (7 * rows()).floor())
def sentences(model: Layers, x: Tensor) -> Tensor:
    """A sentence VAE: the latent starts the decoder, and padding is left out."""
    steps = torch.arange(x.shape[1])
    words = torch.where(steps < 3 + torch.arange(len(x))[:, None] % 3, x.long().clamp(min=1), 0)
    seen = part(model, "word")(words)
    _, (h, _) = part(model, "read")(seen)
    mu, logvar = model.to_mu(h[-1]), model.to_raw(h[-1])
    start = torch.tanh(part(model, "to_state")(sample(mu, logvar)))[None]
    said, _ = part(model, "write")(seen[:, :-1], (start, torch.zeros_like(start)))
    logits = part(model, "to_token")(said).reshape(-1, 7)
    error = F.cross_entropy(logits, words[:, 1:].reshape(-1), ignore_index=0, reduction="sum")
    return (error + kl_of(mu, logvar)) / len(x)


def without_raw() -> Layers:
    model = Layers()
    del model.to_raw
    return model


@right_model(make=without_raw)
def wasserstein_autoencoder(model: Layers, x: Tensor) -> Tensor:
    """A plain encoder whose latents are held against samples of the prior, all pairs of them."""
    z = model.to_mu(model.encoder(x))
    prior = torch.randn_like(z)

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (6 / (6 + ((a[:, None] - b[None]) ** 2).sum(2))).mean()

    away = kernel(z, z) + kernel(prior, prior) - 2 * kernel(z, prior)
    return F.mse_loss(model.decoder(z), x) + 10 * away


@right_model(make=lambda: with_(prior=(2, 6)))
def prior_of_a_part_of_x(model: Layers, x: Tensor) -> Tensor:
    """A conditional VAE: the prior sees two columns of x, the posterior all of them."""
    mu, logvar = model.encode(x)
    prior_mu, prior_log = part(model, "prior")(x[:, :2]).chunk(2, 1)
    quotient = (logvar.exp() + (mu - prior_mu) ** 2) / prior_log.exp()
    kl = 0.5 * (prior_log - logvar + quotient - 1).sum()
    return error_of(model, sample(mu, logvar), x) + kl
