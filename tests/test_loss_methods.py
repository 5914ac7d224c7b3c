"""A loss that is a method: of the model that runs, of a part of it, or of an object beside it."""

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

X = torch.tensor([[0.2, 0.9, 0.5], [0.7, 0.1, 0.4]])
ROWS = ("--x", ".2,.9,.5", "--x", ".7,.1,.4")


class Penalty(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.rand(3))

    def scaled(self, recon: Tensor, x: Tensor) -> Tensor:
        return (self.scale * (recon - x) ** 2).sum()


class WithMethods(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(3, 4), nn.Linear(2, 3)
        self.penalty = Penalty()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decoder(z), mu, logvar

    def elbo(self, recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        kld = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
        return F.mse_loss(recon, x) + kld + self.encoder.weight.pow(2).sum()

    @staticmethod
    def plain(recon: Tensor, x: Tensor) -> Tensor:
        return F.mse_loss(recon, x)

    def whole(self, x: Tensor) -> Tensor:
        recon, mu, logvar = self(x)
        return self.elbo(recon, x, mu, logvar)


class TwoPenalties(WithMethods):
    def __init__(self) -> None:
        super().__init__()
        self.other = Penalty()


class Apart:
    def error(self, recon: Tensor, x: Tensor) -> Tensor:
        return F.mse_loss(recon, x)


NAMED = WithMethods()
APART = Apart()


def seeded(kind: type[WithMethods]) -> WithMethods:
    torch.manual_seed(42)
    return kind()


def expected(model: WithMethods, loss: Callable[[WithMethods], Callable[..., Tensor]]) -> Tensor:
    recon, mu, logvar = model(X)
    parts = {"recon": recon, "x": X, "mu": mu, "logvar": logvar}
    method = loss(model)
    code = getattr(method, "__func__", method).__code__
    taken = [name for name in code.co_varnames[: code.co_argcount] if name != "self"]
    return method(*[parts[name] for name in taken])


@pytest.mark.parametrize(
    ("loss", "by_hand", "says"),
    [
        (WithMethods.elbo, lambda model: model.elbo, "WithMethods.elbo("),
        (NAMED.elbo, lambda model: model.elbo, "WithMethods.elbo("),
        (Penalty.scaled, lambda model: model.penalty.scaled, "Penalty.scaled("),
        (NAMED.penalty.scaled, lambda model: model.penalty.scaled, "Penalty.scaled("),
        (WithMethods.plain, lambda model: model.plain, "WithMethods.plain("),
        (APART.error, lambda _: APART.error, "Apart.error("),
    ],
)
def test_a_method_is_that_of_the_model_that_runs(
    loss: Callable[..., Any], by_hand: Callable[..., Any], says: str
) -> None:
    model = seeded(WithMethods)
    drawn = torch.get_rng_state()
    right = expected(model, by_hand)
    right.backward()  # type: ignore[no-untyped-call] # PyTorch's own
    torch.set_rng_state(drawn)
    explanation = explain(model, X, loss)
    assert explanation.values["loss"] == pytest.approx(right.item(), rel=1e-6)
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            given = torch.tensor(explanation.gradients[name])
            assert torch.allclose(given, parameter.grad, rtol=1e-5, atol=1e-7), name
    assert f"loss: {says}recon=" in str(explanation.forward())


def test_a_method_of_a_named_model_is_checked_with_its_copies(cli: CommandLine) -> None:
    outcome = cli(
        *["check", "--model", f"{__name__}:NAMED", "--loss", f"{__name__}:NAMED.elbo", *ROWS]
    )
    assert outcome.code == 0, outcome.out
    assert "✗" not in outcome.out


def test_what_a_method_is_of_is_said_where_that_is_not_known(cli: CommandLine) -> None:
    with pytest.raises(CannotBind, match="it is a method of penalty and other; say of which"):
        explain(TwoPenalties(), X, Penalty.scaled)
    with pytest.raises(CannotBind, match="a method of Apart, and the model is a WithMethods with"):
        explain(WithMethods(), X, Apart.error)
    own = "--model", f"{__name__}:WithMethods", *ROWS
    outcome = cli("forward", *own, "--loss", f"{__name__}:WithMethods.whole")
    assert outcome.code == 2
    mend = '--objective-expr "model.whole(x)"'
    assert mend in outcome.err
    assert "--loss-arg x=" not in outcome.err
    outcome = cli("forward", *own, "--objective-expr", "model.whole(x)")
    assert outcome.code == 0


# --- steps of a training loop -----------------------------------------------------------


class Trained(WithMethods):
    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        raise NotImplementedError


class Unpacks(Trained):
    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        x, _ = batch
        return self.whole(x)


class TakesTheFirst(Trained):
    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return self.whole(batch[0])


class UnpacksElsewhere(Trained):
    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return self.step(batch)

    def step(self, batch: Any) -> Tensor:
        x, _ = batch
        return self.whole(x)


class HasOnePart(Trained):
    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        (x,) = batch
        return self.whole(x)


class HasThreeParts(Trained):
    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        x, _, _ = batch
        return self.whole(x)


class TakesItWhole(Trained):
    steps = 0

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        self.steps += 1
        return self.steps * self.whole(batch)


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize(
    ("kind", "batch"),
    [
        (Unpacks, "[x, zeros]"),
        (TakesTheFirst, "[x]"),
        (UnpacksElsewhere, "[x, zeros]"),
        (HasOnePart, "[x]"),
        (HasThreeParts, "[x, zeros, zeros]"),
        (TakesItWhole, "x"),
    ],
)
def test_a_training_step_gets_all_rows_of_x(kind: type[Trained], batch: str, rows: int) -> None:
    x = torch.cat([X, X[:1] + 0.1])[:rows]
    model = seeded(kind)
    drawn = torch.get_rng_state()
    right = model.whole(x).item()
    torch.set_rng_state(drawn)
    explanation = explain(model, x)
    assert explanation.values["loss"] == pytest.approx(right, rel=1e-6)
    assert f"loss: {kind.__name__}.training_step({batch}, 0)" in str(explanation.forward())
    torch.set_rng_state(drawn)
    given_as_loss = explain(model, x, kind.training_step)
    assert str(given_as_loss.forward()) == str(explanation.forward())
