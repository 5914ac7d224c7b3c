"""Reconstructions improve a little and stop; the latents never move.

The optimizer was given decoder.parameters() alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..looped import Called, usual_step

EXPECTED = "not-optimized"


def make_right() -> Called:
    return Called()


def make() -> Called:
    model = Called()
    object.__setattr__(model, "given_to_the_optimizer", model.decoder)
    return model


def faulty(model: Called, optimizer: torch.optim.Optimizer, x: Tensor, number: int) -> None:
    usual_step(model, optimizer, x, number)


def right(model: Called, optimizer: torch.optim.Optimizer, x: Tensor, number: int) -> None:
    usual_step(model, optimizer, x, number)
