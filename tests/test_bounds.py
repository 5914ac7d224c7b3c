"""A bound that is maximized is asked about in the place of a loss, and its negative is taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Bernoulli, Normal

from vae_explain import explain

from .pages import CommandLine
from .test_right_loss import ROWS, Base, X, kl_of


class Usual(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        return recon, mu, logvar


def lower_bound(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    return -F.mse_loss(recon, x, reduction="sum") - kl_of(mu, logvar)


def of_pair(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    made: Any = Normal(recon, 0.5)
    likelihood = made.log_prob(x).sum()
    elbo = likelihood - kl_of(mu, logvar)
    return elbo, likelihood


def with_likelihood(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    made: Any = Bernoulli(recon)
    log_likelihood, kl = made.log_prob(x.round()).sum(), kl_of(mu, logvar)
    return log_likelihood - kl, log_likelihood, kl


def by_key(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    error, kl = ((x - recon) ** 2).sum(), kl_of(mu, logvar)
    return {"elbo": -0.5 * (error + 2 * kl), "error": error, "kl": kl}


def by_hand(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    log_px = (x * recon.log() + (1 - x) * (1 - recon).log()).sum()
    elbo = log_px - kl_of(mu, logvar)
    return elbo


@pytest.mark.parametrize(
    ("loss", "name", "taken"),
    [
        (lower_bound, "lower_bound", ""),
        (of_pair, "elbo", "[0]"),
        (with_likelihood, "log_likelihood", "[0]"),
        (by_key, "elbo", "['elbo']"),
        (by_hand, "elbo", ""),
    ],
)
def test_a_bound_that_is_maximized_is_asked_about(
    cli: CommandLine, loss: Callable[..., Any], name: str, taken: str
) -> None:
    own = "--model", f"{__name__}:Usual", "--loss", f"{__name__}:{loss.__name__}", *ROWS
    refused = cli("forward", "loss", *own)
    assert f"what is called {name} falls where its error grows" in refused.err
    call = f"loss(recon=model(x)[0], x=x, mu=model(x)[1], logvar=model(x)[2]){taken}"
    assert f'--objective-expr "-{call}", or "{call}" if it is meant so' in refused.err
    answers = [
        json.loads(cli("forward", "--json", *own, "--objective-expr", code).out)["values"]
        for code in (call, f"-{call}")
    ]
    values = [each["loss" if "loss" in each else name] for each in answers]
    torch.manual_seed(42)
    recon, mu, logvar = Usual()(X)
    returned = loss(recon, X, mu, logvar)
    among = returned.values() if isinstance(returned, dict) else returned
    bound = next(iter(among)) if taken else returned
    assert values == pytest.approx([bound.item(), -bound.item()], rel=1e-6)


def elbo(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    return F.mse_loss(recon, x) + kl_of(mu, logvar)


def negated(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    elbo = -F.binary_cross_entropy(recon, x) - kl_of(mu, logvar)
    return {"loss": -elbo, "elbo": elbo}


def wrong_sign(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    return kl_of(mu, logvar) - F.mse_loss(recon, x)


@pytest.mark.parametrize("loss", [elbo, negated, wrong_sign])
def test_what_is_minimized_or_says_nothing_of_a_bound_is_taken(loss: Callable[..., Any]) -> None:
    torch.manual_seed(0)
    model = Usual()
    torch.manual_seed(7)
    recon, mu, logvar = model(X)
    returned = loss(recon, X, mu, logvar)
    right = returned["loss"] if isinstance(returned, dict) else returned
    assert explain(model, X, loss, seed=7).run.trace.loss.array == right.detach().numpy()
