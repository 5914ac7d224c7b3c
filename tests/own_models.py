"""Small VAEs in the styles that people write them, for the tests of users' own models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence


def kl_of(mu: Tensor, logvar: Tensor) -> Tensor:
    return -0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp())


class Layers(nn.Module):
    """The layers that the VAEs below share; how they use them differs."""

    def __init__(self, width: int = 5, hidden: int = 4, latent: int = 2) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(width, hidden), nn.ReLU())
        self.to_mu = nn.Linear(hidden, latent)
        self.to_logvar = nn.Linear(hidden, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.Tanh(), nn.Linear(hidden, width))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.encoder(x)
        return self.to_mu(h), self.to_logvar(h)

    def sample(self, mu: Tensor, logvar: Tensor) -> Tensor:
        eps = torch.randn_like(mu)
        return mu + torch.exp(0.5 * logvar) * eps

    def decode(self, z: Tensor) -> Tensor:
        decoded: Tensor = self.decoder(z)
        return decoded


class TupleVAE(Layers):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encode(x)
        z = self.sample(mu, logvar)
        return self.decode(z), mu, logvar


def tuple_loss(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, beta: float = 0.5) -> Tensor:
    mse = F.mse_loss(recon, x, reduction="sum")
    kld = kl_of(mu, logvar)
    return mse + beta * kld


def logits_loss(logits: Tensor, target: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="sum")
    return bce + kl_of(mu, logvar)


class ListVAE(Layers):
    """Returns a list with the input in it, and has its loss as a method of any arguments."""

    def forward(self, input: Tensor) -> list[Tensor]:
        mu, log_var = self.encode(input)
        return [self.decode(self.sample(mu, log_var)), input, mu, log_var]

    def loss_function(self, *args: Tensor, **kwargs: Any) -> dict[str, Tensor]:
        recons, input, mu, log_var = args
        recons_loss = F.mse_loss(recons, input)
        kld_loss = torch.mean(-0.5 * torch.sum(1 + log_var - mu**2 - log_var.exp(), dim=1), dim=0)
        loss = recons_loss + 0.1 * kld_loss
        return {"loss": loss, "Reconstruction_Loss": recons_loss.detach(), "KLD": -kld_loss}


class DictVAE(Layers):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        mu, logvar = self.encode(x)
        z = self.sample(mu, logvar)
        return {"z": z, "x_hat": self.decode(z), "mean": mu, "log_var": logvar}


def dict_loss(x_hat: Tensor, target: Tensor, mu: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    error = F.l1_loss(x_hat, target, reduction="sum")
    return error + kl_of(mu, logvar), error


@dataclass
class Output:
    recon_x: Tensor
    mu: Tensor
    logvar: Tensor


class DataclassVAE(Layers):
    def forward(self, x: Tensor) -> Output:
        mu, logvar = self.encode(x)
        return Output(self.decode(self.sample(mu, logvar)), mu, logvar)


class LossInsideVAE(Layers):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        mu, logvar = self.encode(x)
        recon = self.decode(self.sample(mu, logvar))
        loss = F.smooth_l1_loss(recon, x, reduction="sum") + 4.0 * kl_of(mu, logvar)
        return {"loss": loss, "recon": recon}


class NormVAE(Layers):
    """Layer norm, batch norm and dropout; it returns its loss and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(5, 4), nn.BatchNorm1d(4), nn.LeakyReLU(0.1), nn.Dropout(0.25), nn.LayerNorm(4)
        )

    def forward(self, x: Tensor) -> Tensor:
        mu, logvar = self.encode(x)
        recon = self.decode(self.sample(mu, logvar))
        return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


class DistributionVAE(Layers):
    def forward(self, x: Tensor) -> Tensor:
        mu, logvar = self.encode(x)
        scale = F.softplus(logvar) + 1e-3
        q = Normal(mu, scale)
        z = q.rsample()
        recon = self.decode(z)
        prior = Normal(torch.zeros_like(mu), torch.ones_like(scale))
        kl = kl_divergence(q, prior).sum()
        mse = F.mse_loss(recon, x, reduction="sum")
        return mse + kl


class ConvVAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3, stride=2, padding=1)
        self.to_mu = nn.Linear(12, 2)
        self.to_logvar = nn.Linear(12, 2)
        self.expand = nn.Linear(2, 12)
        self.deconv = nn.ConvTranspose2d(3, 1, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.conv(x)).flatten(1)
        mu, logvar = self.to_mu(h), self.to_logvar(h)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        recon = self.deconv(self.expand(z).view(-1, 3, 2, 2))
        return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


class ConditionalVAE(Layers):
    def __init__(self) -> None:
        super().__init__(width=5)
        self.encoder = nn.Sequential(nn.Linear(5 + 2, 4), nn.ReLU())
        self.decoder = nn.Sequential(nn.Linear(2 + 2, 5))

    def forward(self, x: Tensor, label: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encode(torch.cat([x, label], dim=1))
        z = self.sample(mu, logvar)
        return self.decode(torch.cat([z, label], dim=1)), mu, logvar


def conditional_objective(model: nn.Module, x: Tensor) -> Tensor:
    label = torch.tensor([[0.0, 1.0]]).repeat(x.shape[0], 1)
    recon, mu, logvar = model(x, label)
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


class QuantisedVAE(nn.Module):
    """Picks the nearest of a few codes; the straight-through estimator passes gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(5, 2)
        self.codes = nn.Parameter(torch.tensor([[0.5, -0.5], [1.0, 1.0], [-1.0, 0.25]]))
        self.decoder = nn.Linear(2, 5)

    def forward(self, x: Tensor) -> Tensor:
        z = self.encoder(x)
        distances = ((z.unsqueeze(1) - self.codes.unsqueeze(0)) ** 2).sum(dim=2)
        nearest = self.codes[distances.argmin(dim=1)]
        passed = z + (nearest - z).detach()
        recon = self.decoder(passed)
        commitment = F.mse_loss(z, nearest.detach()) + F.mse_loss(nearest, z.detach())
        return F.mse_loss(recon, x) + 0.25 * commitment


class LightningVAE(Layers):
    """Shaped for a trainer: it takes batches of x and labels, and logs."""

    def log(self, name: str, value: Tensor) -> None:
        self.logged = name, float(value.detach())

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor:
        x, _ = batch
        mu, logvar = self.encode(x)
        recon = self.decode(self.sample(mu, logvar))
        mse = F.mse_loss(recon, x, reduction="sum")
        kl = kl_of(mu, logvar)
        loss = mse + kl
        self.log("loss", loss)
        return loss


def not_a_model() -> int:
    return 3


def scripted() -> nn.Module:
    return torch.jit.script(nn.Linear(2, 2))


def needs_an_argument(latent: int) -> nn.Module:
    return TupleVAE(latent=latent)


def unfitting_loss(reconstruction: Tensor, x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    return reconstruction.sum()
