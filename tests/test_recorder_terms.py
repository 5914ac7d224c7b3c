"""The terms of a loss: what it adds up, and which share of each gradient comes from which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain.models.builtin_vae import VAE, vae_loss
from vae_explain.recording.recorder import record
from vae_explain.trace import Trace

X = torch.tensor([[1.0, 2.0, 3.0, 4.0], [-0.5, 0.25, 1.5, -2.0]])
Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def run(loss: Loss) -> Trace:
    """Record the built-in model with a loss of reconstruction, mean and log-variance."""
    torch.manual_seed(42)
    model = VAE()
    return record(lambda: loss(*model(X)), modules={"": model}, inputs={"x": X})


def textbook(recon_x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return vae_loss(recon_x, X, mu, logvar)


def pieces(recon_x: Tensor, mu: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss of reconstruction and the divergence, one of each for a row."""
    squares = (recon_x - X) ** 2
    inside = 1 + logvar - mu**2 - logvar.exp()
    return squares.sum(dim=1), -0.5 * inside.sum(dim=1)


def weighted(recon_x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    beta = 0.25
    recon, kl = (piece.sum() for piece in pieces(recon_x, mu, logvar))
    return recon + beta * kl


def weighted_by_tensor(recon_x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    beta = torch.tensor(0.25)
    recon, kl = (piece.sum() for piece in pieces(recon_x, mu, logvar))
    return recon + kl * beta


def subtracted(recon_x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    recon, kl = (piece.sum() for piece in pieces(recon_x, mu, logvar))
    return recon - kl / 4


def averaged(recon_x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    recon, kl = pieces(recon_x, mu, logvar)
    return (recon + kl).mean()


def three(recon_x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    recon, kl = (piece.sum() for piece in pieces(recon_x, mu, logvar))
    penalty = mu.abs().sum()
    loss = recon + kl
    return -(-loss - 0.5 * penalty)


def repeated(recon_x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    recon, kl = (piece.sum() for piece in pieces(recon_x, mu, logvar))
    return recon + kl + 2 * kl


def added_in_place(recon_x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    recon, kl = (piece.sum() for piece in pieces(recon_x, mu, logvar))
    loss = recon * 2
    loss += kl
    return loss


def with_product(recon_x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    recon, kl = (piece.sum() for piece in pieces(recon_x, mu, logvar))
    penalty = mu.abs().sum()
    return recon * kl + penalty


def unnamed(recon_x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return F.mse_loss(recon_x, X) + mu.abs().sum()


WITH_TERMS = [
    pytest.param(textbook, {"mse": 1.0, "kl": 1.0}, id="textbook"),
    pytest.param(weighted, {"recon": 1.0, "kl": 0.25}, id="weighted"),
    pytest.param(weighted_by_tensor, {"recon": 1.0, "kl": 0.25}, id="weighted-by-tensor"),
    pytest.param(subtracted, {"recon": 1.0, "kl": -0.25}, id="subtracted"),
    pytest.param(averaged, {"recon": 0.5, "kl": 0.5}, id="averaged-over-rows"),
    pytest.param(three, {"loss_1": 1.0, "penalty": 0.5}, id="named-part-is-one"),
    pytest.param(repeated, {"recon": 1.0, "kl": 3.0}, id="one-twice"),
    pytest.param(added_in_place, {"loss_1": 1.0, "kl": 1.0}, id="in-place"),
    pytest.param(with_product, {"mul": 1.0, "penalty": 1.0}, id="product-is-one"),
    pytest.param(unnamed, {"mse_loss": 1.0, "sum": 1.0}, id="unnamed"),
]


@pytest.mark.parametrize(("loss", "weights"), WITH_TERMS)
def test_a_sum_has_terms_with_their_weights(loss: Loss, weights: dict[str, float]) -> None:
    trace = run(loss)
    assert {term.name: term.weight for term in trace.terms} == weights
    for term in trace.terms:
        assert trace.values[term.value].name == term.name
    total = sum(term.weight * trace.values[term.value].array.sum() for term in trace.terms)
    assert total == pytest.approx(float(trace.loss.array), rel=1e-5)


@pytest.mark.parametrize(("loss", "weights"), WITH_TERMS)
def test_the_gradients_of_the_terms_add_up(loss: Loss, weights: dict[str, float]) -> None:
    trace = run(loss)
    assert trace.term_gradients.keys() == weights.keys()
    learned = [
        value.id
        for value in trace.values
        if value.kind == "parameter" or value.name in ("mu", "logvar", "z", "recon_x")
    ]
    for number in learned:
        shares = [g[number] for g in trace.term_gradients.values() if number in g]
        np.testing.assert_allclose(
            sum(shares), trace.gradients[number], rtol=1e-4, atol=1e-5,
            err_msg=str(trace.values[number].name),
        )  # fmt: skip


def test_each_term_reaches_what_it_depends_on_and_no_more() -> None:
    trace = run(textbook)
    numbers = {name: value.id for name, value in trace.by_name.items()}
    kl, mse = trace.term_gradients["kl"], trace.term_gradients["mse"]
    assert numbers["z"] not in kl
    assert numbers["fc_dec1.weight"] not in kl
    np.testing.assert_allclose(kl[numbers["mu"]], trace.by_name["mu"].array, rtol=1e-6)
    np.testing.assert_allclose(
        mse[numbers["recon_x"]], 2 * (trace.by_name["recon_x"].array - X.numpy()), rtol=1e-6
    )


def single(recon_x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return F.mse_loss(recon_x, X)


def feeding(recon_x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    recon, kl = (piece.sum() for piece in pieces(recon_x, mu, logvar))
    balanced = kl * recon
    return recon + balanced


def product(recon_x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    recon, kl = (piece.sum() for piece in pieces(recon_x, mu, logvar))
    return recon * kl


@pytest.mark.parametrize("loss", [single, feeding, product], ids=lambda loss: str(loss.__name__))
def test_a_loss_that_is_no_sum_of_separate_terms_has_none(
    loss: Loss,
) -> None:
    trace = run(loss)
    assert trace.terms == ()
    assert trace.term_gradients == {}
    assert trace.gradients


def test_a_parameter_that_is_a_term_keeps_its_name() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.offset = nn.Parameter(torch.tensor(0.5))
            self.layer = nn.Linear(4, 1)

        def forward(self, x: Tensor) -> Any:
            fit = self.layer(x).sum()
            return fit + self.offset

    model = Model()
    trace = record(lambda: model(X), modules={"": model}, inputs={"x": X})
    assert [term.name for term in trace.terms] == ["fit", "offset"]
    assert trace.by_name["offset"].kind == "parameter"
