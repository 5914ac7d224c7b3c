"""Faults that `dead-units` names."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..base import Layers, usual
from ..cases import fault


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


@fault("dead-units", make=all_dead, make_right=relu_layers)
def whole_layer_off(model: Layers, x: Tensor) -> Tensor:
    """The loss does not move at all after a bad start.

    All units of a ReLU layer are off for every row.
    """
    return usual(model, x)
