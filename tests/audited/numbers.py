"""Models whose shapes, activations or numbers go wrong, and some that only look so."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import Layers, Table, kl_each, kl_of, rows, sample

TABLE = Table()


def relu_layers(bias: float = 0.0) -> Layers:
    model = Layers(hidden=20)
    model.encoder[1] = nn.ReLU()
    with torch.no_grad():
        first = model.encoder[0]
        assert isinstance(first, nn.Linear)
        first.weight.abs_()
        first.bias.fill_(0.1)
        first.bias[:12] += bias
    return model


def mostly_dead() -> Layers:
    return relu_layers(-20.0)


def usual(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


# --- broadcast-loss -----------------------------------------------------------------------


def one_output() -> Layers:
    model = Layers()
    model.decoder[2] = nn.Linear(8, 1)
    return model


@TABLE.wrong("broadcast-loss", make=one_output)
def one_output_for_all(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.wrong("broadcast-loss")
def axis_too_many(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar)).unsqueeze(1)
    return F.l1_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("broadcast-loss")
def classes_of_a_row(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    scores = torch.stack([recon, -recon], dim=-1).view(-1, 2)
    nll = F.nll_loss(F.log_softmax(scores, dim=-1), x.round().long().view(-1), reduction="sum")
    return nll + kl_of(mu, logvar)


@TABLE.right("broadcast-loss")
def several_draws(model: Layers, x: Tensor) -> Tensor:
    """Three reconstructions of each row meet the one target."""
    mu, logvar = model.encode(x)
    z = mu + torch.exp(0.5 * logvar) * torch.randn(3, *mu.shape)
    error = ((model.decoder(z) - x) ** 2).sum() / 3
    return error + kl_of(mu, logvar)


@TABLE.right("broadcast-loss")
def draws_in_the_middle(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    eps = torch.randn(len(x), 4, model.latent)
    z = mu.unsqueeze(1) + torch.exp(0.5 * logvar).unsqueeze(1) * eps
    error = (model.decoder(z) - x.unsqueeze(1)).pow(2).sum(-1).mean(1)
    return (error + kl_each(mu, logvar).sum(1)).mean()


@TABLE.right("broadcast-loss")
def weights_of_columns(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    weight = 1 + x.mean(dim=1, keepdim=True)
    return (weight * (recon - x) ** 2).sum() + kl_of(mu, logvar)


@TABLE.right("broadcast-loss")
def residual_decoder(model: Layers, x: Tensor) -> Tensor:
    """The decoder adds to a coarse copy of x, which has another shape."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar)) + x.mean(dim=1, keepdim=True)
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


# --- dead-units ---------------------------------------------------------------------------


@TABLE.wrong("dead-units", make=mostly_dead, x=lambda: rows(40))
def most_units_off(model: Layers, x: Tensor) -> Tensor:
    return usual(model, x)


def alternating() -> Layers:
    """Units 0 to 7 are on above 1, the others below."""
    model = Layers(hidden=16)
    model.encoder[1] = nn.ReLU()
    with torch.no_grad():
        first = model.encoder[0]
        assert isinstance(first, nn.Linear)
        first.weight.fill_(1 / 6)
        first.bias.fill_(-1.0)
        first.weight[8:] *= -1
        first.bias[8:] *= -1
    return model


@TABLE.right("dead-units", make=alternating)
def on_at_one_step_of_two(model: Layers, x: Tensor) -> Tensor:
    """Each unit is off for every row at one of two steps, and on at the other."""
    loss = torch.zeros(())
    for step in range(2):
        mu, logvar = model.encode(x + 2 * step)
        recon = model.decoder(sample(mu, logvar))
        loss = loss + F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)
    return loss


@TABLE.right("dead-units")
def free_bits_by_relu(model: Layers, x: Tensor) -> Tensor:
    """A ReLU in the loss, off for every latent: free bits, and no unit of a layer."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    beyond = F.relu(kl_each(mu, logvar).mean(0) - 5.0).sum()
    return F.mse_loss(recon, x, reduction="sum") / len(x) + beyond


# --- saturation ---------------------------------------------------------------------------


def loud() -> Layers:
    model = Layers()
    model.encoder[1] = nn.Sigmoid()
    with torch.no_grad():
        first = model.encoder[0]
        assert isinstance(first, nn.Linear)
        first.weight.abs_().add_(0.1)
    return model


def certain(number: float = 30.0) -> Layers:
    model = Layers()
    last = model.decoder[2]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.bias.fill_(number)
    return model


@TABLE.wrong("saturation", make=loud, x=lambda: rows(scale=255.0) + 100)
def pixels_up_to_355(model: Layers, x: Tensor) -> Tensor:
    return usual(model, x)


@TABLE.wrong("saturation", "head-range")
def tight_clamp(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    logvar = torch.clamp(raw, -0.01, 0.01)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.wrong("saturation", make=certain)
def certain_and_wrong(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("saturation")
def wide_clamp(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    logvar = torch.clamp(raw, min=-10, max=10)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("saturation", make=certain, x=lambda: torch.ones(5, 6) - 1e-7 * rows())
def certain_and_right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return F.binary_cross_entropy(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("saturation", make=certain)
def certain_by_logits(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    logits = model.decoder(sample(mu, logvar))
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    return bce + kl_of(mu, logvar)


# --- not-finite ---------------------------------------------------------------------------


def overflowing() -> Layers:
    model = Layers()
    with torch.no_grad():
        model.to_raw.bias[0] = 200.0
    return model


@TABLE.wrong("not-finite", make=overflowing)
def exp2_overflows(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    variance = torch.exp2(raw)
    recon = model.decoder(mu + variance.sqrt() * torch.randn_like(mu))
    kl = 0.5 * (mu**2 + variance - 1 - variance.log()).sum()
    return F.mse_loss(recon, x, reduction="sum") + kl


@TABLE.wrong("not-finite")
def log_of_zero(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    likelihood = torch.log(torch.relu(recon - 100)).sum()
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar) - likelihood


@TABLE.wrong("not-finite")
def power_of_a_negative(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    likeness = (1 - (recon - x).square().mean(dim=0) - 2) ** torch.full((6,), 0.3)
    return (1 - likeness.prod()) + kl_of(mu, logvar)


@TABLE.wrong("not-finite")
def gradient_of_a_root_at_zero(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    distance = torch.sqrt(((recon - recon.detach()) ** 2).sum(1)).sum()
    return F.mse_loss(recon, x, reduction="sum") + distance + kl_of(mu, logvar)


@TABLE.right("not-finite")
def masked_by_minus_infinity(model: Layers, x: Tensor) -> Tensor:
    """An inf on purpose, which the softmax takes away."""
    mu, logvar = model.encode(x)
    scores = model.decoder(sample(mu, logvar))
    mask = torch.zeros(6)
    mask[4:] = -torch.inf
    recon = torch.softmax(scores + mask, dim=1)
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("not-finite")
def large_but_finite(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = 1e10 * model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


# --- no-gradient --------------------------------------------------------------------------


def with_unused() -> Layers:
    model = Layers()
    model.extra["unused"] = nn.Linear(3, 3)
    return model


def with_frozen() -> Layers:
    model = with_unused()
    model.extra["unused"].requires_grad_(False)
    return model


@TABLE.right("no-gradient", make=with_frozen)
def layer_frozen(model: Layers, x: Tensor) -> Tensor:
    return usual(model, x)


@TABLE.right("no-gradient")
def reached_with_a_weight_of_zero(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + 0.0 * kl_of(mu, logvar)
