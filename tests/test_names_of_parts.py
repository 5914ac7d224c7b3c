"""What names say of the parts that a loss is given: more than their order, where both speak.

Each pair is one that people write. The loss is the author's own call, or there is one line
that asks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence

from vae_explain import explain
from vae_explain.models.binding.loss_parameters import CannotBind

from .test_right_loss import Base, Usual, X, assert_as_plain, kl_of, plain

# --- models -----------------------------------------------------------------------------


class Deviations(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        sigma = torch.exp(0.5 * logvar)
        return recon, mu, sigma


class Variances(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        var = logvar.exp()
        return recon, mu, var


class LogDeviations(Base):
    def forward(self, x: Tensor) -> Any:
        mu, log_std = self.to_mu(x), self.to_logvar(x)
        return self.decode(mu + log_std.exp() * torch.randn_like(mu)), mu, log_std


class MiscalledVariance(Base):
    """Its `var` is a log variance, as in much public code."""

    def forward(self, x: Tensor) -> Any:
        mu, var = self.to_mu(x), self.to_logvar(x)
        return self.decode(mu + torch.exp(0.5 * var) * torch.randn_like(mu)), mu, var


class TwoLevels(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu1, logvar1 = self.parts(x)
        mu2, logvar2 = self.to_mu(recon), self.to_logvar(recon)
        return recon, mu1, logvar1, mu2, logvar2


class LearnedPrior(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu_q, logvar_q = self.parts(x)
        mu_p, logvar_p = 0.5 * mu_q.detach() + self.to_mu.bias, logvar_q.detach()
        return recon, mu_p, logvar_p, mu_q, logvar_q


class WithHidden(Base):
    def forward(self, x: Tensor) -> Any:
        h = torch.relu(self.to_mu(x))
        recon, mu, logvar = self.parts(h)
        return recon, h, mu, logvar


class WithKL(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        return recon, kl_of(mu, logvar)


class KLAsWell(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        return recon, mu, logvar, kl_of(mu, logvar)


class InDictWithKL(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        return {"recon": recon, "kl": kl_of(mu, logvar)}


class TwoTerms(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        return recon, mu, logvar, kl_of(mu, logvar), mu.square().mean()


class TwoPictures(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        recon_of_mean = self.decode(mu)
        return recon, recon_of_mean, mu, logvar


class Objects(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        px, qz = Normal(recon, 1.0), Normal(mu, torch.exp(0.5 * logvar))
        pz = Normal(torch.zeros_like(mu), 2 * torch.ones_like(mu))
        return px, qz, pz


class MeanFirst(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        return mu, logvar, recon


class LatentLast(Base):
    """Returns as many parts as the `args` of a loss, without the input that is one of them."""

    def forward(self, x: Tensor) -> Any:
        recon, mu, log_var = self.parts(x)
        z = mu + 0.0
        return [recon, mu, log_var, z]

    def loss_function(self, *args: Tensor, **kwargs: float) -> Tensor:
        recons = args[0]
        input = args[1]
        mu, log_var = args[2], args[3]
        return F.mse_loss(recons, input) + kwargs.get("M_N", 1.0) * kl_of(mu, log_var)


class InDict(Base):
    def forward(self, x: Tensor) -> Any:
        recon, mu, logvar = self.parts(x)
        return {"recon": recon, "mu": mu, "logvar": logvar}


# --- losses -----------------------------------------------------------------------------


def usual(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return F.mse_loss(recon, x) + kl_of(mu, logvar)


def of_log_sigma(recon: Tensor, x: Tensor, mu: Tensor, log_sigma: Tensor) -> Tensor:
    return usual(recon, x, mu, 2 * log_sigma)


def of_numbered(recon: Tensor, x: Tensor, mu1: Tensor, log_sigma1: Tensor) -> Tensor:
    return usual(recon, x, mu1, 2 * log_sigma1)


def of_std(recon: Tensor, x: Tensor, mu: Tensor, std: Tensor) -> Tensor:
    return usual(recon, x, mu, 2 * std.log())


def of_var(recon: Tensor, x: Tensor, mu: Tensor, var: Tensor) -> Tensor:
    return usual(recon, x, mu, var.log())


def std_by_default(recon: Tensor, x: Tensor, mu: Tensor, std: Any = 1.0) -> Tensor:
    return usual(recon, x, mu, 2 * torch.as_tensor(std).log())


def moments_by_default(outputs: Tensor, targets: Tensor, mean: Any = 0, logvar: Any = 0) -> Tensor:
    return usual(outputs, targets, mean, logvar)


def of_four(
    recon: Tensor, x: Tensor, q_mu: Tensor, q_logvar: Tensor, prior_mu: Tensor, prior_logvar: Tensor
) -> Tensor:
    apart = ((q_mu - prior_mu) ** 2 + q_logvar.exp()) / prior_logvar.exp()
    return F.mse_loss(recon, x) + (apart - q_logvar).sum()


def of_labels(recon: Tensor, x: Tensor, labels: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return usual(recon, x, mu, logvar) + labels.sum()


def of_mask(recon: Tensor, x: Tensor, mask: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return usual(mask * recon, mask * x, mu, logvar)


def annealed(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, temperature: float) -> Tensor:
    return F.mse_loss(recon, x) + temperature * kl_of(mu, logvar)


def of_latent(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, z: Any = None) -> Tensor:
    return usual(recon, x, mu, logvar) + (0 if z is None else z.sum())


def error_alone(recon: Tensor, x: Tensor) -> Tensor:
    return F.mse_loss(recon, x)


def with_kl(x_hat: Tensor, x: Tensor, kld: Tensor) -> Tensor:
    return F.mse_loss(x_hat, x) + kld


def of_terms(recon: Tensor, x: Tensor, kl_loss: Tensor, reg_loss: Tensor) -> Tensor:
    return F.mse_loss(recon, x) + kl_loss.sum() + reg_loss.sum()


def weighted(
    recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, recon_weight: float = 0.5
) -> Tensor:
    error = recon_weight * F.mse_loss(recon, x)
    return error + kl_of(mu, logvar)


def of_real(ln_var: Tensor, mean: Tensor, fake: Tensor, real: Tensor) -> Tensor:
    return F.mse_loss(fake, real, reduction="sum") + kl_of(mean, ln_var)


def of_objects(x: Tensor, prior: Normal, posterior: Normal, likelihood: Any) -> Tensor:
    loss: Tensor = kl_divergence(posterior, prior).sum() - likelihood.log_prob(x).sum()
    return loss


def letters(r: Tensor, t: Tensor, mu: Tensor, lv: Tensor) -> Tensor:
    return F.mse_loss(r, t, reduction="sum") + kl_of(mu, lv)


def held_against_y(y_hat: Tensor, y: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return ((y_hat - 2 * y) ** 2).sum() + kl_of(mu, logvar)


def named_rest(x: Tensor, *args: Tensor) -> Tensor:
    recon, mu, logvar = args
    return usual(recon, x, mu, logvar)


def unpacks_its_input(input: Any, target: Tensor) -> Tensor:
    recon, mu, logvar = input
    return usual(recon, target, mu, logvar)


def of_keys(x: Tensor, **out: Tensor) -> Tensor:
    return usual(out["recon"], x, out["mu"], out["logvar"])


# --- what is called ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "loss", "as_called"),
    [
        (Deviations, of_std, lambda out, x: of_std(out[0], x, *out[1:])),
        (Deviations, std_by_default, lambda out, x: of_std(out[0], x, *out[1:])),
        (Variances, of_var, lambda out, x: of_var(out[0], x, *out[1:])),
        (MiscalledVariance, usual, lambda out, x: usual(out[0], x, *out[1:])),
        (Usual, moments_by_default, lambda out, x: usual(out[0], x, *out[1:])),
        (LearnedPrior, of_four, lambda out, x: of_four(out[0], x, *out[3:], *out[1:3])),
        (WithKL, with_kl, lambda out, x: with_kl(out[0], x, out[1])),
        (TwoPictures, weighted, lambda out, x: weighted(out[0], x, *out[2:])),
        (Usual, of_real, lambda out, x: of_real(out[2], out[1], out[0], x)),
        (Objects, of_objects, lambda out, x: of_objects(x, out[2], out[1], out[0])),
        (Usual, letters, lambda out, x: letters(out[0], x, *out[1:])),
        (Usual, held_against_y, lambda out, x: held_against_y(out[0], x, *out[1:])),
        (MeanFirst, named_rest, lambda out, x: usual(out[2], x, *out[:2])),
        (LatentLast, None, lambda out, x: usual(out[0], x, *out[1:3])),
        (Usual, unpacks_its_input, unpacks_its_input),
        (InDict, of_keys, lambda out, x: of_keys(x, **out)),
    ],
)
def test_names_decide_before_order(
    model: type[Base],
    loss: Callable[..., Any] | None,
    as_called: Callable[[Any, Tensor], Tensor],
) -> None:
    torch.manual_seed(0)
    own = model()
    expected = plain(own, as_called)
    assert_as_plain(own, explain(own, X, loss, seed=7), expected)


# --- what is asked ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "loss", "words"),
    [
        (Usual, of_log_sigma, "logvar is left for log_sigma, and is called as a log variance is"),
        (Usual, of_numbered, "logvar is left .* as a log variance is, not a log deviation"),
        (LogDeviations, usual, "log_std is left for logvar, and is called as a log deviation is"),
        (Deviations, of_var, "sigma is left for var, and is called as a deviation is"),
        (Variances, of_std, "var is left for std, and is called as a variance is"),
        (TwoLevels, usual, "mu1 and mu2 can each be mu;.* --loss-arg mu=mu1"),
        (WithHidden, of_labels, "h is left for labels, which is called as something given beside"),
        (WithHidden, of_mask, "h is left for mask, which is called as something given beside"),
        (KLAsWell, annealed, "is one number, and temperature is not called as a part of a loss"),
        (KLAsWell, of_latent, "is one number, and z is not called as a part of a loss"),
        (TwoTerms, of_terms, "mu is left for kl_loss, which is called as a part of a loss is"),
        (WithHidden, of_latent, "h may be z, which has a default"),
        (WithKL, error_alone, r"prediction alone, .*return error_alone\(.*\) \+ out\[1\]"),
        (InDictWithKL, error_alone, r"prediction alone, .*\) \+ out\['kl'\]"),
        (WithKL, nn.MSELoss(), r"prediction alone, .*\) \+ out\[1\]"),
    ],
)
def test_what_names_speak_against_is_asked(
    model: type[Base], loss: Callable[..., Any], words: str
) -> None:
    with pytest.raises(CannotBind, match=f"(?s){words}"):
        explain(model(), X, loss)


def test_a_settings_own_default_is_kept_beside_a_log_variance() -> None:
    def of_noise(
        recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, sigma: float = 2.0
    ) -> Tensor:
        return usual(recon, x, mu, logvar) / sigma

    call = explain(WithHidden(), X, of_noise).run.loss_call
    assert call is not None
    assert call.text.endswith("sigma=2.0 by default")
