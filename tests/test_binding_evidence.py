"""A call that PyTorch's graph speaks against is asked about, and one that it does not is made."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_explain import explain
from vae_explain.models.binding.loss_parameters import CannotBind

from .pages import CommandLine
from .test_right_loss import ROWS, Base, X, assert_as_plain, kl_of, plain


class LettersMeanFirst(Base):
    def forward(self, x: Tensor) -> Any:
        r, m, l = self.parts(x)  # noqa: E741
        return m, l, r


class LettersLatentFirst(Base):
    def forward(self, x: Tensor) -> Any:
        m, l = self.to_mu(x), self.to_logvar(x)  # noqa: E741
        z = m + torch.exp(0.5 * l) * torch.randn_like(m)
        r = self.decode(z)
        return z, m, l, r


class Heads(Base):
    """Two heads without names that say which is which."""

    def heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a, b = self.to_mu(x), self.to_logvar(x)
        return self.decode(a + torch.exp(0.5 * b) * torch.randn_like(a)), a, b


class ScaleFirst(Heads):
    def forward(self, x: Tensor) -> Any:
        r, a, b = self.heads(x)
        return r, b, a


class HeadsInOrder(Heads):
    def forward(self, x: Tensor) -> Any:
        r, a, b = self.heads(x)
        return r, a, b


class SoftplusFirst(Base):
    def forward(self, x: Tensor) -> Any:
        a, b = self.to_mu(x), self.to_logvar(x)
        r = self.decode(a + F.softplus(b) * torch.randn_like(a))
        return r, b, a


class HeldBackFirst(Base):
    def forward(self, x: Tensor) -> Any:
        a, b = self.to_mu(x), self.to_logvar(x)
        r = self.decode(a + torch.exp2(torch.clamp(b, -4, 4)) * torch.randn_like(a))
        return r, b, a


class ReadyMade(Base):
    """Returns its deviation, and the loss has a place for its logarithm."""

    def forward(self, x: Tensor) -> Any:
        a, b = self.to_mu(x), self.to_logvar(x)
        s = F.softplus(b) + 1e-6
        return self.decode(a + s * torch.randn_like(a)), a, s


class ReadyMadeVariance(Heads):
    def forward(self, x: Tensor) -> Any:
        r, a, b = self.heads(x)
        return r, a, b.exp()


class OfALogarithm(Base):
    """Its log variance is a logarithm of what an exponential gave, or one with another sign."""

    def __init__(self, sign: float = 0.0) -> None:
        super().__init__()
        self.sign = sign

    def forward(self, x: Tensor) -> Any:
        a, s = self.to_mu(x), F.softplus(self.to_logvar(x))
        b = -s if self.sign else 2 * s.log()
        return self.decode(a + torch.exp(0.5 * b) * torch.randn_like(a)), a, b


class LogNormal(Base):
    """Its latent goes into an exponential too, and so a multiple of its mean does."""

    def forward(self, x: Tensor) -> Any:
        a, b = self.to_mu(x), self.to_logvar(x)
        r = self.decode(torch.exp(a + torch.exp(0.5 * b) * torch.randn_like(a)))
        return r, a, b


class Chunks(Base):
    def __init__(self) -> None:
        super().__init__()
        self.both = nn.Linear(3, 6)

    def forward(self, x: Tensor) -> Any:
        a, b = self.both(x).chunk(2, dim=1)
        return self.decode(a + torch.exp(0.5 * b) * torch.randn_like(a)), a, b


class FromHidden(Base):
    """Its moments are made from a part that the loss takes."""

    def forward(self, x: Tensor) -> Any:
        hidden = torch.tanh(self.to_mu(x))
        a, b = self.to_mu(hidden), self.to_logvar(hidden)
        return self.decode(a + torch.exp(0.5 * b) * torch.randn_like(a)), hidden, a, b


class WithLatent(Base):
    def forward(self, x: Tensor) -> Any:
        mu, logvar = self.to_mu(x), self.to_logvar(x)
        latent = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return {"recon": self.decode(latent), "latent": latent, "mu": mu, "logvar": logvar}


class TermsMade(Base):
    """The model makes the terms of its loss."""

    def forward(self, x: Tensor) -> Any:
        r, mu, logvar = self.parts(x)
        kl_loss = kl_of(mu, logvar)
        reg = mu.pow(2).mean()
        return r, kl_loss, reg


class ScaleReturned(Base):
    def forward(self, x: Tensor) -> Any:
        mu, std = self.to_mu(x), F.softplus(self.to_logvar(x))
        recon = self.decode(mu + std * torch.randn_like(mu))
        return recon, mu, std


def of_a_codebook(
    recon: Tensor, commitment_loss: Tensor, codebook_loss: Tensor, x: Tensor
) -> Tensor:
    return F.mse_loss(recon, x) + 0.25 * commitment_loss + codebook_loss


def of_terms(recon: Tensor, kld: Tensor, regularizer: Tensor, x: Tensor) -> Tensor:
    return F.mse_loss(recon, x) + kld + 0.1 * regularizer


def of_a_scale(recon: Tensor, x: Tensor, mu: Tensor, scale: Tensor | float = 1.0) -> Tensor:
    return ((recon - x) ** 2).sum() + 0.5 * (mu.pow(2) * scale).sum()


def squares(x_hat: Tensor, x: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    return ((x - 2 * x_hat) ** 2).sum() + kl_of(mean, log_var)


def of_deviations(x_hat: Tensor, x: Tensor, mean: Tensor, sigma: Tensor) -> Tensor:
    return squares(x_hat, x, mean, 2 * sigma.log())


def of_pairs(p: Tensor, q: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return ((p - q) ** 2).sum() + kl_of(mu, logvar)


def of_letters(pred: Tensor, target: Tensor, m: Tensor, v: Tensor) -> Tensor:
    return squares(pred, target, m, v)


def sparse(recon: Tensor, x: Tensor, features: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return squares(recon, x, mu, logvar) + features.abs().sum()


def of_a_sample(sample: Tensor, recon: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return squares(recon, sample, mu, logvar)


@pytest.mark.parametrize(
    ("model", "loss", "words"),
    [
        (LettersMeanFirst, squares, "r is left for log_var, and is computed from l"),
        (LettersMeanFirst, of_letters, "r is left for v, and is computed from l"),
        (LettersLatentFirst, of_pairs, "r is left for logvar, and is computed from"),
        (ScaleFirst, squares, "b is left for mean, and goes into an exponential"),
        (SoftplusFirst, squares, "b is left for mean, and goes into an exponential"),
        (HeldBackFirst, squares, "b is left for mean, and goes into an exponential"),
        (ReadyMade, squares, "s is left for log_var, and is what an exponential or the like gave"),
        (
            ReadyMadeVariance,
            squares,
            r"model\(x\)\[2\] is left for log_var, and is what an exponential",
        ),
        (HeadsInOrder, of_deviations, "b is left for sigma, and goes into an exponential"),
        (WithLatent, of_a_sample, "no parameter gets x, and sample may be it or latent"),
        (TermsMade, of_a_codebook, "kl_loss and reg can each be commitment_loss; say which"),
        (ScaleReturned, of_a_scale, "std may be scale, which has a default; say which"),
    ],
)
def test_what_the_graph_speaks_against_is_asked(
    model: type[Base], loss: Callable[..., Any], words: str
) -> None:
    with pytest.raises(CannotBind, match=words):
        explain(model(), X, loss)


@pytest.mark.parametrize(
    ("model", "loss", "as_called"),
    [
        (HeadsInOrder, squares, lambda out, x: squares(out[0], x, *out[1:])),
        (LogNormal, squares, lambda out, x: squares(out[0], x, *out[1:])),
        (Chunks, squares, lambda out, x: squares(out[0], x, *out[1:])),
        (ReadyMade, of_deviations, lambda out, x: of_deviations(out[0], x, *out[1:])),
        (OfALogarithm, squares, lambda out, x: squares(out[0], x, *out[1:])),
        (partial(OfALogarithm, 1.0), squares, lambda out, x: squares(out[0], x, *out[1:])),
        (FromHidden, sparse, lambda out, x: sparse(out[0], x, *out[1:])),
        (TermsMade, of_terms, lambda out, x: of_terms(out[0], out[1], out[2], x)),
    ],
)
def test_what_it_does_not_is_called(
    model: Callable[[], Base], loss: Callable[..., Any], as_called: Callable[[Any, Tensor], Tensor]
) -> None:
    torch.manual_seed(0)
    own = model()
    expected = plain(own, as_called)
    assert_as_plain(own, explain(own, X, loss, seed=7), expected)


@pytest.mark.parametrize(
    ("model", "loss", "given", "says"),
    [
        ("ScaleFirst", "squares", ("mean=a", "log_var=b"), "mean=a, log_var=b"),
        ("LettersMeanFirst", "squares", ("x_hat=r",), "x_hat=r, x=x, mean=m, log_var=l"),
        ("WithLatent", "of_a_sample", ("sample=x",), "sample=x, recon=recon"),
        ("WithLatent", "of_a_sample", ("sample=latent",), "sample=latent, recon=recon"),
        ("ScaleReturned", "of_a_scale", ("scale=std",), "mu=mu, scale=std"),
        ("ScaleReturned", "of_a_scale", ("scale=1.0",), "mu=mu, scale=1.0"),
    ],
)
def test_an_option_settles_it(
    cli: CommandLine, model: str, loss: str, given: tuple[str, ...], says: str
) -> None:
    own = ("--model", f"{__name__}:{model}", "--loss", f"{__name__}:{loss}", *ROWS)
    outcome = cli("forward", *own, *(word for each in given for word in ("--loss-arg", each)))
    assert outcome.code == 0, outcome.err
    assert says in " ".join(outcome.out.split("\n\n")[0].split())


class WithPrior(Base):
    """Its prior has moments of its own, of a learned number."""

    def __init__(self) -> None:
        super().__init__()
        self.prior = nn.Parameter(torch.zeros(1, 6))

    def moments(self, x: Tensor) -> tuple[Tensor, ...]:
        of_prior = torch.tanh(self.prior).expand(len(x), 6).chunk(2, dim=1)
        return (*self.parts(x), *of_prior)


class PriorFirst(WithPrior):
    def forward(self, x: Tensor) -> Any:
        recon, mq, vq, mp, vp = self.moments(x)
        return recon, mp, vp, mq, vq


class PriorLast(WithPrior):
    def forward(self, x: Tensor) -> Any:
        recon, mq, vq, mp, vp = self.moments(x)
        return recon, mq, vq, mp, vp


class PriorAndDraw(WithPrior):
    """What it decodes is left over, and is no moment for the prior."""

    def forward(self, x: Tensor) -> Any:
        a, b = self.to_mu(x), self.to_logvar(x)
        drawn = a + torch.exp(0.5 * b) * torch.randn_like(a)
        _, _, _, c, d = self.moments(x)
        recon = self.decode(drawn)
        return recon, a, b, c, d, drawn


def of_both(
    recon: Tensor, x: Tensor, q_mean: Tensor, q_logvar: Tensor, p_mean: Tensor, p_logvar: Tensor
) -> Any:
    apart = q_logvar.exp() + (q_mean - p_mean) ** 2
    kl = 0.5 * (p_logvar - q_logvar + apart / p_logvar.exp() - 1).sum()
    return F.mse_loss(recon, x, reduction="sum") + kl


def test_the_moments_that_the_prediction_is_drawn_from_are_the_posteriors(
    cli: CommandLine,
) -> None:
    own = "--model", f"{__name__}:PriorFirst", "--loss"
    refused = cli("forward", "loss", *own, f"{__name__}:of_both", *ROWS)
    assert "mp is left for q_mean, and the prediction is computed from mq" in refused.err
    assert "--loss-arg q_mean=mq --loss-arg p_mean=mp --loss-arg q_logvar=vq" in refused.err
    of_one = cli("forward", "loss", *own, f"{__name__}:squares", *ROWS)
    assert "mp is left for mean, and the prediction is computed from mq" in of_one.err
    assert "--loss-arg mean=mq --loss-arg log_var=vq" in of_one.err


@pytest.mark.parametrize("model", [PriorLast, PriorAndDraw])
def test_posterior_before_prior_is_called(model: type[Base]) -> None:
    own = model()
    expected = plain(own, lambda out, x: of_both(out[0], x, *out[1:5]))
    assert_as_plain(own, explain(own, X, of_both, seed=7), expected)
