"""A part that a loss uses as a number is asked about, and one that it uses as a part is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain import explain
from vae_explain.models.binding.loss_parameters import CannotBind

from .pages import CommandLine
from .test_right_loss import ROWS, Base, X, assert_as_plain, assert_asked, kl_of, plain


class Drawn(Base):
    def forward(self, x: Tensor) -> Any:
        mu, logvar = self.to_mu(x), self.to_logvar(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decode(z), mu, logvar, z


class Weighing(Base):
    """It returns a weight of each element, which has no name."""

    def __init__(self) -> None:
        super().__init__()
        self.certain = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        return recon, mu, logvar, F.softplus(self.certain(mu))


class OneScale(Base):
    """It returns one learned number beside a prediction, which no name tells from it."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), 0.5))

    def forward(self, x: Tensor) -> Any:
        _, mu, logvar = self.parts(x)
        return self.decode(mu), 2 * self.scale, mu, logvar


def elements(mu: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar)


def weighed(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, heat: Any) -> Any:
    return F.mse_loss(recon, x) + (2 * heat * kl_of(mu, logvar)).mean()


def weighed_each(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, heat: Any) -> Any:
    return F.mse_loss(recon, x) + (heat * elements(mu, logvar)).mean()


def divided(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, heat: Any) -> Any:
    return F.mse_loss(recon, x) + (kl_of(mu, logvar) / heat).mean()


def bounded(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, least: Any) -> Any:
    return F.mse_loss(recon, x) + kl_of(mu, logvar).clamp(min=least).mean()


def bounded_each(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, least: Any) -> Any:
    return F.mse_loss(recon, x) + elements(mu, logvar).clamp(min=least).sum()


def reduced(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, least: Any) -> Any:
    return F.mse_loss(recon, x) + F.relu(kl_of(mu, logvar) - least).sum()


def raised(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, power: Any) -> Any:
    return F.mse_loss(recon, x) + (kl_of(mu, logvar).abs() ** power).sum()


@pytest.mark.parametrize(
    "loss", [weighed, weighed_each, divided, bounded, bounded_each, reduced, raised]
)
def test_a_part_that_is_used_as_a_number_is_asked_about(
    cli: CommandLine, loss: Callable[..., Any]
) -> None:
    name = loss.__code__.co_varnames[4]
    words = f"z is left for {name}, and the loss weighs or bounds a term by it"
    torch.manual_seed(42)
    recon, mu, logvar, _ = Drawn()(X)
    right = loss(recon, X, mu, logvar, 1.0).item()
    own = "--model", f"{__name__}:Drawn", "--loss", f"{__name__}:{loss.__name__}", *ROWS
    assert_asked(cli, own, words, f"{name}=1.0", right)


def of_prior(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, draws: Tensor) -> Any:
    log_q = -0.5 * (logvar + (draws - mu) ** 2 / logvar.exp()).sum()
    return F.mse_loss(recon, x) + log_q + 0.5 * (draws * draws).sum()


def of_length(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, draws: Tensor) -> Any:
    unit = draws / draws.norm()
    return F.mse_loss(recon, x) + kl_of(mu, logvar) + (unit @ unit.T).pow(2).sum()


def of_certainty(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, trust: Tensor) -> Any:
    return (trust * (recon - x) ** 2 - trust.log()).sum() + kl_of(mu, logvar)


def of_trust_alone(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, trust: Tensor) -> Any:
    return (trust * (recon - x) ** 2).sum() + kl_of(mu, logvar)


def of_one_scale(x_mean: Tensor, x: Tensor, scale: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    return (((x_mean - x) / scale) ** 2).sum() + 2 * scale.log().sum() + kl_of(mu, logvar)


@pytest.mark.parametrize(
    ("model", "loss"),
    [
        (Drawn, of_prior),
        (Drawn, of_length),
        (Weighing, of_certainty),
        (Weighing, of_trust_alone),
        (OneScale, of_one_scale),
    ],
)
def test_one_that_is_used_as_a_part_is_given(
    model: Callable[[], Base], loss: Callable[..., Any]
) -> None:
    torch.manual_seed(0)
    own = model()
    expected = plain(own, lambda out, x: loss(out[0], x, *out[1:]))
    assert_as_plain(own, explain(own, X, loss, seed=7), expected)


def test_a_part_without_a_name_weighs_no_sum() -> None:
    with pytest.raises(CannotBind, match=r"model\(x\)\[3\] is left for heat, and the loss weighs"):
        explain(Weighing(), X, weighed)
