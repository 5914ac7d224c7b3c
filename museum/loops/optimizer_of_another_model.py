"""Nothing is learned since the model is made anew for each run.

The optimizer was made of a model that was replaced afterwards.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..looped import Called, usual_step

EXPECTED = "not-optimized"
ALSO = ("no-gradient",)


def make_right() -> Called:
    return Called()


def make() -> Called:
    model = Called()
    object.__setattr__(model, "given_to_the_optimizer", Called())
    return model


def faulty(model: Called, optimizer: torch.optim.Optimizer, x: Tensor, number: int) -> None:
    usual_step(model, optimizer, x, number)


def right(model: Called, optimizer: torch.optim.Optimizer, x: Tensor, number: int) -> None:
    usual_step(model, optimizer, x, number)
