"""Shaped for a trainer: it takes its batch apart, logs, and returns the loss of a step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LitVAE(nn.Module):
    def __init__(self, lr: float = 1e-3) -> None:
        super().__init__()
        self.lr = lr
        self.encoder = nn.Sequential(nn.Linear(6, 5), nn.ReLU())
        self.fc_mu = nn.Linear(5, 2)
        self.fc_var = nn.Linear(5, 2)
        self.decoder = nn.Sequential(nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, 6))

    def log(self, name: str, value: Tensor, prog_bar: bool = False) -> None:
        """What a trainer takes down."""

    def log_dict(self, values: dict[str, Tensor]) -> None:
        for name, value in values.items():
            self.log(name, value)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = self.encoder(x)
        mu, log_var = self.fc_mu(h), self.fc_var(h)
        z = mu + torch.exp(log_var / 2) * torch.randn_like(mu)
        return self.decoder(z), mu, log_var

    def _shared_step(self, batch: Sequence[Tensor]) -> dict[str, Tensor]:
        x, _ = batch
        x = x.view(x.size(0), -1)
        x_hat, mu, log_var = self(x)
        recon_loss = F.mse_loss(x_hat, x, reduction="mean")
        kl_loss = -0.5 * torch.mean(1 + log_var - mu.pow(2) - log_var.exp())
        elbo = recon_loss + kl_loss
        return {"loss": elbo, "recon_loss": recon_loss, "kl_loss": kl_loss}

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor:
        logs = self._shared_step(batch)
        self.log_dict({f"train_{name}": value.detach() for name, value in logs.items()})
        return logs["loss"]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.lr)
