"""Whole documents of runs, composed as the command composes them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vae_explain import explain, pipeline
from vae_explain.analysis import gradient_check
from vae_explain.analysis.gradient_step import gradient_step
from vae_explain.models.request import Request
from vae_explain.pages.blocks import Walkthrough
from vae_explain.pages.walkthrough.document import document

from .models import MODELS
from .requests import held


def composed(request: Request) -> Walkthrough:
    """Compose the document of a run of the built-in VAE."""
    recorded = pipeline.run_with_model(request)
    check = gradient_check.check_in_reach(recorded.run, request.architecture)
    moved = gradient_step(recorded, 0.01)
    return document(recorded.run, check, moved, request.architecture)[0]


def of_a_model(name: str) -> Walkthrough:
    """Compose the document of one of `MODELS`."""
    own = MODELS[name]
    run = pipeline.run(held(own.build(), own.x(), seed=1, **own.keywords()))
    return document(run, gradient_check.check_in_reach(run, None))[0]


class Chooser(nn.Module):
    """x [1, 3]: it takes the numbers of x in an order that it has worked out from them."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        order = x.argsort(dim=1)
        taken = x.gather(1, order)
        return torch.tanh(self.linear(taken))


def objective(model: nn.Module, x: Tensor) -> Tensor:
    error: Tensor = (model(x) - x) ** 2
    return error.sum()


def of_choices() -> str:
    """Write the document of numbers that an index chose, as HTML."""
    x = torch.tensor([[0.5, -0.25, 0.75]])
    return explain(Chooser(), x, objective=objective, seed=1).document().to_html()
