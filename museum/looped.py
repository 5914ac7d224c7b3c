"""What the faults of loops share: a model that is called on x, and its loss."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .base import Layers, kl_of, sample


class Called(Layers):
    """The usual model; `objective` is what its loop takes back."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encode(x)
        return self.decoder(sample(mu, logvar)), mu, logvar

    @staticmethod
    def objective(model: Any, x: Tensor) -> Tensor:
        recon, mu, logvar = model(x)
        mse = F.mse_loss(recon, x, reduction="sum")
        kl = kl_of(mu, logvar)
        return mse + kl


def back(model: Called, x: Tensor) -> None:
    """Take the loss back, as a loop does."""
    torch.autograd.backward(model.objective(model, x))


def usual_step(model: Called, optimizer: torch.optim.Optimizer, x: Tensor, number: int) -> None:
    """Make the step of a right loop."""
    optimizer.zero_grad()
    back(model, x)
    optimizer.step()
