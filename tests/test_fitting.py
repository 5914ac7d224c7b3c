"""Fitting what a model returned to what its loss takes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vae_explain.fitting import CannotBind, fitted, names_returned

X = torch.rand(2, 6)
RECON, MU, LOGVAR, Z = torch.rand(2, 6), torch.rand(2, 3), torch.rand(2, 3), torch.rand(2, 3)


class ReturnsFour(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        logits, z, mean, lv = RECON, Z, MU, LOGVAR
        return logits, z, mean, lv


class ReusesX(nn.Module):
    def forward(self, x: Tensor) -> Any:
        x, mu, logvar = RECON, MU, LOGVAR
        return x, (mu, logvar)


class ReturnsInTwoPlaces(nn.Module):
    def forward(self, x: Tensor) -> Any:
        if self.training:
            return x, MU
        return LOGVAR, x


class ReturnsFromWithin(nn.Module):
    def forward(self, x: Tensor) -> Any:
        def helper(a: Tensor) -> tuple[Tensor, Tensor]:
            return a, a

        mu, _ = helper(x)
        return [self.training and x, mu]


def takes(*names: str) -> Any:
    """Return a loss with these parameters."""
    namespace: dict[str, Any] = {}
    exec(f"def loss({', '.join(names)}): ...", namespace)
    return namespace["loss"]


def bound(loss: Any, returned: Any, model: nn.Module) -> dict[str, Any]:
    arguments, keywords = fitted(loss, returned, X, names=names_returned(model))
    assert not arguments
    return keywords


def test_names_are_read_from_the_models_return() -> None:
    assert names_returned(ReturnsFour()) == ("logits", "z", "mean", "lv")
    assert names_returned(ReusesX()) == ("x", "mu", "logvar")
    assert names_returned(ReturnsInTwoPlaces()) == ()
    assert names_returned(ReturnsFromWithin()) == ("", "mu")
    assert names_returned(nn.Linear(2, 2)) == ("",)


@pytest.mark.parametrize(
    "order",
    [
        ("logits", "x", "mean", "lv", "z"),
        ("x", "recon", "mu", "logvar", "latent"),
        ("lv", "mean", "z", "logits", "x"),
    ],
)
def test_a_tuple_is_fitted_by_the_names_in_the_models_code(order: tuple[str, ...]) -> None:
    found = bound(takes(*order), (RECON, Z, MU, LOGVAR), ReturnsFour())
    meant = {"recon": RECON, "logits": RECON, "x": X, "mean": MU, "mu": MU, "lv": LOGVAR}
    meant |= {"logvar": LOGVAR, "z": Z, "latent": Z}
    for name in order:
        assert found[name] is meant[name], name


def test_a_reconstruction_called_x_is_not_the_input() -> None:
    found = bound(takes("recon", "x", "mu", "logvar"), (RECON, (MU, LOGVAR)), ReusesX())
    assert found["recon"] is RECON
    assert found["x"] is X
    assert found["mu"] is MU
    assert found["logvar"] is LOGVAR


def test_what_is_missing_is_said() -> None:
    with pytest.raises(CannotBind, match="nothing was found for weight"):
        bound(takes("recon", "x", "mu", "weight"), (RECON, MU), ReturnsInTwoPlaces())
