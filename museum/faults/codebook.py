"""Faults that `codebook` names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, part
from ..cases import fault
from ..discrete import of_codes, picked, straight_through


@fault("codebook", make=of_codes)
def beta_on_the_codebook(model: Layers, x: Tensor) -> Tensor:
    """The codebook hardly moves.

    β weighs the codebook term, and the commitment term has no weight.
    """
    z, code = picked(model, x)
    commitment, movement = F.mse_loss(z, code.detach()), F.mse_loss(code, z.detach())
    error = F.mse_loss(model.decoder(straight_through(z, code)), x)
    return error + commitment + 0.25 * movement


@beta_on_the_codebook.twin
def _(model: Layers, x: Tensor) -> Tensor:
    z, code = picked(model, x)
    commitment, movement = F.mse_loss(z, code.detach()), F.mse_loss(code, z.detach())
    error = F.mse_loss(model.decoder(straight_through(z, code)), x)
    return error + 0.25 * commitment + movement


@fault("codebook", "no-gradient", make=of_codes)
def codebook_term_of_the_copy(model: Layers, x: Tensor) -> Tensor:
    """The codebook stays as it was made.

    The codebook term is taken of the straight-through copy, which leads to the encoder.
    """
    z, code = picked(model, x)
    copy = straight_through(z, code)
    commitment, movement = F.mse_loss(z, copy.detach()), F.mse_loss(copy, z.detach())
    return F.mse_loss(model.decoder(copy), x) + 0.25 * commitment + movement


@codebook_term_of_the_copy.twin
def _(model: Layers, x: Tensor) -> Tensor:
    z, code = picked(model, x)
    copy = straight_through(z, code)
    commitment, movement = F.mse_loss(z, copy.detach()), F.mse_loss(code, z.detach())
    return F.mse_loss(model.decoder(copy), x) + 0.25 * commitment + movement


@fault("codebook", "no-gradient", make=of_codes)
def codebook_without_its_term(model: Layers, x: Tensor) -> Tensor:
    """Only the commitment loss goes down.

    No term moves the codes towards what the encoder gives.
    """
    z, code = picked(model, x)
    commitment = F.mse_loss(z, code.detach())
    return F.mse_loss(model.decoder(straight_through(z, code)), x) + 0.25 * commitment


@codebook_without_its_term.twin
def _(model: Layers, x: Tensor) -> Tensor:
    z, code = picked(model, x)
    commitment, movement = F.mse_loss(z, code.detach()), F.mse_loss(code, z.detach())
    error = F.mse_loss(model.decoder(straight_through(z, code)), x)
    return error + 0.25 * commitment + movement


@fault("codebook", make=of_codes)
def no_straight_through(model: Layers, x: Tensor) -> Tensor:
    """The encoder learns to commit and nothing else.

    The decoder is given the code itself, without the straight-through copy.
    """
    z, code = picked(model, x)
    commitment, movement = F.mse_loss(z, code.detach()), F.mse_loss(code, z.detach())
    return F.mse_loss(model.decoder(code), x) + 0.25 * commitment + movement


@no_straight_through.twin
def _(model: Layers, x: Tensor) -> Tensor:
    z, code = picked(model, x)
    commitment, movement = F.mse_loss(z, code.detach()), F.mse_loss(code, z.detach())
    copy = straight_through(z, code)
    return F.mse_loss(model.decoder(copy), x) + 0.25 * commitment + movement


def losses_of(z: Tensor, code: Tensor) -> Tensor:
    return 0.25 * F.mse_loss(code.detach(), z) + F.mse_loss(code, z.detach())


@fault("codebook", make=of_codes)
def farthest_code(model: Layers, x: Tensor) -> Tensor:
    """The codebook loss only grows.

    The distances are ranked by argmax.
    """
    z, codes = model.to_mu(model.encoder(x)), part(model, "codes")
    code = codes(torch.cdist(z, codes.weight).argmax(1))
    error = F.mse_loss(model.decoder(straight_through(z, code)), x)
    return error + losses_of(z, code)


@farthest_code.twin
def _(model: Layers, x: Tensor) -> Tensor:
    z, code = picked(model, x)
    return F.mse_loss(model.decoder(straight_through(z, code)), x) + losses_of(z, code)


@fault("codebook", make=of_codes)
def both_sides_of_the_commitment_detached(model: Layers, x: Tensor) -> Tensor:
    """The encoder's outputs drift away from the codes.

    In the commitment term both sides are detached.
    """
    z, code = picked(model, x)
    lost = 0.25 * F.mse_loss(code.detach(), z.detach())
    error = F.mse_loss(model.decoder(straight_through(z, code)), x)
    return error + lost + F.mse_loss(code, z.detach())


both_sides_of_the_commitment_detached.twin(farthest_code.right)
