"""A model whose parameters are called what an attacker would call them, and its pages."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vae_explain import pipeline
from vae_explain.pages.blocks import Heading, Note, Prose, Walkthrough
from vae_explain.pages.pictured import Curve, Diagram, Series
from vae_explain.pages.walkthrough import backward, forward, parameters

from .requests import held

HOSTILE = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>'


class HostileVAE(nn.Module):
    """Two layers, one with markup for a name, one with unbalanced brackets."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleDict({HOSTILE: nn.Linear(3, 2), "a]b[": nn.Linear(2, 3)})

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.layers[HOSTILE](x))
        recon = self.layers["a]b["](h)
        loss: Tensor = ((recon - x) ** 2).sum()
        return loss


def hostile_walkthrough() -> Walkthrough:
    """Return the model's pages in one, with its name in every place that takes words."""
    x = torch.tensor([[0.25, -0.5, 0.75]])
    run = pipeline.run(held(HostileVAE(), x, seed=0))
    pages = [parameters.parameters(run)[0], forward.forward(run)[0], backward.backward(run)[0]]
    blocks = [block for page in pages for block in page.blocks]
    blocks += [Heading(9, HOSTILE, HOSTILE), Prose(HOSTILE), Note(HOSTILE)]
    blocks += [Diagram(((HOSTILE, HOSTILE),)), Curve(HOSTILE, (Series(HOSTILE, (1.0, 2.0), "kl"),))]
    return Walkthrough(HOSTILE, HOSTILE, (HOSTILE,), tuple(blocks))
