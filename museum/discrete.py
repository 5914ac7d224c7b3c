"""Latents of categories and of a codebook, as the faults of both have them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .base import Layers, part

VARIABLES, CATEGORIES = 2, 4


def of_categories() -> Layers:
    model = Layers(latent=VARIABLES * CATEGORIES)
    del model.to_raw
    return model


def gumbel(logits: Tensor, tau: float = 0.8) -> Tensor:
    noise = -torch.log(-torch.log(torch.rand_like(logits) + 1e-20) + 1e-20)
    return torch.softmax((logits + noise) / tau, dim=-1)


def entropy_part(logits: Tensor) -> tuple[Tensor, Tensor]:
    q = torch.softmax(logits, dim=-1)
    return q, torch.log(q + 1e-20)


def reconstructed(model: Layers, x: Tensor) -> tuple[Tensor, Tensor]:
    logits = model.to_mu(model.encoder(x)).view(-1, VARIABLES, CATEGORIES)
    recon = model.decoder(gumbel(logits).flatten(1))
    return ((recon - x) ** 2).sum(), logits


def of_codes() -> Layers:
    model = Layers()
    del model.to_raw
    model.extra["codes"] = nn.Embedding(5, 3)
    return model


def picked(model: Layers, x: Tensor) -> tuple[Tensor, Tensor]:
    z = model.to_mu(model.encoder(x))
    codes = part(model, "codes")
    nearest = torch.cdist(z, codes.weight).argmin(1)
    return z, codes(nearest)


def straight_through(z: Tensor, code: Tensor) -> Tensor:
    return z + (code - z).detach()
