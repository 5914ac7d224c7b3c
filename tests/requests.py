"""Requests as tests ask for them: of a module at hand, as `explain` makes them."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from vae_explain.models.request import Request, UserModel


def held(model: nn.Module, x: Tensor, seed: int | None, **how: Any) -> Request:
    """Return a request for a module, with its loss or objective if it brings none."""
    return Request(x, seed, arithmetic="full", source=UserModel(model, **how))
