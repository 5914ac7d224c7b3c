"""Models that learn less than they seem to: samples not used, other noise, lost weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import Layers, Table, kl_of, part, sample

TABLE = Table()


def error_of(model: Layers, z: Tensor, x: Tensor) -> Tensor:
    return F.mse_loss(model.decoder(z), x, reduction="sum")


# --- unused-sample ------------------------------------------------------------------------


@TABLE.wrong("unused-sample")
def decoder_gets_the_mean(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    sample(mu, logvar)
    return error_of(model, mu, x) + kl_of(mu, logvar)


@TABLE.right("unused-sample", twin="decoder_gets_the_mean")
def decoder_gets_the_sample(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


@TABLE.right("noise")
def noise_by_an_old_constructor(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    std = logvar.mul(0.5).exp_()
    z = torch.FloatTensor(std.size()).normal_().mul(std).add_(mu)
    return error_of(model, z, x) + kl_of(mu, logvar)


@TABLE.wrong("unused-sample")
def sample_written_over(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = torch.addcmul(mu, torch.exp(0.5 * logvar), torch.randn_like(mu))
    z = mu * 1.0
    return error_of(model, z, x) + kl_of(mu, logvar)


@TABLE.right("unused-sample")
def prior_sampled_for_a_look(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    model.decoder(torch.randn_like(mu))
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


# --- latent-without-kl --------------------------------------------------------------------


def ladder() -> Layers:
    model = Layers()
    model.extra["up"] = nn.Linear(3, 4)
    model.extra["out"] = nn.Linear(2, 6)
    del model.decoder
    return model


@TABLE.wrong("latent-without-kl", make=ladder)
def decoder_sampled_too(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    mean, spread = part(model, "up")(sample(mu, logvar)).chunk(2, dim=1)
    recon = part(model, "out")(sample(mean, spread))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("latent-without-kl", make=ladder, twin="decoder_sampled_too")
def second_level_with_its_kl(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    mean, spread = part(model, "up")(sample(mu, logvar)).chunk(2, dim=1)
    recon = part(model, "out")(sample(mean, spread))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar) + kl_of(mean, spread)


@TABLE.wrong("latent-without-kl")
def no_kl_at_all(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return error_of(model, sample(mu, logvar), x)


def without_raw() -> Layers:
    model = Layers()
    del model.to_raw
    return model


@TABLE.right("latent-without-kl", make=without_raw, twin="no_kl_at_all")
def noise_of_a_fixed_size(model: Layers, x: Tensor) -> Tensor:
    """A regularised autoencoder, whose noise nothing learned scales."""
    mu = model.to_mu(model.encoder(x))
    return error_of(model, mu + 0.1 * torch.randn_like(mu), x) + 1e-3 * (mu**2).sum()


# --- noise --------------------------------------------------------------------------------


@TABLE.wrong("noise")
def noise_for_all_rows(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = mu + torch.exp(0.5 * logvar) * torch.randn(1, mu.shape[1])
    return error_of(model, z, x) + kl_of(mu, logvar)


@TABLE.right("noise", twin="noise_for_all_rows")
def noise_for_each_row(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = mu + torch.exp(0.5 * logvar) * torch.randn(mu.shape)
    return error_of(model, z, x) + kl_of(mu, logvar)


@TABLE.wrong("noise", x=lambda: torch.rand(40, 6, generator=torch.Generator().manual_seed(2)))
def uniform_noise(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = mu + torch.exp(0.5 * logvar) * torch.rand_like(mu)
    return error_of(model, z, x) + kl_of(mu, logvar)


@TABLE.right("")
def noise_from_numpy(model: Layers, x: Tensor) -> Tensor:
    """The gradients are right; that nobody can repeat it is a note."""
    mu, logvar = model.encode(x)
    eps = torch.from_numpy(np.random.standard_normal(tuple(mu.shape))).float()
    z = mu + torch.exp(0.5 * logvar) * eps
    return error_of(model, z, x) + kl_of(mu, logvar)


@TABLE.wrong("sampling-scale")
def noise_of_a_hundredth(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = mu + torch.exp(logvar / 2) * torch.randn_like(mu) * 0.01
    return error_of(model, z, x) + kl_of(mu, logvar)


@TABLE.wrong("sampling-scale")
def half_the_variance_for_deviation(model: Layers, x: Tensor) -> Tensor:
    """exp(½·logvar) with the half outside of the exponential."""
    mu, logvar = model.encode(x)
    z = mu + torch.randn(mu.shape) * (0.5 * torch.exp(logvar))
    return error_of(model, z, x) + kl_of(mu, logvar)


# --- nothing-learns -----------------------------------------------------------------------


class Listed(Layers):
    """Keeps its heads in a Python list, where a module does not look."""

    def __init__(self) -> None:
        super().__init__()
        self.heads: Any = [nn.Linear(8, 3), nn.Linear(8, 3)]
        del self.to_mu, self.to_raw


class ListedRight(Layers):
    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList([nn.Linear(8, 3), nn.Linear(8, 3)])
        del self.to_mu, self.to_raw


@TABLE.wrong("nothing-learns", make=Listed)
def heads_in_a_list(model: Any, x: Tensor) -> Tensor:
    h = model.encoder(x)
    mu, logvar = model.heads[0](h), model.heads[1](h)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


@TABLE.right("nothing-learns", make=ListedRight, twin="heads_in_a_list")
def heads_in_a_module_list(model: Any, x: Tensor) -> Tensor:
    return heads_in_a_list(model, x)


@TABLE.wrong("nothing-learns", "no-gradient")
def decoder_made_in_each_run(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    decoder = nn.Linear(3, 6)
    return F.mse_loss(decoder(sample(mu, logvar)), x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("nothing-learns", twin="decoder_made_in_each_run")
def decoder_made_once(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


# --- mode ---------------------------------------------------------------------------------


def normalized(mean: float = 0.0, variance: float = 1.0) -> Layers:
    model = Layers()
    norm = nn.BatchNorm1d(8)
    norm.load_state_dict(
        norm.state_dict()
        | {"running_mean": torch.full((8,), mean), "running_var": torch.full((8,), variance)}
    )
    model.encoder[1] = norm
    return model.eval()


def usual(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


@TABLE.wrong("mode", make=lambda: normalized(0.5, 0.02))
def statistics_far_from_the_batch(model: Layers, x: Tensor) -> Tensor:
    return usual(model, x)


@TABLE.right("mode", make=normalized, twin="statistics_far_from_the_batch")
def statistics_not_yet_gathered(model: Layers, x: Tensor) -> Tensor:
    return usual(model, x)


@TABLE.wrong("mode")
def drawn_in_evaluation_alone(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = mu if model.training else sample(mu, logvar)
    return error_of(model, z, x) + kl_of(mu, logvar)


@TABLE.right("mode", twin="drawn_in_evaluation_alone")
def drawn_in_training_alone(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = sample(mu, logvar) if model.training else mu
    return error_of(model, z, x) + kl_of(mu, logvar)
