"""A VAE with planar normalizing flows, whose parameters the encoder gives for every row."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Planar(nn.Module):
    """One step of a planar flow with amortized parameters."""

    def forward(self, zk: Tensor, u: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        zk = zk.unsqueeze(2)
        uw = torch.bmm(w, u)
        m_uw = -1.0 + F.softplus(uw)
        w_norm_sq = torch.sum(w**2, dim=2, keepdim=True)
        u_hat = u + ((m_uw - uw) * w.transpose(2, 1) / w_norm_sq)
        wzb = torch.bmm(w, zk) + b
        z = (zk + u_hat * torch.tanh(wzb)).squeeze(2)
        psi = w * (1 - torch.tanh(wzb) ** 2)
        log_det_jacobian = torch.log(torch.abs(1 + torch.bmm(psi, u_hat)))
        return z, log_det_jacobian.squeeze(2).squeeze(1)


class FlowVAE(nn.Module):
    def __init__(self, inputs: int = 784, hidden: int = 300, z_size: int = 30, flows: int = 8):
        super().__init__()
        self.z_size, self.flows = z_size, flows
        self.encoder = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU())
        self.q_mean = nn.Linear(hidden, z_size)
        self.q_var = nn.Sequential(nn.Linear(hidden, z_size), nn.Softplus())
        self.amor_u = nn.Linear(hidden, flows * z_size)
        self.amor_w = nn.Linear(hidden, flows * z_size)
        self.amor_b = nn.Linear(hidden, flows)
        self.flow = nn.ModuleList(Planar() for _ in range(flows))
        self.decoder = nn.Sequential(
            nn.Linear(z_size, hidden), nn.ReLU(), nn.Linear(hidden, inputs), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        batch_size = len(x)
        h = self.encoder(x.flatten(1))
        z_mu, z_var = self.q_mean(h), self.q_var(h)
        u = self.amor_u(h).view(batch_size, self.flows, self.z_size, 1)
        w = self.amor_w(h).view(batch_size, self.flows, 1, self.z_size)
        b = self.amor_b(h).view(batch_size, self.flows, 1, 1)
        z = [z_mu + torch.randn_like(z_mu) * z_var.sqrt()]
        log_det_j = torch.zeros(batch_size)
        for k in range(self.flows):
            z_k, log_det_jacobian = self.flow[k](z[k], u[:, k], w[:, k], b[:, k])
            z.append(z_k)
            log_det_j = log_det_j + log_det_jacobian
        x_mean = self.decoder(z[-1])
        bce = F.binary_cross_entropy(x_mean, x.flatten(1), reduction="sum")
        log_p_zk = torch.sum(-0.5 * z[-1] ** 2, dim=1)
        log_q_z0 = torch.sum(-0.5 * (z_var.log() + (z[0] - z_mu) ** 2 / z_var), dim=1)
        kl = torch.sum(log_q_z0 - log_p_zk) - torch.sum(log_det_j)
        loss = (bce + kl) / batch_size
        return {"loss": loss, "bce": bce, "kl": kl}
