"""From the second epoch on the training loss stops going down.

model.eval() is called for the validation, and model.train() is not called behind it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..looped import Called, usual_step

EXPECTED = "evaluation-mode"


def make() -> Called:
    model = Called()
    model.encoder.append(nn.Dropout(0.1))
    return model


def faulty(model: Called, optimizer: torch.optim.Optimizer, x: Tensor, number: int) -> None:
    usual_step(model, optimizer, x, number)
    model.eval()


def right(model: Called, optimizer: torch.optim.Optimizer, x: Tensor, number: int) -> None:
    model.train()
    usual_step(model, optimizer, x, number)
    model.eval()
