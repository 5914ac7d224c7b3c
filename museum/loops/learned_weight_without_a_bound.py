"""The loss is far below zero, and the KL's weight with it.

The weight of the KL is a parameter, and a negative one is cheaper still.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..base import kl_of
from ..looped import Called, usual_step

EXPECTED = "no-lower-bound"


class Weighing(Called):
    """Learns the weight of its KL; where it does so by a logarithm, the weight is held."""

    def __init__(self, held: bool) -> None:
        super().__init__()
        self.number, self.held = nn.Parameter(torch.tensor(-2.0)), held

    @staticmethod
    def objective(model: Any, x: Tensor) -> Tensor:
        recon, mu, logvar = model(x)
        mse = F.mse_loss(recon, x, reduction="sum")
        kl = 20 * kl_of(mu + 1, logvar)
        a = model.number
        loss: Tensor = mse + kl * torch.exp(-a) + a if model.held else mse + a * kl
        return loss


def make_right() -> Called:
    return Weighing(True)


def make() -> Called:
    return Weighing(False)


def faulty(model: Called, optimizer: torch.optim.Optimizer, x: Tensor, number: int) -> None:
    usual_step(model, optimizer, x, number)


def right(model: Called, optimizer: torch.optim.Optimizer, x: Tensor, number: int) -> None:
    usual_step(model, optimizer, x, number)
