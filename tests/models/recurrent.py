"""A VAE of sequences: a GRU reads them, an LSTM's cell that starts from z writes them again."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SequenceVAE(nn.Module):
    def __init__(self, width: int = 2, hidden: int = 3, latent: int = 2) -> None:
        super().__init__()
        self.reader = nn.GRU(width, hidden, batch_first=True)
        self.to_mu = nn.Linear(hidden, latent)
        self.to_logvar = nn.Linear(hidden, latent)
        self.to_start = nn.Linear(latent, hidden)
        self.writer = nn.LSTMCell(width, hidden)
        self.out = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        _, last = self.reader(x)
        summary = last.squeeze(0)
        mu, logvar = self.to_mu(summary), self.to_logvar(summary)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        h = self.to_start(z).tanh()
        c = torch.zeros_like(h)
        before = torch.zeros_like(x[:, 0])
        written = []
        for _ in range(x.shape[1]):
            h, c = self.writer(before, (h, c))
            before = self.out(h)
            written.append(before)
        return torch.stack(written, dim=1), mu, logvar


def elbo(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    mse = F.mse_loss(recon, x)
    kld = -0.5 * torch.mean(1 + logvar - mu**2 - logvar.exp())
    return mse + kld
