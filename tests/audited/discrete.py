"""Discrete latents with one mistake each, and their right twins: categories and codes."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import Layers, Table, part

TABLE = Table()
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


# --- discrete-kl --------------------------------------------------------------------------


@TABLE.wrong("discrete-kl", make=of_categories)
def categories_driven_from_the_prior(model: Layers, x: Tensor) -> Tensor:
    error, logits = reconstructed(model, x)
    q, log_q = entropy_part(logits)
    return error - (q * (log_q - math.log(1 / CATEGORIES))).sum()


@TABLE.right("discrete-kl", make=of_categories, twin="categories_driven_from_the_prior")
def categories_held_to_the_prior(model: Layers, x: Tensor) -> Tensor:
    error, logits = reconstructed(model, x)
    q, log_q = entropy_part(logits)
    return error + (q * (log_q - math.log(1 / CATEGORIES))).sum()


@TABLE.wrong("discrete-kl", make=of_categories)
def share_without_its_logarithm(model: Layers, x: Tensor) -> Tensor:
    error, logits = reconstructed(model, x)
    q, log_q = entropy_part(logits)
    return error + (q * (log_q - 1 / CATEGORIES)).sum()


@TABLE.right("discrete-kl", make=of_categories, twin="share_without_its_logarithm")
def entropy_alone(model: Layers, x: Tensor) -> Tensor:
    """Without log K, a constant, the gradients are the same."""
    error, logits = reconstructed(model, x)
    q, log_q = entropy_part(logits)
    return error + (q * log_q).sum()


@TABLE.wrong("discrete-kl", make=of_categories)
def categories_without_a_kl(model: Layers, x: Tensor) -> Tensor:
    return reconstructed(model, x)[0]


@TABLE.right("discrete-kl", make=of_categories, twin="categories_without_a_kl")
def library_gumbel_softmax(model: Layers, x: Tensor) -> Tensor:
    logits = model.to_mu(model.encoder(x)).view(-1, VARIABLES, CATEGORIES)
    z = F.gumbel_softmax(logits, tau=0.7)
    log_q = torch.log_softmax(logits, dim=-1)
    kl = (log_q.exp() * (log_q + math.log(CATEGORIES))).sum()
    return ((model.decoder(z.flatten(1)) - x) ** 2).sum() + kl


# --- codebook -----------------------------------------------------------------------------


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


@TABLE.wrong("codebook", make=of_codes)
def weight_on_the_codebook_term(model: Layers, x: Tensor) -> Tensor:
    z, code = picked(model, x)
    commitment, movement = F.mse_loss(z, code.detach()), F.mse_loss(code, z.detach())
    error = F.mse_loss(model.decoder(straight_through(z, code)), x)
    return error + commitment + 0.25 * movement


@TABLE.right("codebook", make=of_codes, twin="weight_on_the_codebook_term")
def weight_on_the_commitment_term(model: Layers, x: Tensor) -> Tensor:
    z, code = picked(model, x)
    commitment, movement = F.mse_loss(z, code.detach()), F.mse_loss(code, z.detach())
    error = F.mse_loss(model.decoder(straight_through(z, code)), x)
    return error + 0.25 * commitment + movement


@TABLE.wrong("codebook", "no-gradient", make=of_codes)
def codebook_term_of_the_copy(model: Layers, x: Tensor) -> Tensor:
    z, code = picked(model, x)
    copy = straight_through(z, code)
    commitment, movement = F.mse_loss(z, copy.detach()), F.mse_loss(copy, z.detach())
    return F.mse_loss(model.decoder(copy), x) + 0.25 * commitment + movement


@TABLE.right("codebook", make=of_codes, twin="codebook_term_of_the_copy")
def codebook_term_of_the_code(model: Layers, x: Tensor) -> Tensor:
    z, code = picked(model, x)
    copy = straight_through(z, code)
    commitment, movement = F.mse_loss(z, copy.detach()), F.mse_loss(code, z.detach())
    return F.mse_loss(model.decoder(copy), x) + 0.25 * commitment + movement


@TABLE.wrong("codebook", "no-gradient", make=of_codes)
def codebook_without_its_term(model: Layers, x: Tensor) -> Tensor:
    z, code = picked(model, x)
    commitment = F.mse_loss(z, code.detach())
    return F.mse_loss(model.decoder(straight_through(z, code)), x) + 0.25 * commitment


@TABLE.wrong("codebook", make=of_codes)
def codes_not_passed_through(model: Layers, x: Tensor) -> Tensor:
    z, code = picked(model, x)
    commitment, movement = F.mse_loss(z, code.detach()), F.mse_loss(code, z.detach())
    return F.mse_loss(model.decoder(code), x) + 0.25 * commitment + movement


@TABLE.wrong("codebook", "no-gradient", make=of_codes)
def codebook_term_detached_twice(model: Layers, x: Tensor) -> Tensor:
    z, code = picked(model, x)
    commitment = F.mse_loss(z, code.detach())
    movement = F.mse_loss(code.detach(), z.detach())
    error = F.mse_loss(model.decoder(straight_through(z, code)), x)
    return error + 0.25 * commitment + movement
