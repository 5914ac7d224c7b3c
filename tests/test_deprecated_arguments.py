"""`size_average` and `reduce` of every loss of PyTorch: explained and audited as `reduction`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain import explain
from vae_explain.recording.deprecated_arguments import LOSSES

X = torch.tensor([[0.2, 0.9, 0.5], [0.7, 0.1, 0.4]])
SIGNS = torch.tensor([[1.0, -1.0, 1.0], [-1.0, -1.0, 1.0]])
CLASSES = torch.tensor([2, 0])

pytestmark = [
    pytest.mark.filterwarnings("ignore:size_average and reduce args:UserWarning"),
    pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning"),  # of kl_div
]

# What each loss is given before its deprecated arguments, by what a layer made of x.
GIVEN: dict[str, Callable[[Tensor], tuple[Tensor, ...]]] = {
    "binary_cross_entropy": lambda h: (h.sigmoid(), X),
    "binary_cross_entropy_with_logits": lambda h: (h, X),
    "cosine_embedding_loss": lambda h: (h, X, SIGNS[:, 0]),
    "cross_entropy": lambda h: (h, CLASSES),
    "hinge_embedding_loss": lambda h: (h, SIGNS),
    "kl_div": lambda h: (h.log_softmax(1), X.softmax(1)),
    "l1_loss": lambda h: (h, X),
    "margin_ranking_loss": lambda h: (h, X, SIGNS),
    "mse_loss": lambda h: (h, X),
    "multi_margin_loss": lambda h: (h, CLASSES),
    "multilabel_margin_loss": lambda h: (h, torch.tensor([[2, -1, 0], [0, 1, -1]])),
    "multilabel_soft_margin_loss": lambda h: (h, X.round()),
    "nll_loss": lambda h: (h.log_softmax(1), CLASSES),
    "poisson_nll_loss": lambda h: (h, X),
    "smooth_l1_loss": lambda h: (h, X),
    "soft_margin_loss": lambda h: (h, SIGNS),
    "triplet_margin_loss": lambda h: (h, X, X.flip(0)),
}
SETTINGS = {"size_average": False}, {"size_average": True}, {"reduce": False}, {"reduce": True}


def test_every_loss_that_has_them_is_here() -> None:
    assert GIVEN.keys() == LOSSES.keys()


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("name", GIVEN)
def test_a_loss_is_explained_as_pytorch_computes_it(name: str, settings: dict[str, bool]) -> None:
    function = getattr(F, name)

    def objective(model: nn.Module, x: Tensor, **how: Any) -> Tensor:
        loss: Tensor = function(*GIVEN[name](model(x)), **(how or settings)).sum()
        return loss

    torch.manual_seed(0)
    layer = nn.Linear(3, 3)
    plain = objective(layer, X)
    torch.autograd.backward(plain)
    explanation = explain(layer, X, objective=objective)
    assert np.array_equal(explanation.run.trace.loss.array, plain.detach().numpy())
    assert layer.weight.grad is not None
    assert np.array_equal(explanation.gradients["weight"], layer.weight.grad.numpy())
    told = [{**settings}.get("reduce", True), {**settings}.get("size_average", True)]
    reduction = "none" if not told[0] else "mean" if told[1] else "sum"

    of_today = explain(layer, X, objective=partial(objective, reduction=reduction))
    assert explanation.not_explained == of_today.not_explained
    assert str(explanation.backward()) == str(of_today.backward())
    assert explanation.backward().checks.failed == 0


def by_place(model: nn.Module, x: Tensor) -> Tensor:
    return F.mse_loss(model(x), x, False) + F.smooth_l1_loss(model(x), x, None, False).sum()


def test_they_may_be_given_by_place() -> None:
    explanation = explain(nn.Linear(3, 3), X, objective=by_place)
    assert explanation.not_explained == ()
    assert "Σ" in str(explanation.forward())


class Narrow(nn.Module):
    """Its reconstruction is a column, and its loss broadcasts a row of targets against it."""

    def __init__(self) -> None:
        super().__init__()
        self.mu, self.logvar, self.dec = nn.Linear(3, 2), nn.Linear(3, 2), nn.Linear(2, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.mu(x), self.logvar(x)
        return self.dec(mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)), mu, logvar


@pytest.mark.filterwarnings("ignore:Using a target size:UserWarning")
@pytest.mark.parametrize("how", [{"size_average": False}, {"reduction": "sum"}], ids=str)
def test_a_target_that_is_broadcast_is_found(how: dict[str, Any]) -> None:
    def loss(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        return F.mse_loss(recon, x[:, 0], **how) + kl

    page = explain(Narrow(), X, loss, seed=1).audit()
    assert "broadcast-loss" in {finding.id for finding in page.findings}
