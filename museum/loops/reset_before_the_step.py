"""The loss is the same in every epoch, to the last digit but for the noise.

zero_grad() stands between backward() and step().
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..looped import Called, back, usual_step

EXPECTED = "no-gradient"


def make() -> Called:
    return Called()


def faulty(model: Called, optimizer: torch.optim.Optimizer, x: Tensor, number: int) -> None:
    back(model, x)
    optimizer.zero_grad()
    optimizer.step()


def right(model: Called, optimizer: torch.optim.Optimizer, x: Tensor, number: int) -> None:
    usual_step(model, optimizer, x, number)
