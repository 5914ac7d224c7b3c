"""Faults of a training loop, which a watch names: each is one step of it."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from .base import kl_of
from .cases import loop_fault
from .looped import Called, back, usual_step


def with_encoder_left_out() -> Called:
    model = Called()
    object.__setattr__(model, "given_to_the_optimizer", model.decoder)
    return model


@loop_fault("not-optimized", make=with_encoder_left_out, make_right=Called)
def encoder_left_out(model: Called, optimizer: Optimizer, x: Tensor, number: int) -> None:
    """Reconstructions improve a little and stop; the latents never move.

    The optimizer was given decoder.parameters() alone.
    """
    usual_step(model, optimizer, x, number)


@loop_fault("gradients-kept", make=Called)
def gradients_not_reset(model: Called, optimizer: Optimizer, x: Tensor, number: int) -> None:
    """The loss goes down, then up, then swings wider and wider.

    zero_grad() is not called, so that every step uses the gradients of all before it.
    """
    back(model, x)
    optimizer.step()


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


@loop_fault(
    "no-lower-bound", "kl-sign", make=lambda: Weighing(False), make_right=lambda: Weighing(True)
)
def learned_weight_without_a_bound(
    model: Called, optimizer: Optimizer, x: Tensor, number: int
) -> None:
    """The loss is far below zero, and the KL's weight with it.

    The weight of the KL is a parameter, and a negative one is cheaper still.
    """
    usual_step(model, optimizer, x, number)


def with_left_in_evaluation_mode() -> Called:
    model = Called()
    model.encoder.append(nn.Dropout(0.1))
    return model


@loop_fault("evaluation-mode", make=with_left_in_evaluation_mode)
def left_in_evaluation_mode(model: Called, optimizer: Optimizer, x: Tensor, number: int) -> None:
    """From the second epoch on the training loss stops going down.

    model.eval() is called for the validation, and model.train() is not called behind it.
    """
    usual_step(model, optimizer, x, number)
    model.eval()


@left_in_evaluation_mode.twin
def _(model: Called, optimizer: Optimizer, x: Tensor, number: int) -> None:
    model.train()
    usual_step(model, optimizer, x, number)
    model.eval()


def with_optimizer_of_another_model() -> Called:
    model = Called()
    object.__setattr__(model, "given_to_the_optimizer", Called())
    return model


@loop_fault("not-optimized", "no-gradient", make=with_optimizer_of_another_model, make_right=Called)
def optimizer_of_another_model(model: Called, optimizer: Optimizer, x: Tensor, number: int) -> None:
    """Nothing is learned since the model is made anew for each run.

    The optimizer was made of a model that was replaced afterwards.
    """
    usual_step(model, optimizer, x, number)


@loop_fault("no-gradient", make=Called)
def reset_before_the_step(model: Called, optimizer: Optimizer, x: Tensor, number: int) -> None:
    """The loss is the same in every epoch, to the last digit but for the noise.

    zero_grad() stands between backward() and step().
    """
    back(model, x)
    optimizer.zero_grad()
    optimizer.step()


@loop_fault("gradients-kept", make=Called)
def reset_once_an_epoch(model: Called, optimizer: Optimizer, x: Tensor, number: int) -> None:
    """The learning rate has to be a hundred times smaller than in the paper.

    zero_grad() is called at the start of an epoch and not in each step.
    """
    if number == 0:
        optimizer.zero_grad()
    back(model, x)
    optimizer.step()


@loop_fault("no-step", make=Called)
def step_never_called(model: Called, optimizer: Optimizer, x: Tensor, number: int) -> None:
    """The gradients look fine and the weights do not move.

    The loop takes gradients and never calls step().
    """
    optimizer.zero_grad()
    back(model, x)
