"""Parts that are given by how a loss takes them apart, by its words, and by what they have in them.

Each case holds a call that is bound against the call of a training loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from vae_explain import explain

from .pages import CommandLine
from .test_right_loss import ROWS, Base, X, assert_as_plain, assert_asked, elbo, kl_of, plain


class PairAndDraw(Base):
    def forward(self, x: Tensor) -> Any:
        mu, logvar = self.to_mu(x), self.to_logvar(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decode(z), (mu, logvar), z


class Words(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        return {"prediction": recon, "center": mu, "spread": logvar}


class Weighs(Base):
    """It returns the logarithms of importance weights, with the prediction that is in them."""

    def forward(self, x: Tensor) -> Any:
        twice = self.parts(x), self.parts(x)
        recon, mu, logvar = (torch.stack(parts) for parts in zip(*twice, strict=True))
        errors = -((recon - x) ** 2).sum(-1)
        return errors - 0.5 * (mu**2 - logvar).sum(-1), recon


class Usual(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        return recon, mu, logvar


def of_pair(x: Tensor, rec: Tensor, moments: Any) -> Any:
    mu, logvar = moments
    return F.mse_loss(rec, x) + kl_of(mu, logvar)


def of_pair_by_place(x: Tensor, made: Tensor, moments: Any) -> Any:
    return F.mse_loss(made, x) + kl_of(moments[0], moments[1])


def of_words(**words: Any) -> Any:
    return of_some(words.pop("x"), **words)


def of_some(x: Tensor, prediction: Tensor, **moments: Any) -> Any:
    return F.mse_loss(prediction, x) + kl_of(moments["center"], moments["spread"])


def of_any(**words: Any) -> Any:
    return of_some(**{key: words[key] for key in ("x", "prediction", "center", "spread")})


def of_weights(log_weights: Tensor) -> Any:
    return (math.log(2) - torch.logsumexp(log_weights, 0)).mean()


def total_and_root(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    error, kl = F.mse_loss(recon, x, reduction="sum"), kl_of(mu, logvar)
    return error + kl, error, kl, (error / x.numel()).sqrt()


def handed_on(function: Callable[..., Any]) -> Callable[..., Any]:
    def hand_on(*args: Any, **words: Any) -> Any:
        return function(*args, **words)

    return hand_on


of_inner = handed_on(lambda recon, x, mu, logvar: F.mse_loss(recon, x) + kl_of(mu, logvar))


class CallsAllRecon(Base):
    def forward(self, x: Tensor) -> Any:
        recon = self.parts(x)
        return recon


@pytest.mark.parametrize(
    ("model", "loss", "as_called"),
    [
        (PairAndDraw, of_pair, lambda out, x: of_pair(x, out[0], out[1])),
        (Words, of_words, lambda out, x: of_some(x, **out)),
        (Weighs, of_weights, lambda out, x: of_weights(out[0])),
        (Usual, of_inner, lambda out, x: of_inner(out[0], x, *out[1:])),
        (CallsAllRecon, elbo, lambda out, x: elbo(out[0], x, *out[1:])),
        (Usual, total_and_root, lambda out, x: total_and_root(out[0], x, *out[1:])[0]),
    ],
)
def test_the_loss_is_the_one_of_the_training_loop(
    model: Callable[[], Base], loss: Callable[..., Any], as_called: Callable[[Any, Tensor], Tensor]
) -> None:
    torch.manual_seed(0)
    own = model()
    expected = plain(own, as_called)
    assert_as_plain(own, explain(own, X, loss, seed=7), expected)


def test_the_rest_is_given_once_a_part_of_it_is_named(cli: CommandLine) -> None:
    own = "--model", f"{__name__}:PairAndDraw", "--loss", f"{__name__}:of_pair_by_place", *ROWS
    refused = cli("forward", "loss", *own)
    assert "--loss-arg made=model(x)[0]" in refused.err
    mended = cli("forward", *own, "--loss-arg", "made=model(x)[0]")
    assert "made=model(x)[0], moments=model(x)[1]" in " ".join(mended.out.split())


def test_a_loss_without_names_is_called_with_the_keys(cli: CommandLine) -> None:
    own = "--model", f"{__name__}:Words", "--loss", f"{__name__}:of_any", *ROWS
    refused = cli("forward", "loss", *own)
    mend = "loss(**model(x), x=x)"
    assert f'--objective-expr "{mend}"' in refused.err
    assert cli("forward", "loss", *own, "--objective-expr", mend).code == 0


def of_moments(mu: Tensor, logvar: Tensor) -> Any:
    return kl_of(mu, logvar)


def test_a_loss_of_the_moments_alone_is_said_to_be_meant(cli: CommandLine) -> None:
    own = "--model", f"{__name__}:Usual", "--loss", f"{__name__}:of_moments", *ROWS
    refused = cli("forward", "loss", *own)
    mend = "loss(mu=model(x)[1], logvar=model(x)[2])"
    assert (
        f'no parameter of the loss gets recon; if that is meant, give --objective-expr "{mend}"'
        in (refused.err)
    )
    assert cli("forward", "loss", *own, "--objective-expr", mend).code == 0


class TermsWithoutNames(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        return recon, (mu**2).sum(), (logvar**2).sum()


def of_named_terms(recon: Tensor, x: Tensor, commitment_loss: Tensor, codebook_loss: Tensor) -> Any:
    return F.mse_loss(recon, x) + codebook_loss + 0.25 * commitment_loss


def of_counted_terms(recon: Tensor, x: Tensor, kl1: Tensor, kl2: Tensor) -> Any:
    return F.mse_loss(recon, x) + kl1 + 0.25 * kl2


def test_numbers_without_names_are_not_given_to_terms_of_different_names(cli: CommandLine) -> None:
    own = "--model", f"{__name__}:TermsWithoutNames", "--loss", f"{__name__}:of_named_terms", *ROWS
    torch.manual_seed(42)
    recon, first, second = TermsWithoutNames()(X)
    why = "model(x)[1] and model(x)[2] can each be commitment_loss"
    right = of_named_terms(recon, X, second, first).item()
    assert_asked(cli, own, why, "commitment_loss=model(x)[2]", right)
    assert explain(TermsWithoutNames(), X, of_counted_terms).run.trace.loss is not None


class WithDraw(Base):
    def forward(self, x: Tensor) -> Any:
        mu, logvar = self.to_mu(x), self.to_logvar(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decode(z), mu, logvar, z


def of_least(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, least: Any) -> Any:
    return F.mse_loss(recon, x) + max(kl_of(mu, logvar), least)


def of_rows(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Any:
    return {"loss": ((recon - x) ** 2).sum(1) + mu.sum(1) + logvar.sum(1)}


def test_a_loss_that_raises_names_what_it_got_by_order(cli: CommandLine) -> None:
    own = "--model", f"{__name__}:WithDraw", "--loss", f"{__name__}:of_least", *ROWS
    torch.manual_seed(42)
    recon, mu, logvar, _ = WithDraw()(X)
    why = "z is left for least, with which the loss raised RuntimeError: Boolean value"
    assert_asked(cli, own, why, "least=9", of_least(recon, X, mu, logvar, 9).item())


def test_the_mean_of_a_loss_of_rows_is_taken_of_its_call(cli: CommandLine) -> None:
    own = "--model", f"{__name__}:WithDraw", "--loss", f"{__name__}:of_rows", *ROWS
    refused = cli("forward", "loss", *own)
    call = "loss(recon=model(x)[0], x=x, mu=model(x)[1], logvar=model(x)[2])['loss'].mean()"
    assert f'--objective-expr "{call}"' in refused.err
    assert cli("forward", "loss", *own, "--objective-expr", call).code == 0
