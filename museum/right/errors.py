"""Right models that compare and weigh in another way than the usual one."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Independent, Normal, kl_divergence

from ..base import Layers, error_of, kl_each, kl_of, part, sample, with_
from ..cases import right_model


@right_model()
def annealed_to_a_part(model: Layers, x: Tensor) -> Tensor:
    """Annealed to a part."""
    mu, logvar = model.encode(x)
    step, warm_up = 37, 1000
    return error_of(model, sample(mu, logvar), x) + min(1.0, step / warm_up) * kl_of(mu, logvar)


@right_model()
def binary_cross_entropy_by_hand(model: Layers, x: Tensor) -> Tensor:
    """Binary cross entropy by hand."""
    mu, logvar = model.encode(x)
    p = torch.sigmoid(model.decoder(sample(mu, logvar))).clamp(1e-7, 1 - 1e-7)
    bce = -(x * torch.log(p) + (1 - x) * torch.log(1 - p)).sum()
    return bce + kl_of(mu, logvar)


def saturated() -> Layers:
    model = Layers()
    with torch.no_grad():
        model.decoder.get_parameter("2.bias").fill_(20.0)
    return model


@right_model(make=saturated)
def guarded_logarithms(model: Layers, x: Tensor) -> Tensor:
    """Binary cross entropy by hand, where all predictions are 1 but for rounding."""
    mu, logvar = model.encode(x)
    p = torch.sigmoid(model.decoder(sample(mu, logvar)))
    bce = -(x * torch.log(1e-6 + p) + (1 - x) * torch.log(1e-6 + 1 - p)).sum()
    return bce + kl_of(mu, logvar)


@right_model()
def constant_left_out(model: Layers, x: Tensor) -> Tensor:
    """Without the -1 the KL has another value and the same gradients."""
    mu, logvar = model.encode(x)
    kl = 0.5 * (mu.square() + logvar.exp() - logvar).sum()
    return error_of(model, sample(mu, logvar), x) + kl


@right_model()
def decoder_as_a_distribution(model: Layers, x: Tensor) -> Tensor:
    """Decoder as a distribution."""
    mu, raw = model.encode(x)
    q = Independent(Normal(mu, F.softplus(raw)), 1)
    p = Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1)
    z = q.rsample()
    likelihood = Independent(Normal(model.decoder(z), torch.tensor(0.1)), 1)
    elbo = likelihood.log_prob(x) - kl_divergence(q, p)
    return -elbo.mean()


@right_model(make=lambda: with_(spread=(3, 6)))
def decoder_with_a_deviation(model: Layers, x: Tensor) -> Tensor:
    """Decoder with a deviation."""
    mu, logvar = model.encode(x)
    z = sample(mu, logvar)
    log_variance = part(model, "spread")(z)
    error = 0.5 * (log_variance + (x - model.decoder(z)) ** 2 / log_variance.exp()).sum(1)
    return (error + kl_each(mu, logvar).sum(1)).mean()


@right_model()
def huber_and_absolute(model: Layers, x: Tensor) -> Tensor:
    """Huber and absolute."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    error = F.smooth_l1_loss(recon, x, reduction="sum") + 0.1 * F.l1_loss(recon, x, reduction="sum")
    return error + kl_of(mu, logvar)


@right_model()
def integer_target(model: Layers, x: Tensor) -> Tensor:
    """Integer target."""
    mu, logvar = model.encode(x)
    target = (x > 0.5).float()
    logits = model.decoder(sample(mu, logvar))
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="sum")
    return bce + kl_of(mu, logvar)


@right_model()
def library_likelihood(model: Layers, x: Tensor) -> Tensor:
    """Library likelihood."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    nll = F.gaussian_nll_loss(recon, x, 0.25 * torch.ones_like(x), reduction="sum")
    return nll + kl_of(mu, logvar)


class Numbers(nn.Module):
    """Parameters by themselves."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.numbers = nn.Parameter(0.1 * torch.arange(count))


def with_deviation() -> Layers:
    model = Layers()
    model.extra["sigma"] = Numbers(6)
    return model


@right_model(make=with_deviation)
def shared_learned_deviation(model: Layers, x: Tensor) -> Tensor:
    """Shared learned deviation."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    log_sigma = part(model, "sigma").numbers
    error = (0.5 * ((x - recon) / log_sigma.exp()) ** 2 + log_sigma).sum()
    return error + kl_of(mu, logvar)


@right_model(make=with_deviation)
def weighed_by_uncertainty(model: Layers, x: Tensor) -> Tensor:
    """The two terms' weights are learned."""
    mu, logvar = model.encode(x)
    a, b = part(model, "sigma").numbers[:2]
    error = F.mse_loss(model.decoder(sample(mu, logvar)), x, reduction="sum")
    return error * torch.exp(-a) + a + kl_of(mu, logvar) * torch.exp(-b) + b


@right_model()
def weight_as_a_tensor(model: Layers, x: Tensor) -> Tensor:
    """A weight given as a tensor, and as a buffer would be."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    beta = torch.tensor(0.3)
    error = (recon - x).square().flatten(1).sum(-1)
    kl = kl_each(mu, logvar).flatten(1).sum(-1)
    return torch.mean(error + beta * kl, dim=0)


@right_model()
def weight_decay_in_the_loss(model: Layers, x: Tensor) -> Tensor:
    """Weight decay in the loss."""
    mu, logvar = model.encode(x)
    decay = 1e-3 * sum((p**2).sum() for p in model.parameters())
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar) + decay
