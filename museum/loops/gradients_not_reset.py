"""The loss goes down, then up, then swings wider and wider.

zero_grad() is not called, so that every step uses the gradients of all before it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..looped import Called, back, usual_step

EXPECTED = "gradients-kept"


def make() -> Called:
    return Called()


def faulty(model: Called, optimizer: torch.optim.Optimizer, x: Tensor, number: int) -> None:
    back(model, x)
    optimizer.step()


def right(model: Called, optimizer: torch.optim.Optimizer, x: Tensor, number: int) -> None:
    usual_step(model, optimizer, x, number)
