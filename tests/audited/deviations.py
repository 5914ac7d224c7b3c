"""The usual ways to compute σ and to sample with it, each right and with each usual mistake."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from .base import Layers, Objective, Table, kl_of

TABLE = Table()
Deviation = Callable[[Tensor], Tensor]
Sample = Callable[[Tensor, Tensor], Tensor]
Divergence = Callable[[Tensor, Tensor], Tensor]

DEVIATIONS: dict[str, Deviation] = {
    "exp": lambda raw: torch.exp(0.5 * raw),
    "exp_of_a_quotient": lambda raw: (raw / 2).exp(),
    "exp_of_tanh": lambda raw: torch.exp(2 * torch.tanh(raw)),
    "exp2": lambda raw: torch.exp2(0.5 * raw),
    "power_of_2": lambda raw: torch.pow(2, raw),
    "softplus": F.softplus,
    "logaddexp": lambda raw: torch.logaddexp(raw, torch.zeros_like(raw)),
    "expit": lambda raw: 3 * torch.special.expit(raw),
    "celu": lambda raw: F.celu(raw, 0.5) + 0.5,
    "arctangent": lambda raw: torch.atan(raw) + 1.6,
    "rsqrt": lambda raw: torch.rsqrt(F.softplus(-raw)),
    "addcmul": lambda raw: torch.addcmul(torch.tensor(0.1), F.softplus(raw), torch.tensor(0.5)),
}
SAMPLES: dict[str, Sample] = {
    "sum": lambda mu, std: mu + std * torch.randn_like(std),
    "difference": lambda mu, std: mu - torch.randn_like(std) * std,
    "addcmul": lambda mu, std: torch.addcmul(mu, std, torch.randn_like(std)),
    "addcmul_in_place": lambda mu, std: mu.clone().addcmul_(torch.randn_like(std), std),
    "addcmul_half": lambda mu, std: torch.addcmul(mu, 2 * std, torch.randn_like(std), value=0.5),
    "addcmul_less": lambda mu, std: torch.addcmul(mu, std, torch.randn_like(std), value=-1),
    "addcdiv": lambda mu, std: torch.addcdiv(mu, torch.randn_like(std), 1 / std),
    "add_twice": lambda mu, std: torch.add(mu, std * torch.randn_like(std) / 2, alpha=2),
}


def doubled(mu: Tensor, std: Tensor) -> Tensor:
    return (mu**2 + std**2 - 1 - 2 * torch.log(std)).sum()


def closed_form(mu: Tensor, std: Tensor) -> Tensor:
    return 0.5 * doubled(mu, std)


def of_a_square(mu: Tensor, std: Tensor) -> Tensor:
    return 0.5 * (mu**2 + std**4 - 1 - 2 * torch.log(std)).sum()


# What is wrong: the σ in z, the KL, and the ids that fire.
MISTAKES: dict[str, tuple[Deviation, Divergence, tuple[str, ...]]] = {
    "nothing": (lambda std: std, closed_form, ()),
    "variance": (torch.square, closed_form, ("sampling-scale",)),
    "detached": (torch.Tensor.detach, closed_form, ("noise-detached",)),
    "twice_the_kl": (lambda std: std, doubled, ("kl-form",)),
    "minus_the_kl": (lambda std: std, lambda mu, std: -closed_form(mu, std), ("kl-sign",)),
    "square_in_the_kl": (lambda std: std, of_a_square, ("kl-form",)),
}


def objective(
    deviation: Deviation, sample: Sample, in_z: Deviation, kl: Divergence, name: str
) -> Objective:
    """Make a model's objective of its parts."""

    def made(model: Layers, x: Tensor) -> Tensor:
        mu, raw = model.encode(x)
        std = deviation(raw)
        z = sample(mu, in_z(std))
        return F.mse_loss(model.decoder(z), x, reduction="sum") + kl(mu, std)

    made.__name__ = name
    return made


for mistake, (in_z, kl, fires) in MISTAKES.items():
    ways = [(way, "sum") for way in DEVIATIONS] + [("exp2", way) for way in SAMPLES]
    for way, drawing in ways:
        made = objective(DEVIATIONS[way], SAMPLES[drawing], in_z, kl, f"{mistake}_{way}_{drawing}")
        (TABLE.wrong(*fires) if fires else TABLE.right(""))(made)


@TABLE.wrong("sampling-scale")
def power_of_2_beside_a_kl_of_e(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = torch.addcmul(mu, torch.exp2(0.5 * logvar), torch.randn_like(mu))
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("negative-scale")
def raw_deviation_in_addcmul(model: Layers, x: Tensor) -> Tensor:
    mu, sigma = model.encode(x)
    z = torch.addcmul(mu, sigma, torch.randn_like(sigma))
    kl = 0.5 * torch.sum(mu**2 + sigma**2 - 1 - torch.log(sigma**2))
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


@TABLE.right("")
def terms_added_by_lerp(model: Layers, x: Tensor) -> Tensor:
    """Weights of 1 and 1/4, by one call in place of a sum of products."""
    mu, raw = model.encode(x)
    std = torch.exp2(raw)
    z = mu + std * torch.randn_like(std)
    error = F.mse_loss(model.decoder(z), x, reduction="sum")
    return torch.lerp(error, closed_form(mu, std), 0.25) / 0.75


@TABLE.right("")
def terms_added_by_alpha(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    std = torch.exp2(raw)
    z = mu + std * torch.randn_like(std)
    error = F.mse_loss(model.decoder(z), x, reduction="sum")
    return torch.add(error, closed_form(mu, std), alpha=2)
