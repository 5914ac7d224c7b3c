"""A variational graph autoencoder: two graph convolutions, edges from inner products."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class GraphConvolution(nn.Module):
    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_features, out_features))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, input: Tensor, adj: Tensor) -> Tensor:
        support = torch.mm(input, self.weight)
        return torch.mm(adj, support)


class GraphVAE(nn.Module):
    """Nodes in a ring, each beside the next two; their features are the input."""

    def __init__(
        self, nodes: int = 200, features: int = 64, hidden: int = 32, latents: int = 16
    ) -> None:
        super().__init__()
        self.gc1 = GraphConvolution(features, hidden)
        self.gc2 = GraphConvolution(hidden, latents)
        self.gc3 = GraphConvolution(hidden, latents)
        ring = torch.eye(nodes)
        near = sum(torch.roll(ring, step, 1) for step in (-2, -1, 1, 2))
        self.label: Tensor
        self.adj: Tensor
        self.register_buffer("label", near + ring)
        degree = self.label.sum(1).rsqrt()
        self.register_buffer("adj", degree[:, None] * self.label * degree)
        self.nodes = nodes

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        hidden1 = F.relu(self.gc1(x, self.adj))
        mu, logvar = self.gc2(hidden1, self.adj), self.gc3(hidden1, self.adj)
        z = mu + torch.randn_like(logvar) * torch.exp(logvar)
        preds = torch.mm(z, z.t())
        edges = self.label.sum()
        pos_weight = (self.nodes**2 - edges) / edges
        norm = self.nodes**2 / (2 * (self.nodes**2 - edges))
        cost = norm * F.binary_cross_entropy_with_logits(preds, self.label, pos_weight=pos_weight)
        KLD = (
            -0.5
            / self.nodes
            * torch.mean(torch.sum(1 + 2 * logvar - mu.pow(2) - logvar.exp().pow(2), 1))
        )
        return {"loss": cost + KLD, "cost": cost, "KLD": KLD}
