"""The learning rate has to be a hundred times smaller than in the paper.

zero_grad() is called at the start of an epoch and not in each step.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..looped import Called, back, usual_step

EXPECTED = "gradients-kept"


def make() -> Called:
    return Called()


def faulty(model: Called, optimizer: torch.optim.Optimizer, x: Tensor, number: int) -> None:
    if number == 0:
        optimizer.zero_grad()
    back(model, x)
    optimizer.step()


def right(model: Called, optimizer: torch.optim.Optimizer, x: Tensor, number: int) -> None:
    usual_step(model, optimizer, x, number)
