"""The gradients look fine and the weights do not move.

The loop takes gradients and never calls step().
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..looped import Called, back, usual_step

EXPECTED = "no-step"


def make() -> Called:
    return Called()


def faulty(model: Called, optimizer: torch.optim.Optimizer, x: Tensor, number: int) -> None:
    optimizer.zero_grad()
    back(model, x)


def right(model: Called, optimizer: torch.optim.Optimizer, x: Tensor, number: int) -> None:
    usual_step(model, optimizer, x, number)
