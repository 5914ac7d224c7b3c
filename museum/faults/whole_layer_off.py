"""The loss does not move at all after a bad start.

All units of a ReLU layer are off for every row.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..base import Layers, kl_of, sample

EXPECTED = "dead-units"


def relu_layers(bias: float = 0.0) -> Layers:
    model = Layers(hidden=20)
    model.encoder[1] = nn.ReLU()
    with torch.no_grad():
        first = model.encoder[0]
        assert isinstance(first, nn.Linear)
        first.weight.abs_()
        first.bias.fill_(0.1)
        first.bias[:12] += bias
    return model


def all_dead() -> Layers:
    model = relu_layers()
    with torch.no_grad():
        first = model.encoder[0]
        assert isinstance(first, nn.Linear)
        first.bias.fill_(-20.0)
    return model


def usual(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


def make() -> Layers:
    return all_dead()


def make_right() -> Layers:
    return relu_layers()


def faulty(model: Layers, x: Tensor) -> Tensor:
    return usual(model, x)


def right(model: Layers, x: Tensor) -> Tensor:
    return usual(model, x)
