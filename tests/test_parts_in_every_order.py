"""Parts without names come in any order, and a loss gets each in its place or is asked about."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain import explain
from vae_explain.models.binding.loss_parameters import CannotBind

X = torch.tensor([[0.2, 0.9, 0.5, 0.1], [0.6, 0.3, 0.05, 1.0]])
LATENT = (2, 4)  # with 4, as many as there are inputs, no shape tells the parts apart
ORDERS = [*permutations("rmv"), *permutations("rmvz")]


class InAnyOrder(nn.Module):
    """A VAE that returns its reconstruction, mean, log variance and z in some order."""

    def __init__(self, latent: int, order: tuple[str, ...]) -> None:
        super().__init__()
        self.body, self.decoder = nn.Linear(4, 6), nn.Linear(latent, 4)
        self.first, self.second = nn.Linear(6, latent), nn.Linear(6, latent)
        self.order = order

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        h = torch.relu(self.body(x))
        first, second = self.first(h), self.second(h)
        drawn = first + torch.randn_like(first) * (0.5 * second).exp()
        every = {"r": self.decoder(drawn), "m": first, "v": second, "z": drawn}
        return tuple(every[each] for each in self.order)


def usual(recon_x: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
    return F.mse_loss(recon_x, x, reduction="sum") + kl


def input_first(x: Tensor, x_hat: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    return usual(x_hat, x, mean, log_var)


def letters(pred: Tensor, target: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return usual(pred, target, a, b)


def mixed(y_pred: Tensor, y_true: Tensor, mean: Tensor, v: Tensor) -> Tensor:
    return usual(y_pred, y_true, mean, v)


@pytest.mark.parametrize("latent", LATENT)
@pytest.mark.parametrize("loss", [usual, input_first, letters, mixed])
def test_no_order_of_the_parts_gives_a_wrong_loss(loss: Callable[..., Tensor], latent: int) -> None:
    given = []
    for order in ORDERS:
        model = InAnyOrder(latent, order)
        torch.manual_seed(7)
        parts = dict(zip(order, model(X), strict=True))
        right = usual(parts["r"], X, parts["m"], parts["v"]).item()
        try:
            explanation = explain(model, X, loss, seed=7)
        except CannotBind:
            continue
        assert explanation.values["loss"] == pytest.approx(right, rel=1e-6), order
        given.append(order)
    assert ("r", "m", "v") in given


def test_another_z_is_not_taken_for_a_moment() -> None:
    words = r"model\(x\)\[2\] is left for b, and is computed from model\(x\)\[3\], which no"
    with pytest.raises(CannotBind, match=words):
        explain(InAnyOrder(2, tuple("rmzv")), X, letters)


def test_what_the_loss_makes_a_scale_of_is_what_the_model_does() -> None:
    words = r"takes an exponential of b, for which model\(x\)\[2\] is left, and the model one of"
    with pytest.raises(CannotBind, match=words):
        explain(InAnyOrder(2, tuple("rvm")), X, letters)


class Flow(InAnyOrder):
    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        recon, mu, log_var, z0 = super().forward(x)
        return recon, mu, log_var, z0


def of_a_flow(recon: Tensor, x: Tensor, mu: Tensor, z_0: Tensor) -> Tensor:
    return F.mse_loss(recon, x, reduction="sum") + (mu - z_0).square().sum()


def test_a_name_is_the_same_without_its_underscores() -> None:
    explanation = explain(Flow(2, tuple("rmvz")), X, of_a_flow, seed=7)
    assert "mu=mu, z_0=z0" in " ".join(str(explanation.forward()).split())


def of_features(recon: Tensor, x: Tensor, features: Tensor) -> Tensor:
    return F.mse_loss(recon, x, reduction="sum") + features.square().sum()


def test_a_part_with_a_meaning_is_not_the_first_that_is_left() -> None:
    with pytest.raises(CannotBind, match="mu, log_var and z0 can each be features; say which"):
        explain(Flow(2, tuple("rmvz")), X, of_features)
