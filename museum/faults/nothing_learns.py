"""Faults that `nothing-learns` names."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from ..base import Layers, error_of, kl_of, sample
from ..cases import fault


@fault("nothing-learns", "no-gradient")
def layer_made_in_forward(model: Layers, x: Tensor) -> Tensor:
    """Every run gives other reconstructions, trained or not.

    A layer is made inside of forward, new at each step.
    """
    mu, logvar = model.encode(x)
    decoder = nn.Linear(3, 6)
    return F.mse_loss(decoder(sample(mu, logvar)), x, reduction="sum") + kl_of(mu, logvar)


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


@fault("nothing-learns", make=Listed, make_right=ListedRight)
def layers_in_a_list(model: Any, x: Tensor) -> Tensor:
    """Some of the loss goes down and then nothing moves any more.

    Layers are kept in a Python list, where parameters() does not find them.
    """
    h = model.encoder(x)
    mu, logvar = model.heads[0](h), model.heads[1](h)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)
