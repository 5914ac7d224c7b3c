"""The ways in which public code samples, writes the KL and compares: none blinds the audit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Variable
from torch.distributions import Independent, Normal, kl_divergence

from vae_explain import pipeline
from vae_explain.analysis.audit.report import Report, audit
from vae_explain.analysis.audit.rules.all_rules import ALL

from .audited.base import Layers, kl_of, rows, sample
from .requests import held

Pair = Callable[[Tensor, Tensor], Tensor]


def report_of(
    objective: Callable[[Layers, Tensor], Tensor], make: Callable[[], Layers] = Layers
) -> Report:
    torch.manual_seed(3)
    return audit(pipeline.recordings(held(make(), rows(), 11, objective=objective)), ALL)


def require_whole(report: Report, beta: float = 1.0) -> None:
    """Require that all rules applied, with nothing wrong, and the effective β."""
    assert [rule.id for rule, _ in report.not_applied] == []
    assert [f.title for f in report.findings if f.severity in ("error", "warning")] == []
    assert report.complete
    (scale,) = [finding for finding in report.findings if finding.id == "loss-scale"]
    assert scale.evidence.facts["effective_beta"] == pytest.approx(beta, rel=1e-4)


# --- sampling -----------------------------------------------------------------------------


def with_std(of: Pair) -> Pair:
    return lambda mu, logvar: of(mu, torch.exp(0.5 * logvar))


def drawn_in_place(mu: Tensor, std: Tensor) -> Tensor:
    return mu + std * std.data.new(std.size()).normal_()


def as_a_variable(mu: Tensor, std: Tensor) -> Tensor:
    eps = torch.randn(std.size())
    eps = Variable(eps)
    return eps.mul(std).add_(mu)


def as_a_variable_inline(mu: Tensor, std: Tensor) -> Tensor:
    return mu + std * Variable(std.data.new(std.size()).normal_())


def cast_to_the_means_type(mu: Tensor, std: Tensor) -> Tensor:
    eps = torch.randn(mu.shape, dtype=torch.float64).to(mu.dtype)
    return mu + std * eps


def copied_and_viewed(mu: Tensor, std: Tensor) -> Tensor:
    eps = torch.randn(mu.numel()).clone().view(mu.shape).contiguous()
    return mu + std * eps


def transposed_twice(mu: Tensor, std: Tensor) -> Tensor:
    return (mu.t() + std.t() * torch.randn_like(std).t()).t()


def from_a_distribution(mu: Tensor, std: Tensor) -> Tensor:
    eps = Normal(0.0, 1.0).sample(mu.shape)
    return mu + eps * std


SAMPLES: dict[str, Pair] = {
    "randn_like": sample,
    "randn of the shape": with_std(lambda mu, std: mu + std * torch.randn(mu.shape)),
    "randn of the size": with_std(lambda mu, std: mu + torch.randn(*mu.size()) * std),
    "FloatTensor": with_std(
        lambda mu, std: torch.FloatTensor(std.size()).normal_().mul(std).add_(mu)
    ),
    "data.new": with_std(drawn_in_place),
    "empty": with_std(lambda mu, std: torch.empty(std.size()).normal_().mul(std).add_(mu)),
    "empty_like": with_std(lambda mu, std: mu + torch.empty_like(std).normal_(0, 1) * std),
    "Variable": with_std(as_a_variable),
    "Variable inline": with_std(as_a_variable_inline),
    "clone of the mean": with_std(lambda mu, std: mu + std * mu.detach().clone().normal_(0, 1)),
    "addcmul": with_std(lambda mu, std: mu.addcmul(std, torch.randn(mu.size()))),
    "torch.normal": with_std(
        lambda mu, std: mu + std * torch.normal(torch.zeros_like(mu), torch.ones_like(mu))
    ),
    "rsample": with_std(lambda mu, std: Normal(mu, std).rsample()),
    "Independent": with_std(lambda mu, std: Independent(Normal(mu, std), 1).rsample()),
    "draw of a distribution": with_std(from_a_distribution),
    "cast": with_std(cast_to_the_means_type),
    "copy and view": with_std(copied_and_viewed),
    "transposed": with_std(transposed_twice),
    "in-place chain": lambda mu, logvar: torch.randn_like(mu).mul_(logvar.mul(0.5).exp_()).add_(mu),
    "root of the variance": lambda mu, logvar: mu + logvar.exp().sqrt() * torch.randn_like(mu),
    "power of the variance": lambda mu, logvar: mu + logvar.exp().pow(0.5) * torch.randn_like(mu),
    "division by 2": lambda mu, logvar: mu + torch.exp(logvar / 2) * torch.randn_like(mu),
}


@pytest.mark.parametrize("way", SAMPLES)
def test_sampling(way: str) -> None:
    def objective(model: Layers, x: Tensor) -> Tensor:
        mu, logvar = model.encode(x)
        z = SAMPLES[way](mu, logvar)
        return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)

    require_whole(report_of(objective))


# --- the KL -------------------------------------------------------------------------------


def in_place(mu: Tensor, logvar: Tensor) -> Tensor:
    element = mu.pow(2).add_(logvar.exp()).mul_(-1).add_(1).add_(logvar)
    return torch.sum(element).mul_(-0.5)


def by_library(mu: Tensor, logvar: Tensor) -> Tensor:
    q = Normal(mu, torch.exp(0.5 * logvar))
    return kl_divergence(q, Normal(torch.zeros_like(mu), torch.ones_like(mu))).sum()


KLS: dict[str, Pair] = {
    "minus a half": lambda mu, logvar: -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()),
    "a half": lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(),
    "in place": in_place,
    "rows, then a sum": lambda mu, logvar: (
        (-0.5 * (1 + logvar - mu.pow(2) - logvar.exp())).sum(1).sum(0, True)
    ).squeeze(),
    "deviation": lambda mu, logvar: torch.sum(
        0.5 * (mu**2 + torch.exp(0.5 * logvar) ** 2 - 1) - torch.log(torch.exp(0.5 * logvar))
    ),
    "deviation guarded": lambda mu, logvar: (
        0.5 * torch.sum(mu**2 + logvar.exp() - torch.log(1e-8 + logvar.exp()) - 1)
    ),
    "kl_divergence": by_library,
    "without the 1": lambda mu, logvar: 0.5 * (mu.square() + logvar.exp() - logvar).sum(),
    "four parts": lambda mu, logvar: (
        0.5 * mu.square().sum() + 0.5 * logvar.exp().sum() - 0.5 * logvar.sum() - 0.5 * mu.numel()
    ),
    "mean times size": lambda mu, logvar: (
        -0.5 * torch.mean(1 + logvar - mu.pow(2) - logvar.exp()) * mu.numel()
    ),
}


@pytest.mark.parametrize("way", KLS)
def test_the_kl(way: str) -> None:
    def objective(model: Layers, x: Tensor) -> Tensor:
        mu, logvar = model.encode(x)
        error = F.mse_loss(model.decoder(sample(mu, logvar)), x, reduction="sum")
        return error + KLS[way](mu, logvar)

    require_whole(report_of(objective))


def log_normal(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return -0.5 * (logvar + (z - mu) ** 2 / logvar.exp() + math.log(2 * math.pi))


@pytest.mark.parametrize("way", ["by hand", "by log_prob", "of the noise"])
def test_a_kl_by_monte_carlo(way: str) -> None:
    def objective(model: Layers, x: Tensor) -> Tensor:
        mu, logvar = model.encode(x)
        eps = torch.randn_like(mu)
        z = mu + torch.exp(0.5 * logvar) * eps
        zero = torch.zeros_like(mu)
        if way == "by hand":
            kl = log_normal(z, mu, logvar) - log_normal(z, zero, zero)
        elif way == "by log_prob":
            q, p = Normal(mu, torch.exp(0.5 * logvar)), Normal(zero, torch.ones_like(mu))
            kl = q.log_prob(z) - p.log_prob(z)
        else:
            kl = -0.5 * logvar - 0.5 * eps**2 + 0.5 * z**2
        error = ((model.decoder(z) - x) ** 2).sum(1)
        return (error + kl.sum(1)).mean()

    require_whole(report_of(objective))


# --- the reconstruction -------------------------------------------------------------------


def cross_entropy_by_hand(logits: Tensor, x: Tensor) -> Tensor:
    p = torch.sigmoid(logits)
    return -(x * torch.log(p + 1e-7) + (1 - x) * torch.log(1 - p + 1e-7)).sum()


RECONSTRUCTIONS: dict[str, tuple[Pair, float]] = {
    "mse_loss": (lambda out, x: F.mse_loss(out, x, reduction="sum"), 1.0),
    "MSELoss": (lambda out, x: torch.nn.MSELoss(reduction="sum")(out, x), 1.0),
    "a mean times the size": (lambda out, x: F.mse_loss(out, x) * x.numel(), 1.0),
    "by hand": (lambda out, x: ((x - out) ** 2).sum(), 1.0),
    "with its half": (lambda out, x: 0.5 * ((x - out) ** 2).sum(), 1.0),
    "norm": (lambda out, x: torch.norm(out - x, dim=1).pow(2).sum(), 1.0),
    "cross-entropy": (
        lambda out, x: F.binary_cross_entropy(torch.sigmoid(out), x, reduction="sum"), 1.0,
    ),
    "cross-entropy of logits": (
        lambda out, x: F.binary_cross_entropy_with_logits(out, x, reduction="sum"), 1.0,
    ),
    "cross-entropy by hand": (cross_entropy_by_hand, 1.0),
    "absolute": (lambda out, x: F.l1_loss(out, x, reduction="sum"), 1.0),
    "log_prob of a Normal": (lambda out, x: -Normal(out, 0.5).log_prob(x).sum(), 0.5),
    "log_prob of a Bernoulli": (
        lambda out, x: -torch.distributions.Bernoulli(
            logits=out, validate_args=False
        ).log_prob(x).sum(),
        1.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", RECONSTRUCTIONS)
def test_the_reconstruction(way: str) -> None:
    compare, beta = RECONSTRUCTIONS[way]

    def objective(model: Layers, x: Tensor) -> Tensor:
        mu, logvar = model.encode(x)
        return compare(model.decoder(sample(mu, logvar)), x) + kl_of(mu, logvar)

    require_whole(report_of(objective), beta)


# --- what a loss weighs, as people write it -------------------------------------------------


def with_log_sigma() -> Layers:
    model = Layers()
    model.log_sigma = torch.nn.Parameter(torch.zeros(()))
    return model


Shape = Callable[[Any, Tensor, Tensor], Tensor]  # of the model, the prediction and x


def optimal_sigma(model: Layers, recon: Tensor, x: Tensor) -> Tensor:
    log_sigma = ((x - recon) ** 2).mean().sqrt().log()
    log_sigma = -6 + F.softplus(log_sigma + 6)
    return (0.5 * ((x - recon) / log_sigma.exp()) ** 2 + log_sigma).sum()


def by_cosine(model: Layers, recon: Tensor, x: Tensor) -> Tensor:
    return (1 - F.cosine_similarity(recon, x)).sum()


SHAPES: dict[str, tuple[Shape, float]] = {
    "a normal with a learned scale": (
        lambda m, recon, x: -Normal(recon, m.log_sigma.exp()).log_prob(x).sum(), 1.0
    ),
    "a Laplace with a learned scale": (
        lambda m, recon, x: ((x - recon).abs() / m.log_sigma.exp() + m.log_sigma).sum(), 1.0
    ),
    "its own deviation": (optimal_sigma, 1.0),
    "the logarithm of the mean squared error": (
        lambda m, recon, x: 0.5 * x.numel() * F.mse_loss(recon, x).log(), 1.0
    ),
    "pixels with weights": (
        lambda m, recon, x: (torch.linspace(1, 3, 6) * (recon - x) ** 2).sum(), 0.5
    ),
    "a sum by einsum": (lambda m, recon, x: torch.einsum("bi,bi->", recon - x, recon - x), 1.0),
    "pairwise distances": (lambda m, recon, x: F.pairwise_distance(recon, x).pow(2).sum(), 1.0),
    "cosine similarity": (by_cosine, 1.0),
    "smooth, partly beyond its corner": (
        lambda m, recon, x: F.smooth_l1_loss(recon, x, reduction="sum"), 1.0
    ),
    "counts of several words": (
        lambda m, recon, x: -(F.log_softmax(recon, 1) * x).sum(), 1.0
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_the_effective_beta_of_a_shape(name: str) -> None:
    shape, beta = SHAPES[name]

    def objective(model: Layers, x: Tensor) -> Tensor:
        mu, logvar = model.encode(x)
        return shape(model, model.decoder(sample(mu, logvar)), x) + kl_of(mu, logvar)

    assert betas(report_of(objective, with_log_sigma)) == [pytest.approx(beta, rel=1e-4)]


def betas(report: Report) -> list[float]:
    (scale,) = [finding for finding in report.findings if finding.id == "loss-scale"]
    return [float(v) for k, v in scale.evidence.facts.items() if k.startswith("effective_beta")]


def test_two_errors_have_a_beta_each() -> None:
    def objective(model: Layers, x: Tensor) -> Tensor:
        mu, logvar = model.encode(x)
        recon = model.decoder(sample(mu, logvar))
        both = F.mse_loss(recon, x, reduction="sum") + 0.5 * (recon - x).abs().sum()
        return both + kl_of(mu, logvar)

    assert betas(report_of(objective)) == [pytest.approx(1.0), pytest.approx(2.0)]


def test_a_detached_weight_is_that_of_the_run() -> None:
    def objective(model: Layers, x: Tensor) -> Tensor:
        mu, logvar = model.encode(x)
        error = F.mse_loss(model.decoder(sample(mu, logvar)), x, reduction="sum")
        kl = kl_of(mu, logvar)
        ratios.append((error / kl).item())
        return error + kl * (error.detach() / kl.detach())

    ratios: list[float] = []
    assert betas(report_of(objective)) == [pytest.approx(ratios[0], rel=1e-4)]


def test_a_bound_by_importance_weights_has_a_beta() -> None:
    def objective(model: Layers, x: Tensor) -> Tensor:
        mu, logvar = model.encode(x)
        q = Normal(mu, torch.exp(0.5 * logvar))
        z = q.rsample((4,))
        weights = Normal(model.decoder(z), 1.0).log_prob(x).sum(-1)
        weights = weights + Normal(0.0, 1.0).log_prob(z).sum(-1) - q.log_prob(z).sum(-1)
        return -(torch.logsumexp(weights, 0) - math.log(4)).mean()

    report = report_of(objective)
    assert report.complete
    assert betas(report) == [pytest.approx(1.0, rel=1e-4)]


def test_the_root_of_an_error_has_the_beta_of_its_slope() -> None:
    def objective(model: Layers, x: Tensor) -> Tensor:
        mu, logvar = model.encode(x)
        root = F.mse_loss(model.decoder(sample(mu, logvar)), x).sqrt()
        roots.append(root.item())
        return root + kl_of(mu, logvar) / len(x)

    roots: list[float] = []
    report = report_of(objective)
    # d√m = dm/(2√m): one element of a mean over 5·6 weighs 1/(2√m·30), one latent 1/5.
    assert betas(report) == [pytest.approx(2 * roots[0] * 30 / 5, rel=1e-4)]
    assert "at the numbers of this run" in report.findings[-1].title


def test_an_input_that_is_binarized_is_a_target() -> None:
    def objective(model: Layers, x: Tensor) -> Tensor:
        x = torch.bernoulli(x)
        mu, logvar = model.encode(x)
        p = torch.sigmoid(model.decoder(sample(mu, logvar)))
        return -(x * p.log() + (1 - x) * (1 - p).log()).sum() + kl_of(mu, logvar)

    require_whole(report_of(objective))


@pytest.mark.parametrize("seed", range(12))
def test_numbers_far_apart_are_compared_as_they_are(seed: int) -> None:
    # Where one element of the prediction is large, its exponential overshadows all others.
    scales = 10 ** torch.linspace(-2, 2.3, 6)
    x = torch.randn(5, 6, generator=torch.Generator().manual_seed(seed)) * scales

    def loss(model: Layers, x: Tensor) -> Tensor:
        mu, logvar = model.encode(x / scales)
        made = scales * model.decoder(sample(mu, logvar))
        return F.mse_loss(made, x, reduction="sum") + kl_of(mu, logvar)

    torch.manual_seed(seed)
    require_whole(audit(pipeline.recordings(held(Layers(), x, 11, objective=loss)), ALL))


def test_a_random_scale_of_noise_is_no_noise_and_a_constant_one_without_kl_no_tick() -> None:
    def objective(model: Layers, x: Tensor) -> Tensor:
        mu, _ = model.encode(x)
        width = torch.rand(len(mu), 1)
        return F.mse_loss(model.decoder(mu + width * torch.randn_like(mu)), x)

    report = report_of(objective)

    assert [finding for finding in report.findings if finding.id == "noise"] == []
    assert "latent-without-kl" in {rule.id for rule, _ in report.not_applied}
