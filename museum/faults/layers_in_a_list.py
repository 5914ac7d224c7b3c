"""Some of the loss goes down and then nothing moves any more.

Layers are kept in a Python list, where parameters() does not find them.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from ..base import Layers, kl_of, sample

EXPECTED = "nothing-learns"


def error_of(model: Layers, z: Tensor, x: Tensor) -> Tensor:
    return F.mse_loss(model.decoder(z), x, reduction="sum")


class Listed(Layers):
    """Keeps its heads in a Python list, where a module does not look."""

    def __init__(self) -> None:
        super().__init__()
        self.heads: Any = [nn.Linear(8, 3), nn.Linear(8, 3)]
        del self.to_mu, self.to_raw


class ListedRight(Layers):
    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList([nn.Linear(8, 3), nn.Linear(8, 3)])
        del self.to_mu, self.to_raw


def make() -> Layers:
    return Listed()


def make_right() -> Layers:
    return ListedRight()


def faulty(model: Any, x: Tensor) -> Tensor:
    h = model.encoder(x)
    mu, logvar = model.heads[0](h), model.heads[1](h)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


def right(model: Any, x: Tensor) -> Tensor:
    return faulty(model, x)
