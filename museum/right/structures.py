"""Right models of another make than the usual one."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..base import Layers, error_of, kl_each, kl_of, part, rows, sample, with_
from ..cases import right_model


@right_model(make=lambda: with_(attribute=(3, 1)))
def attribute_predicted_from_the_mean(model: Layers, x: Tensor) -> Tensor:
    """Attribute predicted from the mean."""
    mu, logvar = model.encode(x)
    guess = F.mse_loss(part(model, "attribute")(mu), x[:, :1], reduction="sum")
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar) + 5 * guess


def conditional() -> Layers:
    model = with_(joined=(8, 8), decode=(5, 6))
    del model.encoder, model.decoder
    return model


@right_model(make=conditional)
def conditional_by_concatenation(model: Layers, x: Tensor) -> Tensor:
    """Conditional by concatenation."""
    label = F.one_hot(torch.arange(len(x)) % 2, 2).float()
    h = torch.tanh(part(model, "joined")(torch.cat([x, label], dim=1)))
    mu, logvar = model.to_mu(h), model.to_raw(h)
    z = sample(mu, logvar)
    recon = part(model, "decode")(torch.cat([z, label], dim=1))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@right_model(make=lambda: with_(style_mu=(8, 3), style_raw=(8, 3), both=(6, 6)))
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


@right_model()
def denoising(model: Layers, x: Tensor) -> Tensor:
    """Denoising."""
    noisy = x + 0.1 * torch.randn_like(x)
    mu, logvar = model.encode(noisy)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


@right_model(make=lambda: with_(discriminator=(3, 2)))
def discriminator_on_the_latent(model: Layers, x: Tensor) -> Tensor:
    """FactorVAE's term: the log-ratio of a discriminator that sees z."""
    mu, logvar = model.encode(x)
    z = sample(mu, logvar)
    scores = part(model, "discriminator")(z)
    correlation = (scores[:, 0] - scores[:, 1]).mean()
    error = F.binary_cross_entropy_with_logits(model.decoder(z), x, reduction="sum") / len(x)
    return error + kl_each(mu, logvar).sum(1).mean() + 10 * correlation


def spatial() -> Layers:
    model = Layers()
    del model.encoder, model.to_mu, model.to_raw, model.decoder
    model.extra["down"] = nn.Conv2d(1, 8, 3, stride=2, padding=1)
    model.extra["up"] = nn.ConvTranspose2d(4, 1, 4, stride=2, padding=1)
    return model


@right_model(make=spatial, x=lambda: rows(3, 64).view(3, 1, 8, 8))
def latent_map(model: Layers, x: Tensor) -> Tensor:
    """A latent of four maps, as image models have it."""
    mu, logvar = part(model, "down")(x).chunk(2, dim=1)
    z = sample(mu, logvar.clamp(-30, 20))
    recon = part(model, "up")(z)
    error = F.l1_loss(recon, x, reduction="none").sum(dim=(1, 2, 3)).mean()
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=[1, 2, 3])
    return error + 1e-6 * kl.mean()


@right_model(x=lambda: rows(1))
def one_row(model: Layers, x: Tensor) -> Tensor:
    """One row."""
    mu, logvar = model.encode(x)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


@right_model(x=lambda: rows(4, 6) * 255)
def pixels_scaled_inside(model: Layers, x: Tensor) -> Tensor:
    """Pixels scaled inside."""
    scaled = x / 255.0
    mu, logvar = model.encode(scaled)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    bce = F.binary_cross_entropy(recon, scaled, reduction="sum")
    return bce + kl_of(mu, logvar)


@right_model()
def plain_autoencoder(model: Layers, x: Tensor) -> Tensor:
    """Plain autoencoder."""
    mu = model.to_mu(model.encoder(x))
    return F.mse_loss(model.decoder(mu), x) + 0 * model.to_raw(model.encoder(x)).sum()


def recurrent() -> Layers:
    model = Layers()
    del model.encoder
    model.extra["rnn"] = nn.GRU(1, 8, batch_first=True)
    return model


@right_model(make=recurrent)
def recurrent_encoder(model: Layers, x: Tensor) -> Tensor:
    """Recurrent encoder."""
    _, h = part(model, "rnn")(x.unsqueeze(-1))
    mu, logvar = model.to_mu(h[0]), model.to_raw(h[0])
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


@right_model(make=lambda: with_(skip=(6, 6)))
def skip_from_x_to_the_decoder(model: Layers, x: Tensor) -> Tensor:
    """Skip from x to the decoder."""
    mu, logvar = model.encode(x)
    z = sample(mu, logvar)
    recon = model.decoder(z) + part(model, "skip")(x)
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@right_model()
def sparse_hidden_layer(model: Layers, x: Tensor) -> Tensor:
    """Sparse hidden layer."""
    h = model.encoder(x)
    mu, logvar = model.to_mu(h), model.to_raw(h)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar) - 0.1 * h.abs().sum()


def without_decoder() -> Layers:
    model = Layers(latent=4)
    del model.decoder
    return model


@right_model(make=without_decoder)
def graph(model: Layers, x: Tensor) -> Tensor:
    """A graph's edges from its nodes' latents; the decoder has no parameters."""
    edges = (torch.arange(len(x))[:, None] - torch.arange(len(x))).abs().le(1).float()
    mu, logvar = model.encode(x)
    z = sample(mu, logvar)
    return F.binary_cross_entropy_with_logits(z @ z.T, edges, reduction="sum") + kl_of(mu, logvar)


def semi_supervised() -> Layers:
    model = with_(classes=(6, 2), to_mu=(10, 3), to_raw=(10, 3), decode=(5, 6))
    del model.to_mu, model.to_raw, model.decoder
    return model


@right_model(make=semi_supervised)
def label_not_known(model: Layers, x: Tensor) -> Tensor:
    """Kingma's M2 without labels: each class by its share, and the entropy of the shares."""
    shares = torch.softmax(part(model, "classes")(x), dim=1)
    bound = x.new_zeros(len(x))
    for label in range(2):
        y = F.one_hot(torch.full((len(x),), label), 2).float()
        h = torch.cat([model.encoder(x), y], dim=1)
        mu, logvar = part(model, "to_mu")(h), part(model, "to_raw")(h)
        recon = part(model, "decode")(torch.cat([sample(mu, logvar), y], dim=1))
        cost = ((recon - x) ** 2).sum(1) + kl_each(mu, logvar).sum(1)
        bound = bound + shares[:, label] * cost
    return (bound + (shares * torch.log(shares + 1e-8)).sum(1)).mean()
