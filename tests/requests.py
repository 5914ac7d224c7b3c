"""Requests as tests ask for them: of a module at hand, as `explain` makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from vae_explain import pipeline
from vae_explain.analysis.finite_differences import nudge
from vae_explain.analysis.gradient_check import Nudged
from vae_explain.engine.run import Run
from vae_explain.models.request import Request, UserModel


def held(model: nn.Module, x: Tensor, seed: int | None, **how: Any) -> Request:
    """Return a request for a module, with its loss or objective if it brings none."""
    return Request(x, seed, arithmetic="full", source=UserModel(model, **how))


def run_and_nudge(request: Request) -> tuple[Run, Mapping[str, Nudged] | str]:
    """Run a user's model, and take central differences of its loss."""
    run = pipeline.run(request)
    return run, nudge(request, run)
